# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the node, unless the ledger has it in a VPN; see :class:`NodeAction`."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import some
from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import UNINSTALL
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import NodeAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._logins import is_ours
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_variables import require_sound_run


class ActionModule(NodeAction):
    """Action plugin of M(intercloud.vpn.node_uninstall)."""

    ARGUMENTS: ClassVar = UNINSTALL

    def check(self, task_vars: dict[str, Any]) -> None:
        """AnsibleActionFail with all that is wrong with the variables of the run."""
        require_sound_run(task_vars, self._templar)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """VccError says what the node is needed for."""
        host = str(task_vars["inventory_hostname"])
        if not is_ours(host, task_vars):
            return {"changed": False, "skipped": True, "skip_reason": "Ansible does not log in to this host"}
        vpns = (self._task.args.get("vpns") or {}).get(host)
        if vpns:
            raise VccError(
                f"{host} is in {some(vpns)}: nothing was touched. Take its VMs out of the VPN with create_vpn, or "
                f"delete the VPN: intercloud.vpn.delete_vpn -e vcc_delete={vpns[0]}. Then run this again"
            )
        return self.ask(self._task.args, task_vars)
