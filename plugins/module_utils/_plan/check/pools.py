# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: no pool covers what exists: the networks and addresses of the hosts that a VPN uses, and how Ansible reaches
them.

A pool that many VPNs share is refused once, and hosts with the same network are one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..._base.errors import PoolExhausted
from ..._base.lease import Lease
from ..._base.prefix import Prefix, parse_address
from ..._base.problems import Problems, some
from ..._intent.landscape.bgp import SECOND
from ..._intent.landscape.hosts import OrgEdge
from ..._intent.landscape.landscape import Landscape
from ..._intent.paths import of_host, of_pool
from ..._intent.vpn import Vpn
from ..pool.lease_keys import vpn_key, vpn_of

Real = tuple[str, str, Prefix]
"""A host, the variable that says so, and what exists."""
MANAGEMENT, NETWORK = "ansible_", "_network"


def check_pools(
    vpns: Iterable[tuple[Vpn, Iterable[OrgEdge]]],
    blocks: Mapping[str, Lease],
    landscape: Landscape,
    problems: Problems,
) -> None:
    """Note every pool that its VPNs cannot have. ``vpns`` come with their edges, ``blocks`` are the VPNs' leases."""
    real: dict[tuple[str, Prefix], set[Real]] = {}
    for vpn, edges in vpns:
        _check_leased(vpn, blocks, problems)
        path = of_pool(vpn.pool_name) if "/" not in vpn.pool_name else f"{vpn.path}.pool"
        real.setdefault((path, vpn.pool), set()).update(real_networks(vpn, edges, landscape))
    for (path, pool), there in real.items():
        for what in overlapped(pool, there):
            problems.add(path, f"{pool} overlaps {what}; take another range", f"overlaps {what}")


def real_networks(vpn: Vpn, edges: Iterable[OrgEdge], landscape: Landscape) -> set[Real]:
    """What exists at a VPN's sites, and how Ansible reaches their hosts."""
    edges = list(edges)
    found: set[Real] = set()
    for edge in edges:
        found |= {(edge.name, "vcc_org_network", network) for network in edge.networks}
        found |= {(edge.name, "vcc_public_address", parse_address(address)) for address in edge.public_addresses}
        if edge.bgp and edge.bgp.second:
            found.add((edge.name, SECOND, parse_address(edge.bgp.second.public)))
    hosts = {edge.name for edge in edges}
    for _end, stretched in landscape.vapps_of(vpn.ends, vpn.path):
        found |= {(stretched.name, "vcc_vapp_network", network) for network in stretched.networks}
        hosts.add(stretched.name)
    for member in vpn.members:
        vm = member.vm
        gateway = landscape.vapp(vm.vapp, of_host(vm.name, "vcc_vapp")) if vm.vapp else None
        if gateway is not None:
            found |= {(gateway.name, "vcc_vapp_network", network) for network in gateway.networks}
            hosts.add(gateway.name)
        found |= {(vm.name, "vcc_address", parse_address(address)) for address in vm.addresses.values()}
        hosts.add(vm.name)
    clouds = {edge.cloud for edge in edges}
    hosts |= {node for node, cloud in landscape.nodes(vpn.organization).items() if cloud in clouds}
    for host in hosts:
        found |= {(host, variable, address) for variable, address in landscape.management(host)}
    return found


def overlapped(prefix: Prefix, real: Iterable[Real]) -> Iterator[str]:
    """What of ``real`` a prefix overlaps, a text for each kind. Addresses in networks that are named are left out."""
    kinds: dict[str, dict[Prefix, list[str]]] = {}
    for host, variable, there in sorted(real):
        if prefix.overlaps(there):
            kind = MANAGEMENT if variable.startswith(MANAGEMENT) else variable
            kinds.setdefault(kind, {}).setdefault(there, []).append(of_host(host, variable))
    networks = [there for kind, found in kinds.items() if kind.endswith(NETWORK) for there in found]
    for kind, found in sorted(kinds.items(), key=lambda item: (not item[0].endswith(NETWORK), item[0])):
        texts = []
        for there, places in sorted(found.items()):
            if kind.endswith(NETWORK) or not any(one.contains(there) for one in networks):
                more = f" and {len(places) - 1} more" if len(places) > 1 else ""
                texts.append(f"{there} ({places[0]}{more})")
        if texts:
            yield f"{some(texts)}, {'at which Ansible reaches hosts' if kind == MANAGEMENT else 'which exists'}"


def note_exhausted(exhausted: Iterable[tuple[Vpn, PoolExhausted]], vpns: int, problems: Problems) -> None:
    """Note the VPNs, of so many, that found no room in their pool: a pool that many share is one mistake."""
    by_pool: dict[tuple[str, Prefix], list[tuple[Vpn, PoolExhausted]]] = {}
    for vpn, error in exhausted:
        by_pool.setdefault((vpn.pool_name, vpn.pool), []).append((vpn, error))
    for (name, pool), found in by_pool.items():
        vpn, error = found[0]
        if len(found) == 1:
            problems.add(f"{vpn.path}.pool", str(error))
            continue
        which = some([one.name for one, _error in found])
        problems.add(
            of_pool(name),
            f"{pool} has no room for {len(found)} of {vpns} VPNs ({which}): give it a larger range, or delete VPNs "
            "that are no longer needed",
        )


def _check_leased(vpn: Vpn, blocks: Mapping[str, Lease], problems: Problems) -> None:
    block = blocks.get(vpn_key(vpn.name))
    if block is not None and (block.pool != vpn.pool_name or not vpn.pool.contains(block.prefix)):
        problems.add(
            f"{vpn.path}.pool",
            f"{vpn.name} has its addresses from {block.pool} ({block.prefix}), and members "
            f"keep their addresses: to move the VPN to {vpn.pool_name} ({vpn.pool}), delete it first",
        )
    if "/" in vpn.pool_name:
        for key, lease in blocks.items():
            if vpn_of(key) != vpn.name and lease.prefix.overlaps(vpn.pool):
                problems.add(f"{vpn.path}.pool", f"{vpn.pool} overlaps {lease.prefix}, which {vpn_of(key)} holds")
