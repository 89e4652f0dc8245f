# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VCC nodes are told about a template, and what is said of those that are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.action import template_index
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import archive
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.test_catalog import FILES, HELD, HOSTS

NODES = {"groups": {"vcc_nodes": sorted(name for name in HOSTS if "node" in name)}}


def asking(monkeypatch: pytest.MonkeyPatch, **answer: Any) -> template_index.ActionModule:
    """The action, whose VCC server gives one answer."""
    action = object.__new__(template_index.ActionModule)
    monkeypatch.setattr(action, "_ask_server", lambda *_given: {"ledger": "", **answer})
    return action


@pytest.fixture(autouse=True)
def hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_index, "read_hosts", lambda _task_vars: HOSTS)


def test_a_new_version_is_not_sent_to_a_node_of_another_organization(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = asking(monkeypatch, holders=dict.fromkeys(HELD, ""), serial=5, by="ann", at="today")
    package = str(archive(tmp_path / "web.ova", FILES))
    problems = Problems()
    given = {"package": package, "organizations": ["acme"], "clouds": ["west"]}
    found = action._publish(given, NODES, problems)
    assert found is not None and len(problems) == 0
    assert found["targets"] == ["node-east", "node-west"]
    assert found["stray"] == ["node-north", "node-umbra"]


def test_a_template_is_taken_back_where_the_organization_has_no_edge_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    action = asking(monkeypatch, holders=HELD, serials={"web": 9})
    problems = Problems()
    given: dict[str, Any] = {"template": "web", "organizations": ["acme"], "clouds": ["north"]}
    found = action._take_back(given, NODES, problems)
    assert found is not None and len(problems) == 0
    assert found["targets"] == ["node-north"] and found["whole"] is False
    found = action._take_back({**given, "clouds": []}, NODES, problems)
    assert found is not None and found["targets"] == NODES["groups"]["vcc_nodes"]
