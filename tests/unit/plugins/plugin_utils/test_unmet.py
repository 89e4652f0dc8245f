# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In a run, an edge is told which of its tunnels its peers have nothing of."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.action.edge_confirm import ActionModule
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _unmet

TUNNEL = "edge-east--edge-west"
WEST = {"tunnels": [{"name": TUNNEL, "peer": "edge-east"}, {"name": "edge-south--edge-west", "peer": "edge-south"}]}


@pytest.fixture(autouse=True)
def _directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_unmet, "run_directory", lambda: tmp_path)


def asked(monkeypatch: pytest.MonkeyPatch, node: str, **arguments: Any) -> dict[str, Any]:
    """What the node is asked, or the result of a task that was skipped."""
    action = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(args=arguments)
    monkeypatch.setattr(ActionModule, "ask", lambda _self, given, _variables: given)
    return action.act({"inventory_hostname": node})


def test_the_end_that_initiates_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(_unmet.time, "monotonic", lambda: now)
    _unmet.note(WEST, [TUNNEL])
    now = 104.25
    assert _unmet.lost("edge-east") == {TUNNEL: 4.2}
    assert _unmet.lost("edge-south") == {}
    assert asked(monkeypatch, "edge-east", timeout=30, needed=False)["lost"] == {TUNNEL: 4.2}


def test_several_tell_the_same_end(monkeypatch: pytest.MonkeyPatch) -> None:
    _unmet.note(WEST, [TUNNEL])
    _unmet.note({"tunnels": [{"name": "edge-east--a/b", "peer": "edge-east"}]}, ["edge-east--a/b"])
    assert {*_unmet.lost("edge-east")} == {TUNNEL, "edge-east--a/b"}


def test_where_nothing_is_to_do_no_node_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, "edge-east", needed=False) == {"changed": False, "skipped": True}
    assert asked(monkeypatch, "edge-east", needed=True)["lost"] == {}
    assert asked(monkeypatch, "edge-east", timeout=None) == {"lost": {}}
