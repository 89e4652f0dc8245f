# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback asks for the VPNs of an earlier generation: what comes, what changes, what goes, and what is refused."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.past import KEPT
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    addresses,
    bodies,
    changed,
    lab,
)

AUDIT = {"name": "audit", "pool": "internal", "members": ["vm2-east", "vm2-west"]}
LARGER = {**PAYROLL, "members": [*PAYROLL["members"], "vm2-west"]}


def past(world: World, org: str = "acme") -> list[int]:
    return world.ledger.run(lambda transaction: transaction.past_generations(org), dry_run=True)


def refused(world: World, **rest: Any) -> str:
    (error,) = world.refused(**rest)
    return error


def deleted(world: World, name: str) -> None:
    """Taken out of the plan, and gone from all nodes."""
    world.ask({}, absent=[name])
    world.settle(world.hosts)


def something(plan: Plan) -> dict[str, Any]:
    """What nodes have that have anything."""
    return {node: body for node, body in bodies(plan).items() if body.get("vpns") or body.get("addresses")}


@pytest.fixture(name="world")
def _world() -> World:
    return World()


def test_a_vpn_is_as_it_was_under_a_new_generation(world: World) -> None:
    first = world.plan(PAYROLL)
    world.plan(LARGER)
    plan = world.ask({}, generation=1)
    assert (plan.generations, plan.named, plan.deleting) == ({"acme": 3}, ["acme/payroll"], [])
    assert any(line.startswith("- vpn payroll: member vm2-west") for line in plan.diff)
    assert something(plan) == something(first)
    again = world.ask({}, generation=1)
    assert (again.changed, again.diff, again.changed_nodes) == (False, [], [])


def test_a_dry_run_says_the_same_and_leaves_the_ledger(world: World) -> None:
    world.plan(PAYROLL)
    world.plan(LARGER)
    before = world.dump()
    predicted = world.ask({}, generation=1, dry_run=True)
    assert world.dump() == before
    plan = world.ask({}, generation=1)
    assert (predicted.diff, predicted.notes, predicted.documents) == (plan.diff, plan.notes, plan.documents)


def test_one_of_several(world: World) -> None:
    world.plan(PAYROLL, AUDIT)
    world.plan(LARGER)
    world.plan({**AUDIT, "topology": {"kind": "star", "hubs": ["edge-east"]}})
    plan = world.ask({}, generation=1, only="payroll")
    assert plan.named == ["acme/payroll"]
    assert next(vpn for vpn in plan.vpns if vpn["name"] == "audit")["topology"].startswith("star")
    assert "vm2-west" not in addresses(plan, "payroll")


def test_one_that_came_later_is_deleted(world: World) -> None:
    world.plan(PAYROLL)
    world.plan(AUDIT)
    plan = world.ask({}, generation=1)
    assert plan.deleting == ["audit"]
    assert plan.leaving == ["edge-east", "edge-west", "vapp1-east", "vapp1-west", "vm2-east", "vm2-west"]
    assert world.settle(world.hosts) == (True, [])
    assert not any(key.startswith("vpn/audit") for key in world.leases())


def test_what_came_after_the_run_asked_is_not_deleted(world: World) -> None:
    world.plan(PAYROLL)
    world.plan(AUDIT)
    asked = world.ask({}, generation=1, dry_run=True).deleting
    world.plan({**AUDIT, "name": "wages"})
    assert refused(world, generation=1, agreed=asked) == (
        "vcc_generation: generation 1 had no VPN wages, which was created while this run was planned: run it again"
    )
    assert world.ask({}, generation=1, agreed=["audit", "wages"]).deleting == ["audit", "wages"]


def test_one_that_has_not_come_up_stays(world: World) -> None:
    world.plan(PAYROLL)
    world.plan(AUDIT, comes_up=False)
    newest = world.plan(LARGER).generations["acme"]
    plan = world.ask({}, generation=newest, comes_up=False)
    assert (plan.deleting, plan.changed, plan.diff) == ([], False, [])
    assert world.ask({}, generation=1, comes_up=False).deleting == ["audit"]


def test_one_that_is_being_deleted_anyway_is_no_change(world: World) -> None:
    world.plan(PAYROLL, AUDIT)
    newest = world.ask({}, absent=["audit"]).generations["acme"]
    plan = world.ask({}, generation=newest, agreed=[])
    assert (plan.deleting, plan.changed) == (["audit"], False)


def test_one_that_was_deleted_comes_back(world: World) -> None:
    world.plan(PAYROLL, AUDIT)
    deleted(world, "audit")
    plan = world.ask({}, generation=1)
    assert "audit was deleted since, and its addresses were released: its members get new addresses" in plan.notes
    assert plan.coming == ["audit"]
    assert set(addresses(plan, "audit")) == {"vm2-east", "vm2-west"}


def test_one_that_is_being_deleted_keeps_its_addresses(world: World) -> None:
    first = world.plan(PAYROLL, AUDIT)
    world.ask({}, absent=["audit"])
    plan = world.ask({}, generation=1)
    assert (
        "audit is being deleted, and still holds its addresses: its members get the same addresses again" in plan.notes
    )
    assert addresses(plan, "audit") == addresses(first, "audit")


def test_a_vpn_by_another_name_keeps_it(world: World) -> None:
    first = world.plan(PAYROLL)
    world.plan({**LARGER, "name": "wages", "formerly": "payroll"})
    plan = world.ask({}, generation=1)
    assert (plan.named, plan.deleting) == (["acme/wages"], [])
    assert addresses(plan, "wages") == addresses(first, "payroll")


def test_a_name_that_another_vpn_had_ends_what_can_be_gone_back_to(world: World) -> None:
    world.plan(PAYROLL, AUDIT)
    deleted(world, "audit")
    newest = world.plan(LARGER).generations["acme"]
    assert past(world) == list(range(1, newest + 1))
    plan = world.plan({**LARGER, "name": "audit", "formerly": "payroll"})
    assert past(world) == [newest, plan.generations["acme"]]


def test_a_host_by_another_name_keeps_it(world: World) -> None:
    world.plan(LARGER)
    world.plan(PAYROLL)
    facts = world.hosts.pop("vm1-west")
    world.hosts["web-west"] = {**facts, "vars": {**facts["vars"], "vcc_formerly": ["vm1-west"]}}
    renamed = {**PAYROLL, "members": ["vm1-east", "web-west", "vm3-west"]}
    world.plan(renamed)
    plan = world.ask({}, generation=1)
    assert set(addresses(plan, "payroll")) == {"vm1-east", "vm2-west", "vm3-west", "web-west"}


def test_so_does_one_that_only_a_deleted_vpn_had(world: World) -> None:
    world.plan(PAYROLL, AUDIT)
    deleted(world, "audit")
    facts = world.hosts.pop("vm2-west")
    world.hosts["db-west"] = {**facts, "vars": {**facts["vars"], "vcc_formerly": ["vm2-west"]}}
    assert "db-west was vm2-west" in world.plan(PAYROLL).notes
    assert world.plan(PAYROLL).changed is False
    assert set(addresses(world.ask({}, generation=1), "audit")) == {"db-west", "vm2-east"}


def test_a_name_that_another_host_had_ends_what_can_be_gone_back_to(world: World) -> None:
    world.plan(LARGER)
    plan = world.plan(PAYROLL)
    gone = world.hosts.pop("vm1-west")
    world.hosts["vm2-west"] = {**gone, "vars": {**gone["vars"], "vcc_formerly": ["vm1-west"]}}
    plan = world.plan({**PAYROLL, "members": ["vm1-east", "vm2-west", "vm3-west"]})
    assert past(world)[0] >= 2 and past(world)[-1] == plan.generations["acme"]


def test_a_vm_that_is_gone_is_named(world: World) -> None:
    world.plan(LARGER)
    world.plan(PAYROLL)
    world.settle(world.hosts)
    world.hosts = changed(world.hosts, {"vm2-west": None})
    assert refused(world, generation=1).startswith("vcc_generation.payroll: vm2-west is not in the group members")


def test_what_is_refused(world: World) -> None:
    assert refused(world, generation=3) == (
        "vcc_generation: there is no generation 3 to go back to; acme has none yet "
        "(history_vpn shows what they changed)"
    )
    world.plan(PAYROLL)
    world.plan(LARGER)
    can = "acme can go back to 1-2 (history_vpn shows what they changed)"
    assert refused(world, generation=9) == f"vcc_generation: there is no generation 9 to go back to; {can}"
    assert refused(world, generation=0) == (
        f"vcc_generation: must name a generation, for example -e vcc_generation=12; {can}"
    )
    assert refused(world, generation=1, only="paroll") == (
        "vcc_only: there is no VPN paroll, and generation 1 had none; did you mean payroll?"
    )
    world.hosts.update(lab(org="umbra", tag="u"))
    assert refused(world, generation=1) == (
        "vcc_organization: must say whose generation it is: each organization has its own (acme, umbra)"
    )


def test_an_organization_of_several(world: World) -> None:
    world.hosts.update(lab(org="umbra", tag="u"))
    world.plan(PAYROLL)
    world.plan(LARGER)
    plan = world.ask({}, generation=1, organizations=["acme"])
    assert plan.named == ["acme/payroll"]


def test_only_so_many_generations_are_kept(world: World) -> None:
    for number in range(1, KEPT + 4):
        plan = world.plan(LARGER if number % 2 else PAYROLL)
        assert plan.generations == {"acme": number}
    assert past(world) == list(range(4, KEPT + 4))
    rows = world.dump()["past_intents"]
    assert len(rows) == KEPT
    assert "4-53" in refused(world, generation=3)


def test_what_stays_is_stored_once(world: World) -> None:
    world.plan(PAYROLL, AUDIT)
    for members in (LARGER["members"], PAYROLL["members"]) * 3:
        world.plan({**PAYROLL, "members": members})
    assert [row[1] for row in world.dump()["past_intents"]].count("audit") == 1


# Whatever happened


class Story:
    """Three VPNs that come, change and go; what each generation had."""

    def __init__(self, seed: int) -> None:
        self.random, self.world = Random(seed), World(lab(3, org_vms=2))
        self.vms = sorted(host for host, facts in self.world.hosts.items() if facts["kinds"] == ["members"])
        self.had: dict[int, Plan] = {}

    def vpn(self, name: str) -> dict[str, Any]:
        members = sorted(self.random.sample(self.vms, self.random.randint(2, 6)))
        while len({vm.rpartition("-")[2] for vm in members}) < 2:
            members = sorted(self.random.sample(self.vms, self.random.randint(2, 6)))
        sites = sorted({f"edge-{vm.rpartition('-')[2]}" for vm in members})
        more: list[dict[str, Any]] = [
            {},
            {"names": True},
            {"topology": {"kind": "star", "hubs": [self.random.choice(sites)]}},
            {"policy": {"extends": "standard", "rate": {"vpn": "10mbit"}}},
            {"allow": [{"from": members[:1], "to": members[1:2]}]},
        ]
        modes = [{"name": vm, "mode": self.random.choice(["address", "nat"])} for vm in members]
        return {"name": name, "pool": "internal", "members": modes, **self.random.choice(more)}

    def step(self, deletes: bool) -> Plan:
        name = self.random.choice(["a", "b", "c"])
        there = {vpn["name"] for vpn in (self.had[max(self.had)].vpns if self.had else ())}
        if deletes and name in there and self.random.random() < 0.4:
            plan = self.world.ask({}, absent=[name])
            self.world.settle(self.world.hosts)
        else:
            plan = self.world.plan(self.vpn(name))
        self.had[plan.generations["acme"]] = plan
        return plan


@pytest.mark.parametrize("seed", range(12))
def test_going_back_brings_every_generation_back_as_it_was(seed: int) -> None:
    story = Story(seed)
    for _step in range(6):
        story.step(deletes=False)
    names = {number: {vpn["name"] for vpn in plan.vpns} for number, plan in story.had.items()}
    newest = max(story.had)
    for number in story.random.sample(sorted(story.had), 3):
        plan = story.world.ask({}, generation=number)
        assert something(plan) == something(story.had[number])
        assert plan.generations["acme"] >= newest
        assert set(plan.deleting) >= names[newest] - names[number]
        story.world.ask({}, generation=newest)  # and forward again: what is being deleted is not gone yet


def shape(plan: Plan) -> Any:
    """What VPNs are, without their numbers and addresses."""
    links = {
        (link["vpn"], node, tunnel["peer"])
        for node, document in plan.documents.items()
        for tunnel in document["tunnels"]
        for link in tunnel["links"]
    }
    vpns = {
        vpn["name"]: (
            vpn["topology"],
            [(member["name"], member["mode"]) for member in vpn["members"]],
            sorted(vpn["sites"]),
            vpn.get("limits"),
            vpn.get("domain"),
            vpn.get("allow"),
        )
        for vpn in plan.vpns
    }
    return vpns, sorted(links)


@pytest.mark.parametrize("seed", range(12))
def test_what_was_deleted_comes_back_with_other_numbers_at_most(seed: int) -> None:
    story = Story(100 + seed)
    for _step in range(8):
        story.step(deletes=True)
    for number in story.random.sample(sorted(story.had), 3):
        plan = story.world.ask({}, generation=number)
        assert shape(plan) == shape(story.had[number])
        story.world.settle(story.world.hosts)
