# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the VPNs of an organization as one document per node."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..._base.lease import Lease
from ..._base.prefix import collapse
from ..._intent.landscape.landscape import Landscape
from ..._intent.vpn import Vpn
from ..pool.lease_keys import vpn_of
from ..topology.ways import single_points_of_failure
from . import access, allow, dhcp, outside, stretch
from .documents import Compiled, Document, Outline, empty_document
from .lanes import add_hellos
from .leased_vpn import LeasedVpn, texts
from .links import compile_links, size_links
from .reach import Links
from .records import KEY, Records
from .reqids import number_links
from .sites import compile_sites


def lease_vpns(
    vpns: Iterable[Vpn], numbers: Mapping[str, int], leases: Mapping[str, Lease], landscape: Landscape
) -> list[LeasedVpn]:
    """VPNs with their leases, by name. ``numbers`` are theirs and ``leases`` all the organization's, of the ledger."""
    own: dict[str, dict[str, Lease]] = {}
    for key, lease in leases.items():
        own.setdefault(vpn_of(key), {})[key] = lease
    return [
        LeasedVpn(vpn, numbers[vpn.name], own.get(vpn.name, {}), landscape)
        for vpn in sorted(vpns, key=lambda one: one.name)
    ]


def compile_organization(
    vpns: Iterable[Links],
    landscape: Landscape,
    only: Collection[str] | None = None,
    beside: Collection[str] = (),
    tunnels: bool = True,
) -> dict[str, Document]:
    """Compile all VPNs of one organization. The result depends on nothing but the arguments, not on their order.

    ``only``: the sites whose documents are needed, None for all. Of sites ``beside`` those, all but the tunnels is
    compiled, for the vApp edges that they share with them. Without ``tunnels`` the documents say all else.
    """
    vpns = list(vpns)
    compiled = Compiled()
    sites = None if only is None else {*only, *beside}
    for links in vpns:
        entries = compile_sites(links.leased, landscape, compiled, sites)
        stretch.size(links, entries, compiled.documents)
        if tunnels:
            compile_links(links, entries, compiled, only)
        else:
            size_links(links, entries)
    if tunnels:
        add_hellos(vpns, compiled.documents)
    compiled.neighbours.write(compiled.documents)
    dhcp.serve(vpns, landscape, compiled.documents)
    for document in compiled.documents.values():
        document["addresses"].sort(key=lambda item: item["address"])
        document["routes"].sort(key=lambda item: (item["prefix"], item.get("metric", 0)))
        document["tunnels"].sort(key=lambda item: item["name"])
        number_links(document["tunnels"])
    return compiled.documents


def compile_vcc_nodes(
    organization: str, told: Iterable[Outline], records: Records, nodes: Mapping[str, str], clouds: set[str]
) -> dict[str, Document]:
    """What VCC nodes are told: all that the other nodes of their clouds are told, in short.

    ``nodes``: their clouds by name. ``told``: the other nodes there. ``clouds``: all that have a VCC node.
    """
    slices: dict[str, dict[str, Any]] = {}
    for one in sorted(told, key=lambda one: one.node):
        slices.setdefault(one.cloud, {})[one.node] = {
            "role": one.role,
            "addresses": one.addresses,
            "vpns": one.vpns,
            "tunnels": one.tunnels,
        }
    kept = records.by_cloud(clouds, set(nodes.values()))
    return {
        node: {
            **empty_document(node, "vcc_node", organization, cloud),
            "slice": slices[cloud],
            KEY: kept[cloud],
        }
        for node, cloud in nodes.items()
    }


def summary(links: Links) -> dict[str, Any]:
    """What people and verify want to know of a VPN."""
    leased, vpn = links.leased, links.vpn
    weak = [site for site in single_points_of_failure(vpn.sites, vpn.pairs) if site not in leased.twins]
    return {
        "name": vpn.name,
        "number": leased.number,
        "organization": vpn.organization,
        "pool": vpn.pool_name,
        "topology": str(vpn.topology),
        "blocks": leased.blocks,
        "sites": {
            site: {
                "blocks": texts(collapse(leased.site_blocks[site])),
                "address": leased.edge_address(site),
                **(
                    {"edges": {edge.name: leased.own_address(edge.name) for edge in leased.edges_at(site)}}
                    if site in leased.twins
                    else {}
                ),
            }
            for site in leased.edges
        },
        "members": [
            {
                "name": member.vm.name,
                "address": leased.address(member),
                "mode": member.mode,
                "site": member.vm.site,
                "vapp": member.vm.vapp,
                "cloud": member.vm.cloud,
                **({"external": True} if member.vm.external else {}),
                **({} if member.ports is None else {"ports": list(member.ports)}),
            }
            for member in vpn.members
        ]
        + stretch.summary(leased),
        "tunnels": [*links.tunnels, *links.seconds],
        **access.summary(vpn, leased.leases),
        **allow.summary(vpn),
        **outside.summary(leased),
        **({"domain": vpn.domain} if vpn.domain else {}),
        **stretch.networks(leased),
        **({"single_points_of_failure": weak} if weak else {}),
        **({"limits": vpn.policy.limits} if vpn.policy.limits else {}),
    }
