# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM that says what it was called before keeps its address in every VPN."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.test_renumber import renamed
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    addresses,
    changed,
    lab,
)

AUDIT = {"name": "audit", "pool": "internal", "members": ["vm1-west", "vm2-east"]}
RENAMED = {**PAYROLL, "members": ["vm1-east", "db-west", "vm3-west"]}
NOTE = "db-west was vm1-west"


@pytest.fixture
def world() -> World:
    """Two VPNs with vm1-west in them, which is called db-west now."""
    world = World()
    world.plan(PAYROLL, AUDIT)
    world.hosts["db-west"] = world.hosts.pop("vm1-west")
    world.hosts = changed(world.hosts, "db-west: {vcc_formerly: [vm1-west]}")
    return world


def refused(world: World, **rest: Any) -> list[str]:
    return world.refused(RENAMED, **rest)


def test_it_keeps_its_addresses(world: World) -> None:
    was = world.leases()
    plan = world.plan(RENAMED)
    assert plan.notes == [NOTE]
    assert world.leases() == {key.replace("/vm/vm1-west", "/vm/db-west"): prefix for key, prefix in was.items()}
    assert addresses(plan, "payroll")["db-west"] == was[
        "vpn/payroll/site/edge-west/vapp/vapp1-west/vm/vm1-west"
    ].removesuffix("/32")
    assert "vm1-west" not in plan.documents
    assert plan.documents["db-west"]["node"] == "db-west"
    assert "db-west" in plan.changed_nodes
    assert not any(line.startswith(("- ", "+ ")) and "member" in line for line in plan.diff)
    assert "~ db-west: name" in plan.diff


def test_once(world: World) -> None:
    """What was said of the VM stays in the inventory: the second run has nothing to do, and says nothing."""
    first = world.plan(RENAMED)
    before = world.dump()
    again = world.plan(RENAMED)
    assert (again.notes, again.changed, again.documents) == ([], False, first.documents)
    assert world.dump() == before


def test_in_vpns_that_the_run_does_not_name(world: World) -> None:
    plan = world.plan()
    assert plan.notes == [NOTE]
    assert {"payroll", "audit"} == {vpn["name"] for vpn in plan.vpns}
    assert all("db-west" in addresses(plan, name) for name in ("payroll", "audit"))


def test_mode_and_ports_stay(world: World) -> None:
    hosts = world.hosts
    world = World()
    member = {"name": "vm1-west", "mode": "nat", "ports": ["tcp/5432"]}
    world.plan({**PAYROLL, "members": ["vm1-east", member]})
    world.hosts = hosts
    plan = world.plan()
    (vpn,) = plan.vpns
    assert next(one for one in vpn["members"] if one["name"] == "db-west")["ports"] == ["tcp/5432"]
    assert not world.plan({**PAYROLL, "members": ["vm1-east", {**member, "name": "db-west"}]}).changed


def test_a_dry_run_predicts_it_and_writes_nothing(world: World) -> None:
    before = world.dump()
    predicted = world.plan(RENAMED, dry_run=True)
    assert world.dump() == before
    plan = world.plan(RENAMED)
    assert (plan.notes, plan.diff, plan.documents) == (predicted.notes, predicted.diff, predicted.documents)


def test_and_back_again(world: World) -> None:
    was = world.leases()
    world.plan(RENAMED)
    world.hosts["vm1-west"] = world.hosts.pop("db-west")
    world.hosts = changed(world.hosts, "vm1-west: {vcc_formerly: [db-west]}")
    assert world.plan(PAYROLL).notes == ["vm1-west was db-west"]
    assert world.leases() == was


def test_the_machine_may_say_that_it_is_the_old_one(world: World) -> None:
    said = {"node": "vm1-west", "organization": "acme", "generation": 1, "python": "3.11.2"}
    assert world.plan(RENAMED, observed={"db-west": said}).changed
    world.hosts["vm9-west"] = world.hosts.pop("vm3-west")
    errors = refused(world, observed={"vm9-west": {**said, "node": "vm3-west"}})
    assert errors


@pytest.mark.parametrize(
    ("hosts", "path", "message"),
    [
        ("node-west: {vcc_formerly: [gate]}", "node-west", "is for VMs, vApp edges and org edges only; remove it"),
        (
            "edge-west: {vcc_formerly: [gate], vcc_external: true}",
            "edge-west",
            "is not for an external edge: its tunnels and its key have its name; keep the name",
        ),
        ("db-west: {vcc_formerly: [vm2-west]}", "db-west", "vm2-west is also a host of this inventory"),
        ("db-west: {vcc_formerly: ['x/y']}", "db-west", "'x/y' cannot be the name of a host"),
        ("db-west: {vcc_formerly: yes}", "db-west", "'(True)' cannot be the name of a host"),
        ("db-west: {vcc_formerly: [vm1-west, null]}", "db-west", "'(None)' cannot be the name of a host"),
        (
            "vm2-west: {vcc_formerly: [vm1-west]}",
            "vm2-west",
            "db-west was vm1-west, too; only one host can have been vm1-west",
        ),
        ("vm2-east: {vcc_formerly: [vm3-gone]}", "", ""),  # whatever it was, the ledger does not know it
    ],
)
def test_what_is_wrong_with_it(world: World, hosts: str, path: str, message: str) -> None:
    world.hosts = changed(world.hosts, hosts)
    if path:
        assert any(error.startswith(f"hosts.{path}.vcc_formerly: {message}") for error in refused(world))
    else:
        assert world.plan(RENAMED).notes == [NOTE]


def test_a_vapp_keeps_the_addresses_of_its_vms() -> None:
    world = World()
    world.plan(PAYROLL, AUDIT)
    was = world.leases()
    renamed(world, "vapp1-west", "shop-west", "vcc_vapp")
    world.hosts = changed(world.hosts, "shop-west: {vcc_formerly: [vapp1-west]}")
    plan = world.plan()
    assert plan.notes == ["shop-west was vapp1-west"]
    assert world.leases() == {key.replace("vapp/vapp1-west", "vapp/shop-west"): prefix for key, prefix in was.items()}
    assert "vapp1-west" not in plan.documents and plan.documents["shop-west"]["role"] == "vapp_edge"
    again = world.plan()
    assert (again.notes, again.changed) == ([], False)


def test_a_vapp_and_a_vm_behind_it_in_one_run(world: World) -> None:
    was = world.leases()
    renamed(world, "vapp1-west", "app-west", "vcc_vapp")
    world.hosts = changed(world.hosts, "app-west: {vcc_formerly: [vapp1-west]}")
    plan = world.plan(RENAMED)
    assert plan.notes == ["app-west was vapp1-west", "db-west was vm1-west"]
    assert world.leases() == {
        key.replace("/vm/vm1-west", "/vm/db-west").replace("vapp/vapp1-west", "vapp/app-west"): prefix
        for key, prefix in was.items()
    }
    assert not world.plan(RENAMED).changed


def test_a_vapp_that_had_two_names_keeps_what_it_runs() -> None:
    """Of the second name the ledger has facts only, as out of a backup: they do not replace the first one's."""
    world = World()
    world.plan(PAYROLL)

    def old_facts(transaction: Any) -> None:
        transaction.put_landscape("acme", "vapp9-west", transaction.landscape("acme")["vapp1-west"])

    world.ledger.run(old_facts, who="test")
    renamed(world, "vapp1-west", "shop-west", "vcc_vapp")
    world.hosts = changed(world.hosts, "shop-west: {vcc_formerly: [vapp1-west, vapp9-west]}")
    before = world.ledger.run(lambda transaction: transaction.lineages("acme")["vapp1-west"], dry_run=True)
    world.plan()
    after = world.ledger.run(lambda transaction: transaction.lineages("acme")["shop-west"], dry_run=True)
    assert before.items() <= after.items()


def test_a_vm_is_no_vapp(world: World) -> None:
    world.hosts = changed(world.hosts, "db-west: {vcc_formerly: null}\nvapp1-west: {vcc_formerly: [vm1-west]}")
    assert any(
        "the ledger has vm1-west in the group members, and vapp1-west is not in that group" in error
        for error in refused(world)
    )


def test_two_machines_that_are_members_are_refused(world: World) -> None:
    world.hosts = changed(world.hosts, "vm2-east: {vcc_formerly: [vm1-west]}\ndb-west: {vcc_formerly: null}")
    told = "hosts.vm2-east.vcc_formerly: the ledger has vm1-west in audit, payroll and vm2-east in audit: two machines"
    assert any(error.startswith(told) for error in refused(world))


def test_what_is_left_over_of_the_new_name_goes() -> None:
    """It was a member, was renumbered to another name and back, and has a lease by each."""
    world = World()
    world.plan(PAYROLL, AUDIT)
    was = world.leases()
    world.hosts["db-west"] = world.hosts.pop("vm1-west")
    world.plan(RENAMED, {**AUDIT, "members": ["db-west", "vm2-east"]}, allow_renumber=True)
    world.hosts["vm1-west"] = world.hosts.pop("db-west")
    world.plan(PAYROLL, AUDIT, allow_renumber=True)
    assert {*world.leases().values()} > {*was.values()}
    world.hosts["db-west"] = world.hosts.pop("vm1-west")
    world.hosts = changed(world.hosts, "db-west: {vcc_formerly: [vm1-west]}")
    assert world.plan(RENAMED).notes == [NOTE]
    assert world.leases() == {key.replace("/vm/vm1-west", "/vm/db-west"): prefix for key, prefix in was.items()}
    assert not world.plan(RENAMED).changed


def test_what_is_left_over_of_the_old_name_stays_where_it_is() -> None:
    """It was renumbered before anybody said what it was called: nobody is renumbered once more."""
    world = World()
    world.plan(PAYROLL, AUDIT)
    world.hosts["db-west"] = world.hosts.pop("vm1-west")
    world.plan(RENAMED, {**AUDIT, "members": ["db-west", "vm2-east"]}, allow_renumber=True)
    before = world.leases()
    world.hosts = changed(world.hosts, "db-west: {vcc_formerly: [vm1-west]}")
    world.plan(RENAMED)
    assert world.leases() == before
    assert not world.plan(RENAMED).changed


def test_that_only_a_name_changes_is_a_change() -> None:
    world = World()
    world.plan(PAYROLL, comes_up=False)
    world.hosts["db-west"] = world.hosts.pop("vm1-west")
    world.hosts = changed(world.hosts, "db-west: {vcc_formerly: [vm1-west]}")
    plan = world.plan()
    assert NOTE in plan.notes and plan.changed
    assert not world.plan().changed


def test_what_a_backup_brings_back_of_the_old_name_goes(world: World) -> None:
    """The ledger is of before, and the nodes have told recover_ledger what became of it."""
    before = world.ledger.run(lambda transaction: transaction.landscape("acme"), dry_run=True)["vm1-west"]
    world.plan(RENAMED)
    world.ledger.run(lambda transaction: transaction.put_landscape("acme", "vm1-west", before), who="test")
    plan = world.plan(RENAMED)
    assert "vm1-west" not in world.ledger.run(lambda transaction: transaction.landscape("acme"), dry_run=True)
    assert plan.notes == [NOTE]
    assert not world.plan(RENAMED).changed


def test_a_number_is_no_list_of_names(world: World) -> None:
    world.hosts = changed(world.hosts, "db-west: {vcc_formerly: {name: vm1-west}}")
    assert any(
        "hosts.db-west.vcc_formerly: \"{'name': 'vm1-west'}\" cannot be the name" in error for error in refused(world)
    )
    world.hosts = changed(world.hosts, "db-west: {vcc_formerly: 17}")
    assert any("would renumber" in error for error in refused(world))  # 17 is a name, which the ledger does not know


def test_a_name_that_was_given_up_can_be_forgotten(world: World) -> None:
    world.plan(RENAMED)
    assert not world.plan(RENAMED, forget=("vm1-west",)).changed


def test_facts_that_are_lost_are_not_missed(world: World) -> None:
    """As after recover_ledger, where only the VCC nodes answered: VPNs and leases are known, hosts are not."""
    was = world.leases()

    def lose(transaction: Any) -> None:
        for host in transaction.landscape("acme"):
            transaction.drop_landscape("acme", host)

    world.ledger.run(lose, who="test")
    world.plan(RENAMED)
    assert world.leases() == {key.replace("/vm/vm1-west", "/vm/db-west"): prefix for key, prefix in was.items()}


@pytest.mark.parametrize("gone", ["edge-south", "vapp1-south"])
def test_a_vm_is_no_gateway_that_is_gone(gone: str) -> None:
    """Not even one that no VPN uses any more: somebody has to be told that, and it is not the VM."""
    world = World(lab(3))
    world.plan({**PAYROLL, "members": [*PAYROLL["members"], "vm1-south"]})
    world.run_all()
    world.hosts = {name: facts for name, facts in world.hosts.items() if not name.endswith("south")}
    world.hosts = changed(
        world.hosts, f"web: {{kinds: [members], clouds: [west], vcc_address: [10.10.0.99], vcc_formerly: [{gone}]}}"
    )
    with pytest.raises(IntentErrors, match=f"hosts.web.vcc_formerly: the ledger has {gone} in the group "):
        world.plan(PAYROLL)


def test_its_own_name_is_no_former_one(world: World) -> None:
    world.hosts = changed(world.hosts, "vm2-east: {vcc_formerly: [vm2-east]}")
    assert any("vm2-east is its name now; remove it" in error for error in refused(world))


def test_a_lease_that_a_recovery_left_with_the_old_name_is_taken(world: World) -> None:
    """The VPN has the new name, by one VCC node; the leases have the old one, by another."""
    was = world.leases()
    world.plan(RENAMED)

    def go_back(transaction: Any) -> None:
        for key in [key for key in transaction.leases("acme") if key.endswith("/vm/db-west")]:
            transaction.move_lease("acme", key, key.replace("/vm/db-west", "/vm/vm1-west"))

    world.ledger.run(go_back, who="test")
    world.plan(RENAMED)
    assert world.leases() == {key.replace("/vm/vm1-west", "/vm/db-west"): prefix for key, prefix in was.items()}
