# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who would get another address by a rename or a move is listed, old and new, and refused unless it is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    addresses,
    changed,
    lab,
)

AUDIT = {"name": "audit", "pool": "internal", "members": ["vm2-east", "vm2-west"]}
HINT = (
    "; restore the names and places in the inventory, set vcc_formerly for what was only renamed, or allow it with -e "
    "vcc_allow_renumber=true"
)
MOVED = "vm1-east: {vcc_vapp: null, vcc_address: [10.10.0.14]}"


@pytest.fixture
def world() -> World:
    world = World()
    world.plan(PAYROLL)
    return world


def refused(world: World, *vpns: Any, **rest: Any) -> list[str]:
    """What a run is refused for. The ledger is as before, and a dry run says the same."""
    before = world.dump()
    found = []
    for dry_run in (False, True):
        with pytest.raises(IntentErrors) as caught:
            world.plan(*vpns, dry_run=dry_run, **rest)
        found.append([str(error) for error in caught.value.errors])
    assert world.dump() == before and found[0] == found[1]
    return found[0]


def renamed(world: World, old: str, new: str, references: str = "") -> None:
    """A host by another name, and the variables that refer to it."""
    world.hosts[new] = world.hosts.pop(old)
    if references:
        for facts in world.hosts.values():
            if facts["vars"].get(references) == old:
                facts["vars"][references] = new


def test_a_vm_that_moves_to_the_org_network_where_it_may_be_renumbered(world: World) -> None:
    """And back: it would get its first address again, which is another one, and keeps the one that it has."""
    hosts = world.hosts
    world.hosts = changed(hosts, MOVED)
    plan = world.plan(PAYROLL, allow_renumber=True)
    text = "vm1-east: 100.64.0.17 → 100.64.0.2 (moved from vapp1-east to the org network)"
    assert plan.notes == [f"payroll renumbers {text}"]
    assert addresses(plan, "payroll")["vm1-east"] == "100.64.0.2"
    assert world.plan(PAYROLL).notes == []
    world.hosts = hosts
    plan = world.plan(PAYROLL)
    assert plan.notes == ["payroll: vm1-east keeps 100.64.0.2 (moved from the org network to vapp1-east)"]
    assert addresses(plan, "payroll")["vm1-east"] == "100.64.0.2"


def test_an_edge_by_another_name(world: World) -> None:
    renamed(world, "edge-west", "gate-west")
    (error,) = refused(world, PAYROLL)
    assert error.startswith("vcc_vpns[0].members: would renumber vm1-west: 100.64.0.81 → 100.64.0.1")
    assert error.count("(its edge was edge-west and is gate-west now)") == 2 and "vm3-west: 100.64.0.66 → " in error
    assert world.plan(PAYROLL, allow_renumber=True).changed


def test_a_vapp_by_another_name(world: World) -> None:
    renamed(world, "vapp1-west", "shop-west", "vcc_vapp")
    (error,) = refused(world, PAYROLL)
    assert "vm1-west: 100.64.0.81 → 100.64.0.97 (moved from vapp1-west to shop-west)" in error
    assert "vm3-west" not in error


RENAMED = {**PAYROLL, "members": ["vm1-east", "db-west", "vm3-west"]}


def test_a_vm_by_another_name(world: World) -> None:
    renamed(world, "vm1-west", "db-west")
    text = "vm1-west: 100.64.0.81 → 100.64.0.82 (renamed to db-west)"
    assert refused(world, RENAMED) == [f"vcc_vpns[0].members: would renumber {text}{HINT}"]
    assert world.plan(RENAMED, allow_renumber=True).notes == [f"payroll renumbers {text}"]


def test_a_vm_its_vapp_and_its_edge_by_other_names(world: World) -> None:
    renamed(world, "vm1-west", "db-west")
    renamed(world, "vapp1-west", "shop-west", "vcc_vapp")
    renamed(world, "edge-west", "gate-west")
    (error,) = refused(world, RENAMED)
    assert "(renamed to db-west)" in error and "(its edge was edge-west and is gate-west now)" in error


@pytest.mark.parametrize(
    ("change", "members"),
    [
        # Another VM, at an address of its own; the old one is gone.
        ("{vm1-west: null}", ["vm1-east", "vm2-west", "vm3-west"]),
        # Another VM, and the old one is still there.
        ("{}", ["vm1-east", "vm2-west", "vm3-west"]),
        # The same private address, but in another cloud; in a vApp that is beside the one that is still there.
        (
            "{vm1-west: null, vapp2-west: {kinds: [vapp_edges], clouds: [west], vcc_org_address: [10.10.0.12], "
            "vcc_vapp_address: [192.168.1.1], vcc_vapp_network: [192.168.1.0/24]}, db-west: {kinds: [members], "
            "clouds: [west], vcc_vapp: vapp2-west, vcc_address: [192.168.1.11]}}",
            ["vm1-east", "db-west", "vm3-west"],
        ),
    ],
)
def test_one_that_goes_and_another_one_that_comes_is_no_rename(world: World, change: str, members: list[str]) -> None:
    world.hosts = changed(world.hosts, change)
    plan = world.plan({**PAYROLL, "members": members})
    assert plan.changed and plan.notes == []


def test_deleting_is_no_rename(world: World) -> None:
    world.hosts = changed(world.hosts, MOVED)
    assert world.plan(absent=["payroll"]).notes == []


def test_what_never_came_up_may_change_as_it_likes() -> None:
    world = World()
    world.plan(PAYROLL, comes_up=False)
    world.hosts = changed(world.hosts, MOVED)
    assert world.plan(PAYROLL).notes == []


def test_a_server_behind_another_edge() -> None:
    def vpn(behind: str) -> dict[str, Any]:
        server = {"name": "db", "behind": behind, "address": "10.10.0.77", "ports": ["tcp/5432"]}
        return {**PAYROLL, "destinations": {"servers": [server]}}

    world = World()
    world.plan(vpn("edge-east"))
    (error,) = refused(world, vpn("edge-west"))
    assert "would renumber db: 100.64.0." in error and "(was behind edge-east, is behind edge-west)" in error


def with_server(name: str, behind: str = "edge-east") -> dict[str, Any]:
    server = {"name": name, "behind": behind, "address": "10.10.0.80", "ports": ["tcp/1"]}
    return {**PAYROLL, "destinations": {"servers": [server]}}


def test_a_server_by_another_name(world: World) -> None:
    world.plan(with_server("erp"))
    text = "erp: 100.64.0.2 → 100.64.0.3 (renamed to erp2)"
    assert refused(world, with_server("erp2")) == [f"vcc_vpns[0].members: would renumber {text}{HINT}"]
    both = with_server("erp2")
    both["destinations"]["servers"] += [{**both["destinations"]["servers"][0], "name": "erp", "address": "10.10.0.81"}]
    assert refused(world, both) == [f"vcc_vpns[0].members: would renumber {text}{HINT}"]
    renamed(world, "edge-east", "gw-east")
    (error,) = refused(world, with_server("erp2", "gw-east"))
    assert "(renamed to erp2)" in error


PARTNER = """
edge-p: {kinds: [org_edges], clouds: [partner], vcc_external: true, vcc_public_address: [203.0.113.99]}
orders: {kinds: [members], clouds: [partner], vcc_edge: edge-p}
"""


def test_a_vm_behind_an_external_edge_by_another_name() -> None:
    world = World(changed(lab(), PARTNER))
    world.plan({**PAYROLL, "members": ["vm1-east", "orders"]})
    renamed(world, "orders", "orders2")
    (error,) = refused(world, {**PAYROLL, "members": ["vm1-east", "orders2"]})
    assert error.startswith("vcc_vpns[0].members: would renumber orders: ") and "(renamed to orders2)" in error
    # Which of two it may be, nobody knows.
    world.hosts = changed(world.hosts, "orders3: {kinds: [members], clouds: [partner], vcc_edge: edge-p}")
    assert world.plan({**PAYROLL, "members": ["vm1-east", "orders2", "orders3"]}, dry_run=True).changed


def test_another_vm_behind_an_external_edge_is_no_rename() -> None:
    world = World(changed(lab(), PARTNER + "stock: {kinds: [members], clouds: [partner], vcc_edge: edge-p}"))
    world.plan({**PAYROLL, "members": ["vm1-east", "orders"]})
    assert world.plan({**PAYROLL, "members": ["vm1-east", "stock"]}).changed


def test_it_is_told_with_all_other_mistakes(world: World) -> None:
    renamed(world, "vm1-west", "db-west")
    found = refused(world, RENAMED, {**AUDIT, "pool": "nowhere"}, absent=["paroll"])
    assert [error.split(":")[0] for error in found] == ["vcc_vpns[1].pool", "vcc_delete", "vcc_vpns[0].members"]
    assert "vm1-west: 100.64.0.81 → another address" in found[2]
