# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VPN is planned until it comes up. Until then, only runs that name it apply it; from then on, every run does."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.migration_planned import vpns_can_be_planned
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    addresses,
    as_bytes,
    bodies,
    changed,
    lab,
)

AUDIT = {"name": "audit", "pool": "internal", "members": ["vm2-east", "vm2-west"]}
LEFT_OUT = (
    "payroll never came up: this run leaves it out, its addresses stay leased. Finish it with create_vpn, or delete it "
    "with delete_vpn -e vcc_delete=payroll"
)
THREE = {**PAYROLL, "members": ["vm1-east", "vm1-west", "vm1-south"]}
EXTERNAL = "{edge-west: {vcc_external: true}, vm1-west: {vcc_vapp: null}}"


def told(plan: Plan, vpn: str) -> list[str]:
    """The edges that a plan tells of a VPN."""
    return [
        node
        for node, document in sorted(plan.documents.items())
        if document["role"] == "org_edge" and vpn in [entry["name"] for entry in document["vpns"]]
    ]


def state(world: World, vpn: str = "payroll") -> str:
    return world.ledger.run(lambda ledger: ledger.vpns("acme")[vpn].state, dry_run=True)


@pytest.fixture
def world() -> World:
    """A ledger with a run for payroll that ended before any edge confirmed: killed, refused, or rolled back."""
    world = World()
    assert world.plan(PAYROLL, comes_up=False).coming == ["payroll"]
    return world


@pytest.mark.parametrize("other", [{"vpns": [AUDIT]}, {"vpns": []}])
def test_what_never_came_up_is_not_applied_by_a_run_for_another(world: World, other: dict[str, Any]) -> None:
    leases = world.leases()
    plan = world.ask(other)
    assert told(plan, "payroll") == []
    assert plan.notes == [LEFT_OUT]
    assert "payroll" not in [vpn["name"] for vpn in plan.vpns]
    assert leases.items() <= world.leases().items()  # whoever comes next does not get them
    again = world.ask(other)
    assert not again.changed and as_bytes(again) == as_bytes(world.ask(other, dry_run=True))
    assert again.notes == [LEFT_OUT]


def test_what_nodes_were_told_of_it_is_taken_back_and_shown(world: World) -> None:
    plan = world.plan(AUDIT)
    assert [link["vpn"] for link in plan.documents["edge-east"]["tunnels"][0]["links"]] == ["audit"]
    assert "- vpn payroll: member vm1-east 100.64.0.17 (address)" in plan.diff
    assert {"vm1-east", "vm1-west", "vm3-west"} <= set(plan.changed_nodes)
    # In case that a member got it: before its edge.
    assert plan.losing == ["vapp1-east", "vapp1-west", "vm1-east", "vm1-west", "vm3-west"]


def test_a_run_that_names_it_finishes_it_with_the_same_addresses(world: World) -> None:
    first = world.plan(PAYROLL, dry_run=True)
    world.plan(AUDIT)
    plan = world.plan(PAYROLL, comes_up=False)
    assert addresses(plan, "payroll") == addresses(first, "payroll")
    assert told(plan, "payroll") == ["edge-east", "edge-west"]
    assert "+ vpn payroll: member vm1-east 100.64.0.17 (address)" in plan.diff
    assert world.confirm(world.hosts, plan.generations) == ["payroll"]
    assert state(world) == "active"
    after = world.plan(AUDIT)
    assert told(after, "payroll") == ["edge-east", "edge-west"] and after.notes == []
    assert not after.changed and bodies(after) == bodies(plan)


def test_a_second_run_that_names_it_changes_no_document(world: World) -> None:
    again = world.plan(PAYROLL, comes_up=False)
    assert (again.changed, again.diff, again.changed_nodes, again.coming) == (False, [], [], ["payroll"])
    assert world.confirm(world.hosts) == ["payroll"]
    assert world.plan(PAYROLL).coming == []


def test_it_can_be_deleted(world: World) -> None:
    plan = world.plan(absent=["payroll"])
    assert plan.notes == [] and told(plan, "payroll") == []
    assert world.settle(world.hosts) == (True, [])
    assert world.leases() == {} and world.dump()["documents"] == []


def test_after_a_run_for_another_it_can_be_deleted_without_its_nodes(world: World) -> None:
    """The other run took it from them, and the ledger knows."""
    world.plan(AUDIT)
    world.settle(world.hosts)
    world.plan(absent=["payroll"])
    nodes = {"edge-east", "edge-west", "vapp1-east", "vapp1-west", "node-east", "node-west"}
    assert world.settle(nodes) == (True, [])
    assert not [key for key in world.leases() if "payroll" in key]


def test_a_vpn_that_was_active_stays_so_whatever_becomes_of_a_change(world: World) -> None:
    world.confirm(world.hosts)
    plan = world.plan({**PAYROLL, "topology": "chain", "members": [*PAYROLL["members"], "vm2-west"]}, comes_up=False)
    assert plan.coming == [] and state(world) == "active"
    assert told(world.plan(AUDIT), "payroll") == ["edge-east", "edge-west"]


# When it comes up


@pytest.mark.parametrize(
    ("confirming", "comes"),
    [
        ([], False),
        (["edge-east"], False),
        (["edge-east", "vapp1-east", "vm1-east", "node-east", "node-west"], False),
        (["edge-east", "edge-west"], True),
        (["edge-south", "edge-west", "vm1-west"], True),
    ],
)
def test_two_edges_have_to_confirm_it(confirming: list[str], comes: bool) -> None:
    world = World(lab(3))
    plan = world.plan(THREE, comes_up=False)
    assert world.confirm(confirming, plan.generations) == (["payroll"] if comes else [])
    edges = ["edge-east", "edge-south", "edge-west"]
    after = world.plan(AUDIT)
    assert told(after, "payroll") == (edges if comes else [])  # one that is dead gets its part later
    assert after.notes == ([] if comes else [LEFT_OUT])


def test_members_are_told_once_it_came_up() -> None:
    """Until then it may be taken from its edges, which would no longer refuse what members send."""
    world = World()
    world.plan({**PAYROLL, "members": ["vm1-east", "vm1-west", {"name": "vm3-west", "mode": "nat"}]}, comes_up=False)
    noted = world.note(["edge-east"])
    assert noted.held_back == ["vm1-east", "vm1-west"]
    assert noted.waiting == [
        "payroll has not come up: edge-east confirmed it, and two org edges have to. Its members follow after that"
    ]
    noted = world.note(["edge-west"])
    assert (noted.held_back, noted.waiting, noted.came_up) == ([], [], ["payroll"])


def test_members_are_not_told_of_what_another_run_took_from_the_edges() -> None:
    """Seen: a run for others planned in between. Members got their addresses, and edges sent their packets in clear."""
    world = World()
    plan = world.plan({**PAYROLL, "members": ["vm1-east", {"name": "vm1-west", "mode": "nat"}]}, comes_up=False)
    world.plan(AUDIT, comes_up=False)
    noted = world.note(world.hosts, plan.generations, coming=plan.coming)
    assert {"vapp1-west", "vm1-east"} <= set(noted.held_back)
    why = "payroll has not come up: another run, for other VPNs, removed it"
    assert [text for text in noted.waiting if text.startswith(why)]
    assert noted.came_up == []


@pytest.mark.parametrize("gone", [True, False])
def test_nor_of_what_another_run_deleted(gone: bool) -> None:
    world = World()
    plan = world.plan(PAYROLL, comes_up=False)
    world.plan(absent=["payroll"])
    if gone:
        world.settle(world.hosts)
    noted = world.note(world.hosts, plan.generations, coming=plan.coming)
    assert {"vm1-east", "vm1-west"} <= set(noted.held_back)
    assert noted.waiting == ["another run deleted payroll meanwhile. Its members get nothing of it"]


def test_members_of_what_a_run_leaves_out_wait_for_nothing(world: World) -> None:
    world.plan(AUDIT, comes_up=False)
    noted = world.note(world.hosts)
    assert (noted.held_back, noted.waiting, noted.came_up) == ([], [], ["audit"])


def test_what_is_being_deleted_is_active_again_when_it_is_created(world: World) -> None:
    """A member that could not be reached may still have it: its edges go on to guard it."""
    world.confirm(world.hosts)
    world.plan(absent=["payroll"])
    world.plan(PAYROLL, comes_up=False)
    assert told(world.plan(AUDIT), "payroll") == ["edge-east", "edge-west"]


def test_edges_may_confirm_in_several_runs(world: World) -> None:
    """As with --limit, first one cloud and then the other."""
    assert world.confirm(["edge-east"]) == []
    world.plan(PAYROLL, comes_up=False)
    assert world.confirm(["edge-west"]) == ["payroll"]


def test_but_not_with_a_run_for_another_in_between(world: World) -> None:
    world.confirm(["edge-east"])
    world.plan(AUDIT)  # takes it from edge-east
    world.plan(PAYROLL, comes_up=False)
    assert world.confirm(["edge-west"]) == []
    assert world.confirm(["edge-east"]) == ["payroll"]


def test_an_edge_confirms_what_its_run_told_it_and_nothing_else(world: World) -> None:
    """A run that planned meanwhile has left it out."""
    before = world.plan(PAYROLL, comes_up=False).generations
    world.plan(AUDIT)
    assert world.confirm(world.hosts, before) == []
    assert state(world) == "planned"


def test_an_edge_that_is_not_ours_confirms_nothing() -> None:
    world = World(changed(lab(), EXTERNAL))
    vpn = {**PAYROLL, "members": ["vm1-east", "vm1-west"]}
    world.plan(vpn, comes_up=False)
    assert world.confirm(["node-east"]) == []
    assert world.confirm(["edge-east"]) == ["payroll"]


# Verify, and the settings of external edges


@pytest.mark.parametrize("asked", [{"expected": ["payroll"]}, {"as_stored": True}])
def test_a_vpn_that_is_expected_is_planned_as_it_is_stored(world: World, asked: dict[str, Any]) -> None:
    stored = world.plan(PAYROLL, comes_up=False)
    plan = world.ask({}, dry_run=True, **asked)
    assert plan.documents == stored.documents and plan.vpns == stored.vpns
    assert (plan.changed, plan.notes, plan.coming) == (False, [], [])


# What else a run touches


def test_a_run_lists_what_it_touches_besides() -> None:
    world = World(lab(3))
    world.plan(AUDIT)
    world.plan({**PAYROLL, "members": ["vm1-south", "vm1-west"]})
    plan = world.plan({**PAYROLL, "name": "crm", "members": ["vm1-east", "vm3-east", "vm3-south"]})
    assert plan.also_touched == [
        "also touched: audit (edge-east, vapp1-east), not changed",
        "also touched: payroll (edge-south), not changed",
    ]
    again = world.plan({**PAYROLL, "name": "crm", "members": ["vm1-east", "vm3-east", "vm3-south"]})
    assert again.also_touched == []
    world.hosts = changed(world.hosts, "edge-west: {vcc_public_address: [203.0.113.99]}")
    assert world.plan(absent=["crm"]).also_touched == [
        "also touched: audit (edge-east, edge-west, vapp1-east), changed",
        "also touched: payroll (edge-south, edge-west), changed",
    ]


def test_a_run_that_names_all_of_them_or_none_lists_nothing() -> None:
    world = World()
    assert world.plan(PAYROLL, AUDIT).also_touched == []
    assert world.plan().also_touched == []


# A ledger of before


FORMAT_1 = """
DROP TABLE vpns;
CREATE TABLE vpns (
    organization VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL, number INTEGER NOT NULL, state VARCHAR(16) NOT NULL,
    intent TEXT NOT NULL, PRIMARY KEY (organization, name), UNIQUE (number),
    CONSTRAINT vpns_number CHECK (number BETWEEN 1 AND 65535),
    CONSTRAINT vpns_state CHECK (state IN ('active', 'deleting'))
);
"""


def test_what_an_older_ledger_holds_is_active(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    world = World(ledger=f"sqlite:///{path}")
    before = world.plan(PAYROLL)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (row,) = connection.execute("SELECT organization, name, number, state, intent FROM vpns").fetchall()
        columns = connection.execute("PRAGMA table_info(vpns)").fetchall()
        connection.executescript(FORMAT_1)
        connection.execute("INSERT INTO vpns VALUES (?, ?, ?, ?, ?)", row)
        connection.commit()
    # This step alone: of the other tables, those of today are there.
    with sa.create_engine(f"sqlite:///{path}").begin() as connection:
        vpns_can_be_planned(connection)
    plan = world.plan(AUDIT, comes_up=False)
    assert addresses(plan, "payroll") == addresses(before, "payroll")
    assert (state(world), state(world, "audit")) == ("active", "planned")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA table_info(vpns)").fetchall() == columns
        with pytest.raises(sqlite3.IntegrityError, match="vpns_state"):
            connection.execute("UPDATE vpns SET state = 'other'")
