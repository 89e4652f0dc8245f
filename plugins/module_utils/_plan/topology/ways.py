# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: shortest ways over a VPN's tunnels, and what cannot do without what.

The way between two sites is the one with the fewest tunnels. Of several that are as short, it is the one whose last
tunnel by name comes first; where that is the same, the last but one decides, and so on. That orders ways as if every
tunnel had a length of its own, each a little more than all that come before it by name together: so there is exactly
one shortest way between two sites, it is the same in both directions, and every part of it is a shortest way, too.
Routing by destination, hop by hop, therefore follows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..._intent.topology.kinds import Pair, pair

Hops = dict[str, dict[str, str]]
"""site -> other site -> the neighbour that the way to it begins with."""


def neighbours(sites: Iterable[str], pairs: Iterable[Pair]) -> dict[str, list[str]]:
    """Who has a tunnel with whom."""
    found: dict[str, list[str]] = {site: [] for site in sites}
    for one, other in pairs:
        found[one].append(other)
        found[other].append(one)
    return found


def next_hops(sites: Sequence[str], pairs: Iterable[Pair]) -> Hops:
    """The first hop of the way from every site to every other that it reaches."""
    beside = neighbours(sites, pairs)
    return {site: _next_hops(site, beside) for site in sites}


def _next_hops(source: str, beside: Mapping[str, Sequence[str]]) -> dict[str, str]:
    hops = {site: site for site in beside[source]}
    before = dict.fromkeys(beside[source], source)  # the site before, on the way there
    edge: Iterable[str] = beside[source]
    while len(hops) < len(beside) - 1:
        further: dict[str, str] = {}
        for site in edge:
            for other in beside[site]:
                if other == source or other in hops:
                    continue
                rival = further.get(other)
                if rival is None or _way(source, site, other, before) < _way(source, rival, other, before):
                    further[other] = site
        if not further:  # an island
            break
        before.update(further)
        hops.update((other, hops[site]) for other, site in further.items())
        edge = further
    return hops


def _way(source: str, site: str, other: str, before: Mapping[str, str]) -> list[Pair]:
    """The tunnels from ``source`` over ``site`` to ``other``, last by name first."""
    tunnels = [pair(site, other)]
    while site != source:
        tunnels.append(pair(before[site], site))
        site = before[site]
    return sorted(tunnels, reverse=True)


def islands(sites: Sequence[str], pairs: Iterable[Pair]) -> list[list[str]]:
    """The groups of sites that reach each other, each sorted, the largest first. One group: all is well."""
    beside = neighbours(sites, pairs)
    left, found = set(sites), []
    while left:
        group, todo = set(), [min(left)]
        while todo:
            site = todo.pop()
            if site not in group:
                group.add(site)
                todo += beside[site]
        found.append(sorted(group))
        left -= group
    return sorted(found, key=lambda group: (-len(group), group))


def single_points_of_failure(sites: Sequence[str], pairs: Sequence[Pair]) -> list[str]:
    """The sites without which others no longer reach each other, sorted (cut vertices; Hopcroft and Tarjan, 1973)."""
    if len(pairs) >= len(sites) * (len(sites) - 1) // 2:  # a mesh has none, and many tunnels
        return []
    beside = neighbours(sites, pairs)
    depth: dict[str, int] = {}
    low: dict[str, int] = {}  # the least depth that a site's branch has a tunnel to
    found: set[str] = set()
    for root in sites:
        if root in depth:
            continue
        depth[root] = low[root] = 0
        branches = 0
        stack = [(root, "", iter(beside[root]))]
        while stack:
            site, parent, rest = stack[-1]
            for other in rest:
                if other in depth:
                    if other != parent:
                        low[site] = min(low[site], depth[other])
                    continue
                branches += site == root
                depth[other] = low[other] = depth[site] + 1
                stack.append((other, site, iter(beside[other])))
                break
            else:
                stack.pop()
                if parent:
                    low[parent] = min(low[parent], low[site])
                    if parent != root and low[site] >= depth[parent]:
                        found.add(parent)
        if branches > 1:
            found.add(root)
    return sorted(found)
