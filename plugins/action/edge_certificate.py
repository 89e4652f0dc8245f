# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs on the VCC server, unless the authority would be lost after the run."""

from __future__ import annotations

from typing import Any

from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import Action


class ActionModule(Action):
    """Action plugin of M(intercloud.vpn.edge_certificate)."""

    def check(self, task_vars: dict[str, Any]) -> None:
        """AnsibleActionFail where it would be lost."""
        self.require_lasting(task_vars)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        return self.ask(self._task.args, task_vars)
