# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: a VPN comes up when the org edges of two of its sites have confirmed it. Until then it is only planned.

An edge that is not ours confirms nothing: it counts as soon as an edge of ours that has a link to it did.

Members get their addresses in a VPN after it came up, not before. So it can be taken from edges at any time until then:
no member sends what they would no longer refuse.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._base.problems import Problems, some
from .._intent.organizations import organizations_of, restrict
from .._ledger.records import ACTIVE, DELETING, PLANNED, DocumentRecord, VpnRecord
from .compile.documents import Document
from .compile.lanes import site_in

if TYPE_CHECKING:
    from .._ledger.ledger import Transaction
    from .organization import OrganizationPlan

SITES = 2
SENDING = {"members", "vapp_edges"}


@dataclass
class Noted:
    """Whether the ledger ``changed``; the VPNs that ``came_up``; ``waiting`` says of the others what is missing, and
    ``held_back`` are their members, sorted, which are not to be told yet."""

    changed: bool = False
    came_up: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    held_back: list[str] = field(default_factory=list)


def note_what_came_up(
    transaction: Transaction,
    hosts: Mapping[str, Mapping[str, Any]],
    applied: Collection[str],
    generations: Mapping[str, int] | None = None,
    organizations: Sequence[str] = (),
    coming: Collection[str] = (),
    decides: bool = True,
) -> Noted:
    """After apply to the org edges: make VPNs active that came up.

    The arguments are those of ``settle``. What several runs confirm, each at other edges, counts together, unless a run
    for other VPNs came between: that one took the VPN from the edges. ``coming`` are the VPNs that the run's own plan
    brings: whatever others planned since, it tells no member of one that is not up. With ``decides`` False, the ledger
    is a cloud's part of the real one, in which it is noted what comes up.
    """
    ours, _intent = restrict(hosts, {}, {}, organizations, Problems())
    noted = Noted()
    if coming:
        _note_deleted(transaction, ours, coming, noted)
    for organization in organizations_of(ours):
        planned = {name: vpn for name, vpn in transaction.vpns(organization).items() if vpn.state == PLANNED}
        if not planned:
            continue
        newest = None if generations is None else int(generations.get(organization, 0))
        records = {node: one for node, one in transaction.documents(organization).items() if one.role == "org_edge"}
        having = {node: vpns_in(one.packed) for node, one in records.items()}
        partners_of = {node: _partners(one) for node, one in records.items() if one.has_external}
        for name, vpn in planned.items():
            told = {node: one for node, one in records.items() if name in having[node]}
            up = set(vpn.up_on) & set(told)
            up |= {node for node in set(told) & set(applied) if _is_of(told[node], newest)}
            partners = {peer for node in up for peer in partners_of.get(node, {}).get(name, ())}
            sites = {site_in(told[node].packed) for node in up} | partners
            state = ACTIVE if decides and len(sites) >= SITES else PLANNED
            record = transaction.put_vpn(organization, name, vpn.intent, state, up if state == PLANNED else ())
            noted.changed |= record != vpn
            if state == ACTIVE:
                noted.came_up.append(name)
            elif told or name in coming:  # by this run, or one that could not finish it
                noted.waiting.append(
                    f"{name} has not come up: {', '.join(sorted(up)) or 'no org edge'} confirmed it, and two org edges "
                    "have to. Its members follow after that"
                    if told
                    else f"{name} has not come up: another run, for other VPNs, removed it from the org edges "
                    "meanwhile. Its members get nothing of it; run this again"
                )
                noted.held_back += _told_later(vpn.intent["members"], {**transaction.landscape(organization), **ours})
    noted.held_back = sorted(set(noted.held_back))
    return noted


def _note_deleted(
    transaction: Transaction, hosts: Mapping[str, Mapping[str, Any]], coming: Collection[str], noted: Noted
) -> None:
    """Hold back the members of VPNs that this run brings, and that another run has deleted since it was planned."""
    stored: dict[str, list[tuple[str, VpnRecord]]] = {}
    for organization in organizations_of(hosts):
        for name, vpn in transaction.vpns(organization).items():
            stored.setdefault(name, []).append((organization, vpn))
    for name in sorted(coming):
        known = stored.get(name, [])
        if any(vpn.state != DELETING for _organization, vpn in known):
            continue
        noted.waiting.append(f"another run deleted {name} meanwhile. Its members get nothing of it")
        for organization, vpn in known:
            noted.held_back += _told_later(vpn.intent["members"], {**transaction.landscape(organization), **hosts})
        if not known:  # the ledger no longer says which members it had
            noted.held_back += [host for host, facts in hosts.items() if SENDING & set(facts["kinds"])]


def _told_later(members: Mapping[str, str], hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The nodes that let a VPN's members send: members with an address of their own, and vApp edges that translate."""
    vapps = {hosts[vm]["vars"].get("vcc_vapp") for vm, mode in members.items() if mode != "address" and vm in hosts}
    return [*(vm for vm, mode in members.items() if mode == "address"), *(str(vapp) for vapp in vapps if vapp)]


def hold_back(noted: Noted, awaiting: Mapping[str, Collection[str]], applied: Collection[str]) -> None:
    """Hold back the nodes that would send to an unguarding org edge: one ``awaiting`` and not ``applied``."""
    for edge in sorted({*awaiting} - {*applied}):
        nodes = sorted(awaiting[edge])
        noted.held_back = sorted({*noted.held_back, *nodes})
        noted.waiting.append(
            f"not changed yet: {some(nodes)}. This run did not bring {edge} to its generation, and {edge} would "
            f"forward their packets unencrypted. Repair {edge}, then run this again"
        )


def left_out(tenant: OrganizationPlan, prefix: str) -> list[str]:
    """Notes of the VPNs that never came up and that a run does not name. ``prefix`` goes before names: ``acme/``."""
    return [
        f"{prefix}{name} never came up: this run leaves it out, its addresses stay leased. Finish it with create_vpn, "
        f"or delete it with delete_vpn -e vcc_delete={prefix}{name}"
        for name in tenant.idle
    ]


def vpns_in(document: Document) -> set[str]:
    """The VPNs that an edge is told of."""
    return {vpn["name"] for vpn in document["vpns"]}


def _is_of(record: DocumentRecord, newest: int | None) -> bool:
    """Whether a run that applied this generation told the node what the ledger holds now."""
    return newest is None or record.generation <= newest


def _partners(record: DocumentRecord) -> dict[str, set[str]]:
    """The external edges that an edge has links to, by VPN."""
    found: dict[str, set[str]] = {}
    for tunnel in record.document["tunnels"]:
        for link in tunnel["links"] if tunnel.get("external") else ():
            found.setdefault(link["vpn"], set()).add(tunnel["peer"])
    return found
