# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that plan nothing, and may know a part of the fleet only: slices of a job."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    changed,
    lab,
    with_second_edge,
)

MIXED = {**PAYROLL, "members": ["vm1-east", {"name": "vm1-west", "mode": "nat"}, "vm3-west"]}
RUNS: dict[str, Any] = {"runs": {"blocks": ["100.64.0.0/24"], "carries": [], "tunnels": {}}, "own": []}


def slices(world: World, count: int) -> list[World]:
    """The same ledger, seen from slices of the inventory, as AWX makes them: every so many-th host by its name."""
    found = []
    for number in range(count):
        part = World({name: world.hosts[name] for name in sorted(world.hosts)[number::count]})
        part.ledger = world.ledger
        found.append(part)
    return found


def as_told(plan: Plan) -> dict[str, Any]:
    """Every document of a plan."""
    return {name: plan.documents[name] for name in sorted(plan.documents)}


@pytest.mark.parametrize("vpn", [PAYROLL, MIXED])
def test_it_is_what_was_planned_whatever_the_inventory_says(vpn: dict[str, Any]) -> None:
    world = World()
    planned = world.plan(vpn, comes_up=False)
    before = world.ledger.run(lambda one: (one.leases("acme"), one.vpns("acme"), one.landscape("acme")), dry_run=True)
    world.hosts = changed(world.hosts, {"edge-east": {"vcc_public_address": ["203.0.113.99"]}})
    for part in [world, *slices(world, 3)]:
        plan = part.plan({**PAYROLL, "members": ["vm2-east", "vm2-west"]}, stored=True, comes_up=False)
        assert as_told(plan) == as_told(planned)
        assert (plan.changed, plan.changed_nodes, plan.diff) == (False, [], [])
        assert plan.generations == planned.generations
        assert plan.coming == ["payroll"]
        assert plan.awaiting == planned.awaiting
    after = world.ledger.run(lambda one: (one.leases("acme"), one.vpns("acme"), one.landscape("acme")), dry_run=True)
    assert after == before
    assert as_told(world.plan(vpn, dry_run=True)) != as_told(planned), "a run that plans goes by the inventory"


def test_who_loses_is_told_before_the_edge_of_another_slice_stops_guarding() -> None:
    world = World(lab(3))
    world.plan({**PAYROLL, "members": ["vm3-east", "vm1-west", "vm1-south"]})
    world.run_all()
    world.plan({**PAYROLL, "members": ["vm1-west", "vm1-south"]})
    first = world.plan(stored=True, comes_up=False)
    everywhere = {edge: ["vm3-east"] for edge in ("edge-east", "edge-south", "edge-west")}
    assert (first.losing, first.releasing) == (["vm3-east"], everywhere), "no edge says what it guards"
    edge = World({"edge-east": world.hosts["edge-east"]})
    edge.ledger = world.ledger
    plan = edge.plan(stored=True, comes_up=False, observed={"edge-east": RUNS})
    assert plan.releasing["edge-east"] == ["vm3-east"]
    world.settle(["vm3-east"])  # by its slice
    assert edge.plan(stored=True, comes_up=False, observed={"edge-east": RUNS}).releasing == {}


def test_a_vapp_edge_is_held_back_when_its_vms_are_in_another_slice() -> None:
    world = World()
    world.plan(MIXED, comes_up=False)
    part = World({name: world.hosts[name] for name in ("edge-east", "vapp1-west")})
    part.ledger = world.ledger
    noted = part.note(["edge-east"])
    assert "vapp1-west" in noted.held_back


def test_a_vpn_whose_edge_has_nothing_left_to_do_is_no_reason_to_wait() -> None:
    """Seen: the document of that edge was gone from the ledger, and the run ended there."""
    world = World(with_second_edge(lab()))
    other = {"name": "other", "pool": "internal", "members": ["vm2-east", "vm2-west"]}
    world.plan({**PAYROLL, "members": ["vm1-east", "vm1-west"]})
    world.plan(other)
    world.run_all()
    nodes = world.plan(absent=["other"]).documents
    world.settle(node for node in nodes if node != "node-west")
    lost = {"runs": {"blocks": [], "carries": [], "tunnels": {}}, "own": []}
    plan = world.plan(stored=True, comes_up=False, observed={"vapp1-east": lost})
    assert "edge2-east" not in plan.documents
    assert plan.awaiting == {}


def test_slices_delete_together() -> None:
    world = World()
    world.plan(PAYROLL)
    world.run_all()
    world.plan(absent=["payroll"])
    nodes = sorted(world.plan(stored=True, comes_up=False).concerned)
    half = len(nodes) // 2
    released, waiting = world.settle(nodes[:half])
    assert "its addresses stay leased until it is gone from" in waiting[0]
    released, waiting = world.settle(nodes[half:])
    assert (released, waiting, world.leases()) == (True, [], {})


def test_what_an_earlier_run_saw_of_a_node_does_not_count_if_this_one_failed_there() -> None:
    world = World()
    world.plan(PAYROLL)
    world.run_all()
    world.plan(PAYROLL, {"name": "audit", "pool": "internal", "members": ["vm2-east", "vm2-west"]})
    world.run_all()
    world.plan(absent=["payroll"])
    world.run_all("edge-east")
    assert world.settle(["edge-east"], failed=["edge-west"])[1] != []
    assert world.settle([])[1] == []


def test_where_nothing_is_stored_there_is_nothing_to_do() -> None:
    plan = World().plan(stored=True, comes_up=False)
    assert (as_told(plan), plan.concerned, plan.to_note, plan.unsettled) == ({}, [], False, False)
