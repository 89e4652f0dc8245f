# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where packets for the document's routes really go: rules and tables of others may come first. Changes nothing."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from typing import Union

from ..document import Document, Generation
from ..state import Store
from ..system.run import CommandError, have, run
from . import routes

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


def diverted(generation: Generation, store: Store) -> list[Document]:
    """The routes of a document that the kernel does not take: prefix, `expected` and `seen`, in words."""
    if not have("ip"):
        return []
    wanted = routes.wanted(generation, store.arrivals, store.lanes)
    networks = [ipaddress.ip_network(route.prefix) for route in wanted]
    addresses = inside(networks)
    found = []
    for family in (4, 6):
        asked: dict[str, routes.Route] = {}
        for route, network in zip(wanted, networks):
            address = addresses[network] if route.kind == "unicast" and route.family == family else ""
            if address:
                asked[address] = route
        taken = _taken(family, asked)
        for address, route in asked.items():
            if not _same(route, taken.get(address)):
                found.append({"prefix": route.prefix, "expected": str(route), "seen": _words(taken.get(address))})
    return found


def inside(networks: Iterable[Network]) -> dict[Network, str]:
    """For each network an address that no more specific one has; empty if they cover it. Cost grows as sorting does."""
    ordered = sorted(set(networks), key=lambda network: (network.version, int(network[0]), network.prefixlen))
    found = {}
    for at, network in enumerate(ordered):
        first, last = int(network[0]), int(network[-1])
        free, gap = first, None
        # Networks lie in one another or apart: those within this one come next, and theirs after each of them.
        for after in range(at + 1, len(ordered)):
            inner = ordered[after]
            if inner.version != network.version or int(inner[0]) > last:
                break
            if gap is None and int(inner[0]) > free:
                gap = free
            free = max(free, int(inner[-1]) + 1)
        number = last if free <= last else gap
        found[network] = "" if number is None else str(type(network[0])(number))
    return found


def _taken(family: int, addresses: Iterable[str]) -> dict[str, Document]:
    """What `ip route get` says, by address. What it finds no route for is left out."""
    lines = "".join(f"route get {address}\n" for address in addresses)
    if not lines:
        return {}
    try:
        said = run("sh", "-c", f"ip -j -force -{family} -batch - 2>/dev/null || :", stdin=lines)
        found = [json.loads(line) for line in said.splitlines() if line.strip()]
    except (CommandError, ValueError):
        return {}
    return {str(entry["dst"]): entry for entries in found for entry in entries if entry.get("dst")}


def _same(route: routes.Route, taken: Document | None) -> bool:
    if taken is None:
        return False
    if taken.get("type", "unicast") == "local":  # an address of this node
        return True
    if route.via:
        return bool(taken.get("gateway") == route.via)
    return bool(taken.get("dev") == route.device and "gateway" not in taken)


def _words(taken: Document | None) -> str:
    if taken is None:
        return "no route"
    words = [
        f"{word} {taken[key]}" for key, word in (("gateway", "via"), ("dev", "dev"), ("table", "table")) if key in taken
    ]
    return " ".join([*([str(taken["type"])] if "type" in taken else []), *words])
