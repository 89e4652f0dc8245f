# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the module run on the edge, and takes nothing from its result that Ansible would act upon."""

from __future__ import annotations

from typing import Any

from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import Action


class ActionModule(Action):
    """Action plugin of M(intercloud.vpn.edge_key)."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Ask with what the task gives."""
        return self.ask(self._task.args, task_vars)
