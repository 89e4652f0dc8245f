# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find an external edge in the inventory, on the controller, and check what is said of it."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems, did_you_mean
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.hosts import OrgEdge
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.landscape import Landscape
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import LocalAction, RunAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_hosts


class ActionModule(LocalAction, RunAction):
    """Action plugin of M(intercloud.vpn.external_edge)."""

    ARGUMENTS: ClassVar = {"edge": {"type": "str", "required": True}, "authentication": {"type": "str"}}

    def work(self, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        edge = _find(given["edge"], read_hosts(task_vars))
        authentication = edge.external.authentication if edge.external else None
        if given["authentication"] not in (None, authentication):
            raise VccError(
                f"{edge.name} authenticates with a {authentication}; "
                f"to change that, set vcc_authentication: {given['authentication']}"
            )
        return {
            "edge": edge.name,
            "organization": edge.organization,
            "identity": edge.identity,
            "authentication": authentication,
        }


def _find(name: str, hosts: dict[str, dict[str, Any]]) -> OrgEdge:
    """The external edge of that name. VccError with all that is wrong with it."""
    problems = Problems()
    landscape = Landscape(hosts, problems)
    external = [edge for edge in landscape.of_kind("org_edges") if landscape.is_external(edge)]
    if name not in external:
        ours = landscape.is_a(name, "org_edges")
        what = "an edge of ours, not" if ours else "no host of the group org_edges that is"
        hint = "; is vcc_external: true missing?" if ours else did_you_mean(name, external)
        raise VccError(f"vcc_external_edge: {name} is {what} external{hint}")
    edge = landscape.edge(name)
    problems.raise_if_any()
    if edge is None:
        raise VccError(f"{name} cannot be read")
    return edge
