# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the node, and tells it what its peers have lost; see :class:`NodeAction`."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import CONFIRM
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _unmet
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import NodeAction


class ActionModule(NodeAction):
    """Action plugin of M(intercloud.vpn.edge_confirm)."""

    ARGUMENTS: ClassVar = CONFIRM
    _supports_async = True

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Ask where something is to do: by what the task gives, or by what peers told in this run."""
        arguments = {key: value for key, value in self._task.args.items() if value is not None}
        lost = {**_unmet.lost(str(task_vars.get("inventory_hostname", ""))), **(arguments.get("lost") or {})}
        if not lost and not boolean(arguments.get("needed", True)):
            return {"changed": False, "skipped": True}
        return self.ask({**arguments, "lost": lost}, task_vars)
