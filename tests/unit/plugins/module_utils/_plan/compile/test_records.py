# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What VCC nodes keep: their own cloud's leases each, and a VPN as it was asked for in a few clouds."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile import records
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, changed, lab


def test_a_vpn_over_many_clouds_is_kept_whole_in_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "WHOLE", 3)
    world = World(lab(8, vapps=0, vms=0, org_vms=2))
    members = sorted(name for name in world.hosts if name.startswith("vm"))
    vpns = [{"name": name, "pool": "internal", "members": members[:-1]} for name in ("audit", "payroll", "zeta")]
    kept = {
        node: document["ledger"]
        for node, document in world.plan(*vpns).documents.items()
        if document["role"] == "vcc_node"
    }
    keeping = {vpn["name"]: {node for node, one in kept.items() if vpn["name"] in one["vpns"]} for vpn in vpns}
    assert {len(nodes) for nodes in keeping.values()} == {3}
    assert len({frozenset(nodes) for nodes in keeping.values()}) > 1, "not the same three for all"
    leases = [key for one in kept.values() for key in one["leases"] if key.startswith("vpn/payroll/site/")]
    assert len(leases) == len(set(leases)) == 8 + 8 + len(members) - 1, "sites, edges and members, each in one cloud"
    # One member more is told to its own cloud, and to those that keep its VPN whole.
    plan = world.plan({**vpns[1], "members": members})
    changed = {node for node in plan.changed_nodes if node in kept}
    own = world.hosts[members[-1]]["clouds"][0]
    assert changed == keeping["payroll"] | {f"node-{own}"}


def test_only_clouds_with_a_vcc_node_can_keep_a_vpn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "WHOLE", 1)
    clouds = ("east", "west", "south", "north")
    for having in clouds:
        world = World(changed(lab(4), {f"node-{cloud}": None for cloud in clouds if cloud != having}))
        plan = world.plan({"name": "payroll", "pool": "internal", "members": [f"vm1-{cloud}" for cloud in clouds]})
        kept = plan.documents[f"node-{having}"]["ledger"]
        assert list(kept["vpns"]) == ["payroll"]
        assert {f"vpn/payroll/site/edge-{cloud}" for cloud in clouds} <= set(kept["leases"]), "nobody else keeps them"
