# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations in the same clouds: each one's plan is its own, on shared VCC nodes too, whoever plans and when."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.plan import Request, make_plan
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.settle import settle
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    POOLS,
    World,
    addresses,
    as_bytes,
    lab,
)

ACME = {"name": "payroll", "pool": "internal", "members": ["vm3-east", "vm3-west"]}
UMBRA = {"name": "payroll", "pool": "internal", "members": ["vm3u-east", "vm3u-west"]}
NODES = {
    f"node-{cloud}": {"kinds": ["vcc_nodes"], "clouds": [cloud], "vars": {}} for cloud in ("east", "west", "south")
}


def own(org: str, tag: str, clouds: int = 2) -> dict[str, Any]:
    """An organization's hosts, and the clouds' nodes, which are nobody's own."""
    hosts = {name: facts for name, facts in lab(clouds, org=org, tag=tag).items() if not name.startswith("node")}
    return {
        **hosts,
        **{name: node for name, node in NODES.items() if any(node["clouds"] == h["clouds"] for h in hosts.values())},
    }


HOSTS = {"acme": own("acme", ""), "umbra": own("umbra", "u")}
BOTH = {**HOSTS["acme"], **HOSTS["umbra"]}


def documents(plan: Plan, org: str) -> dict[str, Any]:
    return {name: document for name, document in plan.documents.items() if document["organization"] == org}


def seen(plan: Plan) -> str:
    """All that a plan says."""
    return as_bytes(plan).decode()


@pytest.fixture
def world() -> World:
    """Where each organization has planned from an inventory of its own."""
    world = World(HOSTS["acme"])
    world.plan(ACME)
    world.hosts = HOSTS["umbra"]
    world.plan(UMBRA)
    return world


def test_a_shared_node_has_each_organizations_slice_separately(world: World) -> None:
    world.hosts = BOTH
    plan = world.plan()
    assert not plan.changed and plan.changed_nodes == []
    assert {name for name in plan.documents if "node" in name} == {
        f"{org}/node-{cloud}" for org in ("acme", "umbra") for cloud in ("east", "west")
    }
    for org, edge in (("acme", "edge-east"), ("umbra", "edgeu-east")):
        document = plan.documents[f"{org}/node-east"]
        assert (document["node"], document["organization"], list(document["slice"])) == (
            "node-east",
            org,
            [edge, edge.replace("edge", "vm3")],
        )


def test_the_documents_are_the_same_whoever_plans_and_in_whatever_order(world: World) -> None:
    plans = {}
    for org, vpn in (("acme", ACME), ("umbra", UMBRA)):
        world.hosts = HOSTS[org]
        plans[org] = world.plan(vpn)
        assert not plans[org].changed
    world.hosts = BOTH
    together = world.plan(UMBRA, ACME)
    assert not together.changed
    for org, plan in plans.items():
        assert documents(together, org) == plan.documents
    assert world.plan(ACME, organizations=["acme"]).documents == plans["acme"].documents


def test_both_have_the_same_addresses_and_none_sees_the_other(world: World) -> None:
    world.hosts = HOSTS["acme"]
    acme = world.plan()
    world.hosts = HOSTS["umbra"]
    umbra = world.plan()
    assert list(addresses(acme, "payroll").values()) == list(addresses(umbra, "payroll").values())
    assert "umbra" not in seen(acme) and "u-east" not in seen(acme)
    assert "acme" not in seen(umbra) and "edge-" not in seen(umbra)


@pytest.mark.parametrize("change", ["delete", "change"])
def test_one_organizations_change_is_none_for_the_other(world: World, change: str) -> None:
    world.hosts = HOSTS["acme"]
    before = world.plan()
    world.hosts = HOSTS["umbra"]
    if change == "delete":
        world.plan(absent=["payroll"])
        assert world.settle(HOSTS["umbra"]) == (True, [])
        assert world.leases("umbra") == {} and world.leases("acme")
    else:
        world.plan({**UMBRA, "members": [*UMBRA["members"], "vm1u-east"]})
    world.hosts = HOSTS["acme"]
    after = world.plan()
    assert (after.documents, after.vpns, after.changed) == (before.documents, before.vpns, False)


def test_of_two_that_share_a_name_delete_takes_the_one_that_is_meant(world: World) -> None:
    world.hosts = BOTH
    with pytest.raises(IntentErrors, match="say which: acme/payroll, umbra/payroll"):
        world.plan(absent=["payroll"])
    assert not documents(world.plan(absent=["umbra/payroll"], dry_run=True), "umbra")["edgeu-east"]["tunnels"]
    plan = world.plan(absent=["payroll"], organizations=["acme"])
    assert not plan.documents["edge-east"]["tunnels"] and documents(plan, "umbra") == {}


def test_leases_wait_for_the_shared_node_of_each_organization(world: World) -> None:
    world.hosts = BOTH
    world.plan(absent=["umbra/payroll"])
    _changed, waiting = world.settle(set(BOTH) - {"node-east"})
    assert waiting == [waiting[0]] and waiting[0].startswith("payroll: ") and "gone from node-east" in waiting[0]
    assert world.settle(BOTH) == (True, [])
    plan = world.plan()
    assert "umbra/node-east" not in plan.documents and "acme/node-east" in plan.documents


def test_a_run_about_one_organization_reads_nothing_of_others() -> None:
    world = World(BOTH)
    broken = {"name": "sales", "pool": "nowhere", "members": ["vm1u-east", "vm2u-west"]}
    plan = world.plan(broken, ACME, organizations=["acme"])
    assert [vpn["organization"] for vpn in plan.vpns] == ["acme"]
    assert "umbra" not in seen(plan) and "u-east" not in seen(plan)
    assert list(plan.generations) == ["acme"]
    with pytest.raises(IntentErrors) as caught:
        world.plan(broken, {**ACME, "members": ["vm9-east", "vm3-west"]}, organizations=["acme"])
    assert [error.path for error in caught.value.errors] == ["vcc_vpns[1].members[0]"]
    assert "u-east" not in str(caught.value)


def test_settling_for_one_organization_leaves_the_other_alone(world: World) -> None:
    world.hosts = BOTH
    world.plan(absent=["acme/payroll", "umbra/payroll"])
    assert world.ledger.run(lambda ledger: settle(ledger, BOTH, sorted(BOTH), organizations=["acme"])) == (True, [])
    assert world.leases("umbra") and not world.leases("acme")


def test_a_vpn_of_two_organizations_is_refused_in_a_run_about_one_too() -> None:
    with pytest.raises(IntentErrors, match=r"vpns\[0\].members: are not all of acme"):
        World(BOTH).plan({**ACME, "members": ["vm3-east", "vm3u-west"]}, organizations=["acme"])
    world = World(BOTH)
    world.plan(ACME, organizations=["acme"])
    with pytest.raises(IntentErrors, match=r"vpns\[0\].add: are not all of acme"):
        world.plan({"name": ACME["name"], "add": ["vm1-west", "vm3u-west"]}, organizations=["acme"])


def test_an_organization_that_nobody_is_of_is_refused() -> None:
    with pytest.raises(IntentErrors, match="no host of the inventory is of organization umbr; did you mean umbra"):
        World(BOTH).plan(ACME, organizations=["umbr"])


def test_a_node_without_an_organization_is_none_of_its_own() -> None:
    """A fleet that names no organizations has one, and its nodes are of it."""
    hosts = {
        name: {**facts, "vars": {k: v for k, v in facts["vars"].items() if k != "vcc_org"}}
        for name, facts in lab().items()
    }
    plan = World(hosts).plan(ACME)
    assert list(plan.generations) == ["default"]
    assert plan.documents["default/node-east"]["slice"]
    assert list(World(BOTH).plan(ACME).generations) == ["acme", "umbra"]


def test_a_node_in_a_cloud_where_an_organization_has_nothing_is_told_nothing_of_it() -> None:
    world = World({**own("acme", "", 3), **HOSTS["umbra"]})
    plan = world.plan({**ACME, "members": ["vm3-east", "vm3-west", "vm3-south"]}, UMBRA)
    assert [name for name in plan.documents if name.endswith("node-south")] == ["acme/node-south"]


def test_a_node_that_becomes_shared_or_anothers_is_told_that_it_has_nothing_any_more() -> None:
    world = World({**HOSTS["acme"], "node-east": {**NODES["node-east"], "vars": {"vcc_org": "acme"}}})
    assert world.plan(ACME).documents["node-east"]["slice"]
    world.hosts = HOSTS["acme"]
    assert world.plan().documents["acme/node-east"]["slice"]
    world.hosts = {**BOTH, "node-east": {**NODES["node-east"], "vars": {"vcc_org": "umbra"}}}
    plan = world.plan(UMBRA)
    assert plan.documents["node-east"]["organization"] == "umbra"
    assert plan.documents["acme/node-east"]["slice"] == {}


def test_inventories_kept_apart_may_use_the_same_host_names() -> None:
    world = World(own("acme", ""))
    first = world.plan(ACME)
    world.hosts = own("umbra", "")
    other = world.plan(ACME)
    assert first.documents.keys() == {name.replace("umbra", "acme") for name in other.documents}
    assert other.documents["edge-east"]["tunnels"][0]["remote_id"] == "edge-west.umbra"
    world.hosts = own("acme", "")
    assert not world.plan(ACME).changed
    assert world.plan().documents == first.documents


def test_every_row_of_the_ledger_is_of_one_organization(world: World) -> None:
    rows = world.dump()
    for table in ("leases", "vpns", "tunnels", "landscape", "generations", "documents", "events"):
        for row in rows[table]:
            text = json.dumps(row)
            assert ("acme" in text) != ("umbra" in text), (table, row)


def test_requests_are_of_all_organizations_unless_they_say_which() -> None:
    request = Request(BOTH, {}, {"pools": POOLS, "vpns": [], "policies": {}})
    assert World().ledger.run(lambda ledger: make_plan(ledger, request)).generations == {"acme": 0, "umbra": 0}
