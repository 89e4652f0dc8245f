# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the addresses that an edge may have behind it, as its document says. Its certificate names them (RFC 3779)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..._base.address_blocks import canonical

if TYPE_CHECKING:
    from ..._ledger.ledger import Transaction


def certified(document: Mapping[str, Any]) -> list[str]:
    """The local selectors of all tunnels in which the edge proves with a certificate who it is, as few ranges.

    Selectors are blocks, not leases: a member that joins needs no other certificate, a site's further block does. An
    edge that passes on what other edges have (the hub of a star) has their blocks, too.
    """
    return [str(one) for one in canonical({*_selectors(document)})]  # a thousand tunnels have the same, mostly


def of_applied(transaction: Transaction) -> dict[str, dict[str, list[str]]]:
    """The same of each org edge that has a certificate and was seen to run what it is told, by organization.

    Another one may still run a generation with addresses that its document has no more. It has what its certificate
    before has, until a run reaches it.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for organization in transaction.organizations():
        applied = transaction.applied(organization)
        for node, record in transaction.documents(organization).items():
            if record.role == "org_edge" and applied.get(node) == record.generation:
                document = record.document
                if any(map(_proves, document.get("tunnels") or [])):
                    found.setdefault(organization, {})[node] = certified(document)
    return found


def identity_of(document: Mapping[str, Any]) -> str:
    """The edge's identity; empty where no tunnel ends. To a gateway that is known by its address, it is known by its
    own."""
    tunnels = document.get("tunnels") or []
    return str(tunnels[0].get("identity", tunnels[0]["local_id"])) if tunnels else ""


def _selectors(document: Mapping[str, Any]) -> Iterator[str]:
    for tunnel in document.get("tunnels") or []:
        if _proves(tunnel):
            for link in tunnel.get("links") or []:
                yield from link.get("local_ts") or []


def _proves(tunnel: Mapping[str, Any]) -> bool:
    return bool(tunnel.get("ike", {}).get("auth", "pubkey") == "pubkey")
