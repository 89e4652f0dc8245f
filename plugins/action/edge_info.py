# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what an edge's document asks of it, once, and asks the edge what it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ansible_collections.intercloud.vpn.plugins.module_utils._base.address_blocks import beyond
from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import INFO
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.keys import PSK, kind_of
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile.certified import certified, identity_of
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import NodeAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._packages import as_list
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import document_of


class ActionModule(NodeAction):
    """Action plugin of M(intercloud.vpn.edge_info)."""

    ARGUMENTS: ClassVar = INFO
    _supports_async = True

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(self._task.args)
        directory = arguments.pop("documents", None)
        kinds = ("", "ssl_", "names_", "bgp_", "pair_")
        every, ssl, names, bgp, pair = (as_list(arguments.pop(f"{what}packages", None)) for what in kinds)
        arguments["packages"] = every
        if directory is None:
            return self.ask(arguments, task_vars)
        document = document_of(directory, str(task_vars["inventory_hostname"])) or {}
        asked = asked_of(document)
        if not asked["peers"]:
            return {"changed": False, "skipped": True, "skip_reason": "no tunnel ends here", "edge": asked}
        if any(tunnel.get("kind") == "ssl" for tunnel in document["tunnels"]):
            every += ssl
        if document.get("dhcp") or any(vpn.get("names") for vpn in document["vpns"]):
            every += names
        if any(tunnel.get("bgp") for tunnel in document["tunnels"]):
            every += bgp
        if document.get("pair"):
            every += pair
        said = self.ask(arguments, task_vars)
        if isinstance(said.get("certificate"), Mapping):
            said["certificate"] = {**said["certificate"], "covers": covers(said["certificate"], asked["addresses"])}
        return {**said, "edge": asked}


def asked_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a document asks of an edge, as roles need it: RV(edge) of the module."""
    tunnels = document.get("tunnels") or []
    return {
        "organization": document.get("organization", ""),
        "identity": identity_of(document),
        "needs_certificate": any(kind_of(tunnel) != PSK for tunnel in tunnels),
        "needs_keys": any(map(kind_of, tunnels)),
        "addresses": certified(document),
        "peers": [tunnel["peer"] for tunnel in tunnels],
    }


def covers(certificate: Mapping[str, Any], addresses: Sequence[str]) -> bool:
    """Whether a certificate, as a node knows it, names these addresses. One without any does where none has to have."""
    named = certificate.get("addresses")
    if named is None:
        return not certificate.get("certifies")
    try:
        return not beyond(addresses, map(str, named))
    except ValueError:
        return False
