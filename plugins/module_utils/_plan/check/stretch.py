# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: a stretched network is one network: its addresses and link-layer addresses are one machine's, at every site.

Org networks that are the same in every cloud have machines with the same addresses. Those that are no members never
meet. A member's address is taken at every site.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._base.problems import Problems
from ..._intent.landscape.hosts import Vm
from ..._intent.landscape.landscape import Landscape
from ..._intent.landscape.neighbours import EVERY, parse_mac
from ..._intent.paths import of_host
from ..._intent.vpn import Vpn

ONE = "one of them needs another before the network can be stretched"


def check_stretches(vpns: Iterable[Vpn], landscape: Landscape, problems: Problems) -> None:
    """Note members whose addresses somebody else has at one of the sites, or that are in two stretched networks."""
    where: dict[str, Vpn] = {}
    for vpn in vpns:
        if vpn.stretch is None:
            continue
        if not _check_places(vpn, landscape, problems):
            continue
        _check_addresses(vpn, landscape, problems)
        _check_macs(vpn, problems)
        for vm in vpn.stretch.members:
            other = where.setdefault(vm.name, vpn)
            if other is not vpn:
                problems.add(
                    f"{vpn.path}.members",
                    f"{vm.name} is a member of {other.name} ({other.path}), and can be in one stretched network only",
                )


def _check_places(vpn: Vpn, landscape: Landscape, problems: Problems) -> bool:
    """Note what has become of a network that a run does not name: those that it names were looked at before."""
    stretch, before = vpn.stretch, len(problems)
    for vm in stretch.members if stretch else ():
        if stretch and (vm.site not in stretch.sites or vm.vapp is not None):
            where = f"behind the vApp {vm.vapp}" if vm.vapp else f"at {vm.site}"
            problems.add(
                vpn.path,
                f"{vm.name} is {where} now, and a member of this stretched network: name the network in vcc_networks, "
                "with the sites and members that it has now",
            )
    edges = [edge for site in (stretch.sites if stretch else ()) if (edge := landscape.edge(site)) is not None]
    networks = {edge.name: sorted(edge.networks) for edge in edges}
    if len({tuple(map(str, some)) for some in networks.values()}) > 1:
        texts = "; ".join(f"{site} {', '.join(map(str, some))}" for site, some in networks.items())
        problems.add(vpn.path, f"one broadcast domain is one network, and its sites have: {texts}")
    return len(problems) == before


def _check_addresses(vpn: Vpn, landscape: Landscape, problems: Problems) -> None:
    stretch = vpn.stretch
    holders: dict[str, tuple[str, str]] = {}
    members = {vm.name for vm in stretch.members} if stretch else set()
    for name, variable, addresses in landscape.on_wires(stretch.sites if stretch else ()):
        for address in addresses:
            if name not in members:
                holders.setdefault(address, (name, variable))
    for vm in stretch.members if stretch else ():
        for address in vm.addresses.values():
            holder, variable = holders.setdefault(address, (vm.name, "vcc_address"))
            if holder != vm.name:
                problems.add(
                    of_host(vm.name, "vcc_address"),
                    f"{address} is the address of {holder} too ({of_host(holder, variable)}), and {vpn.name} "
                    f"({vpn.path}) makes their networks one: {ONE}",
                )


def _check_macs(vpn: Vpn, problems: Problems) -> None:
    """Those that the inventory says."""
    holders: dict[str, Vm] = {}
    for vm in vpn.stretch.members if vpn.stretch else ():
        if vm.macs is not None and vm.macs.get(EVERY) == ():
            problems.add(
                of_host(vm.name, "vcc_mac"),
                f"[] binds {vm.name} to no link-layer address, by which {vpn.name} ({vpn.path}) knows its members: "
                "give its own, or leave vcc_mac out",
            )
        if any(len(macs) > 1 for macs in (vm.macs or {}).values()):
            problems.add(
                of_host(vm.name, "vcc_mac"),
                f"gives {vm.name} several link-layer addresses for one address, and {vpn.name} ({vpn.path}) knows its "
                "members by one: give that",
            )
        for mac in sorted({mac for macs in (vm.macs or {}).values() for mac in macs}):
            other = holders.setdefault(mac, vm)
            if other is not vm:
                problems.add(
                    of_host(vm.name, "vcc_mac"),
                    f"{mac} is the link-layer address of {other.name} too ({of_host(other.name, 'vcc_mac')}), and "
                    f"{vpn.name} ({vpn.path}) makes their networks one: {ONE}",
                )


def check_seen(vpns: Iterable[Vpn], answers: Mapping[str, Mapping[str, Any]], problems: Problems) -> None:
    """The same of what machines said of themselves (node_survey), whatever the inventory says."""
    for vpn in vpns:
        holders: dict[str, str] = {}
        for vm in vpn.stretch.members if vpn.stretch else ():
            mac = seen_mac(vm, answers.get(vm.name) or {})
            if mac is None:
                continue
            other = holders.setdefault(mac, vm.name)
            if other != vm.name:
                problems.add(
                    of_host(vm.name),
                    f"says that it has the link-layer address {mac}, and so says {other}; "
                    f"{vpn.name} ({vpn.path}) makes their networks one: {ONE}",
                )


def seen_mac(vm: Vm, facts: Mapping[str, Any]) -> str | None:
    """The link-layer address of the device that has a VM's address, by what it said; None if it did not say."""
    own = set(vm.addresses.values())
    for _name, device in sorted((facts.get("devices") or {}).items()):
        if own & {str(text).partition("/")[0] for text in device.get("addresses") or ()}:
            try:
                return parse_mac(str(device.get("mac") or ""))
            except ValueError:
                return None
    return None
