# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.lease import Lease
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import Prefix
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.policy.policy import resolve_policy
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger, Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._status.agreed import agreements
from ansible_collections.intercloud.vpn.plugins.module_utils._status.holdings import holdings
from ansible_collections.intercloud.vpn.plugins.module_utils._status.status import status
from ansible_collections.intercloud.vpn.plugins.module_utils._status.table import table
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import World

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
HELD: dict[str, Any] = {
    "acme": {
        "generation": 3,
        "vpns": {"payroll": {"number": 1, "state": "active", "leased": 5, "of": 256}},
        "pools": [{"pool": "internal", "prefix": "100.64.0.0/10", "size": 4194304, "vpns": 1, "used": 256}],
    }
}

INTENT = {
    "pool": "internal",
    "pool_prefix": "100.64.0.0/10",
    "members": {},
    "topology": {},
    "tunnel": "ipsec",
    "policy": {},
}


def shown(world: World, held: dict[str, Any] | None = None) -> tuple[dict[str, Any], str]:
    found = status(world.plan, world.documents, world.observed, held or HELD, NOW)
    return found, table(found)


def line(text: str, begin: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(begin))


def test_all_is_as_planned() -> None:
    found, text = shown(World())
    assert found["ok"] and found["findings"] == []
    (vpn,) = found["vpns"]
    assert (vpn["links"], vpn["addresses"], vpn["members"]) == ({"up": 1, "of": 1}, {"leased": 5, "of": 256}, 3)
    assert "1 of 1" in line(text, "payroll")
    assert text.endswith("Nodes and ledger agree with the plan. Whether packets pass: verify_vpn.")


def test_a_link_that_is_down_is_seen_without_a_probe() -> None:
    world = World()
    for edge in ("edge-east", "edge-west"):
        world.observed[edge]["sas"] = []
    found, text = shown(world)
    assert not found["ok"]
    assert "0 of 1" in line(text, "payroll") and "links are down" in line(text, "payroll")


def test_a_node_on_an_older_generation_is_named() -> None:
    world = World()
    for node in ("edge-west", "vm1-east"):
        world.observed[node]["generation"] -= 1
    _found, text = shown(world)
    assert ", not " in line(text, "edge-west")
    assert "not: vm1-east" in line(text, "members:")


def test_a_node_that_does_not_answer() -> None:
    world = World()
    world.observed["edge-west"] = {"unreachable": True, "msg": "Connection timed out"}
    found, text = shown(world)
    assert "no answer" in line(text, "edge-west")
    assert [node["runs"] for node in found["nodes"] if node["node"] == "edge-west"] == [None]
    assert "Connection timed out" in text


def test_where_nobody_answers_it_is_not_said_that_all_agrees() -> None:
    """As before a VPN came up for the first time: nodes have documents, and there is nothing to judge them by."""
    found, _text = shown(World())
    for node in found["nodes"][:2]:
        node["runs"] = None
    silent = ", ".join(node["node"] for node in found["nodes"][:2])
    assert table(found).endswith(f"No answer from {silent}. Nothing else differs from the plan.")


def test_what_differs_on_an_edge_is_told_by_subsystem() -> None:
    world = World()
    world.observed["edge-east"]["drift"] = [{"subsystem": "routes", "action": "add 100.64.0.64/26 dev vcc0"}]
    assert "routes" in line(shown(world)[1], "edge-east")


def test_vpns_that_are_in_no_plan_are_told() -> None:
    held = copy.deepcopy(HELD)
    held["acme"]["vpns"]["new"] = {"number": 2, "state": "planned", "leased": 4, "of": 256}
    held["acme"]["vpns"]["old"] = {"number": 3, "state": "deleting", "leased": 4, "of": 256}
    text = shown(World(), held)[1]
    assert "has not come up yet" in line(text, "new")
    assert "is being deleted" in line(text, "old")


def test_with_several_organizations_each_name_says_whose_it_is() -> None:
    held = {**HELD, "beta": {"generation": 0, "vpns": {}, "pools": []}}
    assert line(shown(World(), held)[1], "acme/payroll")


@pytest.mark.parametrize(
    ("days", "said"), [(-1, "expired"), (1, "1 day"), (90, "90 days")], ids=["expired", "tomorrow", "later"]
)
def test_how_long_certificates_are_valid(days: int, said: str) -> None:
    found, _text = shown(World())
    for node in found["nodes"]:
        if node["node"] == "edge-east":
            node["certificate_days"] = days
    assert line(table(found), "edge-east").endswith(said)


def ledger(path: Path, leases: dict[str, str]) -> Ledger:
    made = Ledger(f"sqlite:///{path}/ledger.sqlite")

    def fill(transaction: Transaction) -> None:
        transaction.put_vpn("acme", "payroll", INTENT)
        kinds = {key: "block" if key.count("/") == 1 else "address" for key in leases}
        transaction.add_leases(
            "acme", [Lease(key, Prefix.parse(text), kinds[key], "internal") for key, text in leases.items()]
        )

    made.run(fill)
    return made


def test_what_the_ledger_holds(tmp_path: Path) -> None:
    leases = {
        "vpn/payroll": "100.64.0.0/24",
        "vpn/payroll#2": "100.64.1.0/24",
        "vpn/payroll/site/edge-east/edge": "100.64.0.1/32",
        "vpn/payroll/site/edge-east/vm/vm1": "100.64.0.2/32",
    }
    pools = {"internal": "100.64.0.0/10", "other": "10.0.0.0/8", "broken": "10.0.0"}
    held = ledger(tmp_path, leases).run(lambda transaction: holdings(transaction, [], pools), dry_run=True)["acme"]
    standard = resolve_policy("standard", {}, "", Problems())
    assert standard is not None
    shared = {"agreed": agreements(standard)["ipsec"], "ppk": False}
    assert held["vpns"]["payroll"] == {"number": 1, "state": "active", "leased": 2, "of": 512, **shared}
    used = {pool["pool"]: (pool["vpns"], pool["used"], pool.get("size")) for pool in held["pools"]}
    assert used == {"internal": (1, 512, 4194304), "other": (0, 0, 1 << 24), "broken": (0, 0, None)}


def test_a_pool_that_the_inventory_lost_is_still_shown(tmp_path: Path) -> None:
    held = ledger(tmp_path, {"vpn/payroll": "100.64.0.0/24"}).run(lambda one: holdings(one, ["acme"], {}), dry_run=True)
    assert held["acme"]["pools"] == [{"pool": "internal", "vpns": 1, "used": 256}]
    assert "not in vcc_pools" in line(shown(World(), {**HELD, "acme": held["acme"]})[1], "internal")
