# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan that a person has approved is told from every other one."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.plugins.modules import vpn_plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World


def planned(world: World, rule: str) -> Plan:
    policies = {"strict": {"extends": "standard", "rules": {"org_edges": [rule]}}}
    return world.plan({**PAYROLL, "policy": "strict"}, policies=policies, dry_run=True)


def test_plans_that_change_the_same_have_the_same_digest() -> None:
    drop = "tcp dport 25 counter drop"
    assert planned(World(), drop).digest == planned(World(), drop).digest


def test_what_the_difference_does_not_say_is_in_the_digest() -> None:
    one, other = (planned(World(), f"tcp dport {port} counter drop") for port in (25, 26))
    assert one.diff == other.diff and one.changed_nodes == other.changed_nodes
    assert one.digest != other.digest


def test_what_another_run_changed_meanwhile_is_in_the_digest() -> None:
    world, change = World(), {"name": "payroll", "add": ["vm2-west"]}
    world.plan(PAYROLL)
    before = world.plan(change, dry_run=True).digest
    assert world.plan(change, dry_run=True).digest == before
    world.plan({"name": "payroll", "add": ["vm2-east"]})
    assert world.plan(change, dry_run=True).digest != before


def test_another_plan_than_the_approved_one_is_refused_in_its_transaction() -> None:
    """A run may come between the preview, which is compared first, and the plan."""
    plan = planned(World(), "tcp dport 25 counter drop")
    vpn_plan.check_approved(plan, plan.digest)
    vpn_plan.check_approved(plan, "")
    with pytest.raises(VccError, match="not the one that was shown"):
        vpn_plan.check_approved(plan, "0" * 64)


def test_a_rollback_that_was_shown_is_told_from_one_of_what_another_run_changed() -> None:
    world = World()
    world.plan(PAYROLL)
    world.plan({"name": "payroll", "add": ["vm2-west"]})
    shown = world.ask({}, generation=1, dry_run=True)
    vpn_plan.check_approved(world.ask({}, generation=1, dry_run=True), shown.digest)
    world.plan({"name": "payroll", "add": ["vm2-east"]})
    with pytest.raises(VccError, match="another run has changed it"):
        vpn_plan.check_approved(world.ask({}, generation=1, dry_run=True), shown.digest)
