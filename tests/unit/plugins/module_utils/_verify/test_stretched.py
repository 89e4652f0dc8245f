# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What verify asks of a stretched network: members at their own addresses, others from other sites in vain."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify.probes import probe_targets
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.verify import judge
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.test_stretch import WEB
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.test_stretch_vapps import APP
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.test_stretch_vapps import OTHERS as VAPPS
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, changed, lab


@pytest.fixture
def planned() -> tuple[dict[str, Any], dict[str, Any]]:
    plan = World(changed(lab(), "vm3-west: {vcc_address: 10.10.0.23}")).plan(networks=[WEB])
    return {"vpns": plan.vpns, "members": plan.members}, dict(plan.documents)


def test_who_asks_whom(planned: tuple[dict[str, Any], dict[str, Any]]) -> None:
    found = {
        (vm, target["kind"], target["address"], target["source"], target["mtu"])
        for vm, targets in probe_targets(*planned).items()
        for target in targets
    }
    strangers = {(f"vm1-{cloud}", there) for cloud, there in (("east", "10.10.0.23"), ("west", "10.10.0.13"))}
    assert found == {
        ("vm3-east", "member", "10.10.0.23", "10.10.0.13", 1500),
        ("vm3-west", "member", "10.10.0.13", "10.10.0.23", 1500),
        *((vm, "stranger", there, None, None) for vm, there in strangers),
    }


def test_the_way_is_over_the_edges(planned: tuple[dict[str, Any], dict[str, Any]]) -> None:
    (tunnel,) = planned[0]["vpns"][0]["tunnels"]
    answers = {
        vm: {"probes": [{**target, "sent": 3, "received": 3, "loss": 0.0, "mtu_ok": True} for target in targets]}
        for vm, targets in probe_targets(*planned).items()
    }
    result = judge(*planned, {}, answers)
    ways = {(pair["src"], tuple(pair["via"]), tuple(pair["tunnels"]), pair["mtu"]) for pair in result.pairs}
    assert ways == {
        ("vm3-east", ("edge-east", "edge-west"), (tunnel,), 1500),
        ("vm3-west", ("edge-west", "edge-east"), (tunnel,), 1500),
    }


def test_vapp_networks_are_asked_from_within() -> None:
    """vm3, on the org network of a site, has nothing to do with them: another vApp may have the same addresses."""
    plan = World(changed(lab(), VAPPS)).plan(networks=[APP])
    said = {"vpns": plan.vpns, "members": plan.members}, dict(plan.documents)
    targets = {vm: {(one["kind"], one["address"]) for one in asked} for vm, asked in probe_targets(*said).items()}
    east, west = "192.168.1.11", "192.168.1.21"
    assert targets == {
        "vm1-east": {("member", west)},
        "vm1-west": {("member", east)},
        "vm2-east": {("stranger", west)},
        "vm2-west": {("stranger", east)},
    }
    answers = {
        vm: {"probes": [{**target, "sent": 3, "received": 3, "loss": 0.0, "mtu_ok": True} for target in asked]}
        for vm, asked in probe_targets(*said).items()
        if vm.startswith("vm1")
    }
    ways = {tuple(pair["via"]) for pair in judge(*said, {}, answers).pairs}
    way = ("vapp1-east", "edge-east", "edge-west", "vapp1-west")
    assert ways == {way, way[::-1]}


def test_who_is_at_another_site_than_planned_is_told(planned: tuple[dict[str, Any], dict[str, Any]]) -> None:
    seen = {"vpn": "web-tier", "mac": "02:00:5e:10:00:09", "address": "10.10.0.13", "member": "vm3-east"}
    observed = {"edge-west": {"generation": planned[1]["edge-west"]["generation"], "astray": [seen]}}
    findings = judge(*planned, observed, {}).findings
    (found,) = [one for one in findings if one.subject == "web-tier: vm3-east"]
    assert (found.severity, found.seen) == ("error", "10.10.0.13 (02:00:5e:10:00:09) at edge-west")
