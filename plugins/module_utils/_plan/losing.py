# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: who loses an address or a VPN stops using it before org edges stop guarding it; what it gets comes later.

Such a member or vApp edge is told twice: first only what it has already and keeps, and after the org edges have all of
it, the rest. At once, it would send from addresses that they do not know yet, or no more: in clear. So no node gets
what its own edge does not guard, and no edge stops guarding what is still sent to it.

Whoever moves gets all of it first, where its new edge guards it already (yielding.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._ledger.records import DocumentRecord
from .._node.survey import carries
from .compile.documents import Document
from .compile.lanes import site_in, twin_in
from .compile.still_guarded import guard
from .yielding import arriving, note_yielding, staying

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


NOTHING = Had(frozenset(), frozenset())


def note_order(plan: Plan, tenants: Sequence[OrganizationPlan], request: Request) -> None:
    """Add to the plan the nodes that are told first, with what they are told, and those of them that are told the rest
    later; the org edges that other nodes wait for, and the org edges that wait for other nodes."""
    guards = [Guards(tenant, plan, request) for tenant in tenants]
    _note_losing(plan, tenants, request, guards)
    for one in guards:
        one.note_releasing()
        one.note_awaiting()
        note_yielding(one.tenant, plan, one)


def _note_losing(plan: Plan, tenants: Sequence[OrganizationPlan], request: Request, guards: Sequence[Guards]) -> None:
    """The machine's own word and the ledger's both count: a machine may have lost what it was told, and may go back to
    it. A machine of which neither is sure is told first, whatever it has: it may never have got what its edge does not
    guard yet, so that comes later.
    """
    before = {node: record for tenant in tenants for node, record in tenant.records.items()}
    moved = {node for one in guards for node in one.moved}
    late = {node for one in guards for node in staying(one.tenant, plan, one)}
    early = {node for one in guards for node in arriving(one.tenant, plan, one)}
    behind = {node for tenant in tenants for node in tenant.behind()}
    some = {*plan.changed_nodes, *plan.leaving, *request.observed, *behind} & {*plan.documents} & {*before}
    for node in sorted(early - {*before}):  # a vApp edge that had no member behind it
        plan.losing.append(node)
        plan.losing_documents[node] = plan.documents[node]
    for node in sorted(some & {*plan.concerned} - {*request.forget}):
        if before[node].role not in _FIRST:
            continue
        document, facts = plan.documents[node], request.observed.get(node, {})
        new, told, says = _told(document), _told(before[node].document), _runs(facts)
        unsure = node in behind and (says is None or bool(facts.get("unconfirmed")))
        if node in late and not unsure and node not in {*plan.leaving, *early}:
            continue
        if (
            unsure
            or node in plan.leaving
            or node in moved
            or node in early
            or told.without(new)
            or (says is not None and says.without(new))
        ):
            plan.losing.append(node)
            had = told if says is None else says
            if unsure and says is None:
                lacking = frozenset[str]().union(*(one.lacking_of(node) for one in guards))
                had = _outside(before[node].document, had, lacking)
            # What it keeps, it sends by another edge: the old one may stop guarding, the new one may not guard yet.
            had = NOTHING if node in moved else had
            first = document if node in early else _FIRST[document["role"]](document, had)
            plan.losing_documents[node] = first
            plan.gaining += [] if first == document else [node]


class Guards:
    """What the org edges of one organization guard, are to guard, and who depends on it."""

    def __init__(self, tenant: OrganizationPlan, plan: Plan, request: Request) -> None:
        self.tenant, self.plan, self.request = tenant, plan, request
        self.behind = tenant.behind()
        self.moved = tenant.moved_nodes()
        self._blocks: dict[str, frozenset[str]] = {}
        self._lacking: dict[str, frozenset[str]] = {}

    def blocks(self, record: DocumentRecord) -> frozenset[str]:
        """The blocks in an org edge's document; each is read once."""
        if record.digest not in self._blocks:
            self._blocks[record.digest] = frozenset(block for vpn in record.packed["vpns"] for block in vpn["blocks"])
        return self._blocks[record.digest]

    def lacking(self, edge: str) -> frozenset[str]:
        """The blocks that an org edge is to guard, and is not known to guard yet."""
        if edge not in self._lacking:
            known = self.tenant.records.get(edge)
            told = self.blocks(known) if known and edge not in self.behind else frozenset[str]()
            guarded = _guarded(told, self.request.observed.get(edge, {}))
            self._lacking[edge] = self.blocks(self.plan.documents.record(edge)) - guarded
        return self._lacking[edge]

    def edges_of(self, node: str) -> list[str]:
        """The org edges that a node sends by, both of a pair. Of a VPN that no edge is told of it has nothing to
        send."""
        documents = self.plan.documents
        sites = [site for site in self.tenant.places.get(node, ()) if site in documents]
        twins = (twin_in(documents.record(site).packed) for site in sites)
        return sorted({*sites, *(twin for twin in twins if twin in documents)})

    def lacking_of(self, node: str) -> frozenset[str]:
        """The blocks that one of them lacks."""
        return frozenset[str]().union(*map(self.lacking, self.edges_of(node)))

    def note_releasing(self) -> None:
        """Note, for each org edge that stops guarding something, the losing nodes that may still send it there.

        Of one that an earlier run took out of its VPN it is not known where it was: it may be at any of them. So may
        one that is still in the VPN, and was not seen to run its document: it may have moved. An edge that was not seen
        to run its document, or does not say what it runs, may guard anything.
        """
        tenant, plan = self.tenant, self.plan
        losing = {node for node in {*plan.losing} & tenant.records.keys() if not self._gave_up(node)}
        anywhere = losing - tenant.homes.keys()
        unseen = self.behind & {*plan.documents} & {*plan.concerned} - {*self.request.forget}
        unseen = {node for node in unseen if tenant.records[node].role in _FIRST and not self._gave_up(node)}
        there: dict[str, set[str]] = {}
        for node in losing - anywhere:
            for place in tenant.homes[node]:
                there.setdefault(place, set()).add(node)
        edges = {node for node, record in tenant.records.items() if record.role == "org_edge"} & {*plan.concerned}
        for edge in sorted(edges) if losing or unseen else ():
            facts, new = self.request.observed.get(edge, {}), self.blocks(plan.documents.record(edge))
            had = {*self.blocks(tenant.records[edge]), *(facts.get("runs") or {}).get("blocks", ())}
            unknown = "runs" not in facts and (edge in self.behind or _answered(facts))
            if unknown or had - new:
                gone = had - new
                moved = {
                    one for one in unseen if (unknown and one in losing) or gone & _destinations(plan.documents[one])
                }
                theirs = sorted(there.get(site_in(tenant.records[edge].packed), set()) | anywhere | moved)
                plan.releasing.update({edge: theirs} if theirs else {})

    def _gave_up(self, node: str) -> bool:
        """Whether an earlier run took from a node all that it loses, and the node does not say otherwise.

        Whoever loses one thing and waits for another would else hold the edge that it waits for.
        """
        record, facts = self.plan.documents.record(node), self.request.observed.get(node, {})
        if self.tenant.seen.get(node) != -record.generation or facts.get("unconfirmed"):
            return False
        says = _runs(facts)
        return says is None or not says.without(_told(record.document))

    def note_awaiting(self) -> None:
        """Note the nodes that get something to send at an edge that would still pass it on in clear."""
        plan, request = self.plan, self.request
        due = {*plan.changed_nodes, *request.observed, *self.behind} & self.tenant.places.keys() & {*plan.concerned}
        for node in sorted(due - {*request.forget}):
            if plan.documents.record(node).role not in _FIRST:
                continue
            for edge in self.edges_of(node):
                # Of a document that is new all counts: a large fleet has many, each of which takes time to read.
                lacking = self.lacking(edge)
                if lacking and (node not in self.tenant.records or self._gained(node) & lacking):
                    plan.awaiting.setdefault(edge, []).append(node)

    def _gained(self, node: str) -> set[str]:
        """The blocks that a node gets something to send to."""
        document, had = self.plan.documents[node], _runs(self.request.observed.get(node, {}))
        if had is None:
            unsure = node in self.behind
            had = NOTHING if unsure else _told(self.tenant.records[node].document)
        if node in self.moved:
            had = NOTHING
        new = _told(document)
        gained = {address.partition("/")[0] for address in new.addresses - had.addresses}
        blocks = {str(route["prefix"]) for route in document["routes"] if route.get("source") in gained}
        return blocks | {_block(way) for way in new.ways - had.ways}


def _outside(document: Document, had: Had, lacking: Collection[str]) -> Had:
    """What a node had, without what it sends to these blocks."""
    sources = {route.get("source") for route in document["routes"] if route["prefix"] in lacking}
    return Had(
        frozenset(address for address in had.addresses if address.partition("/")[0] not in sources),
        frozenset(way for way in had.ways if _block(way) not in lacking),
    )


def _destinations(document: Document) -> set[str]:
    """The blocks that a node sends to."""
    return {str(route["prefix"]) for route in document["routes"]}


def _block(way: str) -> str:
    return way.partition(" ")[0]


def _answered(facts: Mapping[str, Any]) -> bool:
    return bool(facts) and "silent" not in facts


def _guarded(told: frozenset[str], facts: Mapping[str, Any]) -> frozenset[str]:
    """The blocks that an org edge is known to guard: by what it says, else by what it was told and seen to run.

    None, if it answers and cannot read what it runs, or may go back to something else.
    """
    if not _answered(facts):
        return told
    if facts.get("unconfirmed"):
        return frozenset()
    return frozenset((facts.get("runs") or {}).get("blocks") or ())


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
