# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: on one network, an address is one machine's.

Networks that are the same elsewhere are what the pool is there for. Within one network, two with the same address would
take each other's packets, and the gateway's routes and translations would mean either of them. So it is in one VPN and
across those of an organization.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..._base.problems import Problems
from ..paths import of_host
from ..vpn import Vpn
from .bgp import SECOND
from .hosts import Addresses, OrgEdge, VappEdge, Vm
from .landscape import Landscape
from .pairs import OWN

INTERNET = ""
"""The network of public addresses. All others are named after the gateway that they are behind."""


def check_addresses(vpns: Iterable[tuple[Vpn, Iterable[OrgEdge]]], landscape: Landscape, problems: Problems) -> None:
    """Note every host of an organization's VPNs that has the address of another one beside it, or of its gateway,
    and every server of their destinations that has a gateway's.

    ``vpns`` come with all their edges. Edges behind one NAT may share its public address, and the two of a pair share
    the gateway address.
    """
    vpns = list(vpns)
    edges: dict[str, OrgEdge] = {}
    vms: dict[str, Vm] = {}
    for vpn, sites in vpns:
        edges.update((edge.name, edge) for edge in sites)
        vms.update((member.vm.name, member.vm) for member in vpn.members if not member.vm.external)
    gateways: dict[tuple[str, str], VappEdge | None] = {
        (vm.vapp, vm.site): landscape.vapp(vm.vapp, of_host(vm.name, "vcc_vapp")) for vm in vms.values() if vm.vapp
    }
    for vpn, _sites in vpns:
        for end in vpn.ends:
            if end.vapp:
                gateways[end.vapp, end.site] = landscape.vapp(end.vapp, vpn.path)
    taken = _Taken(problems)
    for name, edge in sorted(edges.items()):
        home = landscape.home(name)
        if home == name:
            taken.add(name, name, "vcc_org_address", edge.inside)
        own = {family: text for family, text in edge.own.items() if text != edge.inside.get(family)}  # said elsewhere
        taken.add(home, name, OWN, own)
        if not edge.behind_nat:
            taken.add(INTERNET, name, "vcc_public_address", edge.public)
        if edge.bgp and edge.bgp.second:
            taken.add(INTERNET, name, SECOND, {4: edge.bgp.second.public})
    for (name, site), gateway in sorted(gateways.items()):
        if gateway is not None:
            taken.add(site, name, "vcc_org_address", gateway.outside)
            taken.add(name, name, "vcc_vapp_address", gateway.inside)
    for vpn, _sites in vpns:
        for server in vpn.destinations.servers:
            holder = taken.holder(server.behind, server.address.address())
            if holder is not None:
                problems.add(
                    f"{vpn.path}.destinations.servers[{server.index}].address",
                    f"{server.address.address()} is an address of {holder}: an edge cannot be a destination",
                )
    for name, vm in sorted(vms.items()):
        taken.add(vm.vapp or vm.site, name, "vcc_address", vm.addresses)


class _Taken:
    """Who has an address first, by network and address."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._holders: dict[tuple[str, str], tuple[str, str]] = {}

    def holder(self, network: str, address: str) -> str | None:
        """The host that has an address."""
        return self._holders.get((network, address), (None, ""))[0]

    def add(self, network: str, host: str, variable: str, addresses: Addresses) -> None:
        """Note the host's addresses on a network, and as a problem those that another host has there."""
        for address in addresses.values():
            holder, other = self._holders.setdefault((network, address), (host, variable))
            if holder != host:
                where = f", on the same network; {_FIX}" if network else f"; {_FIX}"
                self._problems.add(
                    of_host(host, variable),
                    f"{address} is the address of {holder} too ({of_host(holder, other)}){where}",
                )


_FIX = "give one of them another"
