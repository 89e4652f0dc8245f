# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what only shows when VPNs, landscape and ledger are seen together.

Address versions must match along every member's way out, a pool must not cover a network that is really there, both
ends of a tunnel must be able to reach each other, and a VPN's pool is for life.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ._check_addresses import check_addresses
from ._check_destinations import check_between_vpns, check_destinations
from ._landscape import Landscape
from ._landscape_hosts import FORWARDED, OrgEdge
from ._leases import Lease, is_vpn_block, vpn_key, vpn_of
from ._mtu import IPV6_MTU
from ._prefix import Prefix, parse_address
from ._problems import Problems
from ._tunnels import KINDS
from ._vpn import Member, Vpn
from ._ways import islands, next_hops


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
        _check_tunnels(vpn, edges, problems)
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


def _check_ways(vpn: Vpn, edges: Mapping[str, OrgEdge], problems: Problems) -> None:
    """Everybody must reach everybody, and not over a gateway that is not ours to configure."""
    groups = islands(vpn.sites, vpn.pairs)
    if len(groups) > 1:
        apart = "; ".join(", ".join(group) for group in groups)
        problems.add(f"{vpn.path}.topology", f"leaves islands that do not reach each other: {apart}; join them")
    external = {edge.name for edge in edges.values() if edge.external}
    between: dict[str, tuple[str, str]] = {}
    for site, hops in next_hops(vpn.sites, vpn.pairs).items() if external else ():
        for other, hop in hops.items():
            if hop in external and hop != other:
                between.setdefault(hop, (site, other))
    for edge, (site, other) in sorted(between.items()):
        problems.add(
            f"{vpn.path}.topology",
            f"leads from {site} to {other} over {edge}, which is external: what is not ours passes nothing on for us; "
            "have them meet at an edge of yours",
        )


def _check_tunnels(vpn: Vpn, edges: Iterable[OrgEdge], problems: Problems) -> None:
    by_name = {edge.name: edge for edge in edges}
    _check_ways(vpn, by_name, problems)
    for low, high in vpn.pairs:
        one, other = by_name[low], by_name[high]
        KINDS[vpn.tunnel].check_ends(vpn, one, other, problems)
        _check_ppk(vpn, (one, other), problems)
        if one.external and other.external:
            problems.add(
                f"{vpn.path}.members",
                f"need a tunnel {low} -- {high}, and both are external: we can configure neither end; give each of "
                "them a VPN of its own",
            )
        if not set(one.public) & set(other.public):
            problems.add(
                f"{vpn.path}.members",
                f"{low} and {high} have no common IP version in vcc_public_address, "
                "so there can be no tunnel between them",
            )
        elif vpn.pool.family == 6:
            _check_ipv6_fits(vpn, one, other, problems)
        if not one.reachable and not other.reachable:
            problems.add(
                f"{vpn.path}.members",
                f"{low} and {high} are both behind a NAT, so that neither reaches the other; have one NAT forward "
                f"{KINDS[vpn.tunnel].PORTS} to its edge, and say so there with vcc_behind_nat: {FORWARDED}",
            )
            continue  # behind the same NAT, they may well have the same address
        for family in set(one.public) & set(other.public):
            if one.public[family] == other.public[family]:
                problems.add(f"hosts.{high}.vcc_public_address", f"{one.public[family]} is {low}'s address too")


def _check_ppk(vpn: Vpn, ends: Iterable[OrgEdge], problems: Problems) -> None:
    """A PPK is never left out silently."""
    if vpn.policy.encryption.ppk != "required":
        return
    if not KINDS[vpn.tunnel].PPK:
        kinds = " or ".join(name for name, kind in KINDS.items() if kind.PPK)
        problems.add(
            f"{vpn.path}.policy",
            f"requires a PPK (encryption.ppk), and tunnels of kind {vpn.tunnel} have none; take tunnel: {kinds}, or "
            "a policy with ppk: none",
        )
    for edge in ends:
        if edge.external:
            problems.add(
                f"{vpn.path}.policy",
                f"requires a PPK (encryption.ppk), and {edge.name} is external: tunnels to it have none; take a policy "
                "with ppk: none for this VPN",
            )


def _check_ipv6_fits(vpn: Vpn, one: OrgEdge, other: OrgEdge, problems: Problems) -> None:
    narrow = min(one, other, key=lambda edge: (edge.underlay_mtu, edge.name))
    family = min(set(one.public) & set(other.public))
    mtu = KINDS[vpn.tunnel].mtu(vpn, one, other, family)
    if mtu < IPV6_MTU:
        problems.add(
            f"hosts.{narrow.name}.vcc_underlay_mtu",
            f"{narrow.underlay_mtu} leaves packets of {vpn.path} {mtu} octets inside the tunnel, and IPv6 "
            f"needs {IPV6_MTU}",
        )


def check_together(vpns: Iterable[Vpn], problems: Problems) -> None:
    """Note what an organization's VPNs cannot ask for beside each other."""
    vpns = sorted(vpns, key=lambda one: one.name)
    _check_shared_tunnels(vpns, problems)
    for kind in KINDS.values():
        kind.check_together([vpn for vpn in vpns if vpn.tunnel == kind.NAME], problems)


def _check_shared_tunnels(vpns: Sequence[Vpn], problems: Problems) -> None:
    """VPNs that share a tunnel must agree on what is the tunnel's and not each one's own; no others share a name."""
    first: dict[str, Vpn] = {}
    named: dict[str, tuple[str, str]] = {}
    for vpn in vpns:
        for pair in vpn.pairs:
            kind = KINDS[vpn.tunnel]
            name = kind.tunnel_name(pair)
            same = named.setdefault(name, pair)
            if same != pair:
                problems.add(
                    f"{vpn.path}.members",
                    f"the tunnels {' -- '.join(same)} and {' -- '.join(pair)} would both be named {name}; "
                    "rename an edge",
                )
            other = first.setdefault(name, vpn)
            if kind.agreed(vpn) != kind.agreed(other):
                problems.add(
                    f"{vpn.path}.policy",
                    f"asks for other settings than {other.name}, with which it shares the tunnel "
                    f"{pair[0]} -- {pair[1]} ({kind.NAME}); {kind.AGREED} must be the same",
                )


def _edge(landscape: Landscape, name: str) -> OrgEdge:
    edge = landscape.edge(name)
    if edge is None:
        raise LookupError(f"{name} was not read before")
    return edge
