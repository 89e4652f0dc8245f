# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts the survey asks: not external edges, nor the members behind them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase

from ansible_collections.intercloud.vpn.plugins.action import node_recall, node_survey
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.connections import logged_in
from ansible_collections.intercloud.vpn.plugins.plugin_utils._logins import _facts, is_ours

VARS: dict[str, Any] = {
    "groups": {
        "org_edges": ["edge", "partner", "shop", "umbra"],
        "members": ["vm", "vm-partner", "vm-shop", "vm-named", "vm-umbra"],
        "vcc_nodes": ["node"],
        "cloud_east": ["edge", "vm", "node", "vm-named", "umbra", "vm-umbra"],
        "cloud_partner": ["partner", "vm-partner"],
        "cloud_shop": ["shop", "vm-shop"],
    },
    "hostvars": {
        **{host: {"vcc_org": "acme"} for host in ("edge", "vm", "node", "vm-partner", "vm-shop")},
        "partner": {"vcc_org": "acme", "vcc_external": True},
        "shop": {"vcc_org": "acme", "vcc_external": "y"},
        "vm-named": {"vcc_org": "acme", "vcc_edge": "partner"},
        # In a cloud where another organization has an edge of ours.
        "umbra": {"vcc_org": "umbra", "vcc_external": "Yes "},
        "vm-umbra": {"vcc_org": "umbra"},
    },
}


def test_external_edges_and_who_is_behind_them_are_not_logged_in_to() -> None:
    assert [host for host in VARS["hostvars"] if is_ours(host, VARS)] == ["edge", "vm", "node"]


def test_the_planner_and_the_survey_mean_the_same_hosts() -> None:
    groups, hostvars = VARS["groups"], VARS["hostvars"]
    asked = logged_in({host: _facts(host, groups, variables) for host, variables in hostvars.items()})
    assert asked == ["edge", "node", "vm"]


@pytest.mark.parametrize("host", ["shop", "vm-shop", "partner", "vm-named"])
def test_a_recovery_does_not_log_in_to_the_partners_hosts(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: only what a host itself says of vcc_external counted, and its VMs say nothing."""
    action = object.__new__(node_recall.ActionModule)
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp, task_vars: {})
    monkeypatch.setattr(
        action, "_task", SimpleNamespace(args={}, action="intercloud.vpn.node_recall", async_val=0), raising=False
    )
    monkeypatch.setattr(action, "_execute_module", lambda **_rest: {"held": []}, raising=False)
    assert action.run(None, {**VARS, "inventory_hostname": host}).get("skipped") is True
    assert action.run(None, {**VARS, "inventory_hostname": "vm"})["held"] == []


def test_the_answer_is_found_among_greetings_and_else_there_is_none() -> None:
    assert node_survey.read('Welcome!\n{"survey": {"python": "3.11.2"}}\n') == {"python": "3.11.2"}
    assert node_survey.read("sh: 1: python3: not found") is None
    assert node_survey.read('{"survey": {"pyth') is None
