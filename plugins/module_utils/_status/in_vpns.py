# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""STATUS: which VPNs a node is in, by what it was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .._ledger.records import DELETING, DocumentRecord, vms_in
from .._plan.compile.records import ELSEWHERE, KEY
from .._plan.settle import told as brought_to

if TYPE_CHECKING:
    from .._ledger.ledger import Transaction

EDGES = ("org_edge", "vapp_edge")


def in_vpns(transaction: Transaction) -> dict[str, list[str]]:
    """Node -> the VPNs in its document, sorted; ``acme/payroll`` where several organizations have documents.

    Of a VCC node those of its cloud's slice. A node that is told to have nothing is in none; but an edge that was not
    seen to take that is in the VPNs that are being deleted: it may guard what a member still sends.
    """
    told = {org: transaction.documents(org) for org in transaction.organizations()}
    several = sum(bool(records) for records in told.values()) > 1
    found: dict[str, set[str]] = {}
    for org, records in told.items():
        prefix = f"{org}/" if several else ""
        members: dict[str, set[str]] = {}  # their documents do not say of which VPN their addresses are
        for name, vpn in transaction.vpns(org).items() if records else ():
            for vm in vms_in(vpn.intent) if vpn.state != DELETING else ():
                members.setdefault(vm, set()).add(name)
        going = _going(transaction, org, records)
        for record in records.values():
            packed = record.packed
            kept = packed.get(KEY) or {}  # of a VCC node
            names = {str(vpn["name"]) for vpn in packed["vpns"]} | {*kept.get("vpns", ()), *kept.get(ELSEWHERE, ())}
            names |= members.get(record.node, set()) if packed["addresses"] else set()
            names |= going.get(record.node, set())
            if names:
                found.setdefault(record.node, set()).update(f"{prefix}{name}" for name in names)
    return {node: sorted(names) for node, names in sorted(found.items())}


def _going(transaction: Transaction, org: str, records: Mapping[str, DocumentRecord]) -> dict[str, set[str]]:
    """Edge -> the VPNs that are being deleted, and that the edge may still have."""
    deleting = [name for name, vpn in transaction.vpns(org).items() if vpn.state == DELETING]
    if not deleting:
        return {}
    seen, held = transaction.seen(org), transaction.leases(org)
    late = {node for node, one in records.items() if one.role in EDGES and seen.get(node) != one.generation}
    found: dict[str, set[str]] = {}
    for name in deleting:
        for node in brought_to(held, name, late):
            found.setdefault(node, set()).add(name)
    return found
