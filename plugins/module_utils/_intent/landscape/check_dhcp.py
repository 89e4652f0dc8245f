# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: whether an edge can serve DHCP as asked: it gives no address, and no machine an address, twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ..._base.prefix import parse_address
from ..._base.problems import Problems, some
from ..paths import of_host
from .dhcp import VARIABLE
from .hosts import OrgEdge, VappEdge
from .landscape import Landscape
from .served import Served


def check_dhcp(
    gateways: Iterable[OrgEdge | VappEdge],
    members: Collection[str],
    taken: Mapping[str, Mapping[str, str]],
    landscape: Landscape,
    problems: Problems,
) -> None:
    """Note what is wrong on the networks on which one of ``gateways`` serves. ``members``: the VMs that are in VPNs;
    ``taken``: by org edge, addresses of others on its network (servers, members of a stretched network), and where each
    is said."""
    serving = [gateway for gateway in gateways if gateway.dhcp is not None]
    _check_beside_each_other([one for one in serving if isinstance(one, OrgEdge)], problems)
    for gateway in serving:
        if gateway.dhcp is not None:
            served = landscape.networks.behind(gateway, members)
            _check(gateway, served, members, taken.get(gateway.name, {}), landscape, problems)


def _check(
    gateway: OrgEdge | VappEdge,
    served: list[Served],
    members: Collection[str],
    taken: Mapping[str, str],
    landscape: Landscape,
    problems: Problems,
) -> None:
    own = "vcc_org_address" if isinstance(gateway, OrgEdge) else "vcc_vapp_address"
    own_path = of_host(gateway.name, own)
    holders = {gateway.inside[4]: own_path}
    if isinstance(gateway, OrgEdge):
        vapps = landscape.networks.gateways(gateway)
        holders.update((address, of_host(name, "vcc_org_address")) for name, address in vapps)
        beside = landscape.networks.beside(gateway)
        taken = {**taken, **{address: of_host(name, variable) for name, variable, address in beside}}
    known = {own_path, *(of_host(name, "vcc_address") for name in members)}  # check_addresses holds these together
    machines: dict[str, str] = {}
    for vm in served:
        path = of_host(vm.name, "vcc_address")
        other = holders.setdefault(vm.address, path)
        if other != path and not {path, other} <= known:
            problems.add(
                path,
                f"{vm.address} is said in {other} too, on the same network, where {gateway.name} serves DHCP "
                f"({VARIABLE}); give one of them another",
            )
        for mac in vm.macs or ():
            first = machines.setdefault(mac, vm.name)
            if first != vm.name:
                problems.add(
                    of_host(vm.name, "vcc_mac"),
                    f"{mac} is the link-layer address of {first} too, on the same network, where {gateway.name} "
                    f"serves DHCP ({VARIABLE}): it could not tell them apart; correct one of them",
                )
    for name, address in landscape.networks.addresses(gateway, members):
        holders.setdefault(address, of_host(name, "vcc_address"))
    _check_range(gateway, {**taken, **holders}, problems)


def _check_beside_each_other(edges: list[OrgEdge], problems: Problems) -> None:
    """Note ranges on an org network that two edges serve: each would give an address of its own to machines that the
    other one has an address for."""
    for edge in edges:
        for other in edges:
            beside = (edge.cloud, edge.organization) == (other.cloud, other.organization) and edge is not other
            if not beside or edge.dhcp is None or other.dhcp is None or edge.dhcp.dynamic is None:
                continue
            if edge.dhcp.network.overlaps(other.dhcp.network):
                problems.add(
                    of_host(edge.name, f"{VARIABLE}.range"),
                    f"{other.name} serves DHCP on {other.dhcp.network}, too, and its VMs could get an address of this "
                    f"range; leave range out, or {VARIABLE} of {other.name}",
                )
                break


def _check_range(gateway: OrgEdge | VappEdge, holders: dict[str, str], problems: Problems) -> None:
    """Note addresses of the inventory that the dynamic range would give to whoever asks."""
    if gateway.dhcp is None or gateway.dhcp.dynamic is None:
        return
    first, last = gateway.dhcp.dynamic
    inside = [
        f"{address} ({path})"
        for address, path in holders.items()
        if first.first <= parse_address(address).first <= last.first
    ]
    if inside:
        problems.add(
            of_host(gateway.name, f"{VARIABLE}.range"),
            f"holds {some(inside)}, and a range is for machines that are not in the inventory; take addresses that "
            "no host has",
        )
