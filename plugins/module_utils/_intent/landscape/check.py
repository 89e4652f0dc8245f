# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: whether the inventory contradicts itself: an address outside its network, or one that no host can have.

Only what a VPN uses is checked. Of what is behind an external edge nothing is known, so nothing is checked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..._base.prefix import Prefix, parse_address
from ..._base.problems import Problems
from ..paths import of_host
from ..pools import unusable
from ..vpn import Vpn
from .bgp import SECOND
from .hosts import Addresses, OrgEdge, VappEdge, Vm
from .landscape import Landscape
from .pairs import OWN, check_alone, check_pair

ORG, VAPP = "vcc_org_network", "vcc_vapp_network"


def check_landscape(
    vpn: Vpn, edges: Iterable[OrgEdge], landscape: Landscape, done: set[str], problems: Problems
) -> None:
    """Note what is wrong with the edges, vApps and VMs that a VPN uses; ``done`` are those of VPNs before this one.

    ``edges`` are all of its sites, both of a pair.
    """
    by_name = {edge.name: edge for edge in edges}
    for edge in by_name.values():
        if edge.name in done:
            continue
        done.add(edge.name)
        _check_public(edge, problems)
        if not edge.external:
            _check_networks(
                edge.name, ORG, edge.networks, "the network behind the edge, such as [10.10.0.0/24]", problems
            )
            _check_inside(edge.name, "vcc_org_address", edge.inside, (edge.name, ORG, edge.networks), problems)
            _check_inside(edge.name, OWN, edge.own, (edge.name, ORG, edge.networks), problems)
            if landscape.in_inventory(edge.name):  # the ledger forgets of a pair that there was one
                check_alone(edge, problems)
            twin = by_name.get(str(landscape.pairs.twin(edge.name)))
            if twin is not None:
                check_pair(edge, twin, problems)
    for end, vapp in landscape.vapps_of(vpn.ends, vpn.path):
        if vapp.name not in done:
            done.add(vapp.name)
            _check_vapp(vapp, by_name[end.site], problems)
    for member in vpn.members:
        if not member.vm.external and member.vm.name not in done:
            done.add(member.vm.name)
            _check_vm(member.vm, by_name[member.vm.site], landscape, done, problems)


def check_vapps(places: Collection[tuple[str, str]], landscape: Landscape, problems: Problems) -> None:
    """Note every VM of some ``(organization, cloud)`` whose vApp edge is not its own: its vApp's VPNs would lack it.

    Not every one of them need be of use to a VPN, so what is only half described is let pass.
    """
    for vm, name, vapp in landscape.with_vapp(places):
        if vapp is None:
            landscape.vapp(name, of_host(vm.name, "vcc_vapp"))
            continue
        vm.check_vapp(vapp)
        if vm.clouds == vapp.clouds and vm.organization == vapp.organization:
            addresses, networks = vm.quiet().addresses("vcc_address", None), vapp.quiet().networks(VAPP)
            _check_inside(vm.name, "vcc_address", addresses, (name, VAPP, networks), problems)


def contradicted(vm: Vm, landscape: Landscape) -> bool:
    """Whether the inventory contradicts itself about a VM and its gateways, so that no VPN can have it."""
    edge, found = landscape.edge(vm.site), Problems()
    if edge is None:
        return True
    if not vm.external:
        _check_vm(vm, edge, landscape, set(), found)
    return len(found) > 0


def _check_vm(vm: Vm, edge: OrgEdge, landscape: Landscape, done: set[str], problems: Problems) -> None:
    vapp = landscape.vapp(vm.vapp, of_host(vm.name, "vcc_vapp")) if vm.vapp else None
    if vapp is not None:
        if vapp.name not in done:
            done.add(vapp.name)
            _check_vapp(vapp, edge, problems)
        _check_inside(vm.name, "vcc_address", vm.addresses, (vapp.name, VAPP, vapp.networks), problems)
    elif vm.vapp is None:
        _check_inside(vm.name, "vcc_address", vm.addresses, (edge.name, ORG, edge.networks), problems)


def _check_vapp(vapp: VappEdge, edge: OrgEdge, problems: Problems) -> None:
    _check_networks(vapp.name, VAPP, vapp.networks, "the vApp's network, such as [192.168.1.0/24]", problems)
    _check_inside(vapp.name, "vcc_org_address", vapp.outside, (edge.name, ORG, edge.networks), problems)
    _check_inside(vapp.name, "vcc_vapp_address", vapp.inside, (vapp.name, VAPP, vapp.networks), problems)
    for network in vapp.networks:
        for other in edge.networks:
            if network.overlaps(other):
                problems.add(
                    of_host(vapp.name, VAPP),
                    f"{network} overlaps {other} ({of_host(edge.name, ORG)}): the vApp edge cannot tell its two sides "
                    "apart; correct one of them",
                )


def _check_public(edge: OrgEdge, problems: Problems) -> None:
    second = edge.bgp.second.public if edge.bgp and edge.bgp.second else None
    where = unusable(parse_address(second)) if second else None
    if where:
        problems.add(
            of_host(edge.name, SECOND),
            f"{second} lies in {where}; give the address at which your edge reaches the gateway's second endpoint",
        )
    path = of_host(edge.name, "vcc_public_address")
    for address in edge.public_addresses:
        where = unusable(parse_address(address))
        if where:
            problems.add(
                path, f"{address} lies in {where}; give the address at which other clouds' edges reach this edge"
            )
        elif address in (*edge.inside.values(), *edge.own.values()):
            variable = "vcc_org_address" if address in edge.inside.values() else OWN
            problems.add(
                path,
                f"{address} is the edge's address on the org network ({variable}); give the address at which "
                "other clouds' edges reach this edge",
            )


def _check_networks(host: str, variable: str, networks: Sequence[Prefix], meaning: str, problems: Problems) -> None:
    if not networks:
        problems.add(of_host(host, variable), f"is missing: {meaning}")
    for network in networks:
        where = unusable(network)
        if where:
            problems.add(of_host(host, variable), f"{network} lies in {where}")


def _check_inside(
    host: str, variable: str, addresses: Addresses, there: tuple[str, str, Sequence[Prefix]], problems: Problems
) -> None:
    """Note every address that is in none of the networks ``there``, or that no host can have in its network."""
    owner, network_variable, networks = there
    if not networks:  # which is a mistake of its own
        return
    path, place = of_host(host, variable), of_host(owner, network_variable)
    outside: list[str] = []
    for text in addresses.values():
        address = parse_address(text)
        special = special_in(address, networks)
        if special:
            problems.add(path, f"{text} is the {special}, which no host can have")
        outside += [] if any(network.contains(address) for network in networks) else [text]
    if outside:  # where the network is wrong, all of its hosts are
        texts, known = " and ".join(outside), ", ".join(map(str, networks))
        are = "is" if len(outside) == 1 else "are"
        problems.add(path, f"{texts} {are} not in {known} ({place}); correct one of the two", f"not in {place}")


def special_in(address: Prefix, networks: Sequence[Prefix]) -> str | None:
    """What else an address is in the narrowest network around it.

    In a /31 and a /127 both addresses are hosts' (RFC 3021, RFC 6164).
    """
    network = max((one for one in networks if one.contains(address)), key=lambda one: one.length, default=None)
    if network is None or network.size <= 2:
        return None
    if address.first == network.first:
        return f"{'network' if network.family == 4 else 'subnet-router anycast'} address of {network}"
    if network.family == 4 and address.first == network.last:
        return f"broadcast address of {network}"
    return None
