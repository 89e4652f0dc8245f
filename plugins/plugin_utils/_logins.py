# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT, on the controller: which hosts Ansible logs in to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import host_variables
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.connections import logged_in
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import CLOUD, KINDS

SAID = ("vcc_external", "vcc_edge", "vcc_org")


def is_ours(host: str, task_vars: Mapping[str, Any]) -> bool:
    """Whether Ansible logs in to a host: not to an external edge, nor to the VMs behind one.

    What else an inventory may say of that is the planner's to refuse.
    """
    groups, hostvars = task_vars["groups"], task_vars["hostvars"]
    edges = groups.get("org_edges", []) if host in groups.get("members", []) else []
    return host in logged_in({name: _facts(name, groups, hostvars[name]) for name in (host, *edges)})


def _facts(host: str, groups: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """As much of what the planner is told of a host as says whose it is."""
    return {
        "kinds": [kind for kind in KINDS if host in groups.get(kind, [])],
        "clouds": [group for group, names in groups.items() if group.startswith(CLOUD) and host in names],
        "vars": host_variables({name: variables[name] for name in SAID if name in variables}),
    }
