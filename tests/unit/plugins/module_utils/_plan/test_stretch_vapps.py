# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vApp networks in a stretched network: their edges carry the frames, and org edges pass them on."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    bodies,
    changed,
    entry,
    lab,
    with_second_edge,
)

APP = {"name": "app-tier", "stretch": ["vapp1-east", "vapp1-west"], "members": ["vm1-east", "vm1-west"]}
MIXED = {**APP, "stretch": ["vapp1-east", "edge-south"], "members": ["vm1-east", "vm3-south"]}
OTHERS = "vm1-west: {vcc_address: [192.168.1.21, 'fd10:1::21']}\nvm2-west: {vcc_address: 192.168.1.22}"
# South's org network is what the vApp networks are elsewhere.
SOUTH = """
edge-south: {vcc_org_network: [192.168.1.0/24, 'fd10:1::/64'], vcc_org_address: [192.168.1.1, 'fd10:1::1']}
vm3-south: {vcc_address: [192.168.1.33, 'fd10:1::33']}
"""


@pytest.fixture
def world() -> World:
    """Three clouds; the VMs behind vApps have addresses of their own."""
    return World(changed(changed(lab(3), OTHERS), SOUTH))


def app(plan: Plan, node: str) -> Any:
    """What a node is told of the network."""
    return entry(plan, node, "app-tier")


def test_vapp_edges_carry_the_frames(world: World) -> None:
    plan = world.plan(networks=[APP])
    own = {vapp: app(plan, vapp)["edge_address"] for vapp in APP["stretch"]}
    told = app(plan, "vapp1-east")["stretch"]
    gateways = [{"host": vapp, "addresses": ["192.168.1.1", "fd10:1::1"]} for vapp in APP["stretch"]]
    assert told == {
        "beside": "192.168.1.1",
        "peers": [own["vapp1-west"]],
        "gateways": gateways,
        "here": [{"host": "vm1-east", "addresses": ["192.168.1.11", "fd10:1::11"]}],
        "there": [{"host": "vm1-west", "addresses": ["192.168.1.21", "fd10:1::21"], "behind": own["vapp1-west"]}],
        "broadcast": 200,
        "port": 14789,
    }
    document = plan.documents["vapp1-east"]
    assert document["addresses"] == [{"address": f"{own['vapp1-east']}/32", "device": "lo"}]
    (block,) = app(plan, "vapp1-east")["blocks"]
    assert {"prefix": block, "via": "10.10.0.1", "mtu": 1400} in document["routes"]
    assert set(plan.concerned) == {
        *("edge-east", "edge-west", "node-east", "node-west"),
        *("vapp1-east", "vapp1-west"),
    }


def test_org_edges_pass_them_on_and_nothing_else(world: World) -> None:
    plan = world.plan(networks=[APP])
    east = app(plan, "edge-east")
    assert (east["frames"], east["local"]) == ({"port": 14789}, [app(plan, "vapp1-east")["edge_address"]])
    assert "stretch" not in east
    (beside,) = plan.documents["edge-east"]["neighbours"]
    assert beside["host"] == "vapp1-east"
    (link,) = plan.documents["edge-east"]["tunnels"][0]["links"]
    assert link["vpn"] == "app-tier"


def test_an_org_network_with_a_vapp_network(world: World) -> None:
    plan = world.plan(networks=[MIXED])
    vapp, edge = app(plan, "vapp1-east"), app(plan, "edge-south")
    assert (vapp["stretch"]["peers"], edge["stretch"]["peers"]) == ([edge["edge_address"]], [vapp["edge_address"]])
    assert [one["host"] for one in edge["stretch"]["gateways"]] == ["vapp1-east", "edge-south"]
    assert "frames" not in edge
    assert [
        one["host"] for one in app(world.plan(networks=[{**MIXED, "members": "all"}]), "edge-south")["stretch"]["there"]
    ] == [
        "vm1-east",
        "vm2-east",
    ]


def test_once_and_beside_a_vpn_with_members_there(world: World) -> None:
    """Which stays as it is; and the network, in a run that does not mention it."""
    payroll = {**PAYROLL, "members": ["vm1-east", "vm1-west"]}
    before = world.plan(payroll)
    plan = world.plan(networks=[APP])
    assert entry(plan, "vapp1-east", "payroll") == entry(before, "vapp1-east", "payroll")
    assert entry(plan, "edge-east", "payroll") == entry(before, "edge-east", "payroll")
    again = world.plan(payroll, networks=[APP])
    assert (again.changed, again.diff) == (False, [])
    assert bodies(world.plan(payroll, anew=True)) == bodies(plan)


def test_deletion_leaves_nothing_on_vapp_edges(world: World) -> None:
    world.plan(networks=[APP])
    plan = world.plan(absent=["app-tier"])
    assert {"vapp1-east", "vapp1-west"} <= {*plan.losing}
    document = plan.documents["vapp1-east"]
    assert not any(document[key] for key in ("addresses", "routes", "vpns"))


def test_a_vapp_network_comes_in_for_an_org_network(world: World) -> None:
    """At south: its own vApp's. The org edge carries no frames any more, and passes them on."""
    world.hosts = changed(world.hosts, "vm1-south: {vcc_address: [192.168.1.43, 'fd10:1::43']}")
    world.plan(networks=[MIXED])
    world.hosts = changed(
        world.hosts,
        "edge-south: {vcc_org_network: [10.10.0.0/24, 'fd10:10::/64'], vcc_org_address: 10.10.0.1}\n"
        "vm3-south: {vcc_address: 10.10.0.33}",
    )
    plan = world.plan(
        networks=[{**APP, "stretch": ["vapp1-east", "vapp1-south"], "members": ["vm1-east", "vm1-south"]}]
    )
    assert "stretch" not in app(plan, "edge-south")
    own = app(plan, "vapp1-south")["edge_address"]
    assert app(plan, "vapp1-east")["stretch"]["peers"] == [own]
    assert f"+ vpn app-tier: network of vapp1-south, frames at {own}" in plan.diff


def test_a_vapp_edge_with_another_name(world: World) -> None:
    before = world.plan(networks=[APP])
    world.hosts["gate"] = world.hosts.pop("vapp1-east")
    world.hosts = changed(
        world.hosts,
        {"gate": {"vcc_formerly": "vapp1-east"}, **{vm: {"vcc_vapp": "gate"} for vm in ("vm1-east", "vm2-east")}},
    )
    plan = world.plan()
    assert "gate was vapp1-east" in plan.notes
    assert app(plan, "gate")["edge_address"] == app(before, "vapp1-east")["edge_address"]
    assert not world.plan(networks=[{**APP, "stretch": ["gate", "vapp1-west"]}]).changed


def test_an_org_edge_with_another_name(world: World) -> None:
    """The vApp edge behind it stays what it is, and where it is."""
    before = world.plan(networks=[APP])
    world.run_all()
    world.hosts["front-east"] = world.hosts.pop("edge-east")
    world.hosts = changed(world.hosts, {"front-east": {"vcc_formerly": "edge-east"}})
    plan = world.plan()
    assert "front-east was edge-east" in plan.notes
    assert app(plan, "vapp1-east")["edge_address"] == app(before, "vapp1-east")["edge_address"]
    assert app(plan, "front-east")["frames"]
    assert not world.plan(networks=[APP]).changed


def test_a_network_with_another_name(world: World) -> None:
    before = world.plan(networks=[APP])
    plan = world.plan(networks=[{**APP, "name": "apps", "formerly": "app-tier"}])
    assert entry(plan, "vapp1-east", "apps")["edge_address"] == app(before, "vapp1-east")["edge_address"]
    assert entry(plan, "vapp1-east", "apps")["number"] == app(before, "vapp1-east")["number"]


def test_a_member_that_moves_behind_another_vapp(world: World) -> None:
    before = world.plan(networks=[APP])
    world.hosts = changed(world.hosts, "vm1-east: {clouds: [west], vcc_vapp: vapp1-west}")
    plan = world.plan(move=["vm1-east"], to="west")
    told = app(plan, "vapp1-west")["stretch"]
    assert ([one["host"] for one in told["here"]], told["there"]) == (["vm1-east", "vm1-west"], [])
    assert plan.diff[:2] == [
        "- vpn app-tier: member vm1-east 192.168.1.11 (stretched, at vapp1-east)",
        "+ vpn app-tier: member vm1-east 192.168.1.11 (stretched, at vapp1-west)",
    ]
    for edge in ("edge-east", "edge-west"):
        assert plan.documents[edge]["tunnels"] == before.documents[edge]["tunnels"]


def test_a_pool_that_the_vapp_network_is_in(world: World) -> None:
    with pytest.raises(IntentErrors) as caught:
        world.plan(networks=[APP], pools={"near": "192.168.0.0/16"})
    assert "vapp1-east.vcc_vapp_network" in str(caught.value)


def test_two_gateways_with_one_address(world: World) -> None:
    world.hosts = changed(world.hosts, "vapp1-west: {vcc_org_address: [10.10.0.1, 'fd10:10::11']}")
    assert any("10.10.0.1 is the address of edge-west too" in error for error in world.refused(networks=[APP]))


@pytest.mark.parametrize(
    ("network", "path", "says"),
    [
        ({**APP, "stretch": ["vapp1-east", "vapp1-wst"]}, "stretch[1]", "did you mean vapp1-west"),
        (
            {**APP, "stretch": ["vapp1-east", "edge-east", "vapp1-west"]},
            "stretch",
            "vapp1-east is in the cloud of edge-east",
        ),
        ({**APP, "stretch": ["vapp1-east", "edge-west"]}, "stretch", "one broadcast domain is one network"),
        (
            {**APP, "members": ["vm1-east", "vm3-west"]},
            "members[1]",
            "vm3-west is at edge-west, which stretch does not name",
        ),
        ({**APP, "members": ["vm1-east", "vm1-south"]}, "members[1]", "vm1-south is behind the vApp vapp1-south"),
    ],
)
def test_refused(world: World, network: dict[str, Any], path: str, says: str) -> None:
    errors = world.refused(networks=[network])
    assert any(error.startswith(f"vcc_networks[0].{path}: ") and says in error for error in errors), errors


def test_a_vapp_edge_without_an_address_of_the_pools_version(world: World) -> None:
    world.hosts = changed(world.hosts, "vapp1-east: {vcc_org_address: 'fd10:10::11'}")
    (error,) = world.refused(networks=[APP])
    assert error.startswith("hosts.vapp1-east.vcc_org_address: has no IPv4 address")


def test_an_address_in_both_vapp_networks(world: World) -> None:
    """Of a member, and of a machine that is none."""
    world.hosts = changed(world.hosts, "vm2-west: {vcc_address: 192.168.1.11}")
    (error,) = world.refused(networks=[APP])
    assert error.startswith("hosts.vm1-east.vcc_address: 192.168.1.11 is the address of vm2-west too")


def test_which_edge_a_vapp_edge_is_behind(world: World) -> None:
    """Where the cloud has two, the inventory says it."""
    world.hosts = with_second_edge(world.hosts)
    errors = world.refused(networks=[APP])
    assert any("hosts.vapp1-east.vcc_edge: must say which org edge serves vapp1-east" in one for one in errors)
    world.hosts = changed(world.hosts, "vapp1-east: {vcc_edge: edge2-east}")
    assert app(world.plan(networks=[APP]), "edge2-east")["frames"]


def test_an_external_edge_is_told_nothing_of_frames(world: World) -> None:
    world.hosts = changed(world.hosts, "edge-east: {vcc_external: true}")
    assert any("[0]: vapp1-east is behind edge-east, which is external" in one for one in world.refused(networks=[APP]))
    errors = world.refused(networks=[{**APP, "stretch": ["edge-east", "vapp1-west"]}])
    assert any("[0]: edge-east is external" in one for one in errors)


def test_a_vapp_that_moved_to_another_edge_is_told(world: World) -> None:
    world.plan(networks=[APP])
    world.hosts = with_second_edge(world.hosts)
    world.hosts = changed(world.hosts, "vapp1-east: {vcc_edge: edge2-east}")
    with pytest.raises(IntentErrors) as caught:
        world.plan(PAYROLL)
    assert "ledger.acme.app-tier: vapp1-east is behind edge2-east now" in str(caught.value)
    assert app(world.plan(networks=[APP]), "edge2-east")["frames"]
