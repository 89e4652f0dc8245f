# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what only shows when VPNs, landscape and ledger are seen together.

Address versions must match along every member's way out, a pool must not cover a network that is really there, and a
VPN's pool is for life. Tunnels, destinations and addresses beside each other are in files of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ._check_addresses import check_addresses
from ._check_destinations import check_between_vpns, check_destinations
from ._check_tunnels import check_tunnels
from ._landscape import Landscape
from ._landscape_hosts import OrgEdge
from ._leases import Lease, is_vpn_block, vpn_key, vpn_of
from ._prefix import Prefix, parse_address
from ._problems import Problems
from ._tunnels import KINDS
from ._vpn import Member, Vpn


def check_vpns(vpns: Iterable[Vpn], held: Mapping[str, Lease], landscape: Landscape, problems: Problems) -> None:
    """Note everything that makes one of an organization's VPNs impossible. ``held`` are the organization's leases."""
    blocks = {key: lease for key, lease in held.items() if is_vpn_block(key)}
    vpns = list(vpns)
    taken = [(f"{vpn.path}.pool", vpn.pool) for vpn in vpns] + [(key, lease.prefix) for key, lease in blocks.items()]
    check_between_vpns(vpns, problems)
    for vpn in vpns:
        edges = [edge for edge in map(landscape.edge, vpn.sites) if edge is not None]
        if len(edges) < len(vpn.sites):
            continue
        if len(vpn.homes) == 1:
            problems.add(
                f"{vpn.path}.members", f"are all at the one site {vpn.homes[0]}: a VPN joins two or more org networks"
            )
        for member in vpn.members:
            _check_way_out(vpn, member, landscape, problems)
        _check_pool(vpn, edges, blocks, landscape, problems)
        if vpn.destinations:
            check_destinations(vpn, edges, _real_networks(vpn, edges, landscape), taken, landscape, problems)
        KINDS[vpn.tunnel].check(vpn, problems)
        check_tunnels(vpn, edges, problems)
        check_addresses(vpn, landscape, problems)


def _check_way_out(vpn: Vpn, member: Member, landscape: Landscape, problems: Problems) -> None:
    family, vm = vpn.pool.family, member.vm
    if vm.external:
        return
    needed = [(vm.name, "vcc_address", vm.addresses), (vm.site, "vcc_org_address", _edge(landscape, vm.site).inside)]
    gateway = landscape.vapp(vm.vapp, f"hosts.{vm.name}.vcc_vapp") if vm.vapp else None
    if gateway is not None:
        needed += [
            (gateway.name, "vcc_vapp_address", gateway.inside),
            (gateway.name, "vcc_org_address", gateway.outside),
        ]
    for host, variable, addresses in needed:
        if family not in addresses:
            problems.add(
                f"hosts.{host}.{variable}",
                f"has no IPv{family} address, which {vpn.path}.pool {vpn.pool} needs for member {vm.name}",
            )


def _check_pool(
    vpn: Vpn, edges: Iterable[OrgEdge], blocks: Mapping[str, Lease], landscape: Landscape, problems: Problems
) -> None:
    block = blocks.get(vpn_key(vpn.name))
    if block is not None and (block.pool != vpn.pool_name or not vpn.pool.contains(block.prefix)):
        problems.add(
            f"{vpn.path}.pool",
            f"{vpn.name} has its addresses out of {block.pool} ({block.prefix}), and nobody "
            f"is renumbered; delete the VPN first to move it to {vpn.pool_name} ({vpn.pool})",
        )
    if "/" in vpn.pool_name:
        for key, lease in blocks.items():
            if vpn_of(key) != vpn.name and lease.prefix.overlaps(vpn.pool):
                problems.add(f"{vpn.path}.pool", f"{vpn.pool} overlaps {lease.prefix}, which {vpn_of(key)} holds")
    for owner, variable, network in sorted(_real_networks(vpn, edges, landscape)):
        if network.overlaps(vpn.pool):
            problems.add(
                f"{vpn.path}.pool",
                f"{vpn.pool} overlaps {network} (hosts.{owner}.{variable}), a network that is really there",
            )


def _real_networks(vpn: Vpn, edges: Iterable[OrgEdge], landscape: Landscape) -> set[tuple[str, str, Prefix]]:
    found: set[tuple[str, str, Prefix]] = set()
    for edge in edges:
        found |= {(edge.name, "vcc_org_network", network) for network in edge.networks}
        found |= {(edge.name, "vcc_public_address", parse_address(address)) for address in edge.public.values()}
    for member in vpn.members:
        gateway = landscape.vapp(member.vm.vapp, f"hosts.{member.vm.name}.vcc_vapp") if member.vm.vapp else None
        if gateway is not None:
            found |= {(gateway.name, "vcc_vapp_network", network) for network in gateway.networks}
        found |= {(member.vm.name, "vcc_address", parse_address(address)) for address in member.vm.addresses.values()}
    return found


def _edge(landscape: Landscape, name: str) -> OrgEdge:
    edge = landscape.edge(name)
    if edge is None:
        raise LookupError(f"{name} was not read before")
    return edge
