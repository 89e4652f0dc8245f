# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the firewall's file leaves to the node, as elements of the file's sets.

Those are the link-layer addresses of senders, and the next hop to a member that is behind a router of the user's own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from ..document import Generation
from ..system.run import CommandError
from .neighbours import Neighbour, located, told
from .usage import FAMILY, TABLE

MARK = "set senders4 "  # a template of the user's own need not have these sets


def elements(generation: Generation, text: str) -> str:
    """nft's commands that fill the sets of the rendered file `text`."""
    if MARK not in text or not generation.listed("neighbours"):
        return ""
    sources: dict[str, list[str]] = {}
    pairs: dict[str, set[str]] = {}
    for one in found(generation):
        family = 6 if ":" in one.address else 4
        if one.router and not one.uplink:
            pairs.setdefault(f"hops{family}", set()).add(f"{one.address} . {one.router}")
        # An uplink's block has members' addresses in it, some of which may not be bound.
        sources.setdefault(f"bound{family}" if one.macs else f"unbound{family}", []).extend(_sources(one))
        pairs.setdefault(f"senders{family}", set()).update(
            f"{source} . {mac}" for source in _sources(one) for mac in one.macs
        )
    filled = {name: _collapsed(some) for name, some in sources.items()} | {
        name: sorted(some) for name, some in pairs.items() if some
    }
    return "".join(f"add element {FAMILY} {TABLE} {name} {{ {', '.join(filled[name])} }}\n" for name in sorted(filled))


def _sources(one: Neighbour) -> tuple[str, ...]:
    """What it sends from. An edge of a pair reports errors from its own address (icmp_errors_use_inbound_ifaddr)."""
    return (one.address, *one.own, *one.sends)


def found(generation: Generation) -> list[Neighbour]:
    """Where they are. Where that cannot be told, nothing keeps the firewall away: they are taken to be on the wire."""
    try:
        return located(generation)
    except (CommandError, OSError, ValueError):
        return told(generation)


def _collapsed(prefixes: Iterable[str]) -> list[str]:
    """Without overlaps, which not every nft takes in one command."""
    networks = [ipaddress.ip_network(prefix) for prefix in prefixes]
    four = [network for network in networks if isinstance(network, ipaddress.IPv4Network)]
    six = [network for network in networks if isinstance(network, ipaddress.IPv6Network)]
    return [str(network) for network in (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six))]
