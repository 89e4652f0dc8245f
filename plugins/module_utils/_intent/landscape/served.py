# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: whom an edge serves DHCP: the VMs of the inventory on its network, members of a VPN or not.

A VM that is half described, and is in no VPN, is left out and stops nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from ..._base.problems import Problems
from .facts import Facts, organization_of
from .hosts import OrgEdge, VappEdge
from .neighbours import EVERY


class Served(NamedTuple):
    """A VM on a network. ``macs``: its link-layer addresses, where the inventory says them; () is: not bound."""

    name: str
    address: str
    macs: tuple[str, ...] | None


class Networks:
    """Who is on which gateway's network. ``hosts``: all that are known; ``current``: those of this run's inventory.

    The VMs of a gateway in this inventory are those in this inventory: there, one that is missing is gone.
    """

    def __init__(self, hosts: Mapping[str, Mapping[str, Any]], current: Collection[str]) -> None:
        self._hosts, self._current = hosts, current
        self._vms: dict[str, list[str]] = {}
        self._loose: dict[tuple[str, str], list[str]] = {}  # VMs on an org network that name no edge
        self._edges: dict[tuple[str, str], list[str]] = {}
        for name, facts in sorted(hosts.items()):
            variables = facts["vars"]
            for cloud in facts["clouds"]:
                place = (cloud, organization_of(facts))
                if "org_edges" in facts["kinds"]:
                    self._edges.setdefault(place, []).append(name)
                elif "members" in facts["kinds"] and not (variables.get("vcc_vapp") or variables.get("vcc_edge")):
                    self._loose.setdefault(place, []).append(name)
            if "members" in facts["kinds"]:
                gateway = variables.get("vcc_vapp") or variables.get("vcc_edge")
                if gateway:
                    self._vms.setdefault(str(gateway), []).append(name)

    def behind(self, gateway: OrgEdge | VappEdge, also: Collection[str] = ()) -> list[Served]:
        """The VMs on a gateway's network that have an IPv4 address there; ``also`` those, where they are known."""
        found = (self._read(name, gateway) for name in self._there(gateway, also))
        return sorted((one for one in found if one), key=lambda one: (*map(int, one.address.split(".")), one.name))

    def addresses(self, gateway: OrgEdge | VappEdge, also: Collection[str] = ()) -> Iterator[tuple[str, str]]:
        """The same VMs by their addresses, and those that are half described, and so not served."""
        for name in sorted(self._there(gateway, also)):
            address = Facts(name, self._hosts[name], Problems()).addresses("vcc_address", None).get(4)
            if address is not None:
                yield name, address

    def remembered(self, gateway: OrgEdge | VappEdge) -> list[str]:
        """The VMs that were on the network of a gateway in this inventory, and are in this inventory no more."""
        if gateway.name not in self._current:
            return []
        return [name for name in self._named(gateway) if name not in self._current]

    def _there(self, gateway: OrgEdge | VappEdge, also: Collection[str]) -> set[str]:
        names = self._named(gateway)
        if gateway.name in self._current:
            names = {name for name in names if name in self._current or name in also}
        return names

    def _named(self, gateway: OrgEdge | VappEdge) -> set[str]:
        place = (gateway.cloud, gateway.organization)
        names = {*self._vms.get(gateway.name, ())}
        edges = self._edges.get(place, [])
        if ([name for name in edges if name in self._current] or edges) == [gateway.name]:
            names.update(self._loose.get(place, ()))
        return names

    def gateways(self, edge: OrgEdge) -> Iterator[tuple[str, str]]:
        """The vApp edges on an org network, each with its address there."""
        for name, facts in sorted(self._hosts.items()):
            if facts["kinds"] == ["vapp_edges"] and organization_of(facts) == edge.organization:
                vapp = Facts(name, facts, Problems())
                if edge.cloud in vapp.clouds and (address := vapp.addresses("vcc_org_address", None).get(4)):
                    yield name, address

    def beside(self, edge: OrgEdge) -> Iterator[tuple[str, str, str]]:
        """Who has to do with another org edge of the network: host, variable and address. A cloud has one org network
        of an organization, whatever edges it has (docs/dhcp.md)."""
        for name, facts in sorted(self._hosts.items()):
            if organization_of(facts) != edge.organization or (
                edge.name in self._current and name not in self._current
            ):
                continue
            of_another = facts["vars"].get("vcc_edge") not in (None, "", edge.name) and not facts["vars"].get(
                "vcc_vapp"
            )
            variable = {"org_edges": "vcc_org_address", "members": "vcc_address"}.get("".join(facts["kinds"]), "")
            if name == edge.name or not variable or (variable == "vcc_address" and not of_another):
                continue
            host = Facts(name, facts, Problems())
            address = host.addresses(variable, None).get(4)
            if edge.cloud in host.clouds and address and edge.dhcp is not None and edge.dhcp.holds(address):
                yield name, variable, address

    def _read(self, name: str, gateway: OrgEdge | VappEdge) -> Served | None:
        facts = self._hosts[name]
        problems = Problems()
        vm = Facts(name, facts, problems)
        addresses = vm.addresses("vcc_address", None)
        macs = vm.macs(addresses)
        address = addresses.get(4)
        if address is None or len(problems) or gateway.dhcp is None:
            return None
        if gateway.cloud not in vm.clouds or vm.organization != gateway.organization:
            return None
        if not gateway.dhcp.holds(address):
            return None
        return Served(name, address, None if macs is None else macs.get(address, macs.get(EVERY)))
