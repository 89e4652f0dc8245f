# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module, and keeps what it read off the screen: a shared VCC node holds other organizations' slices, too."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    """See the module of the same name."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the module returns, not shown with -v, as Ansible's own facts are not."""
        super().run(tmp, task_vars)
        result: dict[str, Any] = self._execute_module(module_name="intercloud.vpn.node_recall", task_vars=task_vars)
        return {**result, "_ansible_verbose_override": True}
