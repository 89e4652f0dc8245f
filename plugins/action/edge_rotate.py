# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the node, and holds its answer against what the edge is to have."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import ROTATE
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.rotation import order_of
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import NodeAction


class ActionModule(NodeAction):
    """Action plugin of M(intercloud.vpn.edge_rotate)."""

    ARGUMENTS: ClassVar = ROTATE
    _supports_async = True

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(self._task.args)
        wanted = arguments.pop("order", None)
        answer = self.ask(arguments, task_vars)
        if answer.get("failed") or wanted is None or not answer.get("concerned"):
            return answer
        owed = {"key": False, "certificate": False, "authority": False}
        if "signer" in wanted:
            owed = order_of(wanted).owed(answer["certificate"])
        there = answer.get("secrets")
        there = there if isinstance(there, dict) else {}
        owed["secrets"] = any(there.get(tunnel) != numbers for tunnel, numbers in wanted.get("secrets", {}).items())
        # Under --check nothing else tells what is going to change.
        foretold = self._task.check_mode and any(owed.values())
        return {**answer, "owed": owed, "changed": bool(answer.get("changed")) or foretold}
