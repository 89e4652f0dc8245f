# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: which VCC node is to bring which hosts to their documents, where clouds do that themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .external import is_external
from .facts import is_shared, organization_of


def hosts_by_node(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """VCC node -> the hosts of its cloud, itself among them; by their facts.

    Of several nodes that serve an organization in a cloud, the first by name gets its hosts, and the others have none.
    A host in several clouds, or in one without a VCC node, is in no list.
    """
    nodes = {name: facts for name, facts in sorted(hosts.items()) if facts["kinds"] == ["vcc_nodes"]}
    found: dict[str, list[str]] = {name: [] for name in nodes}
    for name, facts in sorted(hosts.items()):
        if is_external(facts["vars"]) or len(facts["clouds"]) != 1:
            continue
        serving = [node for node, its in nodes.items() if its["clouds"] == facts["clouds"] and _serves(its, facts)]
        for node in serving[:1]:
            found[node].append(name)
    return found


def _serves(node: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    return is_shared(node) or (not is_shared(facts) and organization_of(node) == organization_of(facts))
