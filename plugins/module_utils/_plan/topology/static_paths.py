# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what a topology that looks redundant loses all the same: paths are static, and nothing takes another one.

Where tunnels form no circle, every tunnel is the only path, and nothing looks redundant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..._base.problems import some
from ..._intent.topology.kinds import Pair, pair
from .ways import islands, neighbours, next_hops, single_points_of_failure

Lost = dict[str, list[str]]
"""What fails -> the pairs of sites that lose each other, although other tunnels would join them."""


def static_losses(sites: Sequence[str], pairs: Sequence[Pair], paired: Collection[str] = ()) -> str | None:
    """What the administrator is told of a VPN's tunnels, in a sentence or two; None if nothing looks redundant.

    ``paired``: the sites with two edges, which lose nothing with one of them, nor with one of their tunnels.
    """
    if len(pairs) < len(sites):  # a tree, or islands
        return None
    single = [one for one in pairs if not {*paired} & {*one}]
    told = (
        "paths are static: when a tunnel fails, its two sites do not reach each other, even if other sites reach both"
    )
    if len(pairs) == len(sites) * (len(sites) - 1) // 2:  # a mesh: nobody passes anything on
        return told if single else None
    tunnels = {" -- ".join(one) for one in pairs} - {" -- ".join(one) for one in single}
    lost = {what: between for what, between in lost_pairs(sites, pairs).items() if what not in tunnels | {*paired}}
    items = [f"without {what}: {some(between, 2)}" for what, between in lost.items()]
    if not single:
        return f"paths are static: {some(items, 4, '; ')}" if items else None
    return f"{told}. Further, {some(items, 4, '; ')}" if items else told


def lost_pairs(sites: Sequence[str], pairs: Sequence[Pair]) -> Lost:
    """The sites beyond its own ends that lose each other with an edge or a tunnel, edges first."""
    over_edges: dict[str, list[str]] = {}
    over_tunnels: dict[Pair, list[str]] = {}
    hops = next_hops(sites, pairs)
    for one in sites:
        for other in sorted(site for site in hops[one] if site > one):
            way = _way(hops, one, other)
            for edge in way[1:-1]:
                over_edges.setdefault(edge, []).append(f"{one} <-> {other}")
            for tunnel in map(pair, way, way[1:]) if len(way) > 2 else ():
                over_tunnels.setdefault(tunnel, []).append(f"{one} <-> {other}")
    needed = {*single_points_of_failure(sites, pairs)}  # which are told by themselves
    bridges = _bridges(sites, pairs)
    return {
        **{edge: over_edges[edge] for edge in sorted(over_edges) if edge not in needed},
        **{" -- ".join(one): over_tunnels[one] for one in sorted(over_tunnels) if one not in bridges},
    }


def _way(hops: Mapping[str, Mapping[str, str]], begin: str, end: str) -> list[str]:
    way = [begin]
    while way[-1] != end:
        way.append(hops[way[-1]][end])
    return way


def _bridges(sites: Sequence[str], pairs: Sequence[Pair]) -> set[Pair]:
    """The tunnels without which sites no longer reach each other over any path: those on no circle.

    Every other tunnel closes a circle with the tree that joins the sites, whose tunnels then are no bridges either.
    """
    parent: dict[str, str] = {}
    depth: dict[str, int] = {}
    beside = neighbours(sites, pairs)
    for group in islands(sites, pairs):
        depth[group[0]] = 0
        todo = [group[0]]
        while todo:
            site = todo.pop(0)
            for other in beside[site]:
                if other not in depth:
                    depth[other], parent[other] = depth[site] + 1, site
                    todo.append(other)
    tree = {pair(site, above) for site, above in parent.items()}
    bridges = set(tree)
    for one, other in pairs:
        if pair(one, other) in tree:
            continue
        while one != other:
            if depth[one] < depth[other]:
                one, other = other, one
            bridges.discard(pair(one, parent[one]))
            one = parent[one]
    return bridges
