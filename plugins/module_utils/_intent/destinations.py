# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: destinations, what a VPN's members may reach beyond each other, behind an edge.

A *server* is one host that is no member. It gets an address of the VPN, which its edge translates, so that networks may
overlap. A *network* is reached at its own addresses, which nobody else may have. Neither can open a connection to a
member.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._base.prefix import Prefix, parse_address
from .._base.problems import Problems, unknown_keys
from .ports import Ports, parse_ports

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_KINDS: Mapping[str, tuple[str, ...]] = {
    "servers": ("name", "behind", "address", "ports"),
    "networks": ("network", "behind", "ports", "probe"),
}
LEAST_NETWORK = 4
"""Its first address is nobody's (RFC 1122, 3.2.1.3; RFC 4291, 2.6.1): with the userspace backend, an edge of ours that
has the network in a local selector takes it."""


@dataclass(frozen=True)
class Server:
    """One host behind an edge, at its own address there. ``ports`` None: all of them."""

    name: str
    behind: str
    address: Prefix
    ports: Ports | None
    index: int = 0

    def record(self) -> dict[str, Any]:
        """As plain data, as it was asked for."""
        own: dict[str, Any] = {"name": self.name, "behind": self.behind, "address": self.address.address()}
        return own if self.ports is None else {**own, "ports": list(self.ports)}


@dataclass(frozen=True)
class Network:
    """A network behind an edge. ``probe``: a host in it that verify may ask; None where none is known."""

    prefix: Prefix
    behind: str
    ports: Ports | None
    probe: str | None
    index: int = 0

    def record(self) -> dict[str, Any]:
        """As plain data, as it was asked for."""
        own: dict[str, Any] = {"network": str(self.prefix), "behind": self.behind}
        own = own if self.ports is None else {**own, "ports": list(self.ports)}
        return own if self.probe is None else {**own, "probe": self.probe}


@dataclass(frozen=True)
class Destinations:
    """All of a VPN's, sorted, so that their order has no meaning. None of either is ``members_only``."""

    servers: tuple[Server, ...] = ()
    networks: tuple[Network, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.servers or self.networks)

    def behind(self, sites: Callable[[str], str | None]) -> Destinations:
        """The same, behind what ``sites`` makes of their edges' names."""
        return Destinations(
            tuple(replace(one, behind=sites(one.behind) or one.behind) for one in self.servers),
            tuple(replace(one, behind=sites(one.behind) or one.behind) for one in self.networks),
        )

    def networks_of(self, site: str) -> list[Prefix]:
        """The networks behind one edge."""
        return [network.prefix for network in self.networks if network.behind == site]

    def networks_beyond(self, site: str) -> list[Prefix]:
        """The networks behind the other edges."""
        return [network.prefix for network in self.networks if network.behind != site]

    def record(self) -> dict[str, Any]:
        """As plain data, as the ledger keeps it; only what there is."""
        found = {"servers": [one.record() for one in self.servers], "networks": [one.record() for one in self.networks]}
        return {kind: entries for kind, entries in found.items() if entries}


MEMBERS_ONLY = "members_only"


def parse_destinations(raw: object, path: str, problems: Problems) -> Destinations:
    """Read ``members_only`` (or nothing), or ``{"servers": [...], "networks": [...]}``. Errors go to ``problems``."""
    if raw is None or raw == MEMBERS_ONLY:
        return Destinations()
    if not isinstance(raw, Mapping):
        problems.add(path, f"must be {MEMBERS_ONLY}, or a mapping with servers and networks, not {raw!r}")
        return Destinations()
    unknown_keys(raw, _KINDS, path, problems)
    entries = {kind: _entries(raw.get(kind), kind, f"{path}.{kind}", problems) for kind in _KINDS}
    servers = [_server(entry, index, place, problems) for index, place, entry in entries["servers"]]
    networks = [_network(entry, index, place, problems) for index, place, entry in entries["networks"]]
    return Destinations(
        tuple(sorted((one for one in servers if one is not None), key=lambda one: one.name)),
        tuple(sorted((one for one in networks if one is not None), key=lambda one: one.prefix)),
    )


def destinations_from_record(record: Mapping[str, Any]) -> Destinations:
    """The inverse of :meth:`Destinations.record`."""
    return parse_destinations(record, "", Problems())


def _entries(raw: object, kind: str, path: str, problems: Problems) -> Sequence[tuple[int, str, Mapping[str, Any]]]:
    if raw is None:
        return []
    if not isinstance(raw, (list, tuple)):
        problems.add(path, f"must be a list of mappings with {', '.join(_KINDS[kind])}")
        return []
    found = []
    for index, entry in enumerate(raw):
        place = f"{path}[{index}]"
        if isinstance(entry, Mapping):
            unknown_keys(entry, _KINDS[kind], place, problems)
            found.append((index, place, entry))
        else:
            problems.add(place, f"must be a mapping with {', '.join(_KINDS[kind])}, not {entry!r}")
    return found


def _server(raw: Mapping[str, Any], index: int, path: str, problems: Problems) -> Server | None:
    before = len(problems)
    name = _text(raw, "name", "a name of its own, which its address is leased under", path, problems)
    if name is not None and not _NAME.fullmatch(name):
        problems.add(f"{path}.name", f"{name!r} must be letters, digits, dots, hyphens and underscores, at most 63")
    behind = _text(raw, "behind", "the org edge that it is behind", path, problems)
    text = _text(raw, "address", "where its edge reaches it", path, problems)
    ports = parse_ports(raw.get("ports"), f"{path}.ports", problems)
    try:
        address = parse_address(text) if text is not None else None
    except ValueError as error:
        problems.add(f"{path}.address", str(error))
        address = None
    if name is None or behind is None or address is None or len(problems) > before:
        return None
    return Server(name, behind, address, ports, index)


def _network(raw: Mapping[str, Any], index: int, path: str, problems: Problems) -> Network | None:
    before = len(problems)
    text = _text(raw, "network", "a CIDR", path, problems)
    behind = _text(raw, "behind", "the org edge that it is behind", path, problems)
    ports = parse_ports(raw.get("ports"), f"{path}.ports", problems)
    try:
        prefix = Prefix.parse(text) if text is not None else None
    except ValueError as error:
        problems.add(f"{path}.network", str(error))
        prefix = None
    probe = None
    if prefix is not None and raw.get("probe") is not None:
        probe = _probe(raw["probe"], prefix, f"{path}.probe", problems)
    if prefix is None or behind is None or len(problems) > before:
        return None
    return Network(prefix, behind, ports, probe, index)


def _probe(raw: object, prefix: Prefix, path: str, problems: Problems) -> str | None:
    try:
        address = parse_address(str(raw))
    except ValueError as error:
        problems.add(path, str(error))
        return None
    if not prefix.contains(address):
        problems.add(path, f"{raw} is not in {prefix}")
        return None
    return address.address()


def _text(raw: Mapping[str, Any], key: str, meaning: str, path: str, problems: Problems) -> str | None:
    value = raw.get(key)
    if value is None:
        problems.add(f"{path}.{key}", f"is missing: {meaning}")
    elif not isinstance(value, str) or not value:
        problems.add(f"{path}.{key}", f"must be {meaning}, not {value!r}")
    else:
        return str(value)
    return None
