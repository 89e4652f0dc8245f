# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell which VPNs nodes are in: the ledger is read on the VCC server."""

from __future__ import annotations

from typing import Any

from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_variables import require_sound_run
from ansible_collections.intercloud.vpn.plugins.plugin_utils._server_action import ServerAction


class ActionModule(ServerAction):
    """Action plugin of M(intercloud.vpn.ledger_nodes)."""

    def check(self, task_vars: dict[str, Any]) -> None:
        """AnsibleActionFail with all that is wrong with the variables of the run, or without a ledger that stays."""
        require_sound_run(task_vars, self._templar)
        super().check(task_vars)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        return self.ask({key: value for key, value in self._task.args.items() if value is not None}, task_vars)
