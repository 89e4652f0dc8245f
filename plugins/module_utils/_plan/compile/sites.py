# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what a VPN has the nodes of its sites do: org edges, vApp edges and members."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from ..._base.prefix import collapse, without
from ..._intent.landscape.hosts import End, OrgEdge, VappEdge
from ..._intent.landscape.landscape import Landscape
from ..._intent.vpn import Member
from ..tunnel.kinds import KINDS
from . import access, allow, lanes, names, outside, stretch
from .documents import Compiled, Document, empty_document
from .leased_vpn import LeasedVpn, known, texts

# Any number that loses against every route somebody else may have for the same prefix.
BLACKHOLE_METRIC = 9999
_FORWARDING = {4: "net.ipv4.ip_forward", 6: "net.ipv6.conf.all.forwarding"}


def compile_sites(
    leased: LeasedVpn, landscape: Landscape, compiled: Compiled, only: Collection[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Add a VPN's sites to the documents. Returns the VPN's entries in the documents of its org edges, by edge.

    ``only``: the sites that are compiled, None for all. External ones are left out: they are told nothing.
    """
    compiler = _SiteCompiler(leased, landscape, compiled)
    sites = [site for site in leased.edges if only is None or site in only]
    found = {}
    for site in sites:
        if not leased.edges[site].external:
            members = leased.members_of(site)
            found[site] = compiler.site(leased.edges[site], members)
            if site in leased.twins:
                found[leased.twins[site].name] = compiler.edge(site, leased.twins[site], members)
    return found


def homes(leased: Iterable[LeasedVpn]) -> dict[str, set[str]]:
    """The sites that each node of some VPNs is at. A vApp edge may be at several."""
    found: dict[str, set[str]] = {}
    for one in leased:
        for site, edge in one.edges.items():
            if not edge.external:
                found.setdefault(site, set()).add(site)
        for site, twin in one.twins.items():
            found.setdefault(twin.name, set()).add(site)
        for site, vapp in one.vpn.stretch.vapps.items() if one.vpn.stretch else ():
            found.setdefault(vapp, set()).add(site)
        for member in one.vpn.members:
            if one.edges[member.vm.site].external:
                continue
            if member.vm.vapp is not None:
                found.setdefault(member.vm.vapp, set()).add(member.vm.site)
            if member.mode == "address":
                found.setdefault(member.vm.name, set()).add(member.vm.site)
    return found


def clouds(leased: Iterable[LeasedVpn]) -> dict[str, str]:
    """The clouds of the nodes of some VPNs."""
    found: dict[str, str] = {}
    for one in leased:
        found.update((site, edge.cloud) for site, edge in one.edges.items() if not edge.external)
        found.update((twin.name, twin.cloud) for twin in one.twins.values())
        for site, vapp in one.vpn.stretch.vapps.items() if one.vpn.stretch else ():
            found[vapp] = one.edges[site].cloud
        for member in one.vpn.members:
            if one.edges[member.vm.site].external:
                continue
            if member.vm.vapp is not None and member.vm.vapp not in found:
                found[member.vm.vapp] = known(one.landscape.vapp(member.vm.vapp, "")).cloud
            if member.mode == "address":
                found[member.vm.name] = member.vm.cloud
    return found


class _SiteCompiler:
    """Adds sites of one VPN to the documents."""

    def __init__(self, leased: LeasedVpn, landscape: Landscape, compiled: Compiled) -> None:
        self.leased, self.vpn, self.landscape, self.compiled = leased, leased.vpn, landscape, compiled
        self.neighbours = compiled.neighbours
        self.family, self.blocks, self.kind = leased.family, leased.blocks, KINDS[leased.vpn.tunnel]

    def site(self, edge: OrgEdge, members: Sequence[Member]) -> dict[str, Any]:
        """Tell all nodes of a site, but the second edge of a pair. Returns the VPN's entry in the document of its org
        edge."""
        for member in members:
            if member.vm.vapp is None and member.mode == "address":
                self._member(member, edge)
        behind = self._behind(edge.name, members)
        end = self.vpn.stretch.end(edge.name) if self.vpn.stretch else None
        for name, vapp_members in sorted(behind.items()):
            self._vapp(edge, known(self.landscape.vapp(name, "")), vapp_members, end)
        return self.edge(edge.name, edge, members)

    def _behind(self, site: str, members: Sequence[Member]) -> dict[str, list[Member]]:
        """The members behind vApp edges of a site, by vApp edge."""
        stretched = self.vpn.stretch.end(site).vapp if self.vpn.stretch else None
        behind: dict[str, list[Member]] = {stretched: []} if stretched else {}
        for member in members:
            if member.vm.vapp is not None:
                behind.setdefault(member.vm.vapp, []).append(member)
        return behind

    def edge(self, site: str, edge: OrgEdge, members: Sequence[Member]) -> dict[str, Any]:
        """Tell one org edge of a site. Returns the VPN's entry in its document."""
        document = self._document(edge.name, "org_edge", edge.cloud)
        own = self.leased.edge_address(site)
        document["addresses"].append({"address": self.leased.host(own), "device": "lo"})
        pair = lanes.of_edge(self.leased, edge)
        if pair:
            document["pair"] = pair
            alone = self.leased.own_address(edge.name)
            document["addresses"].append({"address": self.leased.host(alone), "device": "lo"})
        beyond = texts(self.vpn.destinations.networks_beyond(site))
        document["routes"] += [_blackhole(prefix) for prefix in (*self.blocks, *beyond)]
        self.neighbours.inside(edge.name, (edge.own if pair else edge.inside)[self.family])
        local, nat = [], []
        end = self.vpn.stretch.end(site) if self.vpn.stretch else None
        if end and end.vapp:
            local.append(self.leased.end_address(end))
        for member in members:
            vapp = member.vm.vapp
            if vapp is not None:
                local.append(self.leased.address(member))
            elif member.mode == "nat":
                nat.append(self._translation(member))
            else:
                local.append(self.leased.address(member))
                document["routes"].append(self._route_to(member))
            if vapp is None:
                self._beside(edge, member)
        for name in sorted(self._behind(site, members)):
            gateway = known(self.landscape.vapp(name, ""))
            blocks, brought = self.leased.vapp_blocks(site, name), self.leased.brought(site, name)
            here = texts([*without(collapse(blocks), self.leased.left(site, name)), *brought])
            self.neighbours.beside(edge.name, gateway, gateway.outside[self.family], here)
            for block in texts([*blocks, *brought]):
                document["routes"].append({"prefix": block, "via": gateway.outside[self.family]})
        entry = {**self._firewall(local, nat), "remote": [], "edge_address": own, **self.kind.firewall()}
        if pair:
            entry["own_address"] = self.leased.own_address(edge.name)
        entry.update(access.of_org_edge(self.vpn, site, members, self.leased.leases))
        entry.update(allow.of_org_edge(self.vpn, site, members, self.blocks, self.leased.leases))
        entry.update(names.of_org_edge(self.leased))
        entry.update(stretch.of_org_edge(self.leased, end))
        entry.update(outside.of_org_edge(self.leased, edge, members))
        document["addresses"] += outside.addresses(entry, edge, self.leased)
        entry.update({**self.vpn.policy.rate.entry(), **self.vpn.policy.quota.entry()})
        document["vpns"].append(entry)
        return entry

    def _vapp(self, edge: OrgEdge, gateway: VappEdge, members: Sequence[Member], end: End | None) -> None:
        document = self._document(gateway.name, "vapp_edge", gateway.cloud)
        there = [*self.blocks, *self._networks()]
        document["routes"] += [{"prefix": prefix, "via": edge.inside[self.family]} for prefix in there]
        self._uplink(gateway.name, edge, there)
        self.neighbours.inside(gateway.name, gateway.inside[self.family])
        # Fail closed when the way to the org edge goes away; there may be another uplink.
        document["routes"] += [_blackhole(prefix) for prefix in there]
        # Without it, an address of the vApp's block that nobody has would be sent back to the org edge, and so on.
        document["routes"] += [_blackhole(str(block)) for block in self.leased.vapp_blocks(edge.name, gateway.name)]
        left = texts(self.leased.left(edge.name, gateway.name, anywhere=True))
        document["routes"] += [{"prefix": prefix, "via": edge.inside[self.family]} for prefix in left]
        local = [member for member in members if member.mode == "address"]
        document["routes"] += [self._route_to(member) for member in local]
        nat = [self._translation(member) for member in members if member.mode == "nat"]
        document["vpns"].append(
            {
                **self._firewall([self.leased.address(member) for member in local], nat),
                "remote": self.blocks,
                **access.of_vapp_edge(self.vpn, members, self.leased.leases),
                **allow.of_vapp_edge(self.vpn, gateway.name, members, self.blocks, self.leased.leases),
                **outside.of_vapp_edge(self.leased, members),
                **stretch.of_vapp_edge(self.leased, end),
            }
        )
        if end:
            own = self.leased.host(self.leased.end_address(end))
            document["addresses"].append({"address": own, "device": "lo"})
        for member in members:
            self._beside(gateway, member)
        for member in local:
            self._member(member, gateway)

    def _beside(self, gateway: OrgEdge | VappEdge, member: Member) -> None:
        sends = [self.leased.host(self.leased.address(member))] if member.mode == "address" else []
        self.neighbours.beside(gateway.name, member.vm, member.vm.addresses[self.family], sends)

    def _member(self, member: Member, gateway: OrgEdge | VappEdge) -> None:
        document = self._document(member.vm.name, "member", member.vm.cloud)
        own = self.leased.address(member)
        document["addresses"].append({"address": self.leased.host(own), "beside": member.vm.addresses[self.family]})
        there, via = [*self.blocks, *self._networks()], gateway.inside[self.family]
        document["routes"] += [{"prefix": prefix, "via": via, "source": own} for prefix in there]
        names.tell_member(document, self.leased, member.vm)
        if isinstance(gateway, OrgEdge):
            self._uplink(member.vm.name, gateway, ())
        else:
            self.neighbours.beside(member.vm.name, gateway, via, uplink=True)

    def _uplink(self, node: str, edge: OrgEdge, sends: Sequence[str]) -> None:
        """An org edge beside a node; of a pair, either edge may be at its address."""
        machines = self.leased.edges_at(edge.name)
        self.neighbours.beside(
            node, edge, edge.inside[self.family], sends, uplink=True, machines=machines if len(machines) > 1 else ()
        )

    def _networks(self) -> list[str]:
        """All networks that are destinations."""
        return [str(network.prefix) for network in self.vpn.destinations.networks]

    def _document(self, node: str, role: str, cloud: str) -> Document:
        document = self.compiled.documents.get(node)
        if document is None:
            document = self.compiled.documents[node] = empty_document(node, role, self.vpn.organization, cloud)
        if role != "member":
            document["sysctls"][_FORWARDING[self.family]] = "1"
        return document

    def _firewall(self, local: Sequence[str], nat: Sequence[dict[str, str]]) -> dict[str, Any]:
        return {
            "name": self.vpn.name,
            "number": self.leased.number,
            "family": self.family,
            "blocks": self.blocks,
            "local": sorted(local),
            "nat": sorted(nat, key=lambda item: item["outside"]),
        }

    def _route_to(self, member: Member) -> dict[str, Any]:
        return {"prefix": self.leased.host(self.leased.address(member)), "via": member.vm.addresses[self.family]}

    def _translation(self, member: Member) -> dict[str, str]:
        return {"outside": self.leased.address(member), "inside": member.vm.addresses[self.family]}


def _blackhole(prefix: str) -> dict[str, Any]:
    return {"prefix": prefix, "type": "blackhole", "metric": BLACKHOLE_METRIC}
