# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: a stretched network is one network: its addresses and link-layer addresses are one machine's, at every site.

Org networks that are the same in every cloud have machines with the same addresses. Those that are no members never
meet. A member's address is taken at every site.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..._base.problems import Problems
from ..._intent.landscape.hosts import OnWire, OrgEdge, Vm
from ..._intent.landscape.landscape import Landscape
from ..._intent.landscape.neighbours import parse_mac
from ..._intent.paths import of_host
from ..._intent.stretch import where
from ..._intent.vpn import Vpn
from .families import check_family

_NAME_IT = "name the network in vcc_networks, with the sites and members that it has now"
ONE = "change one of the two before you stretch the network"


def check_stretches(vpns: Iterable[Vpn], landscape: Landscape, problems: Problems) -> None:
    """Note members whose addresses somebody else has at one of the sites, or that are in two stretched networks."""
    homes: dict[str, Vpn] = {}
    for vpn in vpns:
        if vpn.stretch is None:
            continue
        if not _check_places(vpn, landscape, problems):
            continue
        wires = list(landscape.on_wires(vpn.stretch.ends))
        _check_addresses(vpn, wires, problems)
        _check_macs(vpn, wires, problems)
        for vm in vpn.stretch.members:
            other = homes.setdefault(vm.name, vpn)
            if other is not vpn:
                problems.add(
                    f"{vpn.path}.members",
                    f"{vm.name} is a member of {other.name} ({other.path}), and can be in one stretched network only",
                )


def _check_places(vpn: Vpn, landscape: Landscape, problems: Problems) -> bool:
    """Note what has become of a network that a run does not name: those that it names were looked at before."""
    stretch, before = vpn.stretch, len(problems)
    for vm in stretch.members if stretch else ():
        if stretch and stretch.end_of(vm) is None:
            problems.add(vpn.path, f"{vm.name} is {where(vm)} now, and a member of this stretched network: {_NAME_IT}")
    for end in vpn.ends:
        site = landscape.site_of(end.vapp, vpn.path) if end.vapp else None
        if site not in (None, end.site):
            problems.add(vpn.path, f"{end.vapp} is behind {site} now, and was behind {end.site}: {_NAME_IT}")
    gateways = [one for end in vpn.ends if (one := landscape.gateway(end)) is not None]
    networks = {one.name: sorted(one.networks) for one in gateways}
    if len({tuple(map(str, some)) for some in networks.values()}) > 1:
        texts = "; ".join(f"{name} {', '.join(map(str, some))}" for name, some in networks.items())
        problems.add(vpn.path, f"one broadcast domain is one network, and its sites have: {texts}")
    return len(problems) == before


def check_ends(vpn: Vpn, edges: Iterable[OrgEdge], landscape: Landscape, problems: Problems) -> None:
    """Note vApp edges that cannot send frames to the other sites: they have an address in the VPN for that."""
    by_name = {edge.name: edge for edge in edges}
    for end, vapp in landscape.vapps_of(vpn.ends, vpn.path):
        if end.site not in by_name:
            continue
        needed = (
            (vapp.name, "vcc_vapp_address", vapp.inside),
            (vapp.name, "vcc_org_address", vapp.outside),
            (end.site, "vcc_org_address", by_name[end.site].inside),
        )
        check_family(vpn, needed, vapp.name, problems)


def _check_addresses(vpn: Vpn, wires: Iterable[OnWire], problems: Problems) -> None:
    stretch = vpn.stretch
    holders: dict[str, tuple[str, str]] = {}
    members = {vm.name for vm in stretch.members} if stretch else set()
    for one in wires:
        for address in one.addresses if one.name not in members else ():
            holders.setdefault(address, (one.name, one.variable))
    for vm in stretch.members if stretch else ():
        for address in vm.addresses.values():
            holder, variable = holders.setdefault(address, (vm.name, "vcc_address"))
            if holder != vm.name:
                problems.add(
                    of_host(vm.name, "vcc_address"),
                    f"{address} is the address of {holder} too ({of_host(holder, variable)}), and {vpn.name} "
                    f"({vpn.path}) makes their networks one: {ONE}",
                )


def _check_macs(vpn: Vpn, wires: Iterable[OnWire], problems: Problems) -> None:
    """Those that the inventory says."""
    members = vpn.stretch.members if vpn.stretch else ()
    for vm in members:
        if any(len(macs) != 1 for macs in (vm.macs or {}).values()):
            problems.add(
                of_host(vm.name, "vcc_mac"),
                f"gives {vm.name} no link-layer address, or several, and {vpn.name} ({vpn.path}) needs exactly one: "
                "write that one, or remove vcc_mac",
            )
    said = {one.name: one.said_macs() for one in wires}
    for name, mac, other in _shared(members, said):
        problems.add(
            of_host(name, "vcc_mac"),
            f"{mac} is the link-layer address of {other} too ({of_host(other, 'vcc_mac')}), and "
            f"{vpn.name} ({vpn.path}) makes their networks one: {ONE}",
        )


def _shared(members: Sequence[Vm], macs: Mapping[str, Collection[str]]) -> Iterator[tuple[str, str, str]]:
    """Members with a link-layer address of another host's on the wires, that, and the other one. Two members are one
    line."""
    holders: dict[str, list[str]] = {}
    for name, own in macs.items():
        for mac in own:
            holders.setdefault(mac, []).append(name)
    names = {vm.name for vm in members}
    for vm in members:
        for mac in sorted(macs.get(vm.name, ())):
            others = sorted(other for other in holders[mac] if other != vm.name)
            if others and not (others[0] in names and others[0] > vm.name):
                yield vm.name, mac, others[0]


def check_seen(
    vpns: Iterable[Vpn], answers: Mapping[str, Mapping[str, Any]], landscape: Landscape, problems: Problems
) -> None:
    """The same of what machines said of themselves (node_survey), whatever the inventory says."""
    for vpn in vpns:
        if vpn.stretch is None:
            continue
        wires = landscape.on_wires(vpn.stretch.ends)
        seen = {one.name: _seen_macs(one.addresses, answers.get(one.name) or {}) for one in wires}
        for name, mac, other in _shared(vpn.stretch.members, seen):
            problems.add(
                of_host(name),
                f"says that it has the link-layer address {mac}, and so says {other}; "
                f"{vpn.name} ({vpn.path}) makes their networks one: {ONE}",
            )


def _seen_macs(addresses: Collection[str], facts: Mapping[str, Any]) -> list[str]:
    """The link-layer addresses of the devices with some addresses, by what their machine said."""
    found = set()
    for device in (facts.get("devices") or {}).values():
        if set(addresses) & {str(text).partition("/")[0] for text in device.get("addresses") or ()}:
            with contextlib.suppress(ValueError):
                found.add(parse_mac(str(device.get("mac") or "")))
    return sorted(found)
