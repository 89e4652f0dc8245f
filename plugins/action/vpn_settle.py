# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After apply, on the controller: hands the inventory's hosts to the module."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_hosts, who_runs


class ActionModule(ActionBase):
    """Action plugin of M(intercloud.vpn.vpn_settle)."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        if task_vars is None:
            raise AnsibleError("vpn_settle needs the variables of its task")
        arguments = {**self._task.args, "hosts": read_hosts(task_vars), "who": who_runs(task_vars)}
        result: dict[str, Any] = self._execute_module(
            module_name="intercloud.vpn.vpn_settle", module_args=arguments, task_vars=task_vars
        )
        result.pop("invocation", None)
        return result
