# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that a run concerns, for the plays of apply and verify."""

from __future__ import annotations

DOCUMENTATION = r"""
name: concerned
short_description: The hosts that a run concerns
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Gives a play exactly the hosts that M(intercloud.vpn.vpn_plan) found to be concerned. The others are not in its
    output.
  - Before there is a plan in this run, as with C(--list-hosts), it gives the groups.
options:
  _terms:
    description:
      - Groups, V(vcc_nodes), V(org_edges), V(vapp_edges) and V(members).
      - With C(_losing) at its end, those of them that lose something and are told first; with C(_later), those that are
        told after the org edges; V(org_edges_first) are the org edges without V(second) and those that only give
        members away.
      - V(probing) are the VMs that probes start at, V(losing) all that are told first, V(releasing) the org edges that
        stop guarding something, V(yielding) those that give members away, V(taking) those that get them, and anchors.
      - V(second) are the edges of pairs that are told after their twins, V(twins) those, and anchors.
    required: true
  beside:
    description:
      - V(anchors) adds a few org edges and VCC nodes, unless the list is empty.
      - Ansible ends a run when all hosts of a play failed. A dead host that is not alone ends no run of others.
    type: str
"""

EXAMPLES = r"""
- name: Apply to the org edges
  hosts: "{{ query('intercloud.vpn.concerned', 'org_edges') }}"
  tasks: []
"""

RETURN = r"""
_list:
  description: Names of hosts, or of groups; V(!all) for an empty list.
  type: list
  elements: str
"""

from typing import Any

from ansible.plugins.lookup import LookupBase

from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_directory import concerned

NOBODY = "!all"  # a list of hosts must not be empty


class LookupModule(LookupBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """The hosts of all terms, each once."""
        known = concerned()
        if known is None:
            there = (variables or {}).get("groups") or {}
            known = {f"{group}{suffix}": [group] for group in there for suffix in ("", "_losing", "_later", "_first")}
        found = [host for term in terms for host in known.get(term, ())]
        beside = known.get(str(kwargs.get("beside")), []) if found else []
        return list(dict.fromkeys([*found, *beside])) or [NOBODY]
