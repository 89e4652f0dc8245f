# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever gets something to send is told after the org edge that guards it, and not at all if that one is not told."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.came_up import Noted, hold_back
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    changed,
    lab,
    with_second_edge,
)

THREE = {**PAYROLL, "members": ["vm1-east", "vm1-west", "vm1-south"]}
BLOCKS = ["100.64.0.0/24"]
RUNS: dict[str, Any] = {"runs": {"blocks": BLOCKS, "carries": [], "tunnels": {}}, "own": []}


def test_all_members_of_a_new_vpn_wait_for_their_edges() -> None:
    plan = World(lab(3)).plan(THREE)
    assert plan.awaiting == {f"edge-{cloud}": [f"vapp1-{cloud}", f"vm1-{cloud}"] for cloud in ("east", "south", "west")}


def test_nobody_waits_once_all_run_their_documents() -> None:
    world = World(lab(3))
    world.plan(THREE)
    world.run_all()
    assert world.plan(THREE).awaiting == {}
    assert world.plan({**THREE, "members": [*THREE["members"], "vm2-east"]}).awaiting == {}, "its edge guards already"


def test_a_site_that_joins_waits_for_its_own_edge() -> None:
    """Seen: a VPN that was up got a third site, whose edge refused its document. The member there was told all the
    same, and its edge passed on in clear what it sent."""
    world = World(lab(3))
    world.plan(PAYROLL)
    world.run_all()
    wider = {**PAYROLL, "members": [*PAYROLL["members"], "vm1-south"]}
    assert world.plan(wider).awaiting == {"edge-south": ["vapp1-south", "vm1-south"]}
    world.run_all("edge-south", "vapp1-south", "vm1-south")  # it refused, and they were held back
    for observed, waits in (
        ({}, True),
        ({"edge-south": RUNS}, False),
        ({"edge-south": {**RUNS, "unconfirmed": 1}}, True),
        ({"edge-south": {"runs": None, "own": []}}, True),
        ({"edge-south": RUNS, "vm1-south": RUNS, "vapp1-south": RUNS}, False),
    ):
        plan = world.plan(wider, observed=observed)
        assert plan.awaiting == ({"edge-south": ["vapp1-south", "vm1-south"]} if waits else {}), observed


def test_a_member_that_lost_what_the_ledger_says_it_has_waits_as_well() -> None:
    """It gets its address again, at an edge that may have lost its memory, too."""
    world = World()
    (address,) = world.plan(PAYROLL).documents["vm3-west"]["addresses"]
    world.run_all()
    lost: dict[str, Any] = {"runs": {"blocks": [], "carries": [], "tunnels": {}}, "own": []}
    has = {**RUNS, "own": [address["address"]]}
    assert world.plan(PAYROLL, observed={"edge-west": lost, "vm3-west": has}).awaiting == {}
    assert world.plan(PAYROLL, observed={"edge-west": lost, "vm3-west": lost}).awaiting == {"edge-west": ["vm3-west"]}
    assert world.plan(PAYROLL, observed={"edge-west": RUNS, "vm3-west": lost}).awaiting == {}


@pytest.mark.parametrize("observed", [{}, {"vm3-south": {"silent": "no answer"}}])
@pytest.mark.parametrize("stored", [False, True])
def test_who_waited_and_does_not_answer_is_not_told_first_either(observed: dict[str, Any], stored: bool) -> None:
    """What the ledger says that it was told, it was never told: what comes first leaves out what its edge lacks."""
    world = World(lab(3))
    world.plan(PAYROLL)
    world.run_all()
    wider = {**PAYROLL, "members": [*PAYROLL["members"], "vm1-south", "vm3-south"]}
    south = ["vapp1-south", "vm1-south", "vm3-south"]
    world.plan(wider)
    world.run_all("edge-south", *south)
    plan = world.plan(wider, observed=observed, stored=stored)
    assert plan.awaiting == {"edge-south": south}
    assert (plan.losing, plan.gaining) == (south, south)
    for node in ("vm1-south", "vm3-south"):
        assert (plan.losing_documents[node]["addresses"], plan.losing_documents[node]["routes"]) == ([], [])
    assert [vpn["local"] for vpn in plan.losing_documents["vapp1-south"]["vpns"]] == [[]]


def test_an_edge_that_cannot_read_what_it_runs_is_not_known_to_guard() -> None:
    world = World()
    world.plan(PAYROLL)
    world.run_all()
    lost: dict[str, Any] = {"runs": {"blocks": [], "carries": [], "tunnels": {}}, "own": []}
    cannot = {"runs": None, "python": "3.11.2", "own": []}
    assert world.plan(PAYROLL, observed={"edge-west": cannot, "vm3-west": lost}).awaiting == {"edge-west": ["vm3-west"]}


@pytest.mark.parametrize("stored", [False, True])
def test_a_member_that_moved_and_was_not_told_holds_its_old_edge(stored: bool) -> None:
    hosts = changed(with_second_edge(lab()), {"vm3-east": {"vcc_edge": "edge-east"}})
    vpn = {**PAYROLL, "members": ["vm3-east", "vm3-west", "vm1-west"]}
    world = World(hosts)
    world.plan(vpn)
    world.run_all()
    world.hosts = changed(hosts, {"vm3-east": {"vcc_edge": "edge2-east"}})
    assert world.plan(vpn, allow_renumber=True).releasing == {"edge-east": ["vm3-east"]}
    plan = world.plan(vpn, allow_renumber=True, stored=stored, observed={"edge-east": RUNS})
    assert plan.releasing["edge-east"] == ["vm3-east"]


EXCHANGE = {"name": "exchange", "pool": "internal"}


Exchanged = tuple[World, dict[str, Any]]


@pytest.fixture
def exchanged() -> Exchanged:
    """vm3-east left one VPN for another, and vm3-south that one for the first: their edges guard other blocks from then
    on. With what the edges say they ran before."""
    world = World(lab(3))
    plan = world.plan(
        {**PAYROLL, "members": ["vm3-east", "vm3-west"]}, {**EXCHANGE, "members": ["vm3-south", "vm3-west"]}
    )
    world.run_all()
    edges = (edge for edge in plan.documents if edge.startswith("edge-"))
    ran = {edge: _guarding(*(vpn["blocks"][0] for vpn in plan.documents[edge]["vpns"])) for edge in edges}
    world.plan({**PAYROLL, "members": ["vm3-south", "vm3-west"]}, {**EXCHANGE, "members": ["vm3-east", "vm3-west"]})
    return world, ran


def _guarding(*blocks: str) -> dict[str, Any]:
    return {"runs": {"blocks": [*blocks], "carries": [], "tunnels": {}}, "own": []}


def test_who_gave_up_what_it_loses_holds_no_edge(exchanged: Exchanged) -> None:
    """Slices of a job: each waited for the other, the edge for its member's address to go, the member for its edge."""
    world, ran = exchanged
    plan = world.plan(stored=True, observed=ran)
    waiting = {"edge-east": ["vm3-east"], "edge-south": ["vm3-south"]}
    both = ["vm3-east", "vm3-south"]
    assert (plan.releasing, plan.awaiting) == (dict.fromkeys(waiting, both), waiting), "each may have moved"
    world.settle([], given_up=["vm3-east"])
    plan = world.plan(stored=True, observed=ran)
    assert (plan.releasing, plan.awaiting) == (dict.fromkeys(waiting, both[1:]), waiting), "it still waits for its edge"
    assert "vm3-east" in plan.losing, "it is behind"
    world.settle([], given_up=["vm3-south"])
    for observed in (ran, {}):
        assert world.plan(stored=True, observed=observed).releasing == {}
    world.settle(["edge-east", "edge-south", "edge-west"])
    assert world.plan(stored=True).awaiting == {}


def test_what_it_gave_up_it_may_get_again(exchanged: Exchanged) -> None:
    world, ran = exchanged
    world.settle([], given_up=["vm3-east", "vm3-south"])
    has = world.plan(stored=True).documents["vm3-east"]["addresses"][0]["address"]
    for says in ({**RUNS, "own": ["100.64.0.99/32"]}, {**RUNS, "own": [has], "unconfirmed": 1}):
        plan = world.plan(stored=True, observed={**ran, "vm3-east": says})
        assert plan.releasing["edge-east"] == ["vm3-east"], "its own word counts"
    world.plan({**PAYROLL, "members": ["vm3-east", "vm3-south", "vm3-west"]})
    world.plan({**PAYROLL, "members": ["vm3-south", "vm3-west"]})
    plan = world.plan(stored=True, observed=ran)
    assert "vm3-east" in plan.releasing["edge-east"], "another document since, which it may have got"


def test_what_was_taken_away_by_an_older_plan_is_not_noted(exchanged: Exchanged) -> None:
    world, ran = exchanged
    generations = world.plan(stored=True).generations
    world.plan({**EXCHANGE, "members": ["vm3-west", "vm3-south"]})
    world.settle([], given_up=["vm3-east"], generations=generations)
    assert "vm3-east" in world.plan(stored=True, observed=ran).releasing["edge-east"]


def test_members_of_another_organization_hold_no_edge() -> None:
    world = World({**lab(3), **lab(2, org="beta", tag="b-")})
    theirs = sorted(name for name in world.hosts if name.startswith("vm3b-"))
    vpn = {**PAYROLL, "members": ["vm3-east", "vm3-west", "vm3-south"]}
    world.plan(vpn, {"name": "theirs", "pool": "internal", "members": theirs})
    world.run_all(theirs[0])
    assert world.plan({**vpn, "members": vpn["members"][1:]}).releasing == {"edge-east": ["vm3-east"]}


@pytest.mark.parametrize(("applied", "held"), [([], ["vm1-south", "vm1-west"]), (["edge-south"], ["vm1-west"])])
def test_who_waits_is_held_back_until_the_edge_is_there(applied: list[str], held: list[str]) -> None:
    noted = Noted(held_back=["vm1-west"])
    hold_back(noted, {"edge-south": ["vm1-south"]}, applied)
    assert noted.held_back == held
    assert noted.waiting == (
        []
        if applied
        else [
            "not changed yet: vm1-south. This run did not bring edge-south to its generation, and edge-south would "
            "forward their packets unencrypted. Repair edge-south, then run this again"
        ]
    )
