# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: ``outside.publish``: ports of a site's public address that lead to a member."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._base.prefix import Prefix, collapse, parse_address, parse_any
from .._base.problems import Problems, unknown_keys
from .ports import parse_ports

ANY = "any"
"""Of ``from``: everybody. It has to be written out."""
_KEYS = ("member", "port", "to", "from", "address", "rate")
_RATE = re.compile(r"[1-9]\d{0,5}/(second|minute|hour|day)", re.ASCII)
Reader = Callable[[object, str], "str | None"]


@dataclass(frozen=True, order=True)
class Published:
    """``port`` and ``to``: as ``tcp/443``, outside and of the member. ``sources`` (): everybody. ``address`` None: the
    public address of the member's edge. ``rate``: of new connections."""

    member: str
    port: str
    to: str
    sources: tuple[Prefix, ...]
    address: str | None = None
    rate: str | None = None
    index: int = field(default=0, compare=False)

    def record(self) -> dict[str, Any]:
        """As plain data, as it may be asked for."""
        return {
            "member": self.member,
            "port": self.port,
            "to": self.to,
            "from": [str(prefix) for prefix in self.sources] or [ANY],
            **({} if self.address is None else {"address": self.address}),
            **({} if self.rate is None else {"rate": self.rate}),
        }


def parse_published(raw: object, path: str, member: Reader, problems: Problems) -> tuple[Published, ...]:
    """Read a list of published ports, sorted. ``member`` reads the name of one at a path."""
    if raw is None:
        return ()
    if not isinstance(raw, (list, tuple)):
        problems.add(path, f"must be a list such as [{{member: web1, port: tcp/443, from: [any]}}], not {raw!r}")
        return ()
    found = (_published(entry, index, f"{path}[{index}]", member, problems) for index, entry in enumerate(raw))
    return tuple(sorted(one for one in found if one is not None))


def _published(raw: object, index: int, path: str, member: Reader, problems: Problems) -> Published | None:
    if not isinstance(raw, Mapping):
        problems.add(path, f"must be a mapping with member, port and from, not {raw!r}")
        return None
    before = len(problems)
    unknown_keys(raw, _KEYS, path, problems)
    name = None
    if raw.get("member") is None:
        problems.add(f"{path}.member", "is missing: the member that the port leads to")
    else:
        name = member(raw["member"], f"{path}.member")
    port = _port(raw.get("port"), f"{path}.port", problems)
    to = port if raw.get("to") is None else _port(raw["to"], f"{path}.to", problems)
    if port and to and port.partition("/")[0] != to.partition("/")[0]:
        problems.add(f"{path}.to", f"{to} is of another protocol than {port}")
    sources = _sources(raw.get("from"), f"{path}.from", problems)
    address = None
    if raw.get("address") is not None:
        try:
            address = parse_address(str(raw["address"])).address()
        except ValueError as error:
            problems.add(f"{path}.address", str(error))
    rate = raw.get("rate")
    if rate is not None and not (isinstance(rate, str) and _RATE.fullmatch(rate)):
        problems.add(
            f"{path}.rate", f"must be new connections per second, minute, hour or day, such as 10/second, not {rate!r}"
        )
    if name is None or port is None or to is None or len(problems) > before:
        return None
    return Published(name, port, to, sources, address, rate, index)


def _port(raw: object, path: str, problems: Problems) -> str | None:
    if raw is None:
        problems.add(path, "is missing: such as tcp/443")
        return None
    if not isinstance(raw, str) or "-" in raw:
        problems.add(path, f"must be one port, such as tcp/443, not {raw!r}; publish each on its own")
        return None
    found = Problems()
    ports = parse_ports([raw], path, found)
    for error in found:
        problems.add(path, error.message)
    return ports[0] if ports else None


def _sources(raw: object, path: str, problems: Problems) -> tuple[Prefix, ...]:
    """Who may open connections; () for everybody."""
    if raw is None or raw == []:
        problems.add(
            path, f"is missing: networks such as [198.51.100.0/24]; write [{ANY}] if all hosts may open connections"
        )
        return ()
    texts = raw if isinstance(raw, (list, tuple)) else [raw]
    if ANY in texts:
        if len(texts) > 1:
            problems.add(path, f"{ANY} includes all hosts: remove the others, or remove {ANY}")
        return ()
    found = []
    for index, text in enumerate(texts):
        place = f"{path}[{index}]" if texts is raw else path
        try:
            prefix = parse_any(str(text))
        except ValueError as error:
            problems.add(place, str(error))
            continue
        if not prefix.length:
            problems.add(place, f"{prefix} is all hosts: write {ANY}")
        found.append(prefix)
    return tuple(collapse(found))
