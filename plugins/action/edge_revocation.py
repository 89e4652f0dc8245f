# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out on the controller whose edge it may be, and which edges have to be told."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import tidy
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_organizations
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_variables import require_sound_run


class ActionModule(ActionBase):
    """Action plugin of M(intercloud.vpn.edge_revocation)."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        if task_vars is None:
            raise AnsibleError("edge_revocation needs the variables of its task")
        require_sound_run(task_vars, self._templar)
        try:
            edges = read_organizations(task_vars)
        except IntentErrors as error:
            raise AnsibleActionFail(error.report("in the inventory, nothing was changed")) from None
        # Those of the inventory: who works for one organization has nothing to say about the edges of others.
        arguments = {"organizations": sorted(edges), **tidy(self._task.args)}
        result: dict[str, Any] = self._execute_module(
            module_name="intercloud.vpn.edge_revocation", module_args=arguments, task_vars=task_vars
        )
        result.pop("invocation", None)
        if "organization" in result:
            result["edges"] = edges.get(result["organization"], [])
        return result
