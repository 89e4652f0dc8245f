# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.intercloud.vpn.plugins.module_utils._status.in_vpns import in_vpns
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, lab


def test_every_node_of_a_vpn_is_in_it_until_it_is_told_otherwise() -> None:
    world = World()
    world.plan(PAYROLL, {**PAYROLL, "name": "audit", "members": ["vm2-east", "vm2-west"]})
    found = world.ledger.run(in_vpns, dry_run=True)
    assert (found["vm1-east"], found["vm2-east"], found["vm3-west"]) == (["payroll"], ["audit"], ["payroll"])
    assert {found[node] == ["audit", "payroll"] for node in ("edge-east", "vapp1-west", "node-east")} == {True}
    world.ask({}, absent=["payroll", "audit"])
    world.run_all()
    assert world.ledger.run(in_vpns, dry_run=True) == {}


def test_an_edge_is_in_what_is_being_deleted_until_it_has_given_it_up() -> None:
    world = World()
    world.plan(PAYROLL, {**PAYROLL, "name": "audit", "members": ["vm2-east", "vm2-west"]})
    world.run_all()
    world.ask({}, absent=["payroll"])
    world.run_all("edge-east", "vm1-east", "vapp1-west")
    found = world.ledger.run(in_vpns, dry_run=True)
    assert (found["edge-east"], found["edge-west"]) == (["audit", "payroll"], ["audit"])
    assert found["vapp1-west"] == ["audit", "payroll"] and "vm1-east" not in found


def test_vpns_of_several_organizations_are_named_with_them() -> None:
    world = World({**lab(), **lab(org="umbra", tag="u")})
    world.plan(PAYROLL, {**PAYROLL, "name": "audit", "members": ["vm1u-east", "vm1u-west"]})
    found = world.ledger.run(in_vpns, dry_run=True)
    assert (found["edge-east"], found["edgeu-east"]) == (["acme/payroll"], ["umbra/audit"])


def test_the_newest_generation_is_known_of_an_organization_that_has_nothing_left() -> None:
    world = World({**lab(), **lab(org="umbra", tag="u")})
    world.plan(PAYROLL, {**PAYROLL, "name": "audit", "members": ["vm1u-east", "vm1u-west"]})
    world.ask({}, absent=["payroll"])
    world.settle(world.hosts)
    assert world.ledger.run(lambda transaction: transaction.newest(), dry_run=True) == {"acme": 2, "umbra": 1}
