# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run tells, asks and proves what it is about: the VPNs that it names, and whoever's document changes."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.plan import Request, find_concerned
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    POOLS,
    World,
    changed,
    lab,
)

AUDIT = {"name": "audit", "pool": "internal", "members": ["vm3-south", "vm3-north"]}
OF_PAYROLL = {
    *("edge-east", "edge-west", "node-east", "node-west"),
    *("vapp1-east", "vapp1-west", "vm1-east", "vm1-west", "vm3-west"),
}
OF_AUDIT = {"edge-south", "edge-north", "node-south", "node-north", "vm3-south", "vm3-north"}


@pytest.fixture
def world() -> World:
    world = World(lab(4))
    world.plan(PAYROLL, AUDIT)
    world.run_all()
    return world


def test_a_run_concerns_the_hosts_of_the_vpns_that_it_names(world: World) -> None:
    plan = world.plan(PAYROLL)
    assert (set(plan.concerned), plan.named) == (OF_PAYROLL, ["acme/payroll"])
    assert set(world.plan(AUDIT).concerned) == OF_AUDIT
    assert set(world.plan(absent=["audit"], dry_run=True).concerned) == OF_AUDIT


def test_a_run_that_names_none_concerns_everybody(world: World) -> None:
    plan = world.plan()
    assert (set(plan.concerned), plan.named) == (OF_PAYROLL | OF_AUDIT, [])


def test_who_leaves_is_concerned_until_it_has_let_go(world: World) -> None:
    fewer = {**PAYROLL, "members": ["vm1-west", "vm1-east"]}
    assert "vm3-west" in world.plan(fewer).concerned
    assert "vm3-west" in world.plan(fewer).concerned, "a run before this one may not have reached it"
    world.settle(world.hosts)
    assert "vm3-west" not in world.plan(fewer).concerned


def test_whoever_gets_another_document_is_concerned(world: World) -> None:
    world.hosts = changed(world.hosts, {"edge-south": {"vcc_public_address": ["203.0.113.77"]}})
    assert set(world.plan(PAYROLL).concerned) == OF_PAYROLL | {"edge-north", "edge-south"}


def test_who_was_not_brought_to_its_document_concerns_every_run(world: World) -> None:
    """Seen: a killed run took a member out of a VPN; a run for another one then told its edge, and not the member."""
    members = [name for name in PAYROLL["members"] if name != "vm1-east"] + ["vm1-south"]
    world.plan({**PAYROLL, "members": members})
    world.run_all("vm1-east", "edge-east")
    plan = world.plan(AUDIT)
    assert set(plan.concerned) == OF_AUDIT | {"vm1-east", "edge-east", "node-east"} and plan.to_note
    assert plan.losing == ["vm1-east"], "it did not say what it has"
    world.run_all()
    plan = world.plan(AUDIT)
    assert (set(plan.concerned), plan.losing, plan.to_note) == (OF_AUDIT, [], False)


def test_deleting_what_is_gone_concerns_nobody(world: World) -> None:
    world.plan(absent=["audit"])
    world.settle(world.hosts)
    assert world.plan(absent=["audit"]).concerned == []


def test_whom_to_ask_is_known_before_there_is_a_plan(world: World) -> None:
    def asked(*members: str, absent: tuple[str, ...] = ()) -> set[str] | None:
        vpns = [{**PAYROLL, "members": list(members)}] if members else []
        intent = {"pools": POOLS, "policies": {}, "vpns": vpns}
        request = Request(world.hosts, {name: [name] for name in members}, intent, absent)
        return world.ledger.run(lambda transaction: find_concerned(transaction, request), dry_run=True)

    assert asked(*PAYROLL["members"]) == OF_PAYROLL
    assert asked(*PAYROLL["members"], "vm3-south") == OF_PAYROLL | {"vm3-south", "edge-south", "node-south"}
    assert asked(absent=("audit",)) == OF_AUDIT
    assert asked() is None

    world.hosts = changed(world.hosts, {"vapp1-east": {"vcc_dhcp": True}, "edge-south": {"vcc_dhcp": True}})
    assert asked(*PAYROLL["members"]) == OF_PAYROLL | {"vm2-east"}, "only the VM knows its link-layer address"
    world.hosts = changed(world.hosts, {"vm2-east": {"vcc_mac": "02:00:5e:10:00:01"}})
    assert asked(*PAYROLL["members"]) == OF_PAYROLL
