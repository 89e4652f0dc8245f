# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members are added to a VPN and removed from it, and all else of it stays as the ledger has it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, bodies, lab

RICH = {
    **PAYROLL,
    "members": ["vm1-east", "vm1-west", {"name": "vm3-west", "mode": "nat", "ports": ["tcp/5432"]}],
    "policy": {"extends": "standard", "encryption": {"esp_rekey": 1800}},
    "destinations": {"servers": [{"name": "erp", "behind": "edge-east", "address": "10.10.0.80"}]},
    "names": True,
}


@pytest.fixture(name="world")
def _world() -> World:
    return World(lab(3))


def members(*names: str) -> dict[str, Any]:
    return {**RICH, "members": [*RICH["members"], *names]}


@pytest.mark.parametrize("topology", ["mesh", "star", "chain", "tree"])
def test_it_is_what_the_whole_vpn_would_have_made(topology: str) -> None:
    described, changed = World(lab(3)), World(lab(3))
    for world in (described, changed):
        world.plan({**RICH, "topology": topology})
    first = described.plan({**members("vapp1-south", "vm2-west"), "topology": topology})
    then = changed.plan({"name": "payroll", "add": ["vapp1-south", "vm2-west"]})
    assert (then.diff, bodies(then)) == (first.diff, bodies(first)) and first.diff
    first = described.plan({**members("vm2-west"), "topology": topology})
    then = changed.plan({"name": "payroll", "remove": ["vapp1-south"]})
    assert (then.diff, bodies(then)) == (first.diff, bodies(first)) and first.diff
    assert changed.plan({"name": "payroll", "remove": ["vapp1-south"], "add": ["vm2-west"]}).changed_nodes == []


def test_a_member_that_is_added_again_stays_as_it_is(world: World) -> None:
    """By a group or a pattern, most often. It would be reached on all ports, and at another address."""
    world.plan(RICH)
    plan = world.plan({"name": "payroll", "add": ["vm3-*", "vapp1-west"]})
    assert not [line for line in plan.diff if "member vm3-west" in line or "member vm1-west" in line]
    assert any(line.startswith("+ vpn payroll: member vm3-east") for line in plan.diff)
    again = {"name": "vm3-west", "ports": ["tcp/22"]}
    (said,) = world.refused({"name": "payroll", "add": [again]})
    assert said.startswith("vcc_vpns[0].add[0]: vm3-west is a member already: to change its mode or ports")
    plan = world.plan({"name": "payroll", "add": [again], "remove": ["vm3-west"]})
    assert any(line.startswith("+ vpn payroll: member vm3-west") and "tcp/22" in line for line in plan.diff)
    assert world.plan({"name": "payroll", "add": [again]}).changed_nodes == []


def test_a_vapp_of_which_a_vm_would_be_missing_is_refused(world: World) -> None:
    world.plan(RICH)
    world.hosts["vm2-south"]["vars"]["vcc_vapp"] = "vapp1-sout"
    (described,) = world.refused(members("vapp1-south"))
    (changed,) = world.refused({"name": "payroll", "add": ["vapp1-south"]})
    assert changed == described and changed.startswith("hosts.vm2-south.vcc_vapp: ")


def test_a_vm_that_is_gone_can_leave(world: World) -> None:
    world.plan(members("vm2-west"))
    del world.hosts["vm2-west"]
    plan = world.plan({"name": "payroll", "remove": ["vm2-west"]})
    assert any(line.startswith("- vpn payroll: member vm2-west") for line in plan.diff)


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"name": "payrol", "add": ["vm2-west"]}, "vcc_vpns[0].name: there is no VPN payrol in the ledger whose"),
        ({"name": "payroll", "add": ["vm9-west"]}, "vcc_vpns[0].add[0]: vm9-west is not a VM, vApp, group or pattern"),
        ({"name": "payroll", "add": "vm2-west"}, "vcc_vpns[0].add: must be a list of VMs"),
        ({"name": "payroll", "remove": [7]}, "vcc_vpns[0].remove[0]: must be a name, not 7"),
        ({"name": "payroll", "remove": ["vm1-west", "vm3-west"]}, "vcc_vpns[0].remove: a VPN needs at least two"),
        ({"name": "payroll", "add": ["vm2-west"], "pool": "internal"}, "vcc_vpns[0].pool: is not known here"),
        ({"name": "payroll", "remove": ["vm1-east"]}, "vcc_vpns[0].remove: vm1-east is named in the VPN's allow"),
    ],
)
def test_a_mistake_has_its_place(world: World, change: dict[str, Any], mistake: str) -> None:
    world.plan({**RICH, "allow": [{"from": "vm1-east", "to": "all"}]})
    (said,) = world.refused(change)
    assert said.startswith(mistake)


def test_nobody_joins_a_vpn_that_is_being_deleted(world: World) -> None:
    """A survey has the VPN until it is made again. Its members, who may still have it, would get all of it back."""
    world.plan(RICH)
    world.plan(absent=["payroll"])
    (said,) = world.refused({"name": "payroll", "add": ["vm2-west"]})
    assert said.startswith("vcc_vpns[0].name: there is no VPN payroll in the ledger whose members could change")


def test_a_graph_has_to_say_where_a_new_site_is(world: World) -> None:
    world.plan({**RICH, "topology": {"kind": "graph", "links": [["edge-east", "edge-west"]]}})
    (said,) = world.refused({"name": "payroll", "add": ["vm1-south"]})
    assert said.startswith("vcc_vpns[0].add: edge-south is in no link of the VPN's topology")
