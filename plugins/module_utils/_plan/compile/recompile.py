# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: compiles what changed. All other documents are in the ledger, as an earlier plan compiled them.

The ledger keeps, beside the documents, a digest of what those of each site were compiled from (inputs.py), and of what
each VCC node's was. Where it is the same, the document is, too.

Documents are compiled a few sites at a time, and handed over as the ledger keeps them: those of a large mesh are far
larger than what the ledger keeps of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..._intent.landscape.landscape import Landscape
from ..._ledger.records import DocumentRecord, text_of
from .documents import Document, empty_document, outline
from .inputs import site_digests
from .leased_vpn import LeasedVpn
from .organization import compile_organization, compile_vcc_nodes, summary
from .reach import Links
from .records import Records, digest_of
from .sites import clouds, homes
from .still_guarded import still_guarded

AT_ONCE = 20000  # tunnels of one VPN whose ends are compiled at a time; at least those of one site


@dataclass
class Recompiled:
    """``texts`` are the documents that were compiled, as the ledger keeps them, each with its role; of all other nodes
    the ledger's count. ``told``: the nodes that are told anything. ``stale``: the sites that were compiled.

    ``old`` and ``new``: the links as they were and as they are; ``homes``: the sites that nodes were at.
    """

    stale: set[str]
    old: list[Links]
    new: list[Links]
    homes: dict[str, set[str]]
    told: set[str] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)
    texts: dict[str, tuple[str, str]] = field(default_factory=dict)

    @cached_property
    def vpns(self) -> list[dict[str, Any]]:
        """What people and verify want to know of the VPNs."""
        return [summary(links) for links in self.new]

    @cached_property
    def vpns_before(self) -> list[dict[str, Any]]:
        """The same of those that were."""
        return [summary(links) for links in self.old]


class Recompiler:
    """Of one organization. ``leased``: its VPNs; ``before``: as they were; ``going``: those that an earlier run began
    to delete.

    ``records``: the documents that the ledger has, ``known``: its digests.
    """

    def __init__(
        self,
        organization: str,
        leased: Sequence[LeasedVpn],
        before: Sequence[LeasedVpn],
        going: Sequence[LeasedVpn],
        landscape: Landscape,
        past: Landscape,
        records: Mapping[str, DocumentRecord],
        known: Mapping[str, str],
    ) -> None:
        self.organization, self.leased, self.going = organization, leased, going
        self.landscape, self.past, self.records, self.known = landscape, past, records, known
        digests = site_digests(leased, going)
        stale = {site for site, digest in digests.items() if known.get(site) != digest or site not in records}
        was = {site for one in before for site, edge in one.edges.items() if not edge.external}
        stale |= was - {*digests}  # sites that left, or whose VPN went
        self.homes = homes(leased)
        self.done = Recompiled(stale, list(map(Links, before)), list(map(Links, leased)), homes(before))
        self.done.digests = digests

    def run(self) -> Recompiled:
        """Compile what is stale."""
        for sites, due in self._batches():
            beside = {site for node in due for site in self.homes[node]} - sites
            compiled = compile_organization(self.done.new, self.landscape, sites, beside)
            self._keep({node: compiled[node] for node in due})
        cloud_of = clouds(self.leased)
        shared = {*cloud_of.values()}
        nodes = {node: cloud for node, cloud in self.landscape.nodes(self.organization).items() if cloud in shared}
        self.done.told = {*self.homes, *nodes}
        gone = [record for node, record in self.records.items() if node not in self.done.told]
        self._keep(
            {one.node: empty_document(one.node, one.role, self.organization, one.packed["cloud"]) for one in gone}
        )
        self._vcc_nodes(nodes, cloud_of, shared)
        return self.done

    def _batches(self) -> Iterable[tuple[set[str], list[str]]]:
        """A few sites at a time, each with the nodes there whose documents are due."""
        due: dict[str, list[str]] = {}
        for node, places in self.homes.items():
            stale = (places | self.done.homes.get(node, set())) & self.done.stale
            if stale or node not in self.records or node in self._deleting or self._has_another(node):
                due.setdefault(min(places & stale or places), []).append(node)
        sites, most = sorted(due), max((len(one.vpn.sites) for one in self.leased), default=1)
        step = max(1, AT_ONCE // most)
        for some in (sites[at : at + step] for at in range(0, len(sites), step)):
            yield {*some}, [node for site in some for node in due[site]]

    def _has_another(self, node: str) -> bool:
        """Whether a vApp edge is told of a VPN that is no longer there, as of one that was settled: its site may be
        another one's."""
        record = self.records[node]
        if record.role != "vapp_edge":
            return False
        return {vpn["name"] for vpn in record.packed["vpns"]} != self._behind.get(node, set())

    @cached_property
    def _behind(self) -> dict[str, set[str]]:
        """The VPNs of vApp edges."""
        found: dict[str, set[str]] = {}
        for one in self.leased:
            for vapp in one.vpn.stretch.vapps.values() if one.vpn.stretch else ():
                found.setdefault(vapp, set()).add(one.vpn.name)
            for member in one.vpn.members:
                if member.vm.vapp is not None:
                    found.setdefault(member.vm.vapp, set()).add(one.vpn.name)
        return found

    @cached_property
    def _deleting(self) -> dict[str, Document]:
        """What nodes had of VPNs that are being deleted, without their tunnels."""
        sites = {site for one in self.going for site in one.edges}
        return compile_organization(map(Links, self.going), self.past, sites, tunnels=False) if self.going else {}

    def _keep(self, documents: dict[str, Document]) -> None:
        still_guarded(documents, self._deleting)
        for node, document in documents.items():
            self.done.texts[node] = document["role"], text_of(document)

    def _vcc_nodes(self, nodes: Mapping[str, str], cloud_of: Mapping[str, str], shared: set[str]) -> None:
        """VCC nodes only repeat what others are told."""
        records, having = Records(self.leased), {*nodes.values()}
        digests = self._vcc_digests(records, nodes, shared)
        redo = {
            node: cloud
            for node, cloud in nodes.items()
            if self.known.get(node) != digests[node] or node not in self.records
        }
        if redo:
            there = [node for node, cloud in cloud_of.items() if cloud in redo.values()]
            told = (outline(json.loads(self._text(node))) for node in there)
            self._keep(compile_vcc_nodes(self.organization, told, records, redo, having))
        self.done.digests.update(digests)

    def _text(self, node: str) -> str:
        """A node's document as the ledger keeps it, or is going to."""
        return self.done.texts[node][1] if node in self.done.texts else self.records[node].text

    def _vcc_digests(self, records: Records, nodes: Mapping[str, str], shared: set[str]) -> dict[str, str]:
        """Of what the VCC nodes' documents are compiled from."""
        kept = records.digests({*nodes.values()})
        sites: dict[str, set[str]] = {cloud: set() for cloud in shared}
        for one in self.leased:
            for site, edge in one.edges.items():
                if not edge.external:
                    sites[edge.cloud].add(f"{site} {self.done.digests[site]}")
        also = [sorted(shared), sorted(one.vpn.name for one in self.going)]
        return {node: digest_of([sorted(sites[cloud]), kept[cloud], also]) for node, cloud in nodes.items()}
