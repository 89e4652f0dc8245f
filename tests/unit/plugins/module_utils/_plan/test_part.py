# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud's part of a ledger brings the cloud's nodes to the same documents, and decides nothing for others."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.clouds import hosts_by_node
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.part import ledger_file
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.came_up import Noted, note_what_came_up
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, lab

EAST = {"edge-east", "node-east", "vapp1-east", "vm1-east"}


@pytest.fixture
def whole() -> World:
    world = World(lab(3))
    world.plan(PAYROLL, comes_up=False)
    return world


@pytest.fixture
def part(whole: World, tmp_path: Path) -> World:
    """What the VCC node of cloud east is given: its hosts, and its part of the ledger."""
    hosts = hosts_by_node(whole.hosts)["node-east"]
    rows = whole.ledger.run(lambda transaction: transaction.dump_part(hosts))
    path = tmp_path / "part.sqlite"
    path.write_bytes(ledger_file(rows))
    east = World({name: whole.hosts[name] for name in hosts})
    east.ledger = Ledger(f"sqlite:///{path}")
    return east


def test_it_holds_the_documents_of_its_own_nodes(whole: World, part: World) -> None:
    plan, everything = part.plan(stored=True), whole.plan(stored=True)
    assert {*plan.documents} == EAST
    assert {node: plan.documents[node] for node in EAST} == {node: everything.documents[node] for node in EAST}
    assert plan.awaiting == {"edge-east": everything.awaiting["edge-east"]}
    assert plan.coming == ["payroll"]
    assert plan.generations == everything.generations


def test_nothing_that_only_a_planner_needs_goes_along(whole: World) -> None:
    rows = whole.ledger.run(lambda transaction: transaction.dump_part([]))
    for table in ("events", "inputs", "tunnels", "documents", "lineage", "applied"):
        assert rows[table] == [], table
    assert rows["identity"] != [], "nodes know it by that"


def test_no_vpn_comes_up_in_it(whole: World) -> None:
    """Not even with edges of two sites in one cloud: a run for others may have taken it from the edges meanwhile."""
    edges = ["edge-east", "edge-west"]

    def note(decides: bool) -> Noted:
        return whole.ledger.run(
            lambda transaction: note_what_came_up(transaction, whole.hosts, edges, coming=["payroll"], decides=decides),
            dry_run=True,
        )

    assert (note(True).came_up, note(True).held_back) == (["payroll"], [])
    assert (note(False).came_up, note(False).held_back) == ([], PAYROLL["members"])
