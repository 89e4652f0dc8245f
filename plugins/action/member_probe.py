# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find this VM's probes in the plan, on the controller, and have the VM send them."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.targets import probe_targets
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import load_plan

MODULE = "intercloud.vpn.member_probe"


class ActionModule(ActionBase):
    """See the module's documentation."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module with the targets of this host; skip if there are none."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        host = str((task_vars or {})["inventory_hostname"])
        if arguments.get("plan") is not None and arguments.get("targets") is None:
            per_network = int(arguments.pop("nonmembers_per_network", 1))
            try:
                plan, documents = load_plan(str(arguments.pop("plan")))
                targets = probe_targets(plan, documents, per_network, only=host).get(host, [])
            except VccError as error:
                raise AnsibleActionFail(str(error)) from error
            if not targets:
                return {**result, "skipped": True, "skip_reason": "no probe starts here", "probes": []}
            arguments["targets"] = targets
        result.update(self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars))
        return result
