# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module where the host is ours to log in to, and keeps what it read off the screen.

A shared VCC node holds other organizations' slices, too.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import Action
from ansible_collections.intercloud.vpn.plugins.plugin_utils._logins import is_ours


class ActionModule(Action):
    """Action plugin of M(intercloud.vpn.node_recall): not shown with -v, as Ansible's own facts are not."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        if not is_ours(str(task_vars["inventory_hostname"]), task_vars):
            return {"changed": False, "skipped": True, "skip_reason": "Ansible does not log in to this host"}
        return {**self.ask(self._task.args, task_vars), "_ansible_verbose_override": True}
