# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts the survey asks: not external edges, nor the members behind them."""

from __future__ import annotations

from typing import Any

from ansible_collections.intercloud.vpn.plugins.action import node_survey
from ansible_collections.intercloud.vpn.plugins.plugin_utils._logins import is_ours

VARS: dict[str, Any] = {
    "groups": {
        "org_edges": ["edge", "partner", "shop"],
        "members": ["vm", "vm-partner", "vm-shop", "vm-named"],
        "vcc_nodes": ["node"],
        "cloud_east": ["edge", "vm", "node", "vm-named"],
        "cloud_partner": ["partner", "vm-partner"],
        "cloud_shop": ["shop", "vm-shop"],
    },
    "hostvars": {
        **{host: {"vcc_org": "acme"} for host in ("edge", "vm", "node", "vm-partner", "vm-shop")},
        "partner": {"vcc_org": "acme", "vcc_external": True},
        "shop": {"vcc_org": "acme", "vcc_external": "true"},
        "vm-named": {"vcc_org": "acme", "vcc_edge": "partner"},
    },
}


def test_external_edges_and_who_is_behind_them_are_not_logged_in_to() -> None:
    assert [host for host in VARS["hostvars"] if is_ours(host, VARS)] == ["edge", "vm", "node"]


def test_the_answer_is_found_among_greetings_and_else_there_is_none() -> None:
    assert node_survey.read('Welcome!\n{"survey": {"python": "3.11.2"}}\n') == {"python": "3.11.2"}
    assert node_survey.read("sh: 1: python3: not found") is None
    assert node_survey.read('{"survey": {"pyth') is None


def test_the_program_is_short_enough_for_a_command_line() -> None:
    assert len(node_survey.program()) < 8000
