# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a document brings, held against the addresses and routes that a machine has already (survey.py).

Pure: the plan asks it with the facts of the survey, the commit with those of the moment. A document's VPN block may lie
over nothing that the machine reaches by itself: both would have the same addresses, and one of them would be lost.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Union

from .document import is_for_moved

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
ANY_ADDRESS = "%any"


@dataclass
class Found:
    """``refused``: what must not be applied. ``notes``: what may divert packets and need not."""

    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def blocks(document: Mapping[str, Any]) -> dict[str, str]:
    """The VPN blocks that a document brings, each with what it is in words."""
    found = {
        str(block): f"block {block} of VPN {vpn['name']}"
        for vpn in document.get("vpns") or []
        for block in vpn.get("blocks") or []
    }
    if document.get("role") == "member":  # it is told routes only; those that hold an address of its own are blocks
        own = [ipaddress.ip_interface(entry["address"]).ip for entry in document.get("addresses") or []]
        for route in document.get("routes") or []:
            network = ipaddress.ip_network(route["prefix"])
            if network.prefixlen and any(one in network for one in own if one.version == network.version):
                found.setdefault(str(network), f"VPN block {network}")
    return found


def collisions(
    document: Mapping[str, Any], had: Mapping[str, Any], devices: Mapping[str, Any], routes: Iterable[str]
) -> Found:
    """Addresses and routes of a machine that blocks of ``document`` lie over.

    ``devices`` and ``routes`` are those of the survey, without ours. Of the blocks of ``had``, which the machine runs
    already, there are notes only: to refuse them would stop the run that takes them away.
    """
    found = Found()
    own = {entry["address"] for entry in document.get("addresses") or []}
    runs = blocks(had)
    attached: set[tuple[str, str]] = set()
    wanted = [(ipaddress.ip_network(block), words, block in runs) for block, words in blocks(document).items()]
    for name, device in devices.items():
        for text in device["addresses"]:
            interface = ipaddress.ip_interface(text)
            attached.add((str(interface.network), name))
            if text in own or interface.ip.is_link_local:
                continue
            for block, words, running in wanted:
                if _overlap(interface.network, block):
                    found_in = found.notes if running else found.refused
                    found_in.append(f"device {name} has the address {text}, and {words} lies over it; {_FIX}")
    for text in routes:
        prefix, *rest = text.split()
        network = ipaddress.ip_network(prefix)
        device = rest[rest.index("dev") + 1] if "dev" in rest else ""
        if not network.prefixlen or (str(network), device) in attached or str(network) in own:
            continue
        for block, words, running in wanted:
            kind = _judge(network, block, rest)
            if kind == "refused" and not running:
                found.refused.append(f"there is a route {text}, and {words} lies over it; {_FIX}")
            elif kind:
                found.notes.append(f"there is a route {text}, which may take packets for {words}")
    return found


_FIX = "give the VPN another pool, or the network another prefix"


def _judge(network: Network, block: Network, rest: list[str]) -> str:
    """What a route of somebody else means for a block: ``refused``, ``notes`` or nothing.

    A wider route loses to ours, which is longer, unless a rule has another table asked first. A wider network that is
    attached does not: its machines within the block could not be reached any more.
    """
    if not _overlap(network, block):
        return ""
    if network.prefixlen >= block.prefixlen:
        return "refused"
    if "table" in rest:
        return "notes"
    attached = "via" not in rest and not {"blackhole", "unreachable", "prohibit"} & set(rest)
    return "refused" if attached else ""


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)  # type: ignore[arg-type]


def missing_addresses(document: Mapping[str, Any], had: Mapping[str, Any], held: Iterable[str]) -> dict[str, list[str]]:
    """The public addresses that tunnels of ``document`` leave by and the machine does not have, each with its tunnels.

    ``held`` are all addresses of the machine. What ``had`` has already is left out, as above. An edge behind a NAT does
    not say by which address it leaves.
    """
    there = {ipaddress.ip_interface(text).ip for text in held}
    before = {(tunnel["name"], tunnel.get("local_address")) for tunnel in had.get("tunnels") or []}
    found: dict[str, list[str]] = {}
    for tunnel in document.get("tunnels") or []:
        address = str(tunnel.get("local_address") or ANY_ADDRESS)
        if address == ANY_ADDRESS or (tunnel["name"], address) in before:
            continue
        if ipaddress.ip_address(address) not in there:
            found.setdefault(address, []).append(tunnel["name"])
    return found


def lacking(address: str, held: Iterable[str]) -> str:
    """In words, for the edge that has not got its public address."""
    family = ipaddress.ip_address(address).version
    there = [ipaddress.ip_interface(text).ip for text in held]
    usable = [str(one) for one in there if one.version == family and not (one.is_loopback or one.is_link_local)]
    return (
        f"no device has the address {address}; this machine has {', '.join(usable) or 'none of that family'}. Correct "
        "vcc_public_address, or say vcc_behind_nat where a NAT has that address"
    )


HOLDS_NO_ADDRESS = (5, 9, 12)
"""The first strongSwan whose ESP in user space takes selectors in which the edge itself has no address."""


def moved_here(document: Mapping[str, Any], version: str) -> str:
    """Why an edge with ESP in user space cannot serve the members that moved to it; empty if it can.

    ``version``: its strongSwan's.
    """
    numbers = tuple(int(word) for word in version.split(".") if word.isdigit())
    if not numbers or numbers >= HOLDS_NO_ADDRESS:
        return ""
    held = [ipaddress.ip_interface(entry["address"]).ip for entry in document.get("addresses") or []]
    links = [
        link for tunnel in document.get("tunnels") or [] for link in filter(is_for_moved, tunnel.get("links") or [])
    ]
    every = sorted({text for link in links if "esp" in link for text in link["local_ts"]})
    bare = [text for text in every if not any(own in ipaddress.ip_network(text) for own in held)]
    if not bare:
        return ""
    return (
        f"strongSwan {version} with ESP in user space cannot serve members that moved here with their addresses "
        f"({', '.join(bare)}): it takes 5.9.12, or a kernel with ESP; or let them have other addresses, with -e "
        "vcc_allow_renumber=true"
    )
