# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger that was lost learns of pairs of edges from the nodes: both edges are one site, and keep their addresses."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._recovery.recover import recover
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    addresses,
    changed,
    lab,
    with_pair,
)

HOME, TWIN = "edge-east", "edge-east-2"


def of_edges(leases: dict[str, str]) -> dict[str, str]:
    return {key: prefix for key, prefix in leases.items() if key.split("/")[4:5] == ["edge"]}


@pytest.mark.parametrize("nodes", ["every node", "edges only"])
@pytest.mark.parametrize("first", [HOME, TWIN])
def test_both_edges_of_a_pair_stay_one_site(nodes: str, first: str) -> None:
    hosts = with_pair(lab(2))
    if first == TWIN:  # the home edge is not the first by name
        alone = changed(hosts, {HOME: None, TWIN: {"vcc_site": None, "vcc_own_org_address": None}})
        world = World(alone)
        world.plan(PAYROLL)
        world.hosts = hosts
    else:
        world = World(hosts)
    before, leased = world.plan(PAYROLL), world.leases()
    assert before.documents[HOME]["pair"]["site"] == first
    kinds = {"org_edge": "org_edges", "vapp_edge": "vapp_edges", "member": "members", "vcc_node": "vcc_nodes"}
    said: list[dict[str, Any]] = [
        {"host": node, "kinds": [kinds[one["role"]]], "owner": "acme", "document": one, "ledger": "", "hash": ""}
        for node, one in dict(before.documents).items()
        if nodes == "every node" or one["role"] != "vcc_node"
    ]
    lost = World(hosts)
    lost.ledger.run(lambda transaction: recover(transaction, said), who="test")
    assert of_edges(lost.leases()) == of_edges(leased)
    if nodes == "edges only":  # which do not know the pool
        return
    after = lost.plan(PAYROLL)
    assert addresses(after, "payroll") == addresses(before, "payroll")
    assert after.documents[HOME]["pair"] == before.documents[HOME]["pair"]
    for edge in (HOME, TWIN):
        own = [plan.documents[edge]["vpns"][0]["own_address"] for plan in (before, after)]
        assert own[0] == own[1]
