# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks behind a partner's edge: members reach them, and nothing else passes. docs/external.md."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import is_for_moved
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings import settings as external_settings
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings import with_files
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings_text import settings_text
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._partner.forms.worlds import POLICY
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, addresses, changed, lab

PARTNER = {"kinds": ["org_edges"], "clouds": ["partner"], "vcc_external": True, "vcc_public_address": ["198.51.100.20"]}
VM = {"kinds": ["members"], "clouds": ["partner"]}
NETWORK = {"network": "172.20.0.0/16", "behind": "partner", "ports": ["tcp/443"], "probe": "172.20.0.7"}
ORDERS = {"name": "orders", "pool": "internal", "members": ["vm1-east", "vm3-west"]}


def world(clouds: int = 2, **partner: Any) -> World:
    return World(changed(lab(clouds), {"partner": {**PARTNER, **partner}, "vm-partner": VM}))


def orders(*networks: Any, **more: Any) -> dict[str, Any]:
    return {**ORDERS, "destinations": {"networks": list(networks or [NETWORK])}, **more}


def ends(plan: Plan, peer: str = "partner") -> dict[str, Any]:
    """Our ends of the tunnels to an edge, by ours."""
    return {
        node: tunnel
        for node, document in plan.documents.items()
        for tunnel in document.get("tunnels", [])
        if tunnel["peer"] == peer
    }


def selectors(plan: Plan) -> dict[str, Any]:
    return {
        node: sorted((*link["local_ts"], "|", *link["remote_ts"]) for link in end["links"])
        for node, end in ends(plan).items()
    }


def refused(world: World, *vpns: Any) -> dict[str, str]:
    with pytest.raises(IntentErrors) as caught:
        world.plan(*vpns)
    return {error.path: error.message for error in caught.value.errors}


def shown(plan: Plan) -> dict[str, Any]:
    return external_settings("partner", {"vpns": plan.vpns}, dict(plan.documents.items()), {}, "")


def test_a_partner_without_a_member_is_a_site() -> None:
    plan = world().plan(orders())
    blocks = {site: said["blocks"] for site, said in plan.vpns[0]["sites"].items()}
    assert selectors(plan) == {
        "edge-east": [(*blocks["edge-east"], "|", "172.20.0.0/16")],
        "edge-west": [(*blocks["edge-west"], "|", "172.20.0.0/16")],
    }
    assert {"partner", "vm-partner"} & set(plan.documents) == set()


def test_the_partners_members_are_beside_its_networks() -> None:
    plan = world().plan(orders(members=["vm1-east", "vm-partner"]))
    ((*_own, mark, block, network),) = selectors(plan)["edge-east"]
    assert (mark, network) == ("|", "172.20.0.0/16")
    assert [block] == plan.vpns[0]["sites"]["partner"]["blocks"]


def test_the_network_is_no_member_that_could_open_connections() -> None:
    document = world().plan(orders()).documents["edge-east"]
    (vpn,) = document["vpns"]
    assert vpn["networks_beyond"] == ["172.20.0.0/16"]
    assert not any(ip_network(prefix).overlaps(ip_network("172.20.0.0/16")) for prefix in vpn["remote"])
    assert {"to": "172.20.0.0/16", "ports": ["tcp/443"]} in vpn["ports"]
    routes = [route for route in document["routes"] if route["prefix"] == "172.20.0.0/16"]
    assert sorted(route.get("type", route.get("tunnel")) for route in routes) == ["blackhole", "orders"]


def test_one_member_is_enough() -> None:
    assert set(selectors(world().plan(orders(members=["vm1-east"])))) == {"edge-east"}
    assert "vcc_vpns[0].members" in refused(world(), {**ORDERS, "members": ["vm1-east"]})


def test_a_single_host_is_a_network_of_a_partner() -> None:
    plan = world().plan(orders({"network": "172.20.0.7/32", "behind": "partner"}))
    assert selectors(plan)["edge-east"][0][-1] == "172.20.0.7/32"
    star = orders({"network": "172.20.0.7/32", "behind": "partner"}, topology={"kind": "star", "hub": "edge-east"})
    (message,) = refused(world(), star).values()
    assert "is reached over edge-east" in message and "4 addresses or more" in message
    own = orders({"network": "172.20.0.7/32", "behind": "edge-east"})
    assert "under servers" in refused(world(), own)["vcc_vpns[0].destinations.networks[0].network"]


def test_a_hub_passes_it_on() -> None:
    plan = world().plan(orders(topology={"kind": "star", "hub": "edge-east"}))
    assert set(ends(plan)) == {"edge-east"}
    (spoke,) = ends(plan, "edge-east").values()
    assert "172.20.0.0/16" in spoke["links"][0]["remote_ts"]
    assert plan.documents["edge-east"]["vpns"][0]["through"] is True


@pytest.mark.parametrize(
    ("network", "key", "part"),
    [
        ({"network": "100.64.9.0/24"}, "network", "addresses of a VPN"),
        ({"network": "10.10.0.0/24"}, "network", "have the partner translate it"),
        ({"network": "192.168.1.0/25"}, "network", "have the partner translate it"),
        ({"network": "198.51.100.0/24"}, "network", "198.51.100.20/32 (hosts.partner.vcc_public_address"),
        ({"network": "203.0.113.0/28"}, "network", "203.0.113.2/32 (hosts.edge-east.vcc_public_address"),
        ({"behind": "partnr"}, "behind", "did you mean partner"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_its_place(network: dict[str, Any], key: str, part: str) -> None:
    found = refused(world(), orders({**NETWORK, "probe": None, **network}))
    assert part in found[f"vcc_vpns[0].destinations.networks[0].{key}"], found


def test_the_partners_own_network_is_what_is_behind_its_edge() -> None:
    plan = world(vcc_org_network=["172.20.0.0/16"]).plan(orders())
    assert selectors(plan)["edge-east"][0][-1] == "172.20.0.0/16"


def test_networks_behind_two_partners_do_not_overlap() -> None:
    bank = {**PARTNER, "clouds": ["bank"], "vcc_public_address": ["192.0.2.9"]}
    both = World(changed(lab(2), {"partner": PARTNER, "bank": bank}))
    star = {"topology": {"kind": "star", "hub": "edge-east"}}
    there = {"network": "172.20.8.0/24", "behind": "bank"}
    found = refused(both, orders(NETWORK, there, **star))
    assert "overlaps 172.20.0.0/16" in found["vcc_vpns[0].destinations.networks[1].network"]
    plan = both.plan(orders(NETWORK, {**there, "network": "172.21.8.0/24"}, **star))
    assert {peer: set(ends(plan, peer)) for peer in ("partner", "bank")} == {
        "partner": {"edge-east"},
        "bank": {"edge-east"},
    }


def test_a_partner_of_another_organization_is_no_site() -> None:
    hosts = changed(lab(2), {"partner": {**PARTNER, "vcc_org": "umbra"}})
    found = refused(World(hosts), orders())
    assert "it is of another organization" in found["vcc_vpns[0].destinations.networks[0].behind"]


def test_a_server_is_named_as_a_network() -> None:
    server = {"name": "erp", "behind": "partner", "address": "172.20.0.7"}
    found = refused(world(), {**ORDERS, "destinations": {"servers": [server]}})
    assert "name the host under networks" in found["vcc_vpns[0].destinations.servers[0].behind"]


def test_a_run_that_does_not_name_the_vpn_keeps_it_and_deletion_leaves_nothing() -> None:
    landscape = world()
    landscape.plan(orders())
    landscape.settle([])
    assert not landscape.plan().changed
    assert not landscape.plan(orders()).changed
    ours = set(landscape.plan(orders()).documents)
    landscape.plan(absent=["orders"])
    assert landscape.settle(ours) == (True, [])
    assert landscape.leases() == {}


def test_a_change_of_members_keeps_the_partner() -> None:
    landscape = world()
    before = landscape.plan(orders(topology="chain"))
    landscape.settle([])
    after = landscape.plan({"name": "orders", "add": ["vm2-west"]})
    assert set(ends(after)) == set(ends(before))
    assert set(ends(landscape.plan({"name": "orders", "remove": ["vm3-west", "vm2-west"]}))) == {"edge-east"}


@pytest.mark.parametrize("gateway", ["libreswan", "fortigate", "pfsense", "mikrotik", "cisco"])
def test_every_pair_is_printed_where_each_is_a_child_sa_of_its_own(gateway: str) -> None:
    """With the other side's selectors, the other way round."""
    other = {"network": "172.21.0.0/24", "behind": "partner"}
    plan = world(1, vcc_gateway=gateway).plan(orders(NETWORK, other, members=["vm1-east", "vm-partner"], policy=POLICY))
    links = ends(plan)["edge-east"]["links"]
    assert [len(link["local_ts"]) * len(link["remote_ts"]) for link in links] == [1, 1, 1]
    assert not any(is_for_moved(link) for link in links)
    found = with_files(shown(plan), {})
    (tunnel,) = found["tunnels"]
    assert [(vpn["local_ts"], vpn["remote_ts"]) for vpn in tunnel["vpns"]] == [
        (link["remote_ts"], link["local_ts"]) for link in links
    ]
    text = "\n".join(tunnel["configuration"].values())
    assert "172.20.0.0" in text and "172.21.0.0" in text


@pytest.mark.parametrize(("gateway", "key"), [("aws", "remote_ipv4_network_cidr"), ("azure", "local_address_cidrs")])
def test_a_cloud_with_one_child_sa_has_one_network(gateway: str, key: str) -> None:
    """Without a member there, the network is the only selector."""
    plan = world(1, vcc_gateway=gateway).plan(orders(members=["vm1-east"], policy=POLICY))
    (tunnel,) = with_files(shown(plan), {})["tunnels"]
    (text,) = tunnel["configuration"].values()
    (line,) = (line for line in text.splitlines() if key in line)
    assert "172.20.0.0/16" in line
    found = refused(world(1, vcc_gateway=gateway), orders(members=["vm1-east", "vm-partner"], policy=POLICY))
    assert "need several CHILD_SAs" in found["vcc_vpns[0].members"]


def test_the_administrator_reads_which_networks_and_ports() -> None:
    plan = world().plan(orders(NETWORK, {"network": "172.21.0.0/24", "behind": "partner", "ports": []}))
    text = settings_text(with_files(shown(plan), {}))
    assert "  172.20.0.0/16     tcp/443 (orders)\n  172.21.0.0/24     pings only (orders)\n" in text
    assert "Addresses that VMs get" not in text


@settings(max_examples=settings.default.max_examples // 4)
@given(
    networks=st.lists(st.integers(0, 63), min_size=1, max_size=4, unique=True),
    member=st.booleans(),
    hub=st.sampled_from([None, "edge-east", "edge-west"]),
)
def test_what_is_behind_is_reached_over_exactly_one_link_from_every_site(
    networks: list[int], member: bool, hub: str | None
) -> None:
    asked = [{"network": f"172.20.{4 * number}.0/22", "behind": "partner"} for number in networks]
    members = ["vm1-east", "vm3-west", *(["vm-partner"] if member else [])]
    topology: Any = "mesh" if hub is None else {"kind": "star", "hub": hub}
    plan = world().plan(orders(*asked, members=members, topology=topology))
    for edge in ("edge-east", "edge-west"):
        tunnels = plan.documents[edge]["tunnels"]
        for network in (one["network"] for one in asked):
            over = [t["peer"] for t in tunnels for link in t["links"] if network in link["remote_ts"]]
            assert over == ["partner" if hub in (None, edge) else hub]
            routes = [r for r in plan.documents[edge]["routes"] if r["prefix"] == network]
            assert sorted(route.get("type", "tunnel") for route in routes) == ["blackhole", "tunnel"]
    for end in ends(plan).values():
        theirs = {prefix for link in end["links"] for prefix in link["remote_ts"]}
        blocks = plan.vpns[0]["sites"]["partner"]["blocks"] if member else []
        assert theirs == {*(one["network"] for one in asked), *blocks}


@pytest.mark.parametrize("gateway", ["aws", "azure", "gcp", None])
def test_no_vm_has_an_address_that_the_partners_cloud_keeps(gateway: str | None) -> None:
    """Of a subnet that is the partner's block."""
    said = {} if gateway is None else {"vcc_gateway": gateway}
    hosts = {"partner": {**PARTNER, **said}, **{f"vm{number}-partner": VM for number in range(70)}}
    landscape = World(changed(lab(1), hosts))
    few = orders(members=["vm1-east", "vm0-partner", "vm1-partner"], policy=POLICY, destinations=None)
    some = landscape.plan(few)
    (block,) = (ip_network(prefix) for prefix in some.vpns[0]["sites"]["partner"]["blocks"])
    first = addresses(some, "orders")["vm0-partner"]
    assert ip_address(first) - int(block[0]) == ip_address({None: 2, "gcp": 3}.get(gateway, 5))
    if gateway in (None, "gcp"):  # the others have one pair of selectors
        landscape.settle([])
        every = landscape.plan({**few, "members": ["vm1-east", *(name for name in hosts if name != "partner")]})
        begin, end = {None: (1, 0), "gcp": (2, 2)}[gateway]
        for prefix in map(ip_network, every.vpns[0]["sites"]["partner"]["blocks"]):
            kept = {str(prefix[place]) for place in (*range(begin), *range(-end, 0))}
            assert not kept & {*addresses(every, "orders").values()}
        assert addresses(every, "orders")["vm0-partner"] == first


def test_fortigate_takes_an_identity_of_63_characters() -> None:
    said = {"vcc_gateway": "fortigate", "vcc_identity": f"{'a' * 60}.bcd"}
    found = refused(world(1, **said), orders(members=["vm1-east"]))
    assert "has 64 characters, and FortiGate takes 63 at most" in found["hosts.partner.vcc_identity"]
    assert ends(world(1, **{**said, "vcc_identity": f"{'a' * 59}.bcd"}).plan(orders(members=["vm1-east"])))
