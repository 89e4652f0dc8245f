# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VPN that says what it was called before keeps its number, its blocks and its addresses."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, changed, lab

AUDIT = {"name": "audit", "pool": "internal", "members": ["vm1-west", "vm2-east"]}
WAGES = {**PAYROLL, "name": "wages", "formerly": "payroll"}
WIRE = {"name": "wire", "stretch": ["edge-east", "edge-west"], "members": ["vm3-east", "vm3-west"]}
NOTE = "wages was payroll"


@pytest.fixture
def world() -> World:
    """Two VPNs and a stretched network."""
    world = World()
    world.hosts = changed(
        world.hosts,
        "vm3-west: {vcc_address: [10.10.0.33]}\nedge-west: {vcc_org_address: [10.10.0.3]}\n"
        "vapp1-west: {vcc_org_address: [10.10.0.31]}",
    )
    world.plan({**PAYROLL, "names": True}, AUDIT, networks=[WIRE])
    world.run_all()
    return world


def refused(world: World, *vpns: Any, **rest: Any) -> str:
    return "\n".join(world.refused(*vpns, **rest))


def test_it_keeps_its_number_and_its_addresses(world: World) -> None:
    was, number = world.leases(), {vpn["name"]: vpn["number"] for vpn in world.plan().vpns}
    plan = world.plan({**WAGES, "names": True})
    assert plan.notes == [NOTE]
    assert world.leases() == {key.replace("vpn/payroll", "vpn/wages"): prefix for key, prefix in was.items()}
    found = {vpn["name"]: vpn for vpn in plan.vpns}
    assert set(found) == {"audit", "wages", "wire"}
    assert found["wages"]["number"] == number["payroll"]
    assert found["wages"]["domain"] == "wages.vpn.internal"
    assert plan.new_tunnels == []


def test_only_names_differ_on_the_nodes(world: World) -> None:
    was = world.plan().documents["edge-east"]
    now = world.plan({**WAGES, "names": True}).documents["edge-east"]
    assert str(now).replace("wages", "payroll") == str({**was, "generation": now["generation"]})


def test_the_number_of_a_link_stays(world: World) -> None:
    def reqids(plan: Any) -> set[int]:
        tunnels = plan.documents["edge-east"]["tunnels"]
        return {link["reqid"] for tunnel in tunnels for link in tunnel["links"]}

    assert reqids(world.plan()) == reqids(world.plan(WAGES))


def test_a_second_run_changes_nothing(world: World) -> None:
    world.plan(WAGES)
    again = world.plan(WAGES)
    assert (again.notes, again.changed) == ([], False)
    assert not world.plan({**WAGES, "formerly": ["payroll", "pay"]}).changed


def test_a_dry_run_predicts_it_and_writes_nothing(world: World) -> None:
    before = world.dump()
    predicted = world.plan(WAGES, dry_run=True)
    assert world.dump() == before
    plan = world.plan(WAGES)
    assert (plan.notes, plan.diff, plan.documents) == (predicted.notes, predicted.diff, predicted.documents)


def test_so_does_a_stretched_network(world: World) -> None:
    was = world.leases()
    plan = world.plan(networks=[{**WIRE, "name": "cable", "formerly": ["wire"]}])
    assert plan.notes == ["cable was wire"]
    assert world.leases() == {key.replace("vpn/wire", "vpn/cable"): prefix for key, prefix in was.items()}


def test_and_back_again(world: World) -> None:
    was = world.leases()
    world.plan(WAGES)
    assert world.plan({**PAYROLL, "formerly": "wages"}).notes == ["payroll was wages"]
    assert world.leases() == was


def test_with_an_edge_that_has_another_name(world: World) -> None:
    was = world.leases()
    world.hosts["gate"] = world.hosts.pop("edge-west")
    world.hosts = changed(world.hosts, "gate: {vcc_formerly: edge-west}")
    assert world.plan(WAGES).notes == ["gate was edge-west", NOTE]
    assert world.leases() == {
        key.replace("vpn/payroll", "vpn/wages").replace("edge-west", "gate"): prefix for key, prefix in was.items()
    }


def test_a_name_that_the_ledger_does_not_know_is_a_new_vpn(world: World) -> None:
    new = {**WAGES, "formerly": "pay"}
    assert world.plan(new).notes == []
    assert {"payroll", "wages"} < {vpn["name"] for vpn in world.plan().vpns}


@pytest.mark.parametrize(
    ("vpns", "message"),
    [
        ([{**WAGES, "name": "audit", "members": ["vm1-west", "vm2-east"]}], "the ledger has both payroll and audit"),
        (
            [WAGES, PAYROLL],
            "vcc_vpns[0].formerly: payroll is also the name of vcc_vpns[1]; remove it if that is another VPN",
        ),
        ([{**PAYROLL, "formerly": "payroll"}], "payroll is its name now; remove it"),
        (
            [WAGES, {**WAGES, "name": "salary"}],
            "vcc_vpns[1].formerly: wages was payroll, too; only one VPN can have been payroll",
        ),
        ([{**WAGES, "formerly": [7]}], "vcc_vpns[0].formerly: 7 must start with a letter"),
        ([{**WAGES, "formerly": "a/b"}], "vcc_vpns[0].formerly: 'a/b' must start with a letter"),
        ([{**WAGES, "formerly": "wire"}], "the ledger has wire as a stretched network, which cannot get this name"),
    ],
)
def test_what_is_wrong_with_it(world: World, vpns: list[Any], message: str) -> None:
    assert message in refused(world, *vpns)


def test_another_organizations_vpn_is_not_concerned() -> None:
    world = World({**lab(), **lab(org="zeta", tag="z")})
    world.plan({**PAYROLL, "members": ["vm1z-east", "vm1z-west"]})
    before = world.leases("zeta")
    assert world.plan(WAGES).notes == []
    assert world.leases("zeta") == before and world.leases()
