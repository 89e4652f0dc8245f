# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what an edge serves by DHCP on the network that it is the gateway of: an address for each VM there, and for
members the way to their VPNs.

Nothing here adds anything to the document of an edge that serves none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from ..._base.prefix import Prefix, collapse
from ..._intent.landscape.hosts import OrgEdge, VappEdge
from ..._intent.landscape.landscape import Landscape
from ..._intent.vpn import Member
from .documents import Document
from .leased_vpn import LeasedVpn, known, texts

if TYPE_CHECKING:
    from .reach import Links

KEY = "dhcp"
MOST = 1500
"""The largest MTU that is told unasked: the network inside may carry no more."""


def serve(vpns: Iterable[Links], landscape: Landscape, documents: Mapping[str, Document]) -> None:
    """Add to documents of edges what they serve."""
    serving = {gateway.name: gateway for gateway in _serving(documents, landscape)}
    if not serving:
        return
    inside: dict[str, dict[str, list[tuple[Links, Member]]]] = {name: {} for name in serving}
    for links in vpns:
        for member in links.vpn.members:
            beside = member.vm.vapp or member.vm.site
            if beside in serving:
                inside[beside].setdefault(member.vm.name, []).append((links, member))
        for vm in links.vpn.stretch.members if links.vpn.stretch else ():
            beside = vm.vapp or vm.site
            if beside in serving:
                inside[beside].setdefault(vm.name, [])
    for name, gateway in serving.items():
        documents[name][KEY] = _served(gateway, inside[name], landscape)


def inputs(leased: LeasedVpn, site: str, vapps: Iterable[str]) -> list[str]:
    """What the edges of a site serve, and whom, as texts: their documents change with it."""
    gateways: list[OrgEdge | VappEdge] = [
        leased.edges[site],
        *(known(leased.landscape.vapp(name, "")) for name in vapps),
    ]
    members = {member.vm.name for member in leased.members_of(site)}
    members |= {vm.name for vm in leased.vpn.stretch.at(site)} if leased.vpn.stretch else set()
    return [
        repr([gateway.name, gateway.dhcp, leased.landscape.networks.behind(gateway, members)])
        for gateway in gateways
        if gateway.dhcp is not None
    ]


def _serving(documents: Mapping[str, Document], landscape: Landscape) -> Iterator[OrgEdge | VappEdge]:
    for name, document in documents.items():
        gateway: OrgEdge | VappEdge | None = None
        if document["role"] == "org_edge":
            gateway = landscape.edge(name)
        elif document["role"] == "vapp_edge":
            gateway = landscape.vapp(name, "")
        if gateway is not None and gateway.dhcp is not None:
            yield gateway


def _served(
    gateway: OrgEdge | VappEdge, members: Mapping[str, list[tuple[Links, Member]]], landscape: Landscape
) -> Document:
    asked = gateway.dhcp
    if asked is None:
        raise LookupError(f"{gateway.name} serves nothing")
    found: Document = {"network": str(asked.network), "address": gateway.inside[4], "lease": asked.lease}
    if asked.dns:
        found["dns"] = list(asked.dns)
    if asked.dynamic:
        found["range"] = [end.address() for end in asked.dynamic]
    if asked.mtu is not None:
        found["mtu"] = asked.mtu
    found["hosts"] = hosts = []
    for vm in landscape.networks.behind(gateway, members):
        entry: Document = {"name": vm.name, "address": vm.address}
        if vm.macs is not None:
            entry["mac"] = list(vm.macs)
        entry.update(_of_member(members.get(vm.name, []), sized=asked.mtu is None))
        hosts.append(entry)
    return found


def _of_member(memberships: Iterable[tuple[Links, Member]], sized: bool) -> Document:
    """What a member is told beside its address. Where it has addresses of VPNs itself, its own document has the routes:
    these would have it send from its private address."""
    routes: list[Prefix] = []
    sizes: list[int] = []
    for links, member in memberships:
        if member.mode == "nat" and links.leased.family == 4:
            routes += map(Prefix.parse, links.leased.blocks)
            routes += [network.prefix for network in links.vpn.destinations.networks]
        sizes += [link.mtu for link in links.at(member.vm.site)]
    return {
        **({"routes": texts(collapse(routes))} if routes else {}),
        **({"mtu": min(MOST, *sizes)} if sized and sizes else {}),
    }
