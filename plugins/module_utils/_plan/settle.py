# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what deleted VPNs held is released once it is gone from their nodes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._base.lease import Lease
from .._base.problems import Problems
from .._intent.organizations import organizations_of, restrict
from .._ledger.records import ACTIVE, DELETING, DocumentRecord, vms_in
from .came_up import vpns_in
from .compile.documents import empty_document
from .pool.lease_keys import hosts_by_vpn, is_own_edge, vpn_key, vpn_of
from .served import behind

if TYPE_CHECKING:
    from .._ledger.ledger import Transaction


def settle(
    transaction: Transaction,
    hosts: Mapping[str, Mapping[str, Any]],
    applied: Sequence[str],
    generations: Mapping[str, int] | None = None,
    gone: Sequence[str] = (),
    organizations: Sequence[str] = (),
    failed: Collection[str] = (),
    given_up: Collection[str] = (),
) -> tuple[bool, list[str]]:
    """After apply: release what belonged to VPNs that are gone from all their nodes.

    Returns whether anything was released, and what is still held up.

    ``hosts`` are the landscape's facts, ``organizations`` those that the run is about; none stands for all.
    ``applied`` are the nodes that run their document now, as it was in ``generations`` (by organization; None: the
    newest): what another run planned meanwhile, they do not run yet. ``gone`` are hosts that will never run anything
    again; that a host is in no inventory of this run does not say so, as fleets are kept in several. Nodes
    that an earlier run, or another slice of a job, saw run their document count as well, unless they ``failed`` now.
    ``given_up``: the nodes that lose nothing, or were told what they lose; and that were not told what they get.
    """
    ours, _intent = restrict(hosts, {}, {}, organizations, Problems())
    waiting: list[str] = []
    changed = False
    for organization in organizations_of(ours):
        one = _Settling(organization, transaction)
        generation = None if generations is None else int(generations.get(organization, 0))
        one.note_given_up(set(given_up), generation)
        waiting += one.run(set(applied), generation, set(gone), set(failed))
        changed |= one.changed
    return changed, waiting


def told(held: Iterable[str], vpn: str, documents: Iterable[str]) -> set[str]:
    """The nodes a VPN was brought to: those whose leases it holds, wherever they are by now. A VM that is translated
    is told nothing."""
    return hosts_by_vpn(held).get(vpn, set()) & set(documents)


def is_empty(record: DocumentRecord, organization: str) -> bool:
    """Whether a node is told to remove everything."""
    document = record.packed
    empty = empty_document(record.node, record.role, organization, document["cloud"])
    return document == {**empty, "generation": record.generation}


class _Settling:
    """What is settled of one organization."""

    def __init__(self, name: str, transaction: Transaction) -> None:
        self.name, self.transaction = name, transaction
        self.changed = False

    def note_given_up(self, nodes: set[str], generation: int | None) -> None:
        """Note the nodes that run only what their document, as it was in ``generation``, leaves them."""
        stored = self.transaction.documents(self.name, nodes) if nodes else {}
        numbers = {node: one.generation for node, one in stored.items()}
        known = {node: number for node, number in numbers.items() if generation is None or number <= generation}
        self.transaction.note_given_up(self.name, known)

    def run(self, applied: set[str], generation: int | None, gone: set[str], failed: set[str]) -> list[str]:
        """Note what nodes run now, and drop what none has any more: leases, records and empty documents."""
        waiting = []
        held = self.transaction.leases(self.name)
        stored = self.transaction.documents(self.name)
        if generation is not None:
            applied = {node for node in applied if node not in stored or stored[node].generation <= generation}
        applied |= gone  # nobody waits for hosts that will never come back
        self.transaction.note_applied(self.name, {node: stored[node].generation for node in applied & set(stored)})
        seen = self.transaction.applied(self.name)
        applied |= {node for node, one in stored.items() if seen.get(node) == one.generation} - failed
        for name, vpn in sorted(self.transaction.vpns(self.name).items()):
            if vpn.state != DELETING:
                continue
            nodes = told(held, name, stored)
            clouds = {stored[node].packed["cloud"] for node in nodes}
            nodes |= {
                node
                for node, record in stored.items()
                if record.role == "vcc_node" and record.packed["cloud"] in clouds
            }
            missing = ", ".join(sorted(nodes - applied))
            if missing:
                waiting.append(
                    f"{name}: its addresses stay leased until it is gone from {missing}; if a host will never "
                    "come back, name it in vcc_forget"
                )
                continue
            self.transaction.release(self.name, vpn_key(name))
            self.transaction.drop_vpn(self.name, name)
            self.changed = True
        self._release_own(held, applied)
        self._forget(applied)
        return waiting

    def _release_own(self, held: Mapping[str, Lease], applied: set[str]) -> None:
        """Release what each edge of a pair had itself, where there is no pair any more, and every org edge of the VPN
        knows."""
        vpns, stored = self.transaction.vpns(self.name), self.transaction.documents(self.name)
        for key in filter(is_own_edge, held):
            vpn, edge, address = vpn_of(key), key.rpartition("/")[2], str(held[key].prefix)
            nodes = {node for node, one in stored.items() if one.role == "org_edge" and vpn in vpns_in(one.packed)}
            having = stored[edge].packed["addresses"] if edge in stored else ()
            there = any(entry["address"] == address for entry in having)
            if vpn in vpns and vpns[vpn].state == ACTIVE and not there and not (nodes | {edge} & {*stored}) - applied:
                self.transaction.release(self.name, key)
                self.changed = True

    def _forget(self, applied: set[str]) -> None:
        stored = self.transaction.documents(self.name)
        gone = {node for node, record in stored.items() if node in applied and is_empty(record, self.name)}
        self.transaction.drop_documents(self.name, gone)
        self.changed |= bool(gone)
        kept = {vm for record in self.transaction.vpns(self.name).values() for vm in vms_in(record.intent)}
        kept |= set(stored) - gone
        known = self.transaction.landscape(self.name)
        kept |= {
            str(known[host]["vars"].get("vcc_edge")) for host in kept & set(known)
        }  # an external one has no document
        kept |= behind(known, kept)
        for host in set(known) - kept:
            self.transaction.drop_landscape(self.name, host)
