# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out on the controller which org edges are to be asked, and takes up what they answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import did_you_mean
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.external import identity_of
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_organizations
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_variables import require_sound_run
from ansible_collections.intercloud.vpn.plugins.plugin_utils._server_action import ServerAction


class ActionModule(ServerAction):
    """Action plugin of M(intercloud.vpn.vpn_renewals). Where nothing is due, the VCC server is not asked."""

    def check(self, task_vars: dict[str, Any]) -> None:
        """AnsibleActionFail with all that is wrong with the variables of the run, or without authorities that stay."""
        require_sound_run(task_vars, self._templar)
        super().check(task_vars)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = {key: value for key, value in self._task.args.items() if value is not None}
        edges = _edges(task_vars, arguments.get("organizations") or [])
        variable = arguments.get("variable")
        if not variable:
            return {"changed": False, "edges": edges}
        found: dict[str, Any] = {"changed": False, "certificates": {}, "wrong": {}, "notes": {}}
        asking = {}
        for name in set(task_vars["ansible_play_hosts_all"]) & edges.keys():
            answer = task_vars["hostvars"].raw_get(name).get(variable)
            if not isinstance(answer, Mapping) or answer.get("failed") or answer.get("skipped"):
                continue  # one that failed has said so
            if answer.get("unreachable"):
                asking[name] = edges[name]
            elif answer.get("problem"):
                found["wrong" if answer.get("due") else "notes"][name] = str(answer["problem"])
            elif answer.get("csr"):
                asking[name] = {**edges[name], "csr": str(answer["csr"]), "not_after": str(answer.get("not_after"))}
        if asking:
            result = self.ask({**arguments, "edges": asking}, task_vars)
            if result.get("failed"):
                return result
            for key in ("certificates", "wrong", "notes"):
                found[key] |= result[key]
            found["changed"] = bool(result["changed"])
        return {**found, "edges": edges}


def _edges(task_vars: Mapping[str, Any], organizations: list[str]) -> dict[str, dict[str, str]]:
    """The org edges of ours, of these organizations (none: of all), with who they are."""
    try:
        known = read_organizations(task_vars)
    except IntentErrors as error:
        raise AnsibleActionFail(error.report("in the inventory, nothing was changed")) from None
    for name in organizations:
        if name not in known:
            hint = did_you_mean(name, known)
            raise AnsibleActionFail(f"vcc_organization: {name}: no host of the inventory is of it{hint}")
    return {
        edge: {"identity": identity_of(edge, organization, {}), "organization": organization}
        for organization, edges in known.items()
        if organization in (organizations or known)
        for edge in edges
    }
