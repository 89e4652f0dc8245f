# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what nodes are told. The format is described in docs/documents.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..._intent.landscape.neighbours import Neighbours
from ..._ledger.packing import tunnel_names

FORMAT = 1
ANY_ADDRESS = "%any"  # swanctl's word for whichever address of its own an edge sends from

Document = dict[str, Any]


@dataclass
class Compiled:
    """Documents by node, while they are compiled."""

    documents: dict[str, Document] = field(default_factory=dict)
    tunnels: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict, repr=False)
    """Those in the documents, by edge and by name."""
    neighbours: Neighbours = field(default_factory=Neighbours, repr=False)


class Outline(NamedTuple):
    """A document in short: its addresses, and the names of its VPNs and tunnels."""

    node: str
    role: str
    cloud: str
    addresses: list[str]
    vpns: list[str]
    tunnels: list[str]


def outline(document: Mapping[str, Any]) -> Outline:
    """Of a document, or of one as the ledger keeps it."""
    tunnels = document["tunnels"]
    return Outline(
        document["node"],
        document["role"],
        document["cloud"],
        [item["address"] for item in document["addresses"]],
        [vpn["name"] for vpn in document["vpns"]],
        tunnel_names(tunnels) if isinstance(tunnels, dict) else [tunnel["name"] for tunnel in tunnels],
    )


def empty_document(node: str, role: str, organization: str, cloud: str) -> Document:
    """The document of a node that nothing concerns: whatever is ours there goes."""
    document: Document = {
        "format": FORMAT,
        "node": node,
        "role": role,
        "organization": organization,
        "cloud": cloud,
        "sysctls": {},
        "addresses": [],
        "routes": [],
        "vpns": [],
        "tunnels": [],
    }
    return {**document, "slice": {}} if role == "vcc_node" else document
