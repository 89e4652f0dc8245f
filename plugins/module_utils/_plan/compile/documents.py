# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what nodes are told. The format is described in docs/documents.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..._intent.landscape.neighbours import Neighbours
from .records import Records

FORMAT = 1
ANY_ADDRESS = "%any"  # swanctl's word for whichever address of its own an edge sends from

Document = dict[str, Any]


@dataclass
class Compiled:
    """An organization's VPNs, compiled: documents by node, and what people and verify want to know of each VPN."""

    documents: dict[str, Document] = field(default_factory=dict)
    vpns: list[dict[str, Any]] = field(default_factory=list)
    tunnels: dict[str, dict[str, Any]] = field(default_factory=dict)
    ends: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict, repr=False)
    """The tunnels in the documents, by edge and tunnel name; and those at their other ends."""
    homes: dict[str, set[str]] = field(default_factory=dict, repr=False)
    """The sites that each node is at. A vApp edge may be at several."""
    records: Records = field(default_factory=Records, repr=False)
    neighbours: Neighbours = field(default_factory=Neighbours, repr=False)


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
