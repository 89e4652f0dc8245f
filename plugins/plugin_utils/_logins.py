# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT, on the controller: which hosts Ansible logs in to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import CLOUD

YES = ("true", "yes", "on", "1")


def is_ours(host: str, task_vars: Mapping[str, Any]) -> bool:
    """Whether Ansible logs in to a host: not to an external edge, nor to the VMs behind one."""
    groups, hostvars = task_vars["groups"], task_vars["hostvars"]
    variables = hostvars[host]
    if host in groups.get("org_edges", []):
        return not _is_external(variables)
    if host not in groups.get("members", []):
        return True
    named = variables.get("vcc_edge")
    if named is not None:
        return not (named in hostvars and _is_external(hostvars[named]))
    clouds = [names for group, names in groups.items() if group.startswith(CLOUD) and host in names]
    edges = [
        edge
        for edge in groups.get("org_edges", [])
        if any(edge in names for names in clouds) and hostvars[edge].get("vcc_org") == variables.get("vcc_org")
    ]
    return not edges or not all(_is_external(hostvars[edge]) for edge in edges)


def _is_external(variables: Mapping[str, Any]) -> bool:
    """As an inventory may say it, which knows strings only; what else it says is the planner's to refuse."""
    return str(variables.get("vcc_external", False)).strip().lower() in YES
