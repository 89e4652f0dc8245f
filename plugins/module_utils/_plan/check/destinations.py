# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what only shows when a VPN's destinations are seen beside its sites and what is really there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

from ..._base.prefix import Prefix
from ..._base.problems import Problems, did_you_mean
from ..._intent.destinations import LEAST_NETWORK
from ..._intent.landscape.bgp import SECOND
from ..._intent.landscape.check import special_in
from ..._intent.landscape.hosts import OrgEdge
from ..._intent.landscape.landscape import Landscape
from ..._intent.pools import unusable
from ..._intent.vpn import Vpn
from ..topology.ways import next_hops
from .pools import Real, overlapped

if TYPE_CHECKING:
    from ..._intent.destinations import Network, Server


def check_destinations(
    vpn: Vpn,
    edges: Iterable[OrgEdge],
    real: Iterable[Real],
    taken: Iterable[tuple[str, Prefix]],
    landscape: Landscape,
    problems: Problems,
) -> None:
    """Note every destination of a VPN that cannot be.

    ``real`` are the networks and addresses of its sites, ``taken`` the pools and blocks of the organization's VPNs.
    """
    taken = list(taken)
    sites = {edge.name: edge for edge in edges}
    for kind, name, entry in _entries(vpn):
        path = f"{vpn.path}.destinations.{kind}[{entry.index}]"
        _check_site(f"{path}.behind", kind, entry.behind, vpn, landscape, problems)
        prefix = entry.address if kind == "servers" else entry.prefix  # type: ignore[union-attr]
        place = f"{path}.{'address' if kind == 'servers' else 'network'}"
        if prefix.family != vpn.pool.family:
            problems.add(place, f"{name} is IPv{prefix.family}, {vpn.path}.pool {vpn.pool} is IPv{vpn.pool.family}")
            continue
        where = unusable(prefix)
        if where:
            problems.add(place, f"{name} lies in {where}")
        for what, held in taken:
            if prefix.overlaps(held):
                problems.add(place, f"{name} overlaps {held} ({what}), addresses of a VPN: name a member instead")
                break
    real = list(real)
    for server in vpn.destinations.servers:
        _check_server(vpn, server, sites, problems)
    for network in vpn.destinations.networks:
        path = f"{vpn.path}.destinations.networks[{network.index}].network"
        _check_size(vpn, network, sites, path, problems)
        # What the inventory says of the partner's own network is what lies behind the partner's edge.
        own = {network.behind} if network.behind in vpn.partners else set[str]()
        own |= {member.vm.name for member in vpn.members if member.vm.external and member.vm.site in own}
        there = [one for one in real if one[0] not in own or one[1] in ("vcc_public_address", SECOND)]
        for what in overlapped(network.prefix, there):
            problems.add(
                path,
                f"{network.prefix} overlaps {what} at a site of the VPN itself; "
                + (
                    "have the partner translate it to other addresses, and name those"
                    if own
                    else "name single hosts under servers, which get addresses of the VPN"
                ),
            )
    _check_against_each_other(vpn, problems)


def check_between_vpns(vpns: Iterable[Vpn], problems: Problems) -> None:
    """Two VPNs with a site in common cannot have the same network beyond: where a packet goes is said by its
    destination alone."""
    having = sorted((vpn for vpn in vpns if vpn.destinations.networks), key=lambda vpn: vpn.name)
    for one, other in combinations(having, 2):
        if not set(one.sites) & set(other.sites):
            continue
        for network in other.destinations.networks:
            for first in one.destinations.networks:
                if network.prefix.overlaps(first.prefix):
                    problems.add(
                        f"{other.path}.destinations.networks[{network.index}].network",
                        f"{network.prefix} overlaps {first.prefix}, a network of {one.name}, and the two VPNs share "
                        "a site; name single hosts under servers, which get an address in each VPN",
                    )


def _entries(vpn: Vpn) -> Iterator[tuple[str, str, Server | Network]]:
    for server in vpn.destinations.servers:
        yield "servers", server.address.address(), server
    for network in vpn.destinations.networks:
        yield "networks", str(network.prefix), network


def _check_site(path: str, kind: str, name: str, vpn: Vpn, landscape: Landscape, problems: Problems) -> None:
    if name in vpn.sites and not (kind == "servers" and landscape.is_external(name)):
        return
    if landscape.is_external(name) and landscape.belongs_to(name, vpn.organization):
        problems.add(
            path,
            f"{name} is external: only its administrator can translate what is behind it; name the host under "
            "networks, with the address that it has there",
        )
        return
    known = landscape.is_a(name, "org_edges")
    if known and not landscape.belongs_to(name, vpn.organization):
        hint = f"; it is of another organization, and {vpn.path} is of {vpn.organization}"
    else:
        hint = (
            "; a site has a member"
            if known
            else did_you_mean(name, {*vpn.sites, *landscape.edges_of(vpn.organization)})
        )
    problems.add(path, f"{name} is not a site of the VPN{hint}")


def _check_size(vpn: Vpn, network: Network, sites: Mapping[str, OrgEdge], path: str, problems: Problems) -> None:
    """A single host can be behind a partner's edge, unless an edge of ours is between and needs an address there."""
    if network.prefix.size >= LEAST_NETWORK:
        return
    if network.behind not in vpn.partners:
        problems.add(path, f"{network.prefix} is not a network with hosts in it; name a single host under servers")
        return
    hops = next_hops(vpn.sites, vpn.pairs)
    between = sorted({hop[network.behind] for hop in hops.values() if network.behind in hop} - {network.behind})
    if between:
        problems.add(
            path,
            f"{network.prefix} is reached over {', '.join(between)}, which may need an address in it: name a network "
            f"of {LEAST_NETWORK} addresses or more, with ports, or a topology in which every site has a tunnel to "
            f"{network.behind}",
        )


def _check_server(vpn: Vpn, server: Server, sites: Mapping[str, OrgEdge], problems: Problems) -> None:
    path, address = f"{vpn.path}.destinations.servers[{server.index}].address", server.address.address()
    for member in vpn.members:
        vm = member.vm
        if vm.site == server.behind and vm.vapp is None and address == vm.addresses.get(server.address.family):
            problems.add(path, f"{address} is the address of {vm.name}, a member: give the member ports instead")
    edge = sites.get(server.behind)
    if edge is not None and address in {*edge.inside.values(), *edge.public.values()}:
        problems.add(path, f"{address} is an address of {edge.name}: an edge cannot be a destination")
    special = special_in(server.address, edge.networks) if edge is not None else None
    if special:
        problems.add(path, f"{address} is the {special}, which no host can have")


def _check_against_each_other(vpn: Vpn, problems: Problems) -> None:
    names: dict[str, int] = {}
    places: dict[tuple[str, Prefix], int] = {}
    for server in sorted(vpn.destinations.servers, key=lambda one: one.index):
        path = f"{vpn.path}.destinations.servers"
        first = names.setdefault(server.name, server.index)
        if first != server.index:
            problems.add(f"{path}[{server.index}].name", f"{server.name} is already the name of {path}[{first}]")
        first = places.setdefault((server.behind, server.address), server.index)
        if first != server.index:
            problems.add(
                f"{path}[{server.index}].address",
                f"{server.address.address()} is already the address of {path}[{first}]",
            )
    networks = sorted(vpn.destinations.networks, key=lambda one: one.index)
    for one, other in combinations(networks, 2):
        if one.prefix.overlaps(other.prefix):
            path = f"{vpn.path}.destinations.networks"
            problems.add(
                f"{path}[{other.index}].network", f"{other.prefix} overlaps {one.prefix} of {path}[{one.index}]"
            )
    for network in networks:
        for server in vpn.destinations.servers:
            if network.prefix.contains(server.address):
                problems.add(
                    f"{vpn.path}.destinations.servers[{server.index}].address",
                    f"{server.address.address()} is in {network.prefix} of {vpn.path}.destinations.networks"
                    f"[{network.index}]; keep one of the two entries",
                )
