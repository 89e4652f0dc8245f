# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find this VM's probes, on the controller, and have the VM send them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import PROBE, PROBE_RULES
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import NodeAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import kept


class ActionModule(NodeAction):
    """Action plugin of M(intercloud.vpn.member_probe): the targets of this host, if it has any."""

    ARGUMENTS: ClassVar = PROBE
    RULES: ClassVar = PROBE_RULES

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(self._task.args)
        directory = arguments.pop("probes", None)
        if directory is not None and arguments.get("targets") is None:
            targets = kept(Path(str(directory)) / f"{task_vars['inventory_hostname']}.json")
            if not targets:
                return {"skipped": True, "skip_reason": "no probe starts here", "probes": []}
            arguments["targets"] = targets
        return self.ask(arguments, task_vars)
