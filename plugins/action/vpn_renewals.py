# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out on the controller which org edges are to be asked, and takes up what they answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import did_you_mean
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.external import identity_of
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import lifetime
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
        if arguments.get("installed"):
            have = _installed(task_vars, edges, str(arguments["installed"]))
            return self.ask({**arguments, "edges": have}, task_vars) if have else {"changed": False}
        if not variable:
            return {"changed": False, "edges": edges}
        found: dict[str, Any] = {"changed": False, "certificates": {}, "wrong": {}, "notes": {}}
        asking: dict[str, dict[str, str]] = {}
        lists: dict[str, dict[str, str]] = {}
        answered: dict[str, dict[str, str]] = {}
        for name in set(task_vars["ansible_play_hosts_all"]) & edges.keys():
            answer = task_vars["hostvars"].raw_get(name).get(variable)
            if isinstance(answer, Mapping) and answer.get("crl"):
                lists.setdefault(edges[name]["organization"], {})[name] = str(answer["crl"])
            if not isinstance(answer, Mapping) or answer.get("failed") or answer.get("skipped"):
                continue  # one that failed has said so
            if answer.get("unreachable"):
                asking[name] = edges[name]
                continue
            if answer.get("serial"):
                answered[name] = {**edges[name], "serial": str(answer["serial"])}
            if answer.get("problem"):
                found["wrong" if answer.get("due") else "notes"][name] = str(answer["problem"])
            elif wrong := wrong_clock(answer, datetime.now(timezone.utc)):
                found["wrong"][name] = wrong
            elif answer.get("csr"):
                said = {key: str(answer.get(key) or "") for key in ("csr", "not_after", "serial")}
                asking[name] = {**edges[name], **said}
        if asking:
            result = self.ask({**arguments, "edges": asking, "lists": lists, "answered": answered}, task_vars)
            if result.get("failed"):
                return result
            for key in ("certificates", "wrong", "notes"):
                found[key] |= result[key]
            found["changed"] = bool(result["changed"])
        return {**found, "edges": edges}


def _installed(
    task_vars: Mapping[str, Any], edges: Mapping[str, dict[str, str]], variable: str
) -> dict[str, dict[str, str]]:
    """The edges that have a new certificate, with its serial number."""
    found = {}
    for name in set(task_vars["ansible_play_hosts_all"]) & edges.keys():
        answer = task_vars["hostvars"].raw_get(name).get(variable)
        if isinstance(answer, Mapping) and answer.get("generation") and not answer.get("failed"):
            found[name] = {**edges[name], "serial": str(answer.get("serial"))}
    return found


def wrong_clock(answer: Mapping[str, Any], now: datetime) -> str:
    """What is wrong with the clock of an edge that takes its certificate for due, or not due, because of that.

    Of less than a day, the next daily run makes up. An edge whose clock is behind does not accept a new certificate
    before that begins; one whose clock is ahead would ask every day.
    """
    try:
        clock, due = (lifetime.moment(str(answer.get(key))) for key in ("clock", "due_from"))
    except ValueError:  # an edge that does not say it
        return ""
    off = clock - now
    if bool(answer.get("due")) == (due < now) or abs(off) < timedelta(days=1):
        return ""
    way = "ahead" if off > timedelta() else "behind"
    return f"not renewed: its clock is {abs(off).days} days {way}; set its clock, then run this again"


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
