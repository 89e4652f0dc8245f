# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes the controller's time before and after a node is observed: only so can the two clocks be compared."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import OBSERVE
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import NodeAction


class ActionModule(NodeAction):
    """Action plugin of M(intercloud.vpn.edge_observe)."""

    ARGUMENTS: ClassVar = OBSERVE

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        before = time.time()
        result = self.ask(self._task.args, task_vars)
        return result if result.get("failed") else {**result, "asked": [round(before, 3), round(time.time(), 3)]}
