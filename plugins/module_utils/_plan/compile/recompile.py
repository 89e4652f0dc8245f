# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: compiles what changed. All other documents are in the ledger, as an earlier plan compiled them.

The ledger keeps, beside the documents, a digest of what those of each site were compiled from (inputs.py), and of what
each VCC node's was. Where it is the same, the document is, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..._intent.landscape.landscape import Landscape
from ..._ledger.records import DocumentRecord
from .documents import Compiled, Document, empty_document
from .inputs import site_digests
from .leased_vpn import LeasedVpn
from .organization import compile_organization, compile_vcc_nodes
from .records import digest_of
from .still_guarded import still_guarded


@dataclass
class Recompiled:
    """``documents`` are those that were compiled; of the others the ledger's count. ``told``: the nodes that are told
    anything. ``old`` and ``new`` hold the tunnels of the sites that were compiled, as they were and as they are."""

    old: Compiled
    new: Compiled
    documents: dict[str, Document]
    told: set[str]
    digests: dict[str, str]


def recompile(
    organization: str,
    leased: Sequence[LeasedVpn],
    before: Sequence[LeasedVpn],
    going: Sequence[LeasedVpn],
    landscape: Landscape,
    past: Landscape,
    records: Mapping[str, DocumentRecord],
    known: Mapping[str, str],
) -> Recompiled:
    """``before``: the VPNs as they were; ``going``: those that an earlier run began to delete.

    ``known``: the digests that the ledger has.
    """
    digests = site_digests(leased, going)
    stale = {site for site, digest in digests.items() if known.get(site) != digest or site not in records}
    was = {site for one in before for site, edge in one.edges.items() if not edge.external}
    stale |= was - {*digests}  # sites that left, or whose VPN went
    new = compile_organization(organization, leased, landscape, stale)
    deleting = compile_organization(organization, going, past, stale)
    # A vApp edge may be at several sites, and be left by one. It has no tunnels: its document is always whole.
    documents = {
        node: document
        for node, document in new.documents.items()
        if new.homes[node] & stale or node not in records or document["role"] == "vapp_edge"
    }
    clouds = {str(document["cloud"]) for document in new.documents.values()}
    nodes = {node: cloud for node, cloud in landscape.nodes(organization).items() if cloud in clouds}
    told = {*new.documents, *nodes}
    for node in records:
        guarding = deleting.homes.get(node, set())
        record = records[node]
        if node not in told and (not guarding or guarding & stale or record.role == "vapp_edge"):
            documents[node] = empty_document(node, record.role, organization, record.document["cloud"])
    still_guarded(documents, deleting.documents)
    vcc = _vcc_digests(digests, new, going, nodes, clouds)
    redo = {node: cloud for node, cloud in nodes.items() if known.get(node) != vcc[node] or node not in records}
    if redo:
        whole = {
            node: documents.get(node) or records[node].document
            for node, document in new.documents.items()
            if document["cloud"] in redo.values()
        }
        documents.update(compile_vcc_nodes(organization, whole, new.records, redo, clouds))
    old = compile_organization(organization, before, past, stale)
    return Recompiled(old, new, documents, told, {**digests, **vcc})


def _vcc_digests(
    digests: Mapping[str, str],
    new: Compiled,
    going: Sequence[LeasedVpn],
    nodes: Mapping[str, str],
    clouds: set[str],
) -> dict[str, str]:
    """Of what the VCC nodes' documents are compiled from."""
    records = new.records.digests(clouds)
    sites: dict[str, list[str]] = {cloud: [] for cloud in clouds}
    for node, document in new.documents.items():
        if document["role"] == "org_edge":
            sites[document["cloud"]].append(f"{node} {digests[node]}")
    shared = [sorted(clouds), sorted(one.vpn.name for one in going)]
    return {node: digest_of([sorted(sites[cloud]), records[cloud], shared]) for node, cloud in nodes.items()}
