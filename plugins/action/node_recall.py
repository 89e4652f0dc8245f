# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module where the host is ours to log in to, and keeps what it read off the screen.

A shared VCC node holds other organizations' slices, too.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.intercloud.vpn.plugins.plugin_utils._logins import is_ours


class ActionModule(ActionBase):  # type: ignore[misc]
    """See the module of the same name."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the module returns, not shown with -v, as Ansible's own facts are not."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if task_vars is None:
            raise AnsibleError("node_recall needs the variables of its task")
        if not is_ours(str(task_vars["inventory_hostname"]), task_vars):
            return {**result, "changed": False, "skipped": True, "skip_reason": "the host is not ours to log in to"}
        result = self._execute_module(module_name="intercloud.vpn.node_recall", task_vars=task_vars)
        return {**result, "_ansible_verbose_override": True}
