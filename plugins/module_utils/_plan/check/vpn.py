# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what only shows when VPNs, landscape and ledger are seen together.

Address versions must match along every member's path out. Pools, tunnels, destinations, and what the inventory says of
addresses are in files of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..._base.lease import Lease
from ..._base.problems import Problems
from ..._intent.landscape.check import check_landscape
from ..._intent.landscape.check_addresses import check_addresses
from ..._intent.landscape.check_dhcp import check_dhcp
from ..._intent.landscape.hosts import OrgEdge, VappEdge
from ..._intent.landscape.landscape import Landscape
from ..._intent.paths import of_host
from ..._intent.vpn import Member, Vpn
from ..pool.lease_keys import is_vpn_block
from ..tunnel.kinds import KINDS
from .destinations import check_between_vpns, check_destinations
from .families import check_family
from .gateways import check_bgp, check_one_vpn
from .names import check_names
from .outside import check_between_vpns as check_outside_between_vpns
from .outside import check_outside
from .outside_publish import check_published
from .pairs import check_pairs
from .pools import check_pools, real_networks
from .stretch import check_ends, check_stretches
from .tunnels import check_tunnels


def check_vpns(vpns: Iterable[Vpn], held: Mapping[str, Lease], landscape: Landscape, problems: Problems) -> None:
    """Note everything that makes one of an organization's VPNs impossible. ``held`` are the organization's leases."""
    blocks = {key: lease for key, lease in held.items() if is_vpn_block(key)}
    vpns = list(vpns)
    taken = [(f"{vpn.path}.pool", vpn.pool) for vpn in vpns] + [(key, lease.prefix) for key, lease in blocks.items()]
    check_between_vpns(vpns, problems)
    check_names(vpns, problems)
    check_outside_between_vpns(vpns, problems)
    check_published(vpns, taken, landscape, problems)
    described: list[tuple[Vpn, list[OrgEdge]]] = []
    done: set[str] = set()
    for vpn in vpns:
        edges = [edge for edge in map(landscape.edge, vpn.sites) if edge is not None]
        twins = [landscape.twin(site) for site in vpn.sites if landscape.pairs.twin(site)]
        every = [*edges, *(twin for twin in twins if twin is not None)]
        if len(every) < len(vpn.sites) + len(twins):
            continue
        if len(vpn.homes) == 1 and not vpn.networks_only:
            problems.add(
                f"{vpn.path}.members", f"are all at the one site {vpn.homes[0]}: a VPN joins two or more org networks"
            )
        described.append((vpn, every))
        check_landscape(vpn, every, landscape, done, problems)
        check_pairs(vpn, landscape, problems)
        for member in vpn.members:
            _check_way_out(vpn, member, landscape, problems)
        check_ends(vpn, edges, landscape, problems)
        if vpn.destinations:
            check_destinations(vpn, edges, real_networks(vpn, every, landscape), taken, landscape, problems)
        if vpn.outside:
            check_outside(vpn, edges, real_networks(vpn, edges, landscape), taken, problems)
        KINDS[vpn.tunnel].check(vpn, problems)
        check_tunnels(vpn, edges, landscape, problems)
    check_one_vpn(described, problems)
    check_bgp(described, problems)
    check_addresses(described, landscape, problems)
    _check_dhcp(described, landscape, problems)
    check_stretches(vpns, landscape, problems)
    check_pools(described, blocks, landscape, problems)


def _check_dhcp(described: Iterable[tuple[Vpn, list[OrgEdge]]], landscape: Landscape, problems: Problems) -> None:
    gateways: dict[str, OrgEdge | VappEdge] = {}
    members: set[str] = set()
    taken: dict[str, dict[str, str]] = {}
    for vpn, edges in described:
        gateways.update((edge.name, edge) for edge in edges)
        for server in vpn.destinations.servers:
            path = f"{vpn.path}.destinations.servers[{server.index}].address"
            taken.setdefault(server.behind, {})[server.address.address()] = path
        for end in vpn.ends:
            vapp = landscape.vapp(end.vapp, vpn.path) if end.vapp else None
            gateways.update({} if vapp is None else {vapp.name: vapp})
            for vm in vpn.stretch.members if vpn.stretch else ():
                members.add(vm.name)
                if 4 in vm.addresses:  # it is on all of the networks
                    taken.setdefault(end.name, {})[vm.addresses[4]] = of_host(vm.name, "vcc_address")
        for member in vpn.members:
            members.add(member.vm.name)
            vapp = landscape.vapp(member.vm.vapp, of_host(member.vm.name, "vcc_vapp")) if member.vm.vapp else None
            if vapp is not None:
                gateways[vapp.name] = vapp
    check_dhcp((gateway for _name, gateway in sorted(gateways.items())), members, taken, landscape, problems)


def _check_way_out(vpn: Vpn, member: Member, landscape: Landscape, problems: Problems) -> None:
    vm = member.vm
    if vm.external:
        return
    needed = [(vm.name, "vcc_address", vm.addresses), (vm.site, "vcc_org_address", _edge(landscape, vm.site).inside)]
    gateway = landscape.vapp(vm.vapp, of_host(vm.name, "vcc_vapp")) if vm.vapp else None
    if gateway is not None:
        needed += [
            (gateway.name, "vcc_vapp_address", gateway.inside),
            (gateway.name, "vcc_org_address", gateway.outside),
        ]
    check_family(vpn, needed, f"member {vm.name}", problems)


def _edge(landscape: Landscape, name: str) -> OrgEdge:
    edge = landscape.edge(name)
    if edge is None:
        raise LookupError(f"{name} was not read before")
    return edge
