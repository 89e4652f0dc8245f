# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT, on the controller: the inventory as plain facts, read in one pass over the hosts."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager, split_host_pattern

from ansible_collections.intercloud.vpn.plugins.module_utils._psk import GIVEN, wrong_psk

KINDS = ("vcc_nodes", "org_edges", "vapp_edges", "members")
CLOUD = "cloud_"
PSK = "vcc_psk"
VARIABLES = (
    "vcc_address",
    "vcc_authentication",
    "vcc_behind_nat",
    "vcc_edge",
    "vcc_external",
    "vcc_identity",
    "vcc_member_mode",
    "vcc_mlkem",
    "vcc_org",
    "vcc_org_address",
    "vcc_org_network",
    "vcc_public_address",
    "vcc_underlay_mtu",
    "vcc_vapp",
    "vcc_vapp_address",
    "vcc_vapp_network",
)


def read_hosts(task_vars: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The facts of every host the planner may need: ``{host: {"kinds", "clouds", "vars"}}``.

    All hosts of the inventory count, not only those that the run is limited to.
    """
    hosts: dict[str, dict[str, Any]] = {}
    for group, names in task_vars["groups"].items():
        kind, cloud = group in KINDS, group.startswith(CLOUD)
        if not kind and not cloud:
            continue
        for name in names:
            facts = hosts.setdefault(str(name), {"kinds": [], "clouds": [], "vars": {}})
            if kind:
                facts["kinds"].append(str(group))
            else:
                facts["clouds"].append(str(group)[len(CLOUD) :])
    hosts = {name: facts for name, facts in hosts.items() if facts["kinds"]}
    for name, facts in hosts.items():
        variables = task_vars["hostvars"][name]
        facts["kinds"].sort()
        facts["clouds"].sort()
        facts["vars"] = {key: variables[key] for key in VARIABLES if key in variables}
        if PSK in variables:  # the planner is told whether it is in order, and no more
            facts["vars"][PSK] = wrong_psk(variables[PSK]) or GIVEN
    return hosts


def match_members(vpns: object, task_vars: Mapping[str, Any], loader: Any) -> dict[str, list[str]]:
    """The hosts that each text among the members of ``vpns`` stands for: a host, a group or an inventory pattern.

    A text that is neither, and has nothing of a pattern, is left out. Misshapen intents are the planner's to refuse.
    """
    texts = set(_member_texts(vpns))
    groups = task_vars["groups"]
    everyone = set(groups["all"])
    inventory = InventoryManager(loader=loader, parse=False)
    for group, names in groups.items():
        inventory.add_group(group)
        for name in names:
            inventory.add_host(name, group=group)
    matches: dict[str, list[str]] = {}
    for text in texts:
        if text in everyone:
            matches[text] = [text]
        elif text in groups or any(sign in text for sign in "*?[:,&!~"):
            matches[text] = _match(inventory, text)
    return matches


def _match(inventory: InventoryManager, text: str) -> list[str]:
    """The hosts of a group or pattern, sorted; none where a part of it matches nothing, or cannot be read.

    The manager itself only warns of a part that matches nothing, and takes what it cannot split for everybody. The
    planner refuses both, with their place in the intent.
    """
    parts = split_host_pattern(text)
    try:
        for part in parts:
            if not part.strip("!&~") or (part[0] != "!" and not inventory.get_hosts(part.lstrip("&"))):
                return []
        return sorted(str(host) for host in inventory.get_hosts(text)) if parts else []
    except AnsibleError:
        return []


def who_runs(task_vars: Mapping[str, Any]) -> str:
    """Who the ledger's events name: AWX's user where there is one, else who runs Ansible on the controller."""
    name = task_vars.get("awx_user_name") or task_vars.get("tower_user_name") or os.environ.get("SUDO_USER")
    return str(name or getpass.getuser())


def _member_texts(vpns: object) -> Iterable[str]:
    for vpn in vpns if isinstance(vpns, (list, tuple)) else []:
        members = vpn.get("members") if isinstance(vpn, Mapping) else None
        for member in members if isinstance(members, (list, tuple)) else []:
            text = member.get("name") if isinstance(member, Mapping) else member
            if isinstance(text, str) and text:
                yield str(text)
