# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that begins in the middle, or asks before each task, is refused wherever it begins."""

from __future__ import annotations

from typing import Any

import pytest
from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.intercloud.vpn.plugins.action import ledger_recover, node_survey, vpn_plan, vpn_status
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _action, _server_action


@pytest.mark.parametrize("plugin", [vpn_plan, vpn_status, ledger_recover])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"start_at_task": "Plan"}, "--start-at-task would leave out steps that others rely on: nothing was done"),
        ({"step": True}, "--step would leave out steps"),
        ({"start_at_task": None, "step": False, "tags": ("all",)}, None),
    ],
)
def test_it_is_refused(plugin: Any, options: dict[str, Any], said: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", options)
    monkeypatch.setattr(_action, "require_sound_run", lambda *_: None)
    monkeypatch.setattr(_action.Action, "require_lasting", lambda *_: None)
    assert _server_action  # whose check the first two have
    action = plugin.ActionModule.__new__(plugin.ActionModule)
    action._templar = None
    if said is None:
        action.check({})
        return
    with pytest.raises(AnsibleActionFail, match=said):
        action.check({})


def test_no_machine_is_asked_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", {"start_at_task": "Ask the machines"})
    monkeypatch.setattr(ActionBase, "run", lambda *_: {})
    action = node_survey.ActionModule.__new__(node_survey.ActionModule)
    with pytest.raises(AnsibleActionFail, match="--start-at-task would leave out steps"):
        action.run(task_vars={})
