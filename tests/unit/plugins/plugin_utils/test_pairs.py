# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which edge of a pair a run tells second: the one that members use."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils._pairs import told_second

HOME, TWIN, GATEWAY = "edge-east", "edge-east-2", "10.10.0.1"
DOCUMENTS = [
    {"node": "edge-west"},
    {"node": TWIN, "pair": {"twin": HOME, "lane": 1, "gateway": [GATEWAY]}},
    {"node": HOME, "pair": {"twin": TWIN, "lane": 0, "gateway": [GATEWAY]}},
]


def facts(own: str, *more: str, tunnels: bool = True) -> dict[str, Any]:
    addresses = [f"{address}/24" for address in (own, *more)]
    runs = {"tunnels": {"edge-east--edge-west": "203.0.113.2"}} if tunnels else None
    return {"devices": {"org": {"mac": "02:00:00:00:00:01", "addresses": addresses}}, "runs": runs}


@pytest.mark.parametrize(
    ("home", "twin", "second"),
    [
        (facts("10.10.0.2", GATEWAY), facts("10.10.0.3"), {HOME: TWIN}),
        (facts("10.10.0.2"), facts("10.10.0.3", GATEWAY), {TWIN: HOME}),
        (facts("10.10.0.2"), facts("10.10.0.3"), {HOME: TWIN}),
        (facts(GATEWAY), facts("10.10.0.3", tunnels=False), {HOME: TWIN}),  # the twin joins
        (facts("10.10.0.2", tunnels=False), facts("10.10.0.3", tunnels=False), {}),  # both are new
        ({}, facts("10.10.0.3", GATEWAY), {TWIN: HOME}),  # it was not asked
        ({"silent": "does not answer"}, facts("10.10.0.3", GATEWAY), {}),  # it may be switched off for days
        (facts("10.10.0.2", GATEWAY), {"silent": "does not answer"}, {}),
        (facts("10.10.0.2", GATEWAY), facts("10.10.0.3", GATEWAY), {HOME: TWIN}),  # each takes itself for the only one
    ],
)
def test_the_edge_that_members_use_waits_for_its_twin(
    home: dict[str, Any], twin: dict[str, Any], second: dict[str, str]
) -> None:
    assert told_second(DOCUMENTS, {HOME: home, TWIN: twin, "edge-west": facts(GATEWAY)}) == second


def test_an_edge_whose_twin_the_run_does_not_tell_waits_for_nobody() -> None:
    assert told_second(DOCUMENTS[1:2], {TWIN: facts("10.10.0.3", GATEWAY)}) == {}
