# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._base.lease import Lease
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import Prefix
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger, Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.records import DELETING
from ansible_collections.intercloud.vpn.plugins.module_utils._status.history import (
    concerns,
    events_of,
    lines,
    nothing,
    rollback_lines,
    rollbacks,
)
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, changed

INTENT = {
    "pool": "internal",
    "pool_prefix": "100.64.0.0/10",
    "members": {},
    "topology": {},
    "tunnel": "ipsec",
    "policy": {},
}


def filled(path: Path) -> Ledger:
    ledger = Ledger(f"sqlite:///{path}/ledger.sqlite")

    def create(transaction: Transaction) -> None:
        for vpn, third in (("payroll", 0), ("pay", 1)):
            block = Lease(f"vpn/{vpn}", Prefix.parse(f"100.64.{third}.0/24"), "block", "internal")
            address = Lease(f"vpn/{vpn}/site/e/edge", Prefix.parse(f"100.64.{third}.1/32"), "address", "internal")
            transaction.add_leases("acme", [block, address])
            transaction.put_vpn("acme", vpn, INTENT, "planned")
        transaction.put_landscapes("acme", {"edge-east": {"kinds": []}, "edge-west": {"kinds": []}})
        transaction.put_documents("acme", {"edge-east": {"role": "org_edge"}})

    ledger.run(create, who="alice@desk")
    ledger.run(lambda one: one.put_vpn("acme", "payroll", INTENT, DELETING), who="bob@desk")
    return ledger


def read(ledger: Ledger, *given: Any, **more: Any) -> list[dict[str, Any]]:
    return ledger.run(lambda one: events_of(one, *given, **more), dry_run=True)


def test_a_run_is_a_few_lines_however_many_addresses_it_leased(tmp_path: Path) -> None:
    text = "\n".join(lines(read(filled(tmp_path), [])))
    assert "4 addresses and blocks leased: pay (2), payroll (2)" in text
    assert "hosts noted: edge-east, edge-west" in text
    assert "VPN payroll: created, number 1" in text
    assert "generation 1: edge-east" in text
    assert "VPN payroll: is being deleted" in text
    assert text.index("alice@desk") < text.index("bob@desk")


def test_only_what_concerns_a_vpn(tmp_path: Path) -> None:
    found = read(filled(tmp_path), [], vpn="pay")
    assert {event["subject"] for event in found} == {"vpn/pay", "vpn/pay/site/e/edge", "pay", "1"}


def test_the_newest_ones_and_those_since(tmp_path: Path) -> None:
    ledger = filled(tmp_path)
    every = read(ledger, [])
    assert read(ledger, [], limit=1) == every[-1:]
    assert read(ledger, [], since=every[-1]["at"]) == every[-1:]
    assert read(ledger, [], since="2999-01-01") == []
    assert read(ledger, ["nobody"]) == []


def test_of_a_vpn_the_generations_that_changed_it() -> None:
    """So that one knows which generation to go back to."""
    world = World()
    world.plan(PAYROLL)
    world.settle(world.hosts)
    world.plan({**PAYROLL, "name": "audit", "members": ["vm2-east", "vm2-west"]})
    world.settle(world.hosts)
    world.plan({**PAYROLL, "members": ["vm1-east", "vm1-west"]})
    told = [one["what"] + " " + one["subject"] for one in read(world.ledger, ["acme"], vpn="payroll")]
    assert [one for one in told if one.startswith(("vpn ", "generation "))] == [
        "vpn created payroll",
        "generation opened 1",
        "vpn changed payroll",
        "vpn changed payroll",
        "generation opened 3",
    ]


def test_nothing_says_what_there_is_nothing_of() -> None:
    assert nothing("", "") == "No events."
    assert nothing("paroll", "2026-01-31") == "No events of a VPN paroll since 2026-01-31."


def test_further_blocks_of_a_vpn_are_its_own() -> None:
    assert concerns("lease taken", "vpn/payroll#2", "payroll")
    assert not concerns("lease taken", "vpn/payroll2", "payroll")
    assert not concerns("tunnel added", "payroll", "payroll")


def test_what_happened_to_a_vpn_is_told_by_its_former_names_too() -> None:
    """And by these only up to when they were another's."""
    world = World()
    world.plan(PAYROLL)
    world.plan({**PAYROLL, "name": "wages", "formerly": "payroll"})
    world.plan({**PAYROLL, "members": ["vm2-east", "vm2-west"]})
    world.hosts["gate"] = world.hosts.pop("edge-west")
    world.hosts = changed(world.hosts, "gate: {vcc_formerly: edge-west}")
    world.plan()
    found = read(world.ledger, ["acme"], vpn="wages")
    assert [(one["what"], one["subject"]) for one in found if one["what"].startswith("vpn ")] == [
        ("vpn created", "payroll"),
        ("vpn changed", "payroll"),
        ("vpn renamed", "payroll"),
    ]
    both = read(world.ledger, ["acme"], vpn="payroll")
    taken = [len([one for one in some if one["what"] == "lease taken"]) for some in (both, found)]
    assert taken[0] > taken[1], "of both that had the name"
    told = "\n".join(lines(read(world.ledger, ["acme"])))
    assert "VPN payroll: is wages now" in told
    assert "host edge-west: is gate now" in told


def test_it_is_told_what_was_rolled_back_and_how_far_one_can_go_back() -> None:
    world = World()
    world.plan(PAYROLL)
    world.plan({**PAYROLL, "members": ["vm2-east", "vm2-west"]})
    world.ask({}, generation=1)
    assert "    rolled back to generation 1: payroll" in lines(read(world.ledger, ["acme"], vpn="payroll"))
    found = world.ledger.run(lambda one: rollbacks(one, []), dry_run=True)
    assert found == {"acme": [1, 2, 3]}
    assert [*rollback_lines({**found, "umbra": []})] == ["rollback_vpn can go back to generation 1-3 of acme"]
