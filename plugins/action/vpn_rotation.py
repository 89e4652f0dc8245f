# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out on the controller whose edges there are, and what they told."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import tidy
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_organizations
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_variables import require_sound_run
from ansible_collections.intercloud.vpn.plugins.plugin_utils._server_action import ServerAction

LOOKED = "__org_edge_rotating"
TOLD = "org_edge_rotated"
_TOLD_OF = ("concerned", "certificate", "drift", "secrets")


def _told(task_vars: dict[str, Any], host: str) -> dict[str, Any]:
    """What an edge told in this round; that nothing is up to it, it has told when it was looked at."""
    known = task_vars["hostvars"].raw_get(host)
    told, looked = known.get(TOLD), known.get(LOOKED)
    if isinstance(told, dict) and told.get("concerned"):
        return {key: told[key] for key in _TOLD_OF if key in told} if _sound(told) else {}
    return {"concerned": False} if isinstance(looked, dict) and looked.get("concerned") is False else {}


def _sound(told: dict[str, Any]) -> bool:
    """Whether an edge says what edges say. It may say anything; one that says something else has said nothing."""
    certificate, drift, secrets = told.get("certificate"), told.get("drift"), told.get("secrets", {})
    if not isinstance(certificate, dict) or not isinstance(drift, (list, tuple)) or not sound_numbers(secrets):
        return False
    lists = (drift, certificate.get("authorities", ()))
    return all(isinstance(one, (list, tuple)) and all(isinstance(text, str) for text in one) for one in lists)


def sound_numbers(secrets: Any) -> bool:
    """Whether what an edge says of the keys of its tunnels is the numbers that edges say."""
    if not isinstance(secrets, dict) or not all(isinstance(one, dict) for one in secrets.values()):
        return False
    held = [one.get("held") for one in secrets.values()]
    used = [one.get(key) for one in secrets.values() for key in ("use", "to_use")]
    lists = all(isinstance(some, (list, tuple)) for some in held)
    return lists and all(isinstance(number, int) for number in (*used, *(n for some in held for n in some or ())))


class ActionModule(ServerAction):
    """Action plugin of M(intercloud.vpn.vpn_rotation)."""

    def check(self, task_vars: dict[str, Any]) -> None:
        """AnsibleActionFail with all that is wrong with the variables of the run, or without a ledger that stays."""
        require_sound_run(task_vars, self._templar)
        super().check(task_vars)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = {key: value for key, value in tidy(self._task.args).items() if value is not None}
        if not arguments.get("organizations"):
            try:
                arguments["organizations"] = sorted(read_organizations(task_vars))
            except IntentErrors as error:
                raise AnsibleActionFail(error.report("in the inventory, nothing was changed")) from None
        hosts = task_vars["groups"].get("org_edges", [])
        arguments["with_psk"] = [host for host in hosts if "vcc_psk" in task_vars["hostvars"].raw_get(host)]
        if arguments.get("step") == "advance":
            # Of the hosts that are still in the play: one that fell out of it has told nothing of this round.
            arguments["reports"] = {
                host: told for host in task_vars["ansible_play_hosts"] if (told := _told(task_vars, host))
            }
        return self.ask(arguments, task_vars)
