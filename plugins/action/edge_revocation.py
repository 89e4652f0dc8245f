# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out on the controller whose edge it may be, and which edges have to be told."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import tidy
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import RunAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_organizations


class ActionModule(RunAction):
    """Action plugin of M(intercloud.vpn.edge_revocation)."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        try:
            edges = read_organizations(task_vars)
        except IntentErrors as error:
            raise AnsibleActionFail(error.report("in the inventory, nothing was changed")) from None
        # Those of the inventory: who works for one organization has nothing to say about the edges of others.
        result = self.ask({"organizations": sorted(edges), **tidy(self._task.args)}, task_vars)
        if "organization" in result:
            result["edges"] = edges.get(result["organization"], [])
        return result
