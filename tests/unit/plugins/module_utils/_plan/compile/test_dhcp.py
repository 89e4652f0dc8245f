# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What edges are told to serve by DHCP, and whom a run concerns by that. docs/dhcp.md."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    Hosts,
    World,
    changed,
    lab,
)

MAC = "02:00:5e:10:00:01"
VPN = {**PAYROLL, "members": ["vm1-east", {"name": "vm2-east", "mode": "nat"}, "vm1-west", "vm3-west"]}
AUDIT = {"name": "audit", "pool": "10.99.0.0/16", "members": [{"name": "vm2-east", "mode": "nat"}, "vm2-west"]}
SERVES: dict[str, Any] = {"vapp1-east": {"vcc_dhcp": True}}


def hosts(**more: Any) -> Hosts:
    return changed(lab(), {**SERVES, **{name.replace("_", "-"): change for name, change in more.items()}})


def served(world: World, *vpns: Any, node: str = "vapp1-east") -> dict[str, Any]:
    found: dict[str, Any] = world.plan(*(vpns or (VPN,))).documents[node]["dhcp"]
    return found


def by_name(entry: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {host["name"]: host for host in entry["hosts"]}


def test_every_vm_of_the_network_has_its_address_and_translated_members_their_routes() -> None:
    found = served(World(hosts(vm2_east={"vcc_mac": MAC})))
    assert (found["network"], found["address"], found["lease"]) == ("192.168.1.0/24", "192.168.1.1", 3600)
    address, translated = found["hosts"]
    assert address == {"name": "vm1-east", "address": "192.168.1.11", "mtu": address["mtu"]}
    expected = {"address": "192.168.1.12", "mac": [MAC], "routes": ["100.64.0.0/24"], "mtu": address["mtu"]}
    assert translated == {"name": "vm2-east", **expected}
    assert 1280 <= address["mtu"] <= 1500


def test_a_non_member_gets_its_address_and_nothing_else() -> None:
    found = by_name(served(World(hosts()), PAYROLL))
    assert found["vm2-east"] == {"name": "vm2-east", "address": "192.168.1.12"}


def test_an_edge_that_serves_nothing_is_told_nothing() -> None:
    plan, plain = World(hosts()).plan(VPN), World(lab()).plan(VPN)
    assert [name for name, document in plan.documents.items() if "dhcp" in document] == ["vapp1-east"]
    others = {name: document for name, document in plan.documents.items() if document["role"] != "vcc_node"}
    for name in others.keys() - {"vapp1-east"}:
        assert plan.documents[name] == plain.documents[name]


def test_on_an_org_network_vapp_edges_and_their_vms_are_not_served() -> None:
    more = {"edge_west": {"vcc_dhcp": {"range": ["10.10.0.100", "10.10.0.120"], "mtu": 1300, "dns": "10.10.0.1"}}}
    found = served(World(hosts(**more)), node="edge-west")
    assert found["hosts"] == [{"name": "vm3-west", "address": "10.10.0.13"}]
    assert (found["range"], found["mtu"], found["dns"]) == (["10.10.0.100", "10.10.0.120"], 1300, ["10.10.0.1"])


def test_a_member_of_two_vpns_is_told_both_and_the_smaller_mtu() -> None:
    small = {**AUDIT, "policy": "cnsa"}
    world = World(changed(hosts(), {"edge-west": {"vcc_underlay_mtu": 1400}}))
    alone = by_name(served(World(hosts()), VPN))["vm2-east"]
    both = by_name(served(world, VPN, small))["vm2-east"]
    assert both["routes"] == ["10.99.0.0/16", "100.64.0.0/24"] and both["mtu"] < alone["mtu"]


def test_networks_behind_other_edges_are_on_the_way_too() -> None:
    networks = {"networks": [{"network": "198.51.100.0/24", "behind": "edge-west"}]}
    found = by_name(served(World(hosts()), {**VPN, "destinations": networks}))["vm2-east"]
    assert found["routes"] == ["100.64.0.0/24", "198.51.100.0/24"]


@pytest.mark.parametrize(
    "change",
    [
        {"vapp1-east": {"vcc_dhcp": {"lease": "10m"}}},
        {"vapp1-east": {"vcc_dhcp": False}},
        {"vm2-east": {"vcc_address": ["192.168.1.77"]}},
        {"vm2-east": {"vcc_mac": MAC}},
        {"vm2-east": None},
        {
            "vm8-east": {
                "kinds": ["members"],
                "clouds": ["east"],
                "vcc_vapp": "vapp1-east",
                "vcc_address": "192.168.1.8",
            }
        },
    ],
)
def test_what_changes_for_a_non_member_concerns_its_edge_and_no_other(change: Any) -> None:
    world = World(hosts())
    before = world.plan(PAYROLL).documents
    world.hosts = changed(world.hosts, change)
    after = world.plan(PAYROLL).documents
    assert [name for name in after if after[name] != before[name]] == ["vapp1-east"]
    whole = world.plan(PAYROLL, dry_run=True, anew=True).documents
    assert whole["vapp1-east"] == after["vapp1-east"]


def test_a_run_with_another_inventory_takes_no_vm_its_address() -> None:
    """Fleets are kept in several: here a VPN of the west and the south, by somebody who has no host of the east."""
    world = World(changed(lab(3), SERVES))
    world.plan(PAYROLL)
    world.hosts = {name: facts for name, facts in world.hosts.items() if "east" not in facts["clouds"]}
    world.plan({"name": "audit", "pool": "10.99.0.0/16", "members": ["vm1-west", "vm1-south"]})
    world.hosts = changed(lab(3), SERVES)
    assert set(by_name(served(world, PAYROLL))) == {"vm1-east", "vm2-east"}


def test_members_of_a_stretched_network_are_served_at_their_site() -> None:
    serving = {
        "vm3-west": {"vcc_address": ["10.10.0.23"]},
        "edge-east": {"vcc_dhcp": True},
        "edge-west": {"vcc_dhcp": True},
    }
    web = {
        "name": "web",
        "pool": "internal",
        "stretch": ["edge-east", "edge-west"],
        "members": ["vm3-east", "vm3-west"],
    }
    plan = World(changed(lab(), serving)).plan(networks=[web])
    found = {edge: list(by_name(plan.documents[edge]["dhcp"])) for edge in ("edge-east", "edge-west")}
    assert found == {"edge-east": ["vm3-east"], "edge-west": ["vm3-west"]}


def test_a_half_described_vm_is_left_out_and_stops_nobody() -> None:
    found = served(World(hosts(vm2_east={"vcc_address": ["192.168.1.300"]})), PAYROLL)
    assert set(by_name(found)) == {"vm1-east"}


def test_when_the_last_vpn_goes_nothing_is_served() -> None:
    world = World(hosts())
    world.plan(VPN)
    gone = world.plan(absent=["payroll"]).documents["vapp1-east"]
    assert "dhcp" not in gone and gone["vpns"] == []
