# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every plan, whatever the VPNs and the landscape."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from itertools import combinations
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    CLOUDS,
    PAYROLL,
    Hosts,
    World,
    addresses,
    as_bytes,
    bodies,
    lab,
)

POOLS = {"internal": "100.64.0.0/10", "internal6": "fd64::/48", "small": "10.99.0.0/22"}
Vpn = dict[str, Any]

hosts_of_some_clouds = st.builds(
    lab, st.integers(2, 4), vapps=st.integers(1, 2), vms=st.integers(1, 2), org_vms=st.integers(1, 2)
)
# For what plans many times over in one example.
few = settings(max_examples=settings.default.max_examples // 4)
randoms = st.randoms(use_true_random=False)


def vms_of(hosts: Hosts) -> list[str]:
    return sorted(name for name, facts in hosts.items() if facts["kinds"] == ["members"])


def cloud_of(name: str) -> str:
    return name.rpartition("-")[2]


@st.composite
def vpn(draw: st.DrawFn, hosts: Hosts, name: str, pool: str) -> Vpn:
    """Any members, of two clouds at least, each in any mode."""
    clouds = sorted({cloud_of(vm) for vm in vms_of(hosts)})
    first, second = draw(st.permutations(clouds))[:2]
    here, there = ([vm for vm in vms_of(hosts) if cloud_of(vm) == cloud] for cloud in (first, second))
    chosen = {draw(st.sampled_from(here)), draw(st.sampled_from(there)), *draw(st.sets(st.sampled_from(vms_of(hosts))))}
    modes = st.sampled_from(["address", "nat"])
    return {"name": name, "pool": pool, "members": [{"name": vm, "mode": draw(modes)} for vm in sorted(chosen)]}


@st.composite
def fleets(draw: st.DrawFn, pools: tuple[str, ...] = ("internal", "internal6", "small")) -> tuple[Hosts, list[Vpn]]:
    """A landscape, and one to three VPNs in it."""
    hosts = draw(hosts_of_some_clouds)
    names = draw(st.lists(st.sampled_from(["a", "b", "c", "payroll", "Z_9-"]), min_size=1, max_size=3, unique=True))
    return hosts, [draw(vpn(hosts, name, draw(st.sampled_from(pools)))) for name in names]


def names_of(entry: Vpn) -> set[str]:
    return {member["name"] for member in entry["members"]}


# A ledger in which nothing ever stays: to make a new one for every plan would take longer than the plan.
EMPTY = World().ledger
EMPTY.run(lambda _transaction: None)


def planned(hosts: Hosts, vpns: list[Vpn]) -> Plan:
    world = World(hosts)
    world.ledger = EMPTY
    return world.plan(*vpns, pools=POOLS, dry_run=True)


def links(plan: Plan) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every end of every link: the edge, the tunnel and the link."""
    for node, document in plan.documents.items():
        for tunnel in document["tunnels"]:
            for link in tunnel["links"]:
                yield node, tunnel, link


def covers(prefixes: list[str], address: str) -> bool:
    return any(ip_address(address) in ip_network(prefix) for prefix in prefixes)


# Order


@few
@given(fleet=fleets(), random=randoms)
def test_a_plan_is_the_same_byte_for_byte_in_whatever_order_it_was_asked_for(
    fleet: tuple[Hosts, list[Vpn]], random: Random
) -> None:
    def shuffled(data: Any) -> Any:
        if isinstance(data, dict):
            return {key: shuffled(data[key]) for key in random.sample(list(data), len(data))}
        return data

    hosts, vpns = fleet
    others = copy.deepcopy(vpns)
    random.shuffle(others)
    for other in others:
        random.shuffle(other["members"])
    other = World(shuffled(hosts)).ask({"vpns": [shuffled(entry) for entry in others]}, pools=shuffled(POOLS))
    assert as_bytes(other) == as_bytes(planned(hosts, vpns))


@few
@given(fleet=fleets(pools=("internal", "internal6")), random=randoms)
def test_the_first_plan_does_not_matter_for_documents_but_by_leases(
    fleet: tuple[Hosts, list[Vpn]], random: Random
) -> None:
    """One VPN after the other, or all at once, and again: what was planned stays, and nothing is opened anew."""
    hosts, vpns = fleet
    world = World(hosts)
    known: dict[str, dict[str, str]] = {}
    for entry in random.sample(vpns, len(vpns)):
        plan = world.plan(entry, pools=POOLS)
        for name, given_before in known.items():
            assert addresses(plan, name) == given_before
        known[entry["name"]] = addresses(plan, entry["name"])
    again = world.plan(*vpns, pools=POOLS)
    assert not again.changed and not again.diff and not again.changed_nodes
    assert bodies(again) == bodies(plan)


# Small changes


@few
@given(fleet=fleets(pools=("internal", "internal6")), data=st.data())
def test_a_member_more_or_less_concerns_its_own_nodes_only(fleet: tuple[Hosts, list[Vpn]], data: st.DataObject) -> None:
    hosts, vpns = fleet
    grown = data.draw(st.sampled_from(vpns))
    # Elsewhere it would be a new site, which the others must know of.
    clouds = {cloud_of(name) for name in names_of(grown)}
    candidates = [vm for vm in vms_of(hosts) if cloud_of(vm) in clouds and vm not in names_of(grown)]
    if not candidates:
        return
    vm = data.draw(st.sampled_from(candidates))
    cloud, vapp = cloud_of(vm), hosts[vm]["vars"].get("vcc_vapp")
    world = World(hosts)
    before = world.plan(*vpns, pools=POOLS)
    after = world.plan({**grown, "members": [*grown["members"], {"name": vm}]}, pools=POOLS)
    assert f"edge-{cloud}" in after.changed_nodes and vm in after.changed_nodes
    # VCC nodes keep what the ledger holds of all VPNs of their cloud's nodes, for a recovery.
    keepers = {node for node, document in after.documents.items() if document["role"] == "vcc_node"}
    assert set(after.changed_nodes) <= {f"edge-{cloud}", vapp, vm, *keepers}
    told = {word.strip(":") for line in after.diff for word in line.split()}
    assert {node for node in after.changed_nodes if not node.startswith("node")} <= {*told, vapp}
    assert {node for node in after.documents if after.documents[node] != before.documents.get(node)} == set(
        after.changed_nodes
    )
    back = world.plan(grown, pools=POOLS)
    assert set(back.changed_nodes) <= {f"edge-{cloud}", vapp, vm, *keepers}


@few
@given(fleet=fleets(), data=st.data())
def test_what_is_removed_and_added_again_gets_its_old_addresses(
    fleet: tuple[Hosts, list[Vpn]], data: st.DataObject
) -> None:
    hosts, vpns = fleet
    world = World(hosts)
    before = world.plan(*vpns, pools=POOLS)
    entry = data.draw(st.sampled_from(vpns))
    for vm in sorted(names_of(entry)):
        fewer = [member for member in entry["members"] if member["name"] != vm]
        if len({cloud_of(member["name"]) for member in fewer}) > 1:
            world.plan({**entry, "members": fewer}, pools=POOLS)
    assert bodies(world.plan(entry, pools=POOLS)) == bodies(before)
    world.plan(absent=[entry["name"]], pools=POOLS)
    if data.draw(st.booleans()):
        world.settle(hosts)
    assert addresses(world.plan(entry, pools=POOLS), entry["name"]) == addresses(before, entry["name"])


# Addresses and selectors


@given(fleet=fleets())
def test_no_two_members_share_an_address(fleet: tuple[Hosts, list[Vpn]]) -> None:
    plan = planned(*fleet)
    taken = [member["address"] for entry in plan.vpns for member in entry["members"]]
    taken += [site["address"] for entry in plan.vpns for site in entry["sites"].values()]
    assert len(taken) == len(set(taken))
    assert {entry["name"]: set(addresses(plan, entry["name"])) for entry in plan.vpns} == {
        entry["name"]: names_of(entry) for entry in fleet[1]
    }


@given(fleet=fleets())
def test_every_member_pair_is_covered_by_one_link_at_each_edge_and_mirrored_at_the_other(
    fleet: tuple[Hosts, list[Vpn]],
) -> None:
    plan = planned(*fleet)
    ends = list(links(plan))
    for entry in plan.vpns:
        for one, other in combinations(entry["members"], 2):
            for src, dst in ((one, other), (other, one)):
                here = [
                    (tunnel["peer"], link["vpn"])
                    for node, tunnel, link in ends
                    if node == src["site"]
                    and covers(link["local_ts"], src["address"])
                    and covers(link["remote_ts"], dst["address"])
                ]
                assert here == ([] if src["site"] == dst["site"] else [(dst["site"], entry["name"])])
    mirror = {(node, tunnel["peer"], link["vpn"]): (tunnel, link) for node, tunnel, link in ends}
    assert len(mirror) == len(ends)
    for (node, peer, name), (tunnel, link) in mirror.items():
        other, back = mirror[peer, node, name]
        assert (link["local_ts"], link["remote_ts"]) == (back["remote_ts"], back["local_ts"])
        for same in ("number", "mtu", "mss"):
            assert link[same] == back[same]
        assert (tunnel["local_address"], tunnel["local_id"]) == (other["remote_address"], other["remote_id"])
        assert tunnel["name"] == other["name"]
        for mine, theirs in ((tunnel["ike"], other["ike"]), (link["esp"], back["esp"])):
            assert {**mine, "rekey_time": 0} == {**theirs, "rekey_time": 0}
            # Who initiates rekeys; the other end would later, so that they never do so at the same moment.
            assert (mine["rekey_time"] < theirs["rekey_time"]) == tunnel["initiator"]


@given(fleet=fleets())
def test_selectors_at_one_edge_never_overlap(fleet: tuple[Hosts, list[Vpn]]) -> None:
    plan = planned(*fleet)
    ends = list(links(plan))
    for (node, _t, one), (other_node, _u, other) in combinations(ends, 2):
        if node != other_node:
            continue
        assert not overlap(one["remote_ts"], other["remote_ts"])
        assert one["vpn"] == other["vpn"] or not overlap(one["local_ts"], other["local_ts"])
        assert not overlap(one["local_ts"], other["remote_ts"])
        assert not overlap(other["local_ts"], one["remote_ts"])


def overlap(one: list[str], other: list[str]) -> bool:
    networks = [(ip_network(a), ip_network(b)) for a in one for b in other]
    return any(a.version == b.version and a.overlaps(b) for a, b in networks)


@given(fleet=fleets())
def test_exactly_one_end_of_a_tunnel_initiates_and_vpns_share_it(fleet: tuple[Hosts, list[Vpn]]) -> None:
    plan = planned(*fleet)
    ends: dict[str, list[bool]] = {}
    for document in plan.documents.values():
        names = [tunnel["name"] for tunnel in document["tunnels"]]
        assert len(names) == len(set(names))
        for tunnel in document["tunnels"]:
            ends.setdefault(tunnel["name"], []).append(tunnel["initiator"])
    assert all(sorted(starts) == [False, True] for starts in ends.values())
    assert set(ends) == {name for entry in plan.vpns for name in entry["tunnels"]} == set(plan.new_tunnels)


# Forwarding, as the documents say it


class Network:
    """Carries a packet along the documents' routes: longest prefix first, then the lower metric."""

    def __init__(self, plan: Plan, hosts: Hosts) -> None:
        self.plan, self.hosts = plan, hosts

    def deliver(self, node: str, address: str) -> str:
        """Where a packet ends: a member's name, or what became of it."""
        for _hop in range(12):
            document = self.plan.documents[node]
            if document["role"] == "member" and {"address": address} in [
                {"address": item["address"].partition("/")[0]} for item in document["addresses"]
            ]:
                return node
            for entry in document["vpns"]:
                for item in entry["nat"]:
                    if item["outside"] == address:
                        return self.behind(node, item["inside"])
            route = self.route(document, address)
            if route is None:
                return f"no route at {node}"
            if "type" in route:
                return f"{route['type']} at {node}"
            if "tunnel" in route:
                found = [
                    tunnel["peer"]
                    for tunnel in document["tunnels"]
                    for link in tunnel["links"]
                    if link["vpn"] == route["tunnel"] and covers(link["remote_ts"], address)
                ]
                if len(found) != 1:
                    return f"{len(found)} links at {node}"
                node = found[0]
            else:
                node = self.behind(node, route["via"])
        return "a loop"

    def route(self, document: dict[str, Any], address: str) -> dict[str, Any] | None:
        fitting = [route for route in document["routes"] if covers([route["prefix"]], address)]
        return min(
            fitting, key=lambda route: (-ip_network(route["prefix"]).prefixlen, route.get("metric", 0)), default=None
        )

    def behind(self, node: str, address: str) -> str:
        """The neighbour with that private address: in the same cloud, and on a network of the node's."""
        cloud = self.hosts[node]["clouds"]
        mine = self.hosts[node]["vars"].get("vcc_vapp")
        for name, facts in self.hosts.items():
            variables = facts["vars"]
            found: list[str] = []
            if facts["clouds"] == cloud:
                if node == variables.get("vcc_vapp") or "vcc_vapp" not in variables:
                    found += variables.get("vcc_address", [])
                if mine is None:
                    found += variables.get("vcc_org_address", [])
                elif name == mine:
                    found += variables["vcc_vapp_address"]
            if address in found:
                return name
        return f"nobody is {address} at {node}"


@given(fleet=fleets())
def test_documents_lead_every_packet_to_its_member_and_none_astray(fleet: tuple[Hosts, list[Vpn]]) -> None:
    hosts, vpns = fleet
    plan = planned(hosts, vpns)
    network = Network(plan, hosts)
    for entry in plan.vpns:
        given_out = {member["address"]: member["name"] for member in entry["members"]}
        edges = {site["address"] for site in entry["sites"].values()}
        sources = [
            (member["name"] if member["mode"] == "address" else member["vapp"] or member["site"])
            for member in entry["members"]
        ]
        for source in sorted({*sources, *entry["sites"]}):
            for address, name in given_out.items():
                assert network.deliver(source, address) == name
            for block in entry["blocks"]:
                net = ip_network(block)
                for offset in (0, 3, 5, 21, 62, 70, net.num_addresses - 1):
                    address = str(net[min(offset, net.num_addresses - 1)])
                    if address not in given_out and address not in edges:
                        assert network.deliver(source, address).startswith("blackhole at ")


@pytest.mark.parametrize("pool", ["internal", "internal6", "10.99.0.0/22", "small"])
def test_documents_of_a_vpn_that_grew_out_of_its_blocks_still_lead_everywhere(pool: str) -> None:
    hosts = lab(2, vms=60, org_vms=60)
    world = World(hosts)
    names = [name for name in hosts if name.endswith("-east") and hosts[name]["kinds"] == ["members"]]
    here = [vm for pair in zip(names, reversed(names)) for vm in pair][: len(names)]  # of both networks in turn
    for count in (1, 4, 20, 90):
        plan = world.plan({"name": "v", "pool": pool, "members": [*here[:count], "vm1-west"]}, pools=POOLS)
    blocks = [ip_network(block) for block in plan.vpns[0]["sites"]["edge-east"]["blocks"]]
    assert pool == "internal6" or len(blocks) > 1
    taken = {*addresses(plan, "v").values(), *(site["address"] for site in plan.vpns[0]["sites"].values())}
    unused = [
        next(str(address) for address in reversed(range_of(block)) if str(address) not in taken) for block in blocks
    ]
    network = Network(plan, hosts)
    for source in ("vm1-west", "edge-west", "edge-east", "vapp1-east", here[0], here[-1], here[1]):
        if source not in plan.documents:
            continue
        for name, address in addresses(plan, "v").items():
            assert network.deliver(source, address) == name
        for address in unused:
            assert network.deliver(source, address).startswith("blackhole at ")


def range_of(network: Any) -> list[Any]:
    """The last addresses of a network, and all of a small one."""
    return [network[-number] for number in range(min(network.num_addresses, 400), 0, -1)]


@given(fleet=fleets())
def test_documents_are_of_the_format_that_is_documented(fleet: tuple[Hosts, list[Vpn]]) -> None:
    common = {
        *("format", "node", "role", "organization", "cloud", "generation", "sysctls"),
        *("addresses", "routes", "vpns", "tunnels"),
    }
    vpn_keys = {"name", "number", "family", "blocks", "local", "nat", "remote"}
    for node, document in planned(*fleet).documents.items():
        role = document["role"]
        gateway = {"inside", "neighbours"} if role in ("org_edge", "vapp_edge") else {"neighbours"}
        own = {"slice", "ledger"} if role == "vcc_node" else {key for key in gateway if key in document}
        assert set(document) == common | own
        assert (document["node"], document["format"], document["generation"]) == (node, 1, 1)
        assert role == "org_edge" or not document["tunnels"]
        for route in document["routes"]:
            assert len({"via", "tunnel", "type"} & set(route)) == 1
            assert set(route) <= {"prefix", "via", "tunnel", "type", "source", "metric"}
        for item in document["addresses"]:
            assert len({"beside", "device"} & set(item)) == 1
        for entry in document["vpns"]:
            assert set(entry) == vpn_keys | ({"edge_address", "mtu", "mss"} if role == "org_edge" else set())
            assert 1 <= entry["number"] <= 65535
            assert role == "org_edge" or entry["remote"] == entry["blocks"]
            inner = [link for tunnel in document["tunnels"] for link in tunnel["links"] if link["vpn"] == entry["name"]]
            assert role != "org_edge" or entry["mtu"] == min(link["mtu"] for link in inner)
        for tunnel in document["tunnels"]:
            assert re.fullmatch(r"[A-Za-z0-9_-]+", tunnel["name"])
            assert tunnel["name"] == "--".join(sorted([node, tunnel["peer"]]))


# Tenants


@few
@given(fleet=fleets())
def test_organizations_with_the_same_pools_and_names_never_see_each_other(fleet: tuple[Hosts, list[Vpn]]) -> None:
    hosts, vpns = fleet

    def theirs(name: str) -> str:
        kind, _hyphen, cloud = name.rpartition("-")
        return f"{kind}u-{cloud}"

    other_hosts: Hosts = {}
    for name, facts in hosts.items():
        variables = {**facts["vars"], "vcc_org": "umbrella"}
        if "vcc_vapp" in variables:
            variables["vcc_vapp"] = theirs(variables["vcc_vapp"])
        other_hosts[theirs(name)] = {**facts, "vars": variables}
    others = [
        {**entry, "members": [{**member, "name": theirs(member["name"])} for member in entry["members"]]}
        for entry in vpns
    ]
    alone, other_alone = planned(hosts, vpns), planned(other_hosts, others)
    world = World({**hosts, **other_hosts})
    world.plan(*vpns, pools=POOLS)
    later = world.plan(*others, pools=POOLS)
    assert set(later.changed_nodes) <= set(other_hosts)
    at_once = planned({**hosts, **other_hosts}, [*others, *vpns])
    for plan in (later, at_once):
        assert {node: plan.documents[node] for node in alone.documents} == alone.documents
        own = {node: plan.documents[node] for node in other_alone.documents}
        assert without_numbers(own) == without_numbers(dict(other_alone.documents))
        assert set(plan.documents) == {*alone.documents, *other_alone.documents}


def without_numbers(data: Any) -> Any:
    """A VPN's number is unique in the ledger, and so all that organizations know of each other."""
    if isinstance(data, dict):
        return {key: without_numbers(value) for key, value in data.items() if key != "number"}
    return [without_numbers(item) for item in data] if isinstance(data, list) else data


# Nonsense

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
nonsense = st.recursive(
    scalars
    | st.sampled_from(
        [
            "payroll",
            "internal",
            "vm1-east",
            "10.0.0.0/24",
            "fd00::/64",
            "::/0",
            "0.0.0.0/0",
            "standard",
            "nat",
            "*",
            "~(",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "pool", "members", "mode", "policy", "extends", "encryption", "ike", "esp", "x"])
            | scalars,
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn, data: Any) -> Any:
    """The data with one place in it replaced by nonsense."""
    if not isinstance(data, (dict, list)) or not data or draw(st.integers(0, 5)) == 0:
        return draw(nonsense)
    data = copy.copy(data)
    place = draw(st.sampled_from(list(data) if isinstance(data, dict) else range(len(data))))
    data[place] = draw(damaged(data[place]))
    return data


WHOLE = {
    "pools": POOLS,
    "policies": {"own": {"extends": "standard", "encryption": {"esp": ["aes256gcm16-ecp384"], "esp_rekey": 900}}},
    "vpns": [
        {**PAYROLL, "policy": "own", "topology": "mesh", "tunnel": "ipsec", "mode": "address"},
        {"name": "b", "pool": "10.99.4.0/24", "members": [{"name": "vm1-east", "mode": "nat"}, "vapp1-west"]},
    ],
    "networks": [{"name": "web", "stretch": ["edge-east", "edge-west"], "members": ["vm3-east"], "pool": "small"}],
}


@example(intent={**WHOLE, "vpns": True}, absent=[])
@given(intent=damaged(WHOLE), absent=st.lists(st.text(max_size=5) | st.just("payroll"), max_size=2))
def test_whatever_is_wrong_with_an_intent_is_said_in_our_words(intent: Any, absent: list[str]) -> None:
    """A plan or our own error, and never a traceback."""
    if not isinstance(intent, dict):
        return
    world = World()
    before = world.dump()
    try:
        world.ask(intent, absent=absent)
    except VccError as error:
        assert str(error)
        assert world.dump() == before


FACTS = lab()


@given(variables=st.fixed_dictionaries({name: damaged(FACTS[name]["vars"]) for name in FACTS if CLOUDS[0] in name}))
def test_whatever_is_wrong_with_the_inventory_is_said_in_our_words(variables: dict[str, Any]) -> None:
    hosts = copy.deepcopy(FACTS)
    for name, values in variables.items():
        hosts[name]["vars"] = values if isinstance(values, dict) else {"vcc_address": values, "vcc_vapp": values}
    try:
        World(hosts).plan(PAYROLL)
    except VccError as error:
        assert str(error)
