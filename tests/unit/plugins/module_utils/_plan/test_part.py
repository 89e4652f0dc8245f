# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud's part of a ledger brings the cloud's nodes to the same documents, and decides nothing for others."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.clouds import hosts_by_node
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger, Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.part import ledger_file
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.rows import Rows
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.came_up import Noted, note_what_came_up
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.part import nodes_of_part
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    changed,
    lab,
    with_pair,
    with_second_edge,
)

VPN = {**PAYROLL, "members": ["vm3-east", "vm3-west", "vm3-south"]}
EAST = {"edge-east", "node-east", "vapp1-east", "vm1-east"}


@pytest.fixture
def whole() -> World:
    world = World(lab(3))
    world.plan(PAYROLL, comes_up=False)
    return world


@pytest.fixture
def running() -> World:
    """A VPN of three clouds that is up."""
    world = World(lab(3))
    world.plan(VPN)
    world.run_all()
    return world


def part_of(whole: World, node: str, path: Path) -> World:
    """What a VCC node is given: its hosts, and its part of the ledger."""
    hosts = hosts_by_node(whole.hosts)[node]

    def take(transaction: Transaction) -> Rows:
        return transaction.dump_part({org: nodes_of_part(transaction, org, some) for org, some in hosts.items()})

    file = path / f"{node}.sqlite"
    file.write_bytes(ledger_file(whole.ledger.run(take)))
    part = World({name: whole.hosts[name] for some in hosts.values() for name in some})
    part.ledger = Ledger(f"sqlite:///{file}")
    return part


def test_it_holds_the_documents_of_its_own_nodes(whole: World, tmp_path: Path) -> None:
    plan, everything = part_of(whole, "node-east", tmp_path).plan(stored=True), whole.plan(stored=True)
    assert {*plan.documents} == EAST
    assert {node: plan.documents[node] for node in EAST} == {node: everything.documents[node] for node in EAST}
    assert plan.awaiting == {"edge-east": everything.awaiting["edge-east"]}
    assert plan.coming == ["payroll"]
    assert plan.generations == everything.generations


def test_nothing_that_only_a_planner_needs_goes_along(whole: World) -> None:
    rows = whole.ledger.run(lambda transaction: transaction.dump_part({"acme": []}))
    for table in ("events", "inputs", "tunnels", "documents", "lineage", "applied"):
        assert rows[table] == [], table
    assert rows["identity"] != [], "nodes know it by that"
    assert rows["leases"] != []


def test_nothing_of_other_organizations_goes_along() -> None:
    world = World({**lab(2), **lab(2, org="beta", tag="b-")})
    theirs = [name for name in world.hosts if name.startswith("vm3b-")]
    world.plan(PAYROLL, {"name": "theirs", "pool": "internal", "members": theirs})
    rows = world.ledger.run(lambda transaction: transaction.dump_part({"acme": ["edge-east"]}))
    assert {row["organization"] for table in rows.values() for row in table if "organization" in row} == {"acme"}


@pytest.mark.parametrize("how", ["gone from the inventory", "in two clouds"])
def test_an_edge_waits_for_a_member_that_is_in_no_part(running: World, tmp_path: Path, how: str) -> None:
    """Seen: the part lacked it, and its edge stopped guarding what it still sent."""
    member = running.hosts["vm3-south"]
    if how == "in two clouds":
        running.plan({**VPN, "members": VPN["members"][:2]})
        running.hosts = {**running.hosts, "vm3-south": {**member, "clouds": ["south", "west"]}}
    else:
        running.hosts = {name: facts for name, facts in running.hosts.items() if name != "vm3-south"}
        running.plan({**VPN, "members": VPN["members"][:2]})
    plan = part_of(running, "node-south", tmp_path).plan(stored=True)
    assert plan.releasing == {"edge-south": ["vm3-south"]}


def test_so_it_does_for_a_member_that_another_cloud_is_to_tell(tmp_path: Path) -> None:
    """The clouds work at the same time: the other one may not have told it yet."""
    hosts = changed(with_second_edge(lab()), {"vm3-east": {"vcc_edge": "edge2-east"}})
    vpn = {**PAYROLL, "members": ["vm1-east", "vm3-east", "vm3-west"]}
    world = World(hosts)
    world.plan(vpn)
    world.run_all()
    node2 = {**hosts["node-east"], "clouds": ["east2"]}
    edge2 = {**hosts["edge2-east"], "clouds": ["east2"]}
    world.hosts = {**changed(hosts, {"vm3-east": {"vcc_edge": "edge-east"}}), "node2-east": node2, "edge2-east": edge2}
    world.plan(vpn, allow_renumber=True)
    assert world.plan(stored=True).releasing["edge2-east"] == ["vm3-east"]
    assert part_of(world, "node2-east", tmp_path).plan(stored=True).releasing["edge2-east"] == ["vm3-east"]
    world.settle([], given_up=["vm3-east"])
    assert part_of(world, "node2-east", tmp_path).plan(stored=True).releasing == {}


def test_a_member_waits_for_an_edge_that_is_in_no_part(running: World, tmp_path: Path) -> None:
    running.plan({**PAYROLL, "members": ["vm3-east", "vm3-west"]})
    running.run_all()
    running.plan(VPN)
    running.hosts = {name: facts for name, facts in running.hosts.items() if name != "edge-south"}
    assert part_of(running, "node-south", tmp_path).plan(stored=True).awaiting == {"edge-south": ["vm3-south"]}


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


def test_both_edges_of_a_pair_are_in_the_part_of_their_cloud(tmp_path: Path) -> None:
    """A member waits for both: the standby may be the next one to forward what it sends."""
    whole = World(with_pair(lab(3)))
    whole.plan(PAYROLL, comes_up=False)
    part = part_of(whole, "node-east", tmp_path)
    plan = part.ask({}, stored=True)
    assert {*plan.documents} == EAST | {"edge-east-2"}
    assert plan.awaiting == {edge: ["vapp1-east", "vm1-east"] for edge in ("edge-east", "edge-east-2")}
