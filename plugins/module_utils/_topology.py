# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: which sites a VPN joins by tunnels.

A topology is a function from a VPN's sites to pairs of sites. All that follows (links, selectors, routes, firewall)
is compiled from the pairs and does not know which topology they came from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations

Pair = tuple[str, str]


def mesh(sites: Sequence[str]) -> list[Pair]:
    """Every site with every other: n·(n−1)/2 tunnels, one hop between any two members."""
    return list(combinations(sorted(sites), 2))


TOPOLOGIES: Mapping[str, Callable[[Sequence[str]], list[Pair]]] = {"mesh": mesh}


def initiator(pair: Pair, unreachable: Collection[str] = ()) -> str:
    """The end that starts the tunnel. Exactly one does: two leave duplicate SAs behind (strongSwan issue 1801).

    An end that is among the ``unreachable`` (behind a NAT) has to. Elsewhere it is decided by a checksum of the pair
    rather than by name order, so that in a large mesh the work of initiating is spread over the edges.
    """
    low, high = sorted(pair)
    if (low in unreachable) != (high in unreachable):
        return low if low in unreachable else high
    return low if sum(f"{low} {high}".encode()) % 2 == 0 else high
