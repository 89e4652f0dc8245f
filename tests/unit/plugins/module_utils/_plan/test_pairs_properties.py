# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every plan with pairs of edges, whatever the topology, and whichever edge fails."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from ipaddress import ip_address, ip_network
from itertools import permutations
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    CLOUDS,
    Hosts,
    World,
    addresses,
    as_bytes,
    bodies,
    lab,
    with_pair,
)

few = settings(max_examples=settings.default.max_examples // 4)
POOLS = {"internal": "100.64.0.0/10", "internal6": "fd64::/48"}
Vpn = dict[str, Any]
EMPTY = World().ledger
EMPTY.run(lambda _transaction: None)


@st.composite
def fleets(draw: st.DrawFn) -> tuple[Hosts, Hosts, list[Vpn]]:
    """A landscape without pairs, the same with one or more, and one or two VPNs of any topology."""
    clouds = draw(st.integers(2, 4))
    alone = lab(clouds)
    paired = alone
    for cloud in sorted(draw(st.sets(st.sampled_from(CLOUDS[:clouds]), min_size=1))):
        paired = with_pair(paired, cloud)
    names = draw(st.lists(st.sampled_from(["a", "payroll", "z"]), min_size=1, max_size=2, unique=True))
    return alone, paired, [draw(vpn(name, CLOUDS[:clouds])) for name in names]


@st.composite
def vpn(draw: st.DrawFn, name: str, clouds: Collection[str]) -> Vpn:
    """Members in two clouds or more, in any mode; a topology that names sites by their edges."""
    there = draw(st.sets(st.sampled_from(sorted(clouds)), min_size=2))
    vms = sorted({f"vm{draw(st.integers(1, 3))}-{cloud}" for cloud in there for _again in range(2)})
    sites = draw(st.permutations([f"edge-{cloud}" for cloud in sorted(there)]))
    kinds: list[Any] = ["mesh", {"kind": "star", "hub": sites[0]}, {"kind": "chain", "order": sites}]
    kinds += [{"kind": "tree", "root": sites[0], "fanout": 1}]
    return {
        "name": name,
        "pool": draw(st.sampled_from(sorted(POOLS))),
        "members": [{"name": vm, "mode": draw(st.sampled_from(["address", "nat"]))} for vm in vms],
        "topology": draw(st.sampled_from(kinds)),
    }


def planned(hosts: Hosts, vpns: list[Vpn]) -> Plan:
    world = World(hosts)
    world.ledger = EMPTY
    return world.plan(*vpns, pools=POOLS, dry_run=True)


def covers(prefixes: list[str], address: str) -> bool:
    return any(ip_address(address) in ip_network(prefix) for prefix in prefixes)


class Network:
    """Carries packets along the documents' routes, over every edge that is up and may be in use."""

    def __init__(self, plan: Plan, down: str) -> None:
        self.documents, self.down = dict(plan.documents), down
        self.names = {one["address"]: one["name"] for entry in plan.vpns for one in entry["members"]}

    def ends(self, node: str, address: str, hops: int = 12) -> set[str]:
        """Where a packet may end: members' names, or what became of it."""
        document = self.documents[node]
        if not hops:
            return {"a loop"}
        if document["role"] == "member" and any(
            item["address"].startswith(f"{address}/") for item in document["addresses"]
        ):
            return {node}
        for entry in document["vpns"]:
            for item in entry["nat"]:
                if item["outside"] == address:
                    return {self.names[address]}
        fitting = [route for route in document["routes"] if covers([route["prefix"]], address)]
        route = min(fitting, key=lambda one: (-ip_network(one["prefix"]).prefixlen, one.get("metric", 0)), default=None)
        if route is None or "type" in route:
            return {f"no way at {node}"}
        further = [
            *(self.peers(document, route, address) if "tunnel" in route else self.beside(document, route["via"]))
        ]
        if not further:
            return {f"nobody at {node}"}
        return {end for other in further for end in self.ends(other, address, hops - 1)}

    def peers(self, document: dict[str, Any], route: dict[str, Any], address: str) -> Iterator[str]:
        """The edges that the route may lead to."""
        for tunnel in document["tunnels"]:
            fit = [
                link
                for link in tunnel["links"]
                if link["vpn"] == route["tunnel"] and not link.get("hello") and covers(link["remote_ts"], address)
            ]
            assert len(fit) <= 1  # else two would have the packet
            if fit and tunnel["peer"] != self.down:
                assert tunnel.get("site") == route.get("site")
                yield tunnel["peer"]

    def beside(self, document: dict[str, Any], address: str) -> Iterator[str]:
        """Who has a private address beside a node; of a pair of edges, either."""
        (entry,) = (one for one in document["neighbours"] if one["address"] == address)
        yield from (one for one in entry.get("machines", [entry["host"]]) if one != self.down)


@few
@given(fleet=fleets(), data=st.data())
def test_without_any_one_edge_of_a_pair_every_member_reaches_every_other_over_exactly_one_path(
    fleet: tuple[Hosts, Hosts, list[Vpn]], data: st.DataObject
) -> None:
    plan = planned(fleet[1], fleet[2])
    pairs = [node for node, document in dict(plan.documents).items() if document.get("pair")]
    network = Network(plan, data.draw(st.sampled_from(["", *pairs])))
    for entry in plan.vpns:
        for src, dst in permutations(entry["members"], 2):
            sender = src["name"] if src["mode"] == "address" else src["vapp"] or src["site"]
            if sender == network.down:
                sender = plan.documents[sender]["pair"]["twin"]
            assert network.ends(sender, dst["address"]) == {dst["name"]}


@few
@given(fleet=fleets())
def test_both_ends_of_every_link_agree_and_lanes_lead_to_their_edges(fleet: tuple[Hosts, Hosts, list[Vpn]]) -> None:
    plan = planned(fleet[1], fleet[2])
    documents = dict(plan.documents)
    tunnels = {(node, one["peer"]): one for node, document in documents.items() for one in document["tunnels"]}
    assert sorted({one["name"] for one in tunnels.values()}) == sorted({n for vpn in plan.vpns for n in vpn["tunnels"]})
    for (node, peer), one in tunnels.items():
        other = tunnels[peer, node]
        assert (one["name"], one["initiator"]) == (other["name"], not other["initiator"])
        there = documents[peer].get("pair")
        assert (one.get("site"), one.get("lane", 0)) == ((there["site"], there["lane"]) if there else (None, 0))
        names = [link.get("name", link["vpn"]) for link in one["links"]]
        assert sorted(names) == sorted(link.get("name", link["vpn"]) for link in other["links"])
        for link, name in zip(one["links"], names):
            back = next(far for far in other["links"] if far.get("name", far["vpn"]) == name)
            assert (link["local_ts"], link["remote_ts"]) == (back["remote_ts"], back["local_ts"])
        greets = bool(there or documents[node].get("pair"))
        assert greets == ("hello" in one)
        if greets:
            assert (one["hello"]["from"], one["hello"]["to"]) == (other["hello"]["to"], other["hello"]["from"])
            assert one["hello"]["vpn"] == other["hello"]["vpn"] == min(link["vpn"] for link in one["links"])
            held = {item["address"] for item in documents[node]["addresses"] if item["device"] == "lo"}
            assert any(address.startswith(f"{one['hello']['from']}/") for address in held)
    for document in documents.values():
        numbers = [link["reqid"] for one in document["tunnels"] for link in one["links"]]
        assert len(set(numbers)) == len(numbers)


@few
@given(fleet=fleets())
def test_both_edges_of_a_pair_are_told_the_same_of_their_site(fleet: tuple[Hosts, Hosts, list[Vpn]]) -> None:
    documents = dict(planned(fleet[1], fleet[2]).documents)
    for node, document in documents.items():
        pair = document.get("pair")
        if not pair:
            continue
        twin = documents[pair["twin"]]
        assert (twin["pair"]["site"], twin["pair"]["twin"]) == (pair["site"], node)
        for key in ("routes", "sysctls", "neighbours"):
            assert document.get(key) == twin.get(key)
        one, other = ([{**entry, "own_address": None} for entry in some["vpns"]] for some in (document, twin))
        assert one == other


@few
@given(fleet=fleets())
def test_no_lease_moves_when_a_pair_comes_or_goes(fleet: tuple[Hosts, Hosts, list[Vpn]]) -> None:
    alone, paired, vpns = fleet
    world = World(alone)
    before, leased = world.plan(*vpns, pools=POOLS), world.leases()
    world.hosts = paired
    during = world.plan(*vpns, pools=POOLS)
    assert leased.items() <= world.leases().items()
    again = world.plan(*vpns, pools=POOLS)
    assert not again.changed and not again.diff
    world.hosts = alone
    after = world.plan(*vpns, pools=POOLS)
    world.settle({*after.documents})
    for plan in (during, after):
        assert all(addresses(plan, one["name"]) == addresses(before, one["name"]) for one in vpns)
    # A block that own addresses made full stays leased, as every block does.
    left = {key for key in world.leases() if "#" in key}
    assert {key: prefix for key, prefix in world.leases().items() if key not in left} == {
        key: prefix for key, prefix in leased.items() if key not in left
    }
    again = world.plan(*vpns, pools=POOLS)
    assert not again.changed and not again.unsettled


@few
@given(fleet=fleets(), random=st.randoms(use_true_random=False))
def test_a_plan_with_pairs_does_not_depend_on_any_order(fleet: tuple[Hosts, Hosts, list[Vpn]], random: Random) -> None:
    def shuffled(data: Any) -> Any:
        if isinstance(data, dict):
            return {key: shuffled(data[key]) for key in random.sample(list(data), len(data))}
        return data

    _alone, paired, vpns = fleet
    others = copy.deepcopy(vpns)
    random.shuffle(others)
    for other in others:
        random.shuffle(other["members"])
    other = World(shuffled(paired)).ask({"vpns": [shuffled(entry) for entry in others]}, pools=shuffled(POOLS))
    assert as_bytes(other) == as_bytes(planned(paired, vpns))


@few
@given(fleet=fleets())
def test_compiling_all_anew_gives_the_same(fleet: tuple[Hosts, Hosts, list[Vpn]]) -> None:
    alone, paired, vpns = fleet
    world = World(alone)
    world.plan(*vpns, pools=POOLS)
    world.hosts = paired
    step = world.plan(*vpns, pools=POOLS)
    anew = world.plan(*vpns, pools=POOLS, anew=True)
    assert bodies(anew) == bodies(step) and not anew.changed_nodes
