# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members behind an edge that is not ours: nobody waits for them, and nobody is told what they are not to know."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.topology.kinds import initiator
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    addresses,
    changed,
    lab,
)

PARTNER = """
partner: {kinds: [org_edges], clouds: [partner], vcc_external: true, vcc_public_address: [198.51.100.20]}
vm-partner: {kinds: [members], clouds: [partner]}
"""
VPN = {**PAYROLL, "members": ["vm1-east", "vm3-west", "vm-partner"]}


@pytest.fixture
def world() -> World:
    return World(changed(lab(), PARTNER))


def test_only_our_nodes_are_told_anything(world: World) -> None:
    plan = world.plan(VPN)
    assert {"partner", "vm-partner"} & set(plan.documents) == set()
    assert set(addresses(plan, "payroll")) == {"vm1-east", "vm3-west", "vm-partner"}


def test_our_end_initiates_whatever_the_names_are(world: World) -> None:
    plan = world.plan(VPN)
    ends = [
        tunnel
        for document in plan.documents.values()
        for tunnel in document.get("tunnels", [])
        if tunnel["peer"] == "partner"
    ]
    assert [end["initiator"] for end in ends] == [True, True]
    assert "partner" in {initiator(("edge-east", "partner")), initiator(("edge-west", "partner"))}


def test_nobody_waits_for_an_external_member_when_a_vpn_is_deleted(world: World) -> None:
    ours = set(world.plan(VPN).documents)
    plan = world.plan(absent=["payroll"])
    assert "vm-partner" not in plan.leaving
    assert world.settle(ours) == (True, [])
    assert world.leases() == {}


def test_a_run_without_the_partner_in_its_inventory_keeps_the_tunnel(world: World) -> None:
    world.plan(VPN)
    world.settle([])
    world.hosts = lab()
    assert not world.plan().changed


def test_who_is_external_cannot_be_asked_to_try_to_get_in(world: World) -> None:
    assert "vm-partner" not in {vm["name"] for vm in world.plan(PAYROLL).members}


def test_an_edge_that_is_ours_no_more_can_be_external_once_nothing_of_ours_is_on_it(world: World) -> None:
    world.hosts = changed(
        world.hosts,
        "partner: {vcc_external: false, vcc_org_address: [10.10.0.1], vcc_org_network: [10.10.0.0/24]}\n"
        "vm-partner: {vcc_address: [10.10.0.7]}",
    )
    documents = world.plan(VPN).documents
    world.hosts = changed(world.hosts, "partner: {vcc_external: true}")
    with pytest.raises(IntentErrors, match="still has a generation of earlier runs"):
        world.plan(VPN)
    world.hosts = changed(world.hosts, "partner: {vcc_external: false}")
    world.plan(absent=["payroll"])
    world.settle(documents)
    world.hosts = changed(world.hosts, "partner: {vcc_external: true}")
    assert "partner" not in world.plan(VPN).documents
