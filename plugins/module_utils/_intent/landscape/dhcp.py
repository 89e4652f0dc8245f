# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: ``vcc_dhcp`` of an org edge or a vApp edge: that it serves DHCP on the network that it is the gateway of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..._base.coerce import boolean, integer, texts
from ..._base.prefix import Prefix, parse_address
from ..._base.problems import unknown_keys
from .facts import Facts
from .hosts import LEASE, Addresses, Dhcp

VARIABLE = "vcc_dhcp"
AUTO = "auto"

_KEYS = ("range", "dns", "lease", "mtu")
_DURATION = re.compile(r"(\d{1,7})\s*([smhd]?)", re.ASCII | re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SHORTEST, _LONGEST = 120, 30 * 86400  # dnsmasq takes nothing shorter for an answer
_SERVERS = 16  # dnsmasq refuses to start with more than fit into an option, and into a line
_SMALLEST, _LARGEST = 576, 9216  # RFC 791: what every host must take


def read_dhcp(host: Facts, address: str, inside: Addresses, network: str, networks: Sequence[Prefix]) -> Dhcp | None:
    """What the edge serves; None if nothing, or if something is wrong, which is noted.

    ``address`` and ``network`` are the variables with the edge's addresses and networks inside.
    """
    given: Any = host.variables.get(VARIABLE)
    given = given if isinstance(given, Mapping) else boolean(given)
    if given is None or given is False:
        return None
    if given is not True and not isinstance(given, Mapping):
        host.wrong(VARIABLE, f"must be true, false or a mapping with {', '.join(_KEYS)}, not {given!r}")
        return None
    before = len(host.problems)
    said: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    unknown_keys(said, _KEYS, f"{host.place}.{VARIABLE}", host.problems)
    own = parse_address(inside[4]) if 4 in inside else None
    around = [one for one in networks if own is not None and one.contains(own)]
    served = max(around, key=lambda one: one.length, default=None)
    if own is None or served is None:
        if networks and inside:  # else that is a mistake of its own
            host.wrong(
                VARIABLE,
                f"DHCP is served on IPv4 networks, and {address} and {network} have none with the edge in it; leave "
                f"it out (IPv6: router advertisements), or give an IPv4 address and network",
            )
        return None
    dynamic = _range(host, said, served, own)
    found = Dhcp(served, _lease(host, said), _dns(host, said), dynamic, _mtu(host, said))
    return found if len(host.problems) == before else None


def _range(host: Facts, said: Mapping[str, Any], network: Prefix, own: Prefix) -> tuple[Prefix, Prefix] | None:
    raw = texts(said.get("range"))
    if raw is None:
        return None
    ends = _addresses(host, "range", raw)
    if ends is None:
        return None
    if len(ends) != 2:
        _wrong(host, "range", f"must be the first and the last address, such as {_example(network)}, not {raw!r}")
        return None
    first, last = ends
    if first.first > last.first:
        _wrong(host, "range", f"{first.address()} comes after {last.address()}; exchange them")
        return None
    usable = (network.first + 1, network.last - 1) if network.size > 2 else (network.first, network.last)
    if first.first < usable[0] or last.first > usable[1]:
        ends_text = f"{first.address()} to {last.address()}"
        _wrong(
            host,
            "range",
            f"{ends_text} is not within the addresses of {network} that hosts can have; take a part of it, such as "
            f"{_example(network)}",
        )
        return None
    if first.first <= own.first <= last.first:
        _wrong(host, "range", f"{own.address()} in it is the edge's own address; leave it out")
        return None
    return first, last


def _example(network: Prefix) -> str:
    middle = network.first + network.size // 2
    ends = [Prefix(4, number, 32).address() for number in (middle, max(middle, network.last - 1))]
    return f"[{', '.join(ends)}]"


def _dns(host: Facts, said: Mapping[str, Any]) -> tuple[str, ...]:
    raw = texts(said.get("dns"))
    found = None if raw is None else _addresses(host, "dns", raw)
    servers = tuple(dict.fromkeys(one.address() for one in found or ()))
    if len(servers) > _SERVERS:
        _wrong(
            host, "dns", f"are {len(servers)} servers, and at most {_SERVERS} are told; resolvers ask the first three"
        )
    return servers


def _lease(host: Facts, said: Mapping[str, Any]) -> int:
    raw = said.get("lease", LEASE)
    match = None if isinstance(raw, bool) else _DURATION.fullmatch(str(raw).strip())
    seconds = int(match[1]) * _SECONDS[match[2].lower()] if match else 0
    if not _SHORTEST <= seconds <= _LONGEST:
        _wrong(host, "lease", f"must be a time from 2m to 30d, such as 1h, 12h or 3600 (seconds), not {raw!r}")
    return seconds


def _mtu(host: Facts, said: Mapping[str, Any]) -> int | None:
    raw = integer(said.get("mtu", AUTO))
    if raw == AUTO:
        return None
    if isinstance(raw, bool) or not isinstance(raw, int) or not _SMALLEST <= raw <= _LARGEST:
        _wrong(host, "mtu", f"must be {AUTO}, or octets from {_SMALLEST} to {_LARGEST}, not {raw!r}")
        return None
    return raw


def _addresses(host: Facts, key: str, raw: Any) -> list[Prefix] | None:
    if not isinstance(raw, list) or not all(isinstance(one, str) for one in raw):
        _wrong(host, key, f"must be a list of IPv4 addresses, not {raw!r}")
        return None
    found = []
    for text in raw:
        try:
            address = parse_address(text)
        except ValueError as error:
            _wrong(host, key, str(error))
            return None
        if address.family != 4:
            _wrong(host, key, f"{text} is an IPv6 address; DHCP is served for IPv4 only")
            return None
        found.append(address)
    return found


def _wrong(host: Facts, key: str, message: str) -> None:
    host.wrong(f"{VARIABLE}.{key}", message)
