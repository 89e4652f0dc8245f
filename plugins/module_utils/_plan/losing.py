# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: who loses an address or a VPN stops using it before org edges stop guarding it; what it gets comes later.

Such a member or vApp edge is told twice: first only what it has already and keeps, and after the org edges have all of
it, the rest. At once, it would send from addresses that they do not know yet, or no more: in clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .compile.documents import Document
from .compile.still_guarded import guard

if TYPE_CHECKING:
    from .organization import OrganizationPlan
    from .outcome import Plan


@dataclass(frozen=True)
class Had:
    """What a member or a vApp edge sends by: addresses of its own, or blocks of VPNs that it carries."""

    addresses: frozenset[str]
    blocks: frozenset[str]


def note_losing(plan: Plan, tenants: Sequence[OrganizationPlan], observed: Mapping[str, Mapping[str, Any]]) -> None:
    """Add to the plan who is told first, what that is, and who of them is told the rest later.

    What a machine runs counts (``observed``); of one that was not asked or gave no answer, what the ledger knew of it.
    """
    before = {node: record for tenant in tenants for node, record in tenant.records.items()}
    for node in sorted({*plan.changed_nodes, *plan.leaving, *observed} & {*plan.documents} & {*before}):
        if before[node].role not in _FIRST:
            continue
        document = plan.documents[node]
        had = _runs(observed.get(node, {})) or _told(before[node].document)
        has = _told(document)
        member = document["role"] == "member"
        lost = had.addresses - has.addresses if member else had.blocks - has.blocks
        if lost or node in plan.leaving:
            plan.losing.append(node)
            first = _FIRST[document["role"]](document, had)
            plan.losing_documents[node] = first
            plan.gaining += [] if first == document else [node]


def _runs(facts: Mapping[str, Any]) -> Had | None:
    """What the machine itself says; None if it did not."""
    if "runs" not in facts:
        return None
    return Had(frozenset(facts.get("own") or ()), frozenset(facts["runs"].get("blocks") or ()))


def _told(document: Document) -> Had:
    blocks = (block for vpn in document["vpns"] for block in vpn["blocks"])
    return Had(frozenset(_addresses(document)), frozenset(blocks))


def _addresses(document: Document) -> Iterable[str]:
    return (entry["address"] for entry in document["addresses"])


def _member(document: Document, had: Had) -> Document:
    """No address that it did not have, nor a route from one."""
    kept = had.addresses & {*_addresses(document)}
    sources = {address.partition("/")[0] for address in kept}
    return {
        **document,
        "addresses": [entry for entry in document["addresses"] if entry["address"] in kept],
        "routes": [route for route in document["routes"] if route.get("source") in sources],
    }


def _vapp_edge(document: Document, had: Had) -> Document:
    """Of a VPN that it did not have, it refuses everything."""
    vpns = [entry if {*entry["blocks"]} <= had.blocks else guard(entry) for entry in document["vpns"]]
    return {**document, "vpns": vpns}


_FIRST = {"member": _member, "vapp_edge": _vapp_edge}
