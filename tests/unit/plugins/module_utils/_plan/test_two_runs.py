# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs at once, and hosts that change hands: no address is given away while a node still answers to it."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.settle import settle
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, changed, lab


def test_a_run_settles_nothing_that_another_planned_after_it() -> None:
    world = World()
    first = world.plan(PAYROLL)
    second = world.plan(absent=["payroll"])

    def settled(generations: dict[str, int]) -> bool:
        return world.ledger.run(lambda ledger: settle(ledger, world.hosts, sorted(world.hosts), generations))[0]

    assert not settled(first.generations)
    assert world.leases()
    assert settled(second.generations)
    assert not world.leases()


@pytest.mark.parametrize(("was", "becomes"), [("zeta", "beta"), ("beta", "zeta")])
def test_a_host_that_changes_hands_is_told_what_its_new_owner_wants(was: str, becomes: str) -> None:
    world = World(lab(org=was))
    world.plan(PAYROLL)
    world.plan(absent=["payroll"])  # and nobody settles
    world.hosts = lab(org=becomes)
    plan = world.plan(PAYROLL)
    assert plan.documents["edge-east"]["organization"] == becomes
    assert plan.documents["edge-east"]["tunnels"]


@pytest.mark.parametrize("name", ["edge_east", "edge-east." + "x" * 60])
def test_an_edge_needs_a_name_for_its_certificate(name: str) -> None:
    hosts = changed(lab(), {"edge-east": None})
    hosts[name] = lab()["edge-east"]
    with pytest.raises(IntentErrors, match=r"not a DNS name of at most 64 characters"):
        World(hosts).plan(PAYROLL)
