# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a host's probes, on the controller; have it send them and look; note the controller's time before and after."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import OBSERVE, OBSERVE_RULES
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import NodeAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import kept


class ActionModule(NodeAction):
    """Action plugin of M(intercloud.vpn.node_info). By both times a node's clock is compared with ours."""

    ARGUMENTS: ClassVar = OBSERVE
    RULES: ClassVar = OBSERVE_RULES

    looks = True

    @property
    def module(self) -> str:
        """Who only probes needs a small part of what it takes to look."""
        return super().module if self.looks else "member_probe"

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(self._task.args)
        if arguments.get("probes") is not None and arguments.get("targets") is None:
            arguments["targets"] = kept(Path(str(arguments.pop("probes"))) / f"{task_vars['inventory_hostname']}.json")
        self.looks = boolean(arguments.pop("look", True))
        if not self.looks and not arguments.get("targets"):
            return {"skipped": True, "skip_reason": "no probe starts here", "probes": []}
        before = time.time()
        result = self.ask(arguments, task_vars)
        return result if result.get("failed") else {**result, "asked": [round(before, 3), round(time.time(), 3)]}
