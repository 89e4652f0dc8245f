# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VPNs of every topology: what the intent may say, what is decided for it, and that documents lead everywhere."""

from __future__ import annotations

from itertools import combinations, permutations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.probes import probe_targets
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.verify import judge
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.test_properties import Network, overlap
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    CLOUDS,
    World,
    addresses,
    bodies,
    changed,
    lab,
)

few = settings(max_examples=settings.default.max_examples // 2)
FOUR = ["east", "west", "south", "north"]


def vpn(topology: Any, clouds: list[str], *others: str, name: str = "payroll") -> dict[str, Any]:
    members = [f"vm1-{cloud}" for cloud in clouds]
    return {"name": name, "pool": "internal", "members": [*members, *others], "topology": topology}


def tunnels(plan: Plan, name: str = "payroll") -> set[str]:
    found = next(entry for entry in plan.vpns if entry["name"] == name)
    return {text.replace("edge-", "") for text in found["tunnels"]}


# What is asked for, and what comes of it


@pytest.mark.parametrize(
    ("topology", "wanted"),
    [
        ("mesh", "east--west east--south east--north south--west north--west north--south"),
        ("star", "east--west east--south east--north"),
        ({"kind": "star"}, "east--west east--south east--north"),
        ({"kind": "star", "hub": "edge-south"}, "east--south south--west north--south"),
        ({"kind": "star", "hub": "south"}, "east--south south--west north--south"),
        ({"kind": "star", "hubs": ["south", "west"]}, "south--west east--south east--west north--south north--west"),
        ("chain", "east--north north--south south--west"),
        ({"kind": "chain", "order": ["north", "edge-east", "west", "south"]}, "east--north east--west south--west"),
        ("tree", "east--north east--south north--west"),
        ({"kind": "tree", "root": "south"}, "east--south north--south east--west"),
        ({"kind": "tree", "root": "south", "fanout": 3}, "east--south north--south south--west"),
        (
            {"kind": "tree", "parents": {"west": "east", "south": "west", "north": "west"}},
            "east--west south--west north--west",
        ),
        (
            {"kind": "graph", "links": [["east", "west"], ["west", "edge-south"], ["edge-south", "north"]]},
            "east--west south--west north--south",
        ),
    ],
)
def test_a_topology_makes_these_tunnels(topology: Any, wanted: str) -> None:
    world = World(lab(4))
    plan = world.plan(vpn(topology, FOUR))
    assert tunnels(plan) == set(wanted.split())
    assert not world.plan(vpn(topology, FOUR)).changed


@pytest.mark.parametrize(
    ("topology", "errors"),
    [
        ("ring", {"topology": "'ring' must be one of: mesh, star, chain, tree, graph"}),
        ({"kind": "ring"}, {"topology.kind": "'ring' must be one of"}),
        ({"hub": "east"}, {"topology.kind": "is missing"}),
        ({"kind": "mesh", "hub": "east"}, {"topology.hub": "is not known here"}),
        ({"kind": "star", "hup": "east"}, {"topology.hup": "did you mean hub?"}),
        ({"kind": "star", "hub": "edge-eastt"}, {"topology.hub": "did you mean edge-east?"}),
        ({"kind": "star", "hub": "vm1-east"}, {"topology.hub": "is not an org edge of acme"}),
        (
            {"kind": "star", "hub": ["edge-east"]},
            {"topology.hub": "must be the name of one org edge, not ['edge-east']"},
        ),
        ({"kind": "star", "hub": "east", "hubs": ["west"]}, {"topology.hubs": "give one"}),
        ({"kind": "star", "hubs": []}, {"topology.hubs": "must be a list of sites"}),
        ({"kind": "star", "hubs": ["east", "edge-east"]}, {"topology.hubs[1]": "edge-east is named twice"}),
        ({"kind": "chain", "order": ["east", "west"]}, {"topology.order": "says nothing of edge-south"}),
        ({"kind": "chain", "order": "east"}, {"topology.order": "must be a list of sites"}),
        ({"kind": "tree", "fanout": 0}, {"topology.fanout": "from 1 to 1000, not 0"}),
        ({"kind": "tree", "parents": {"west": "east"}}, {"topology.parents": "says nothing of edge-south"}),
        ({"kind": "tree", "parents": ["west"]}, {"topology.parents": "must be a mapping"}),
        (
            {"kind": "tree", "parents": {"west": "east", "south": "west", "east": "south"}},
            {"topology.parents": "go round in a circle: edge-west -> edge-east -> edge-south -> edge-west"},
        ),
        (
            {"kind": "tree", "parents": {"west": "east", "south": "north"}},
            {"topology.parents": "have several roots, edge-east and edge-north"},
        ),
        (
            {"kind": "tree", "root": "east", "parents": {"west": "east", "south": "east"}},
            {"topology.root": "leave it out"},
        ),
        ({"kind": "graph"}, {"topology.links": "must be a list of pairs"}),
        ({"kind": "graph", "links": [["east"]]}, {"topology.links[0]": "must be a pair of sites"}),
        (
            {"kind": "graph", "links": [["east", "west"], ["west", "edge-east"], ["south", "south"]]},
            {"topology.links[1]": "already given by", "topology.links[2]": "joins edge-south with itself"},
        ),
        ({"kind": "graph", "links": [["east", "west"]]}, {"topology.links": "says nothing of edge-south"}),
        (
            {"kind": "graph", "links": [["east", "west"], ["south", "north"]]},
            {"topology": "leaves sites that do not reach each other: edge-east, edge-west; edge-north, edge-south"},
        ),
    ],
)
def test_a_topology_that_makes_no_sense_is_refused_in_its_place(topology: Any, errors: dict[str, str]) -> None:
    with pytest.raises(IntentErrors) as caught:
        World(lab(4)).plan(vpn(topology, ["east", "west", "south"]))
    found = {error.path: error.message for error in caught.value.errors}
    assert set(found) == {f"vcc_vpns[0].{path}" for path in errors}
    for path, part in errors.items():
        assert part in found[f"vcc_vpns[0].{path}"]


def test_a_topology_and_a_member_that_are_wrong_are_reported_together() -> None:
    with pytest.raises(IntentErrors) as caught:
        World(lab(2)).plan({**vpn("ring", ["east"]), "members": ["vm1-east", "vm9-west"]})
    assert [error.path for error in caught.value.errors] == ["vcc_vpns[0].members[1]", "vcc_vpns[0].topology"]


EXTERNAL = "edge-south: {vcc_external: true}\nvm1-south: {vcc_vapp: null, vcc_address: null}"
BEHIND_NAT = "edge-south: {vcc_behind_nat: true}\nedge-west: {vcc_behind_nat: true}"


def test_nothing_leads_over_an_edge_that_is_not_ours() -> None:
    world = World(changed(lab(3), EXTERNAL))
    with pytest.raises(IntentErrors) as caught:
        world.plan(vpn({"kind": "chain", "order": ["east", "south", "west"]}, FOUR[:3]))
    (error,) = caught.value.errors
    assert error.path == "vcc_vpns[0].topology"
    assert "from edge-east to edge-west over edge-south, which is external" in error.message


def test_what_no_mesh_can_join_a_star_can() -> None:
    hosts = changed(lab(3), BEHIND_NAT)
    with pytest.raises(IntentErrors, match="both behind a NAT"):
        World(hosts).plan(vpn("mesh", FOUR[:3]))
    assert tunnels(World(hosts).plan(vpn("star", FOUR[:3]))) == {"east--south", "east--west"}


def test_the_hub_that_is_chosen_is_ours_and_in_reach() -> None:
    hosts = changed(lab(3), "edge-east: {vcc_behind_nat: true}\n" + EXTERNAL)
    assert tunnels(World(hosts).plan(vpn("star", FOUR[:3]))) == {"east--west", "south--west"}


# What is decided stays


def test_a_chosen_hub_stays_when_sites_come() -> None:
    world = World(lab(4))
    world.plan(vpn("star", ["west", "south"]))
    assert tunnels(world.plan(vpn("star", FOUR))) == {"south--west", "east--south", "north--south"}
    assert tunnels(world.plan(vpn("star", ["east", "west", "north"]))) == {"east--west", "east--north"}


def test_a_chain_grows_at_its_end_and_closes_where_a_site_leaves() -> None:
    world = World(lab(4))
    world.plan(vpn("chain", ["west", "south"]))
    assert tunnels(world.plan(vpn("chain", FOUR))) == {"south--west", "east--west", "east--north"}
    assert tunnels(world.plan(vpn("chain", ["south", "east", "north"]))) == {"east--south", "east--north"}


def test_a_tree_grows_where_there_is_room_and_orphans_go_to_their_grandparent() -> None:
    world = World(lab(5))
    world.plan(vpn("tree", ["west", "south"]))  # south above west
    before = tunnels(world.plan(vpn("tree", list(CLOUDS[:4]))))
    assert before == {"south--west", "east--south", "east--north"}
    assert tunnels(world.plan(vpn("tree", list(CLOUDS[:5])))) == before | {"alpha--east"}
    assert tunnels(world.plan(vpn("tree", ["west", "south", "north", "alpha"]))) == {
        "south--west",
        "north--south",
        "alpha--south",
    }


def test_another_topology_renumbers_nobody() -> None:
    world = World(lab(4))
    before = addresses(world.plan(vpn("mesh", FOUR)), "payroll")
    for topology in ("star", "chain", "tree", {"kind": "star", "hubs": ["north", "south"]}, "mesh"):
        assert addresses(world.plan(vpn(topology, FOUR)), "payroll") == before


def test_a_hub_needs_no_member() -> None:
    plan = World(lab(3)).plan(vpn({"kind": "star", "hub": "south"}, ["east", "west"]))
    assert tunnels(plan) == {"east--south", "south--west"}
    hub = plan.documents["edge-south"]
    assert [entry["through"] for entry in hub["vpns"]] == [True]
    assert (hub["vpns"][0]["local"], hub["vpns"][0]["nat"]) == ([], [])
    assert plan.notes == ["payroll: without edge-south, other sites do not reach each other"]


def test_a_stored_vpn_whose_hub_is_no_edge_any_more_is_named() -> None:
    world = World(lab(4))
    world.plan(vpn({"kind": "star", "hub": "south"}, ["east", "west"]))
    world.hosts = changed(world.hosts, "edge-south: {kinds: []}")
    with pytest.raises(IntentErrors, match=r"ledger\.acme\.payroll: leads over edge-south, which is not an org edge"):
        world.plan(vpn("mesh", ["east", "north"], name="other"))


# Documents of any graph


@st.composite
def graphs(draw: st.DrawFn, most: int = 6) -> tuple[list[str], list[list[str]]]:
    """Some clouds with a member each, and links that join all of them."""
    clouds = list(CLOUDS[: draw(st.integers(2, most))])
    links = {(clouds[draw(st.integers(0, number - 1))], clouds[number]) for number in range(1, len(clouds))}
    links |= draw(st.sets(st.sampled_from(list(combinations(clouds, 2)))))
    return clouds, [list(link) for link in sorted(links)]


def planned(graph: tuple[list[str], list[list[str]]], world: World | None = None) -> Plan:
    clouds, links = graph
    world = world or World(lab(len(clouds), vms=1))
    return world.plan(vpn({"kind": "graph", "links": links}, clouds, *(f"vm2-{cloud}" for cloud in clouds[::2])))


@few
@given(graph=graphs())
def test_every_member_pair_has_one_way_the_same_both_ways(graph: tuple[list[str], list[list[str]]]) -> None:
    plan = planned(graph)
    network = Network(plan, lab(len(graph[0]), vms=1))
    (entry,) = plan.vpns
    for source, target in permutations(entry["members"], 2):
        assert network.deliver(source["name"], target["address"]) == target["name"]
    for one, other in combinations(sorted(entry["sites"]), 2):
        there, back = (sites_on_the_way(plan, source, target) for source, target in ((one, other), (other, one)))
        assert there == back[::-1]


@few
@given(graph=graphs())
def test_selectors_of_an_edge_never_overlap_and_both_ends_have_the_same(
    graph: tuple[list[str], list[list[str]]],
) -> None:
    plan = planned(graph)
    ends = {
        (node, tunnel["peer"]): tunnel["links"][0]
        for node, document in plan.documents.items()
        for tunnel in document["tunnels"]
    }
    for (node, peer), link in ends.items():
        back = ends[peer, node]
        assert (link["local_ts"], link["remote_ts"]) == (back["remote_ts"], back["local_ts"])
    for ((node, _p), one), ((other_node, _q), other) in combinations(ends.items(), 2):
        if node == other_node:
            assert not overlap(one["remote_ts"], other["remote_ts"])


@few
@given(graph=graphs(), data=st.data())
def test_a_tunnel_more_changes_the_documents_of_nobody_else(
    graph: tuple[list[str], list[list[str]]], data: st.DataObject
) -> None:
    clouds, links = graph
    missing = [list(link) for link in combinations(clouds, 2) if list(link) not in links]
    if not missing:
        return
    link = data.draw(st.sampled_from(missing))
    world = World(lab(len(clouds), vms=1))
    before = planned(graph, world)
    after = planned((clouds, [*links, link]), world)
    was, now = bodies(before), bodies(after)
    ways = {
        (plan_name, *pair): sites_on_the_way(plan, *pair)
        for plan_name, plan in (("before", before), ("after", after))
        for pair in permutations(sorted(before.vpns[0]["sites"]), 2)
    }
    for edge in before.vpns[0]["sites"]:
        passing = [
            {key[1:]: way for key, way in ways.items() if key[0] == when and edge in way}
            for when in ("before", "after")
        ]
        if passing[0] == passing[1] and edge not in {f"edge-{cloud}" for cloud in link}:
            assert was[edge] == now[edge]
    for node in was:
        if was[node]["role"] in ("member", "vapp_edge"):
            assert was[node] == now[node]


@pytest.mark.parametrize("kinds", list(product(("star", "chain", "tree"), repeat=2)), ids="->".join)
def test_a_site_more_or_less_leaves_the_others_vpns_alone(kinds: tuple[str, str]) -> None:
    world = World(lab(4))
    world.plan(vpn(kinds[0], FOUR), vpn(kinds[1], FOUR[:3], name="audit"))
    before = links_of(world.plan(), "audit")
    plan = world.plan(vpn(kinds[0], FOUR[:2]))
    assert links_of(plan, "audit") == before


def links_of(plan: Plan, name: str) -> dict[tuple[str, str], Any]:
    return {
        (node, tunnel["peer"]): link
        for node, document in plan.documents.items()
        for tunnel in document["tunnels"]
        for link in tunnel["links"]
        if link["vpn"] == name
    }


def sites_on_the_way(plan: Plan, source: str, target: str) -> list[str]:
    """By the links' selectors, as verify follows them."""
    prefixes = {site: entry["blocks"] for site, entry in plan.vpns[0]["sites"].items()}
    way = [source]
    while way[-1] != target:
        assert len(way) <= len(prefixes)
        (peer,) = [
            tunnel["peer"]
            for tunnel in plan.documents[way[-1]]["tunnels"]
            for link in tunnel["links"]
            if overlap(link["remote_ts"], prefixes[target]) and overlap(link["local_ts"], prefixes[source])
        ]
        way.append(peer)
    return way


# Verify


def test_a_broken_tunnel_on_many_ways_is_one_finding_for_all_of_them() -> None:
    """Between the two middle sites of a chain: four ways and more edges are cut, and the cause is said once."""
    plan = World(lab(4)).plan(vpn({"kind": "chain", "order": FOUR}, FOUR))
    cut = "edge-south--edge-west"
    near, far = {"east", "west"}, {"south", "north"}
    observed: dict[str, Any] = {}
    for node, document in plan.documents.items():
        sas = [sa(tunnel) for tunnel in document["tunnels"] if tunnel["name"] != cut]
        observed[node] = {"generation": document["generation"], "sas": sas, "drift": [], "unconfirmed": False}
    probes: dict[str, Any] = {}
    summary = {"vpns": plan.vpns, "members": plan.members}
    for vm, targets in probe_targets(summary, plan.documents).items():
        here = near if cloud(vm) in near else far
        probes[vm] = {
            "probes": [
                {
                    **target,
                    "sent": 3,
                    "received": 3 * passes,
                    "loss": 0.0,
                    "mtu_ok": True,
                    "error": None,
                    "reason": None,
                }
                for target in targets
                for passes in [target["kind"] in ("member", "edge") and cloud(str(target["dst"])) in here]
            ]
        }
    result = judge(summary, plan.documents, observed, probes)
    assert [finding.subject for finding in result.findings] == [f"tunnel {cut}", f"payroll: over {cut}"]
    assert "no answer in 8 of 8" in result.findings[1].seen


def cloud(name: str) -> str:
    return name.rpartition("-")[2]


def sa(tunnel: dict[str, Any]) -> dict[str, Any]:
    """An IKE_SA as planned, with its links; its SPIs are the same on both ends."""
    low = tunnel["local_id"] < tunnel["remote_id"]
    children = [
        {
            "name": link["vpn"],
            "state": "INSTALLED",
            "encryption": "AES_GCM_16",
            "encryption_keysize": "256",
            "local_ts": link["local_ts"],
            "remote_ts": link["remote_ts"],
            "spi_in": "1" if low else "2",
            "spi_out": "2" if low else "1",
        }
        for link in tunnel["links"]
    ]
    ike = {"encryption": "AES_GCM_16", "encryption_keysize": "256", "prf": "PRF_HMAC_SHA2_384", "dh_group": "ECP_384"}
    return {"tunnel": tunnel["name"], "state": "ESTABLISHED", **ike, "children": children}


def test_a_pool_that_is_full_to_the_last_address_is_planned_with_a_way_over_others() -> None:
    """No address is left for the hub in the others' blocks, which only an old userspace backend asks for."""
    asked = {**vpn({"kind": "star", "hub": "east"}, FOUR), "pool": "10.99.0.0/29"}
    plan = World(lab(4)).plan(asked)
    held = [entry for entry in plan.documents["edge-east"]["addresses"] if "backend" in entry]
    assert len(addresses(plan, "payroll")) == 4
    assert held == []


def test_what_one_vpn_is_told_of_its_edges_is_no_reason_to_keep_it_from_another() -> None:
    """Seen: an edge of the second VPN whose MTU is too small was named only after the first one's was mended."""
    world = World(changed(lab(4), {f"edge-{cloud}": {"vcc_underlay_mtu": 1300} for cloud in FOUR}))
    members = [f"vm1-{cloud}" for cloud in FOUR]
    pool = {"six": "fd00:1::/32"}
    vpns = [{"name": "a", "pool": "six", "members": members[:2]}, {"name": "b", "pool": "six", "members": members}]
    with pytest.raises(IntentErrors) as refused:
        world.plan(*vpns, pools=pool)
    named = {error.path for error in refused.value.errors}
    assert {f"hosts.edge-{cloud}.vcc_underlay_mtu" for cloud in ("east", "north", "south")} <= named
