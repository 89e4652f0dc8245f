# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger that is older than a rename learns it from the nodes, also where some nodes do not know it yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._recovery.recover import recover
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._recovery.test_recover import Fleet, by_itself
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, addresses, changed

AUDIT = {"name": "audit", "pool": "internal", "members": ["vm2-east", "vm1-west"]}
WAGES = {**PAYROLL, "name": "wages", "formerly": "payroll"}


@pytest.fixture(name="fleet")
def _fleet(tmp_path: Path) -> Fleet:
    fleet = Fleet(tmp_path)
    fleet.create(PAYROLL, AUDIT)
    fleet.backup()
    return fleet


def away(fleet: Fleet, old: str, new: str) -> None:
    fleet.hosts[new] = fleet.hosts.pop(old)
    fleet.hosts = changed(fleet.hosts, {new: {"vcc_formerly": [old]}})
    if old in fleet.held:
        fleet.held[new] = fleet.held.pop(old)


def recovered(fleet: Fleet) -> Any:
    """Every host tells what it holds, by the name that the inventory has for it."""
    said = [by_itself(one, host=name.rpartition("/")[2]) for name, one in fleet.held.items()]
    return fleet.world.ledger.run(lambda transaction: recover(transaction, said), who="test")


NODES = ["", "vm1-east", "node-west", "edge-west", "vapp1-west", "node-east"]


@pytest.mark.parametrize("late", NODES)
def test_a_vpn_keeps_its_addresses_and_its_number(fleet: Fleet, late: str) -> None:
    was, refused = fleet.create(WAGES, without=[late])
    assert not refused
    fleet.restore()
    knows = late not in ("", "vm1-east")  # members are told of no VPN
    assert ("~ vpn wages: was payroll" in recovered(fleet).lines) is knows
    plan, refused = fleet.create(WAGES, AUDIT)
    assert not refused
    assert addresses(plan, "wages") == addresses(was, "wages")
    assert {vpn["name"]: vpn["number"] for vpn in plan.vpns} == {vpn["name"]: vpn["number"] for vpn in was.vpns}
    fleet.used()
    assert not fleet.create(WAGES, AUDIT)[0].changed


@pytest.mark.parametrize("late", NODES)
def test_so_does_one_with_a_third_name(fleet: Fleet, late: str) -> None:
    """Of which a node was told the second one at most, and the ledger neither."""
    salary = {**WAGES, "name": "salary", "formerly": ["payroll", "wages"]}
    fleet.create(WAGES)
    was, refused = fleet.create(salary, without=[late])
    assert not refused
    fleet.restore()
    recovered(fleet)
    plan, refused = fleet.create(salary, AUDIT)
    assert not refused
    assert addresses(plan, "salary") == addresses(was, "salary")
    fleet.used()
    assert not fleet.create(salary, AUDIT)[0].changed


def test_a_new_vpn_with_the_old_name_is_another_one(fleet: Fleet) -> None:
    fleet.create(WAGES)
    was, _refused = fleet.create({**PAYROLL, "members": ["vm2-east", "vm2-west"]})
    fleet.restore()
    recovered(fleet)
    plan, refused = fleet.create()
    assert not refused
    for name in ("wages", "payroll"):
        assert addresses(plan, name) == addresses(was, name)


@pytest.mark.parametrize("late", [*NODES, "db"])
def test_a_vm_keeps_its_addresses(fleet: Fleet, late: str) -> None:
    away(fleet, "vm1-west", "db")
    was, refused = fleet.create(without=[late])
    assert not refused
    fleet.restore()
    recovered(fleet)
    plan, refused = fleet.create()
    assert not refused
    for name in ("payroll", "audit"):
        assert addresses(plan, name) == addresses(was, name)
    fleet.used()
    assert not fleet.create()[0].changed


@pytest.mark.parametrize("late", [*(name for name in NODES if name != "edge-west"), "gate"])
def test_an_edge_keeps_its_addresses(fleet: Fleet, late: str) -> None:
    away(fleet, "edge-west", "gate")
    was, refused = fleet.create(without=[late])
    assert not refused
    fleet.restore()
    recovered(fleet)
    plan, refused = fleet.create()
    assert not refused
    for name in ("payroll", "audit"):
        assert addresses(plan, name) == addresses(was, name)
    fleet.used()
    assert not fleet.create()[0].changed
