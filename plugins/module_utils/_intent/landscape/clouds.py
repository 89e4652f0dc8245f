# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: which VCC node is to bring which hosts to their documents, where clouds do that themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .external import is_external
from .facts import is_shared, organization_of

Hosts = Mapping[str, Mapping[str, Any]]


def hosts_by_node(hosts: Hosts, organizations: Collection[str] = ()) -> dict[str, dict[str, list[str]]]:
    """VCC node -> organization -> its hosts in the node's cloud, by their facts.

    ``organizations``: those that the run is about; none stands for all. A VCC node that organizations share is in the
    list of each that has hosts in its cloud. Of several nodes that serve an organization in a cloud, the first by name
    has its hosts, and the others have none.
    """
    nodes = {name: facts for name, facts in sorted(hosts.items()) if facts["kinds"] == ["vcc_nodes"]}
    found: dict[str, dict[str, list[str]]] = {name: {} for name in nodes}
    shared: dict[str, list[str]] = {name: [] for name in nodes}
    for name, facts in sorted(hosts.items()):
        node = next((node for node, its in nodes.items() if _serves(its, facts)), None)
        if node is None or is_external(facts["vars"]):
            continue
        organization = organization_of(facts)
        if is_shared(facts):
            shared[node].append(name)
        elif not organizations or organization in organizations:
            found[node].setdefault(organization, []).append(name)
    return {
        node: {organization: sorted([*own, *shared[node]]) for organization, own in by_organization.items()}
        for node, by_organization in found.items()
    }


def unserved(hosts: Hosts, organizations: Collection[str] = ()) -> list[str]:
    """The hosts that no VCC node has: in no cloud with one, or in several clouds. Those behind an edge that is not ours
    are not told anything."""
    edges = [facts for facts in hosts.values() if facts["kinds"] == ["org_edges"]]
    ours = {cloud for facts in edges if not is_external(facts["vars"]) for cloud in facts["clouds"]}
    theirs = {cloud for facts in edges for cloud in facts["clouds"]} - ours
    served = {name for parts in hosts_by_node(hosts).values() for some in parts.values() for name in some}
    return sorted(
        name
        for name, facts in hosts.items()
        if name not in served
        and facts["kinds"]
        and not {*facts["clouds"]} & theirs
        and not is_external(facts["vars"])
        and not is_shared(facts)
        and (not organizations or organization_of(facts) in organizations)
    )


def _serves(node: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    if len(facts["clouds"]) != 1 or node["clouds"] != facts["clouds"]:
        return False
    return is_shared(node) or (not is_shared(facts) and organization_of(node) == organization_of(facts))
