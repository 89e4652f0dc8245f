# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shortest ways on any graph: one between any two sites, the same in both directions, and no shorter one."""

from __future__ import annotations

import heapq
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.topology.kinds import Chain, Mesh, Pair, Star, pair
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.topology.ways import (
    islands,
    next_hops,
    single_points_of_failure,
)

Sites = list[str]


@st.composite
def graphs(draw: st.DrawFn, most: int = 9) -> tuple[Sites, list[Pair]]:
    """Any graph, connected or not."""
    sites = [f"s{number}" for number in range(draw(st.integers(2, most)))]
    return sites, sorted(draw(st.sets(st.sampled_from(list(combinations(sites, 2))))))


def follow(hops: dict[str, dict[str, str]], begin: str, end: str) -> list[str]:
    way = [begin]
    while way[-1] != end:
        way.append(hops[way[-1]][end])
        assert len(way) <= len(hops)
    return way


def lengths(sites: Sites, pairs: list[Pair], source: str) -> dict[str, int]:
    """Dijkstra, with tunnels as long as `_ways` says they are as if they were: each 1, and a little more by name."""
    weight = {link: (1 << len(pairs)) + (1 << rank) for rank, link in enumerate(sorted(pairs))}
    found: dict[str, int] = {}
    todo = [(0, source)]
    while todo:
        far, site = heapq.heappop(todo)
        if site not in found:
            found[site] = far
            for link in pairs:
                if site in link:
                    heapq.heappush(todo, (far + weight[link], link[link[0] == site]))
    return found


@given(graph=graphs())
def test_ways_are_shortest_unique_and_the_same_both_ways(graph: tuple[Sites, list[Pair]]) -> None:
    sites, pairs = graph
    hops = next_hops(sites, pairs)
    weight = {link: (1 << len(pairs)) + (1 << rank) for rank, link in enumerate(sorted(pairs))}
    for source in sites:
        best = lengths(sites, pairs, source)
        assert set(hops[source]) == set(best) - {source}
        for target in hops[source]:
            way = follow(hops, source, target)
            assert way == follow(hops, target, source)[::-1]
            assert sum(weight[pair(*step)] for step in zip(way, way[1:])) == best[target]


@given(graph=graphs(), data=st.data())
def test_a_tunnel_more_changes_only_ways_that_take_it(graph: tuple[Sites, list[Pair]], data: st.DataObject) -> None:
    sites, pairs = graph
    missing = [link for link in combinations(sites, 2) if link not in pairs]
    if not missing:
        return
    link = data.draw(st.sampled_from(missing))
    before, after = next_hops(sites, pairs), next_hops(sites, sorted([*pairs, link]))
    for source in sites:
        for target in after[source]:
            way = follow(after, source, target)
            if link not in {pair(*step) for step in zip(way, way[1:])}:
                assert way == follow(before, source, target)


@given(graph=graphs())
def test_islands_and_single_points_of_failure_are_what_taking_a_site_away_shows(
    graph: tuple[Sites, list[Pair]],
) -> None:
    sites, pairs = graph
    groups = islands(sites, pairs)
    assert sorted(site for group in groups for site in group) == sites
    hops = next_hops(sites, pairs)
    for group in groups:
        assert {*hops[group[0]], group[0]} == set(group)
    for site in sites:
        others = [other for other in sites if other != site]
        alone = not hops[site]
        more = len(islands(others, [link for link in pairs if site not in link])) > len(groups) - alone
        assert (site in single_points_of_failure(sites, pairs)) == more


@pytest.mark.parametrize(
    ("topology", "weak"),
    [
        (Mesh(), []),
        (Star(("b",)), ["b"]),
        (Star(("a", "b")), []),
        (Chain(("c", "a", "d", "b")), ["a", "d"]),
    ],
    ids=str,
)
def test_weak_points_of_the_usual_topologies(topology: Mesh | Star | Chain, weak: Sites) -> None:
    sites = ["a", "b", "c", "d"]
    assert single_points_of_failure(sites, topology.pairs(sites)) == weak


def test_of_two_hubs_all_take_the_first_and_reach_the_second_directly() -> None:
    sites = ["a", "b", "c", "d"]
    hops = next_hops(sites, Star(("a", "b")).pairs(sites))
    assert hops["c"] == {"a": "a", "b": "b", "d": "a"}
    assert hops["d"] == {"a": "a", "b": "b", "c": "a"}
