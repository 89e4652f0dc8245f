# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: gateways refuse the addresses of a VPN that is being deleted, as long as a member may still send from them.

delete_vpn takes a VPN from its members first, and holds the edges back while one of them cannot be reached. A run for
another VPN that comes in between brings the edges new documents. Without this, the edges would forward what the member
still sends like everything else: unencrypted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .documents import Document

# What a firewall needs to know of a VPN to refuse all of its packets.
_KEPT = ("name", "number", "family", "blocks", "mtu", "mss", "kind")


def still_guarded(documents: dict[str, Document], deleting: Mapping[str, Document]) -> None:
    """Add guards to ``documents``: of the VPNs that ``deleting`` holds, as their gateways had them."""
    for node, document in deleting.items():
        if node in documents and document["vpns"]:
            guards = {entry["name"]: guard(entry) for entry in document["vpns"]}
            there = {entry["name"] for entry in documents[node]["vpns"]}
            refusing = [route for route in document["routes"] if route.get("type")]
            mine = documents[node]
            mine["vpns"] = [*mine["vpns"], *(guard for name, guard in sorted(guards.items()) if name not in there)]
            mine["routes"] = [*mine["routes"], *(route for route in refusing if route not in mine["routes"])]


def guard(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A VPN's entry in a document, with nothing in it that passes."""
    kept = {key: entry[key] for key in _KEPT if key in entry}
    return {**kept, "local": [], "nat": [], "remote": []}
