# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan says what a topology that looks redundant loses when an edge or a tunnel fails."""

from __future__ import annotations

from hypothesis import given

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.topology.kinds import Mesh, Pair, Star, pair
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.topology.static_paths import (
    lost_pairs,
    static_losses,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.topology.ways import islands, next_hops
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.topology.test_ways import (
    Sites,
    follow,
    graphs,
)
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, lab

STATIC = "paths are static: when a tunnel fails, its two sites do not reach each other, even if other sites reach both"


def notes(topology: object, clouds: int) -> list[str]:
    members = [f"vm1-{cloud}" for cloud in ("east", "west", "south", "north", "alpha")[:clouds]]
    return World(lab(clouds)).plan({**PAYROLL, "members": members, "topology": topology}).notes


def test_a_ring_looks_redundant_and_is_not() -> None:
    ring = ["east", "west", "south", "north"]
    links = [list(ends) for ends in zip(ring, [*ring[1:], ring[0]])]
    (note,) = notes({"kind": "graph", "links": links}, 4)
    # Of the two ways between opposite edges of a ring, one is taken.
    assert note == (
        f"payroll: {STATIC}. Further, without edge-east: edge-north <-> edge-west; without edge-north: edge-east <-> "
        "edge-south; without edge-east -- edge-north: edge-east <-> edge-south, edge-north <-> edge-west; without "
        "edge-east -- edge-west: edge-north <-> edge-west and 1 more"
    )


def test_a_mesh_has_one_short_line() -> None:
    assert notes("mesh", 5) == [f"payroll: {STATIC}"]


def test_what_does_not_look_redundant_is_not_explained() -> None:
    assert notes("mesh", 2) == []
    for topology in ("chain", "tree", "star"):
        assert all("paths are static" not in note for note in notes(topology, 4))


def test_two_hubs_are_one_for_whoever_is_no_hub() -> None:
    assert lost_pairs(["a", "b", "c", "d"], Star(("a", "b")).pairs(["a", "b", "c", "d"])) == {
        "a": ["c <-> d"],
        "a -- c": ["c <-> d"],
        "a -- d": ["c <-> d"],
    }


def test_many_sites_are_still_one_line() -> None:
    sites = [f"s{number:03}" for number in range(120)]
    said = static_losses(sites, Star(("s000", "s001")).pairs(sites))
    assert said is not None and "without s000: s002 <-> s003, s002 <-> s004 and 6" in said and len(said) < 400
    assert static_losses(sites, Mesh().pairs(sites)) == STATIC


@given(graph=graphs())
def test_what_is_lost_is_what_a_static_path_leads_over_and_another_path_could_save(
    graph: tuple[Sites, list[Pair]],
) -> None:
    sites, pairs = graph
    hops = next_hops(sites, pairs)
    lost = lost_pairs(sites, pairs)
    ways = {(one, other): follow(hops, one, other) for one in sites for other in sorted(hops[one]) if one < other}

    def joined(pairs: list[Pair], one: str, other: str) -> bool:
        return any({one, other} <= set(group) for group in islands(sites, pairs))

    for link in pairs:
        rest = [other for other in pairs if other != link]
        over = [
            ends for ends, way in ways.items() if len(way) > 2 and link in {pair(*step) for step in zip(way, way[1:])}
        ]
        saved = [f"{one} <-> {other}" for one, other in over if joined(rest, one, other)]
        assert lost.get(" -- ".join(link), []) == saved
    for site in sites:
        rest = [link for link in pairs if site not in link]
        over = [ends for ends, way in ways.items() if site in way[1:-1]]
        if site in lost:
            assert lost[site] == [f"{one} <-> {other}" for one, other in over]
        else:
            assert not over or not all(joined(rest, one, other) for one, other in over)
