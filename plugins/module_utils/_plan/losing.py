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

from .._node.survey import carries
from .compile.documents import Document
from .compile.still_guarded import guard

if TYPE_CHECKING:
    from .organization import OrganizationPlan
    from .outcome import Plan
    from .plan import Request


@dataclass(frozen=True)
class Had:
    """What a member or a vApp edge sends by.

    ``addresses`` of its own; ``ways``, of a vApp edge: a VPN's block and the org edge that it goes to, "100.64.0.0/24
    10.10.0.1", where it lets something pass.
    """

    addresses: frozenset[str]
    ways: frozenset[str]

    def without(self, other: Had) -> bool:
        """Whether there is anything that ``other`` has not."""
        return bool(self.addresses - other.addresses or self.ways - other.ways)


def note_losing(plan: Plan, tenants: Sequence[OrganizationPlan], request: Request) -> None:
    """Add to the plan who is told first, what that is, and who of them is told the rest later.

    What counts is what the machine says that it has, and what the ledger told it: it may have lost the one, and go back
    to the other. A machine of which neither is sure is told first, whatever it has.
    """
    before = {node: record for tenant in tenants for node, record in tenant.records.items()}
    behind = {node for tenant in tenants for node in tenant.behind()}
    some = {*plan.changed_nodes, *plan.leaving, *request.observed, *behind} & {*plan.documents} & {*before}
    for node in sorted(some & {*plan.concerned} - {*request.forget}):
        if before[node].role not in _FIRST:
            continue
        document, facts = plan.documents[node], request.observed.get(node, {})
        new, told, says = _told(document), _told(before[node].document), _runs(facts)
        unsure = node in behind and (says is None or bool(facts.get("unconfirmed")))
        if unsure or node in plan.leaving or told.without(new) or (says is not None and says.without(new)):
            plan.losing.append(node)
            first = _FIRST[document["role"]](document, told if says is None else says)
            plan.losing_documents[node] = first
            plan.gaining += [] if first == document else [node]


def note_releasing(plan: Plan, tenants: Sequence[OrganizationPlan], observed: Mapping[str, Mapping[str, Any]]) -> None:
    """Add to the plan which org edges stop guarding something, and who of those that lose may still send it to them.

    Of one that an earlier run took out of its VPN it is not known where it was: it may be at any of them.
    """
    for tenant in tenants:
        for node, record in tenant.records.items():
            if record.role != "org_edge" or node not in plan.concerned:
                continue
            runs = observed.get(node, {}).get("runs") or {}
            had = {*_blocks(record.document), *(runs.get("blocks") or ())}
            if had - {*_blocks(plan.documents[node])}:
                theirs = [one for one in plan.losing if node in tenant.homes.get(one, {node})]
                plan.releasing.update({node: theirs} if theirs else {})


def _blocks(document: Document) -> Iterable[str]:
    return (block for vpn in document["vpns"] for block in vpn["blocks"])


def _runs(facts: Mapping[str, Any]) -> Had | None:
    """What the machine itself says; None if it did not, or cannot read what it runs."""
    if "runs" not in facts:
        return None
    return Had(frozenset(facts.get("own") or ()), frozenset(facts["runs"].get("carries") or ()))


def _told(document: Document) -> Had:
    return Had(frozenset(_addresses(document)), frozenset(carries(document)))


def _addresses(document: Document) -> Iterable[str]:
    """The addresses a member has itself. An edge's own is nobody's to send from."""
    return (entry["address"] for entry in document["addresses"] if document["role"] == "member")


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
    """Of a VPN that it did not carry, or not by this org edge, it refuses everything."""
    known = [{*carries({**document, "vpns": [entry]})} <= had.ways for entry in document["vpns"]]
    vpns = [entry if carried else guard(entry) for entry, carried in zip(document["vpns"], known)]
    return {**document, "vpns": vpns}


_FIRST = {"member": _member, "vapp_edge": _vapp_edge}
