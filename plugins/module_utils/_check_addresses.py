# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: on one network, an address is one machine's.

Networks that are the same elsewhere are what the pool is there for. Within one network, two with the same address would
take each other's packets, and the gateway's routes and translations would mean either of them.
"""

from __future__ import annotations

from ._landscape import Landscape
from ._problems import Problems
from ._vpn import Vpn


def check_addresses(vpn: Vpn, landscape: Landscape, problems: Problems) -> None:
    """Note every member that has the address of another member beside it, or of its gateway."""
    taken: dict[tuple[str, str | None, str], tuple[str, str]] = {}
    for edge in filter(None, map(landscape.edge, vpn.sites)):
        for address in edge.inside.values():
            taken[edge.name, None, address] = (edge.name, "vcc_org_address")
    for name in sorted({member.vm.vapp for member in vpn.members if member.vm.vapp and not member.vm.external}):
        gateway = landscape.vapp(name, "")
        site = next(member.vm.site for member in vpn.members if member.vm.vapp == name)
        for address in gateway.outside.values() if gateway else ():
            holder = taken.setdefault((site, None, address), (name, "vcc_org_address"))
            _differs(name, "vcc_org_address", address, holder, problems)
        for address in gateway.inside.values() if gateway else ():
            taken[site, name, address] = (name, "vcc_vapp_address")
    for member in vpn.members:
        vm = member.vm
        for address in () if vm.external else vm.addresses.values():
            holder = taken.setdefault((vm.site, vm.vapp, address), (vm.name, "vcc_address"))
            _differs(vm.name, "vcc_address", address, holder, problems)


def _differs(host: str, variable: str, address: str, holder: tuple[str, str], problems: Problems) -> None:
    if holder[0] != host:
        problems.add(
            f"hosts.{host}.{variable}",
            f"{address} is the address of {holder[0]} too (hosts.{holder[0]}.{holder[1]}), on the same network; "
            "give one of them another",
        )
