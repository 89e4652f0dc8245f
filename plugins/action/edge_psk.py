# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out on the controller which pre-shared keys the inventory holds, and ask the VCC server for the others."""

from __future__ import annotations

from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.profiles.known import wrong_key
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings import tunnels_to
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.held import parse
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.keys import PPK, TLS_CRYPT, kind_of, wrong_psk
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import Action
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import document_of, load_plan
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_directory import concerned


class ActionModule(Action):
    """Action plugin of M(intercloud.vpn.edge_psk): the module is asked once, if it has to be asked for anything."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        hostvars = task_vars["hostvars"]
        arguments = dict(self._task.args)
        if arguments.get("plan"):
            arguments["partner"] = True
            arguments.update(_of_edge(str(arguments.pop("plan")), str(arguments.pop("edge"))))
        elif arguments.get("documents"):
            document = document_of(arguments.pop("documents"), str(task_vars["inventory_hostname"])) or {}
            arguments.update(organization=document.get("organization"), tunnels=document.get("tunnels") or [])
        tunnels = [tunnel for tunnel in arguments["tunnels"] if kind_of(tunnel)]
        # To read the variables of a host takes 4 ms. The plan of this run has read them all.
        with_psk = (concerned() or {}).get("with_psk")
        asked: list[dict[str, Any]] = []
        given: dict[str, str] = {}
        result: dict[str, Any] = {}
        for tunnel in tunnels:
            if kind_of(tunnel) in (PPK, TLS_CRYPT):
                asked.append(_told(tunnel))
                continue
            if task_vars.get("vcc_server_part"):  # the controller has looked in the inventory
                asked.append(_told(tunnel))
                continue
            if tunnel["peer"] not in hostvars:
                continue
            variables = hostvars[tunnel["peer"]] if with_psk is None or tunnel["peer"] in with_psk else {}
            if "vcc_psk" not in variables:
                asked.append(_told(tunnel))
                continue
            wrong = wrong_psk(variables["vcc_psk"]) or wrong_key(tunnel.get("gateway"), str(variables["vcc_psk"]))
            if wrong:
                raise VccError(f"hosts.{tunnel['peer']}.vcc_psk: {wrong}")
            given[tunnel["name"]] = str(variables["vcc_psk"])
        if asked:
            arguments["tunnels"] = asked
            result = self.ask(arguments, task_vars)
            if result.get("failed"):
                return result
            refuse_wrong(tunnels, result)
        inventory = {tunnel["name"]: f"vcc_psk of {tunnel['peer']} in the inventory" for tunnel in tunnels}
        result.setdefault("changed", False)
        result["secrets"] = {**result.get("secrets", {}), **given}
        result["files"] = {**result.get("files", {}), **{name: inventory[name] for name in given}}
        return result


def refuse_wrong(tunnels: list[dict[str, Any]], result: dict[str, Any]) -> None:
    """A key that an administrator put into a file may not do for the gateway. VccError with the file."""
    keys, files = result.get("secrets", {}), result.get("files", {})
    for tunnel in tunnels:
        name = tunnel["name"]
        both = parse(str(keys[name])) if keys.get(name) else ()
        wrong = next((said for key in both if key and (said := wrong_key(tunnel.get("gateway"), key.text))), None)
        if wrong:
            raise VccError(f"the pre-shared key of {name} ({files.get(name, 'its file')}): {wrong}")


def _told(tunnel: dict[str, Any]) -> dict[str, Any]:
    """What the VCC server has to know of a tunnel to find its key."""
    if kind_of(tunnel) == TLS_CRYPT:
        return {"name": tunnel["name"], "ssl": {"tls_crypt": tunnel["ssl"]["tls_crypt"]}}
    return {"name": tunnel["name"], "ike": {key: tunnel["ike"][key] for key in ("auth", "ppk") if key in tunnel["ike"]}}


def _of_edge(path: str, edge: str) -> dict[str, Any]:
    """The tunnels to an external edge, out of the plan."""
    _plan, documents = load_plan(path)
    try:
        found = tunnels_to(edge, documents)
    except VccError:  # M(external_settings) says so: of this task, nothing is shown
        return {"organization": "", "tunnels": []}
    return {"organization": documents[found[0][0]]["organization"], "tunnels": [tunnel for _node, tunnel in found]}
