# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stretched network in the plan: links between its edges, whose frames they carry, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.run_names import only_vpn
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    bodies,
    changed,
    entry,
    lab,
    with_second_edge,
)

WEB = {"name": "web-tier", "stretch": ["edge-east", "edge-west"], "members": ["vm3-east", "vm3-west"]}


@pytest.fixture
def world() -> World:
    """Two clouds, whose VMs on the org network have addresses of their own."""
    return World(changed(lab(), "vm3-west: {vcc_address: [10.10.0.23, 'fd10:10::23']}"))


def told(plan: Plan, edge: str) -> Any:
    """What an edge is told of the network's frames."""
    return entry(plan, edge, "web-tier")["stretch"]


def test_edges_know_whose_frames_they_carry(world: World) -> None:
    plan = world.plan(networks=[WEB])
    east, west = (plan.documents[edge] for edge in ("edge-east", "edge-west"))
    own = {document["node"]: document["vpns"][0]["edge_address"] for document in (east, west)}
    here = {"host": "vm3-east", "addresses": ["10.10.0.13", "fd10:10::13"]}
    there = {"host": "vm3-west", "addresses": ["10.10.0.23", "fd10:10::23"]}
    assert told(plan, "edge-east") == {
        "beside": "10.10.0.1",
        "peers": [own["edge-west"]],
        "gateways": [{"host": edge, "addresses": ["10.10.0.1", "fd10:10::1"]} for edge in ("edge-east", "edge-west")],
        "here": [here],
        "there": [{**there, "behind": own["edge-west"]}],
        "broadcast": 200,
        "port": 14789,
    }
    assert told(plan, "edge-west")["there"] == [{**here, "behind": own["edge-east"]}]
    link = east["tunnels"][0]["links"][0]
    assert (link["vpn"], len(east["tunnels"]), set(plan.documents)) == (
        "web-tier",
        1,
        {"edge-east", "edge-west", "node-east", "node-west"},
    )


def test_once(world: World) -> None:
    first = world.plan(networks=[WEB])
    again = world.plan(networks=[WEB])
    assert (again.changed, again.diff, dict(again.documents)) == (False, [], dict(first.documents))
    assert bodies(world.plan(networks=[WEB], anew=True)) == bodies(first)


def test_beside_vpns(world: World) -> None:
    """The tunnel is shared; a run that does not mention the network leaves it as it is."""
    world.plan(networks=[WEB])
    plan = world.plan(PAYROLL)
    assert [link["vpn"] for link in plan.documents["edge-east"]["tunnels"][0]["links"]] == ["payroll", "web-tier"]
    assert told(plan, "edge-east")["there"][0]["host"] == "vm3-west"


def test_all_is_every_vm_on_the_org_networks(world: World) -> None:
    assert told(world.plan(networks=[{**WEB, "members": "all"}]), "edge-east")["there"][0]["host"] == "vm3-west"


def test_a_member_that_moves_changes_sides(world: World) -> None:
    before = world.plan(networks=[WEB])
    world.hosts = changed(world.hosts, "vm3-east: {clouds: [west]}")
    plan = world.plan(networks=[WEB])
    assert [one["host"] for one in told(plan, "edge-west")["here"]] == ["vm3-east", "vm3-west"]
    assert (told(plan, "edge-west")["there"], told(plan, "edge-east")["here"]) == ([], [])
    assert plan.diff[:2] == [
        "- vpn web-tier: member vm3-east 10.10.0.13 (stretched, at edge-east)",
        "+ vpn web-tier: member vm3-east 10.10.0.13 (stretched, at edge-west)",
    ]
    for edge in ("edge-east", "edge-west"):
        assert plan.documents[edge]["tunnels"] == before.documents[edge]["tunnels"]


def test_a_member_with_another_name_stays_one(world: World) -> None:
    before = world.plan(networks=[WEB])
    world.hosts["web1"] = world.hosts.pop("vm3-east")
    world.hosts = changed(world.hosts, "web1: {vcc_formerly: [vm3-east]}")
    plan = world.plan()
    assert plan.notes == ["web1 was vm3-east"]
    assert [one["host"] for one in told(plan, "edge-east")["here"]] == ["web1"]
    assert plan.documents["edge-east"]["tunnels"] == before.documents["edge-east"]["tunnels"]
    assert not world.plan(networks=[{**WEB, "members": ["web1", "vm3-west"]}]).changed


def test_move_member_finds_its_network(world: World) -> None:
    world.plan(networks=[WEB])
    world.hosts = changed(world.hosts, "vm3-east: {clouds: [west]}")
    plan = world.plan(move=["vm3-east"], to="west")
    assert [one["host"] for one in told(plan, "edge-west")["here"]] == ["vm3-east", "vm3-west"]


def test_deletion_leaves_nothing(world: World) -> None:
    world.plan(networks=[WEB])
    plan = world.plan(absent=["web-tier"])
    assert not any(document["vpns"] or document["tunnels"] for document in plan.documents.values())


def test_whom_it_concerns(world: World) -> None:
    """Members are asked who they are; none of them is told anything."""
    plan = world.plan(networks=[WEB])
    assert set(plan.concerned) == {"edge-east", "edge-west", "node-east", "node-west"}


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        ({"stretch": ["edge-east"]}, "vcc_networks[0].stretch", "two or more org edges or vApp edges"),
        ({"stretch": ["edge-east", "edge-wst"]}, "vcc_networks[0].stretch[1]", "did you mean edge-west"),
        ({"stretch": ["edge-east", "vapp1-west"]}, "vcc_networks[0].stretch", "one broadcast domain is one network"),
        ({"stretch": ["edge-east", "edge-east"]}, "vcc_networks[0].stretch[1]", "named already"),
        ({"members": ["vm3-east", "vm1-west"]}, "vcc_networks[0].members[1]", "behind the vApp vapp1-west"),
        ({"members": ["vm3-east"]}, "vcc_networks[0].members", "at least two members"),
        ({"members": "some"}, "vcc_networks[0].members", "must be all, or a list"),
        ({"members": [{"name": "vm3-east"}, "vm3-west"]}, "vcc_networks[0].members[0]", "must be the name"),
        ({"pool": "nowhere"}, "vcc_networks[0].pool", "no pool 'nowhere'"),
        ({"policy": {"rate": {"vpn": "5mbit"}}}, "vcc_networks[0].policy", "says rate"),
        ({"mode": "nat"}, "vcc_networks[0].mode", "is not known here"),
        ({"name": "web.tier"}, "vcc_networks[0].name", "must start with a letter"),
    ],
)
def test_refused(world: World, change: dict[str, Any], path: str, says: str) -> None:
    (error,) = world.refused(networks=[{**WEB, **change}])
    assert error.startswith(f"{path}: ")
    assert says in error


def test_edges_send_frames_over_ipv4(world: World) -> None:
    with pytest.raises(IntentErrors) as caught:
        world.plan(networks=[WEB], pools={"six": "fd64::/48"})
    assert "vcc_networks[0].pool: fd64::/48 is IPv6" in str(caught.value)


def test_names_are_shared_with_vpns(world: World) -> None:
    (error,) = world.refused(PAYROLL, networks=[{**WEB, "name": "payroll"}])
    assert error.startswith("vcc_networks[0].name: payroll is already the name of vcc_vpns[0]")


def test_an_address_at_two_sites() -> None:
    (error, six) = World().refused(networks=[WEB])
    assert error.startswith("hosts.vm3-west.vcc_address: 10.10.0.13 is the address of vm3-east too")
    assert "fd10:10::13" in six


def test_the_address_of_a_machine_that_is_no_member(world: World) -> None:
    """vapp1-west is at 10.10.0.11 of a network that is to be one with that of the member."""
    world.hosts = changed(world.hosts, "vm3-east: {vcc_address: 10.10.0.11}\nvapp1-east: {vcc_org_address: 10.10.0.12}")
    (error,) = world.refused(networks=[WEB])
    assert error.startswith("hosts.vm3-east.vcc_address: 10.10.0.11 is the address of vapp1-west too")


def test_a_link_layer_address_at_two_sites(world: World) -> None:
    said = {
        name: {"python": "3.11.2", "devices": {"eth0": {"mac": "02:00:5e:10:00:01", "addresses": [f"{address}/24"]}}}
        for name, address in (("vm3-east", "10.10.0.13"), ("vm3-west", "10.10.0.23"))
    }
    (error,) = world.refused(networks=[WEB], observed=said)
    assert error.startswith("hosts.vm3-west: says that it has the link-layer address 02:00:5e:10:00:01")


@pytest.mark.parametrize("other", ["vm3-west", "edge-west", "vapp1-west"])
def test_a_link_layer_address_that_the_inventory_gives_twice(world: World, other: str) -> None:
    """To a member, to an edge, to a machine that is not a member."""
    mac = "02:00:5e:10:00:01"
    world.hosts = changed(world.hosts, {"vm3-east": {"vcc_mac": mac}, other: {"vcc_mac": mac}})
    (error,) = world.refused(networks=[WEB])
    assert f"{mac} is the link-layer address of" in error and "vm3-east" in error and other in error


@pytest.mark.parametrize("macs", [[], ["02:00:5e:10:00:01", "02:00:5e:10:00:02"]], ids=["none", "two"])
def test_a_member_is_known_by_one_link_layer_address(world: World, macs: list[str]) -> None:
    world.hosts = changed(world.hosts, {"vm3-east": {"vcc_mac": macs}})
    (error,) = world.refused(networks=[WEB])
    assert error.startswith("hosts.vm3-east.vcc_mac: gives vm3-east no link-layer address, or several")


def test_all_hides_no_mistake(world: World) -> None:
    world.hosts = changed(world.hosts, "vm9-east: {kinds: [members], clouds: [east], vcc_address: 10.10.0.999}")
    errors = world.refused(networks=[{**WEB, "members": "all"}])
    assert any(error.startswith("hosts.vm9-east.vcc_address: ") for error in errors)


def test_a_member_of_two_networks(world: World) -> None:
    with pytest.raises(IntentErrors) as caught:
        world.plan(networks=[WEB, {**WEB, "name": "db-tier"}])
    assert "can be in one stretched network only" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("vm3-east: {clouds: [south]}", "vm3-east is at edge-south now"),
        ("vm3-east: {vcc_vapp: vapp1-east, vcc_address: 192.168.1.77}", "vm3-east is behind the vApp vapp1-east now"),
        ("edge-west: {vcc_org_network: [10.10.0.0/16, 'fd10:10::/64']}", "one broadcast domain is one network"),
    ],
)
def test_a_network_that_the_run_does_not_name_is_checked_all_the_same(change: str, says: str) -> None:
    world = World(changed(lab(3), "vm3-west: {vcc_address: [10.10.0.23, 'fd10:10::23']}"))
    world.plan(networks=[WEB])
    world.hosts = changed(world.hosts, change)
    with pytest.raises(IntentErrors) as caught:
        world.plan(PAYROLL)
    assert f"ledger.acme.web-tier: {says}" in str(caught.value)


def test_the_ledger_remembers_its_members(world: World) -> None:
    """One that the inventory has no more holds nobody else up."""
    world.plan(networks=[WEB])
    world.run_all()
    world.settle(world.hosts)
    world.hosts = changed(world.hosts, "vm3-west: null")
    assert (
        told(world.plan({**PAYROLL, "members": ["vm1-east", "vm1-west"]}), "edge-east")["there"][0]["host"]
        == "vm3-west"
    )


def test_two_edges_on_one_network(world: World) -> None:
    world.hosts = with_second_edge(world.hosts)
    errors = world.refused(networks=[{**WEB, "stretch": ["edge-east", "edge2-east", "edge-west"]}])
    assert any("is in the cloud of" in error for error in errors)


def test_networks_that_differ(world: World) -> None:
    world.hosts = changed(world.hosts, "edge-west: {vcc_org_network: [10.10.0.0/16, 'fd10:10::/64']}")
    (error,) = world.refused(networks=[WEB])
    assert "one broadcast domain is one network" in error


@pytest.mark.parametrize(
    ("named", "names", "says"),
    [
        ({"vpns": [], "networks": [WEB]}, ["web-tier"], None),
        ({"vpns": [PAYROLL], "networks": None}, ["payroll"], None),
        ({"vpns": [PAYROLL], "networks": [WEB]}, ["payroll", "web-tier"], "vcc_vpns and vcc_networks name 2"),
        ({"vpns": [], "networks": {"web": WEB}}, [], "vcc_networks: must be a list of networks"),
        ({}, [], None),
    ],
)
def test_the_only_one_is_the_one_to_delete(named: dict[str, Any], names: list[str], says: str | None) -> None:
    problems = Problems()
    assert only_vpn(named, problems) == names
    assert (says in str(next(iter(problems)))) if says else not len(problems)
