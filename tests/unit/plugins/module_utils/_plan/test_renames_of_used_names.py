# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host gets a name that another machine had, or that another organization's host has."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.identity import Identity, descends
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    addresses,
    changed,
    lab,
)


def away(world: World, old: str, new: str) -> None:
    world.hosts[new] = world.hosts.pop(old)
    world.hosts = changed(world.hosts, {new: {"vcc_formerly": [old]}})


def lineage(world: World, node: str) -> dict[str, Any]:
    return world.ledger.run(lambda transaction: transaction.lineage("acme")[node], dry_run=True)


def payroll(*members: str) -> dict[str, Any]:
    return {**PAYROLL, "members": ["vm1-east", *members]}


@pytest.fixture
def world() -> World:
    """web was a member, and was not told any more that it is none: it is scrapped. vm2-west was told later than web."""
    world = World(lab(3))
    world.hosts = changed(
        world.hosts, "web: {kinds: [members], clouds: [west], vcc_vapp: vapp1-west, vcc_address: [192.168.1.77]}"
    )
    world.plan(payroll("web"))
    world.run_all()
    world.plan(payroll("web", "vm2-west"))
    world.run_all()
    world.plan(payroll("vm2-west"))
    world.run_all("web")
    world.hosts = changed(world.hosts, "web: null")
    return world


def test_a_machine_that_gets_the_name_of_one_that_is_gone_can_be_told(world: World) -> None:
    """And is not told first that it has nothing."""
    before = lineage(world, "vm2-west")
    runs = Identity("vm2-west", "acme", before["ledger"], before["generation"], before["hash"])
    address = addresses(world.plan(), "payroll")["vm2-west"]
    away(world, "vm2-west", "web")
    plan = world.plan(payroll("web"))
    assert plan.notes[:1] == ["web was vm2-west"]
    assert descends(plan.documents["web"]["generation"], lineage(world, "web"), runs) == ""
    assert (plan.losing, plan.gaining) == ([], [])
    assert addresses(plan, "payroll")["web"] == address
    assert not world.plan(payroll("web")).changed


def test_a_machine_that_still_has_to_give_up_an_address_is_told_by_its_new_name(world: World) -> None:
    """The new name was known already, as that of a VM that an edge serves: the old one only waits to be told."""
    facts = world.ledger.run(lambda transaction: transaction.landscape("acme")["vm2-west"], dry_run=True)
    world.plan(payroll("vm1-west"))
    world.ledger.run(lambda transaction: transaction.put_landscape("acme", "db", facts), who="test")
    assert world.plan().documents["vm2-west"]["addresses"] == []
    away(world, "vm2-west", "db")
    plan = world.plan()
    assert "vm2-west" not in plan.documents
    assert plan.documents["db"]["node"] == "db" and "db" in plan.concerned


def test_a_host_of_another_organization_may_have_the_name() -> None:
    """As another machine that came later. What was said of the rename stays in the inventory."""
    world = World({**lab(), **lab(org="zeta", tag="z")})
    world.plan(PAYROLL)
    away(world, "vm1-west", "db")
    mine = {**PAYROLL, "members": ["vm1-east", "db", "vm3-west"]}
    world.plan(mine)
    new = {"kinds": ["members"], "clouds": ["west"], "vcc_org": "zeta", "vcc_vapp": "vapp1z-west"}
    world.hosts = changed(world.hosts, {"vm1-west": {**new, "vcc_address": ["192.168.1.99"]}})
    world.plan(mine, {**PAYROLL, "name": "audit", "members": ["vm1z-east", "vm1-west"]})
    world.hosts = changed(world.hosts, {"vm2z-west": {"vcc_formerly": ["vm1-west"]}, "vm1-west": None})
    assert world.plan(mine).notes[:1] == ["vm2z-west was vm1-west"], "of its own organization"
