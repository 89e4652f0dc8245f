# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An org edge that says what it was called before keeps all addresses; its tunnels have its new name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.schema import documents
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    changed,
    lab,
)

AUDIT = {"name": "audit", "pool": "internal", "members": ["vm1-west", "vm2-east"]}
SERVER = {"name": "erp", "behind": "edge-west", "address": "10.10.0.50"}
STAR = {
    "name": "star",
    "pool": "internal",
    "members": ["vm2-east", "vm2-west", "vm1-south"],
    "topology": {"kind": "star", "hubs": ["edge-west"]},
    "destinations": {"servers": [SERVER]},
    "outside": {"source": {"edge-west": "masquerade"}, "members": ["vm2-west"]},
}
WIRE = {"name": "wire", "stretch": ["edge-west", "edge-south"], "members": ["vm3-west", "vm3-south"]}
NOTE = "gate-west was edge-west"


def away(world: World, old: str = "edge-west", new: str = "gate-west") -> None:
    """Give an edge another name."""
    world.hosts[new] = world.hosts.pop(old)
    world.hosts = changed(world.hosts, {new: {"vcc_formerly": [old]}})


@pytest.fixture
def world() -> World:
    """Three clouds, VPNs of all sorts, and an edge that has another name now."""
    world = World(lab(3))
    world.hosts = changed(
        world.hosts,
        "vm3-south: {vcc_address: [10.10.0.33]}\nedge-south: {vcc_org_address: [10.10.0.3, 'fd10:10::3']}\n"
        "vapp1-south: {vcc_org_address: [10.10.0.31]}",
    )
    world.plan(PAYROLL, AUDIT, STAR, networks=[WIRE])
    world.run_all()
    away(world)
    return world


def renamed(text: str) -> str:
    """What names the edge, with its new name."""
    return text.replace("edge-west", "gate-west")


def test_it_keeps_all_addresses(world: World) -> None:
    """In VPNs that the run does not name, in stretched networks, of servers."""
    was = world.leases()
    plan = world.plan()
    assert plan.notes == [NOTE]
    assert world.leases() == {renamed(key): prefix for key, prefix in was.items()}
    assert "edge-west" not in plan.documents and plan.documents["gate-west"]["role"] == "org_edge"
    assert plan.new_tunnels == []
    assert not any(line.startswith(("- ", "+ ")) for line in plan.diff)


def test_its_tunnels_and_its_identity_have_the_new_name(world: World) -> None:
    plan = world.plan()
    tunnels = {tunnel["name"]: tunnel for tunnel in plan.documents["edge-east"]["tunnels"]}
    assert set(tunnels) == {"edge-east--gate-west", "edge-east--edge-south"} - (
        {"edge-east--edge-south"} - set(tunnels)
    )
    assert tunnels["edge-east--gate-west"]["remote_id"] == "gate-west.acme"
    assert plan.documents["gate-west"]["tunnels"][0]["local_id"] == "gate-west.acme"


def test_nothing_names_the_old_one_any_more(world: World) -> None:
    world.plan()
    left = {table: [row for row in rows if "edge-west" in str(row)] for table, rows in world.dump().items()}
    left.pop("events")
    facts = [row for row in left.pop("landscape") if "vcc_formerly" not in str(row)]
    assert not any(left.values()) and not facts


def test_a_second_run_changes_nothing(world: World) -> None:
    first = world.plan()
    again = world.plan()
    assert (again.notes, again.changed, again.documents) == ([], False, first.documents)
    asked = json.loads(renamed(json.dumps([PAYROLL, AUDIT, STAR])))
    assert not world.plan(*asked, networks=[json.loads(renamed(json.dumps(WIRE)))]).changed


def test_a_dry_run_predicts_it_and_writes_nothing(world: World) -> None:
    before = world.dump()
    predicted = world.plan(dry_run=True)
    assert world.dump() == before
    plan = world.plan()
    assert (plan.notes, plan.diff, plan.documents) == (predicted.notes, predicted.diff, predicted.documents)


def test_tunnels_are_not_new_ones(world: World) -> None:
    assert world.plan(create_tunnels=False).notes == [NOTE]


def test_and_back_again(world: World) -> None:
    was = world.leases()
    world.plan()
    world.hosts = changed(world.hosts, "gate-west: {vcc_formerly: null}")
    away(world, "gate-west", "edge-west")
    assert world.plan().notes == ["edge-west was gate-west"]
    assert world.leases() == was


def test_what_has_not_come_up_yet_stays_half_up() -> None:
    world = World()
    world.plan(PAYROLL, comes_up=False)
    world.confirm(["edge-west"])
    away(world)
    world.plan(PAYROLL, comes_up=False)
    assert world.confirm(["edge-east"]) == ["payroll"]


def test_both_edges_of_a_tunnel_in_one_run(world: World) -> None:
    was = world.leases()
    away(world, "edge-east", "gate-east")
    assert world.plan().notes == ["gate-east was edge-east", NOTE]
    moved = {renamed(key).replace("edge-east", "gate-east"): prefix for key, prefix in was.items()}
    assert world.leases() == moved
    assert not world.plan().changed


def test_with_a_vm_and_a_vapp_behind_it_in_one_run(world: World) -> None:
    was = world.leases()
    for old, new in (("vapp1-west", "shop"), ("vm1-west", "db")):
        away(world, old, new)
    world.hosts = changed(world.hosts, "db: {vcc_vapp: shop}\nvm2-west: {vcc_vapp: shop}")
    world.plan()
    keys = [renamed(key).replace("/vapp1-west", "/shop").replace("/vm/vm1-west", "/vm/db") for key in was]
    assert sorted(world.leases()) == sorted(keys)


def test_the_machine_may_say_that_it_is_the_old_one(world: World) -> None:
    said: dict[str, Any] = {"node": "edge-west", "organization": "acme", "generation": 1, "python": "3.11.2"}
    assert world.plan(observed={"gate-west": said}).changed


def test_an_edge_with_a_tunnel_to_an_external_edge_keeps_its_name() -> None:
    world = World(lab(3))
    world.hosts = changed(
        world.hosts, "edge-south: {vcc_external: true}\nvm3-south: {vcc_address: null}\nnode-south: null"
    )
    world.plan({**PAYROLL, "members": ["vm1-east", "vm1-west", "vm3-south"]})
    away(world)
    before = world.dump()
    with pytest.raises(IntentErrors, match="edge-west has a tunnel to edge-south, which is external"):
        world.plan()
    assert world.dump() == before


def test_two_edges_that_are_used_are_two_machines(world: World) -> None:
    world.plan()
    world.hosts = changed(lab(3), "edge-west: null\nedge-east: {vcc_formerly: [gate-west]}")
    with pytest.raises(IntentErrors, match=r"the ledger has gate-west in .* and edge-east in .*: two machines"):
        world.plan()


def test_what_a_recovery_learned_by_the_new_name_counts() -> None:
    """The ledger is a backup of before; recover_ledger read what gate-west runs, and its addresses."""
    world = World()
    world.plan(PAYROLL, AUDIT)
    world.run_all()
    away(world)
    before = world.ledger.run(lambda transaction: transaction.landscape("acme"), dry_run=True)
    record = world.ledger.run(lambda transaction: transaction.documents("acme")["edge-west"], dry_run=True)
    was = world.leases()
    world.plan()
    world.run_all()
    runs = world.ledger.run(lambda transaction: transaction.lineages("acme")["gate-west"], dry_run=True)

    def restore(transaction: Any) -> None:
        transaction.drop_landscape("acme", "gate-west")
        transaction.put_landscapes("acme", before)
        values = {"role": record.role, "generation": record.generation, "digest": record.digest}
        row = {"organization": "acme", "node": "edge-west", "document": record.text, **values}
        transaction._connection.execute(documents.insert(), [row])

    world.ledger.run(restore, who="test")
    plan = world.plan()
    assert plan.notes[:1] == [NOTE]
    assert world.leases() == {renamed(key): prefix for key, prefix in was.items()}
    after = world.ledger.run(lambda transaction: transaction.lineages("acme")["gate-west"], dry_run=True)
    assert runs.items() <= after.items()
    assert not world.plan().changed
