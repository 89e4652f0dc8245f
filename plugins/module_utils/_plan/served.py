# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: VMs that are in no VPN, and that an edge serves DHCP. The ledger knows them as long as it knows the edge:
fleets are kept in several inventories, and a run with another one takes no VM its address."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .._base.problems import Problems
from .._intent.landscape.hosts import OrgEdge, VappEdge
from .._intent.landscape.landscape import Landscape


def served_by(nodes: Collection[str], landscape: Landscape, members: Collection[str]) -> tuple[set[str], set[str]]:
    """The VMs that some nodes serve; and those of their networks that are no longer there, save ``members``."""
    served: set[str] = set()
    networks = list(_serving(nodes, landscape))
    for gateway in networks:
        served |= {vm.name for vm in landscape.networks.behind(gateway, members)}
    gone = {
        name
        for gateway in networks
        for name in landscape.networks.remembered(gateway)
        if name not in served and name not in members
    }
    return served, gone


def to_ask(nodes: Collection[str], landscape: Landscape) -> set[str]:
    """The VMs that some nodes serve, and whose link-layer addresses only they themselves can tell."""
    return {
        vm.name
        for gateway in _serving(nodes, landscape)
        for vm in landscape.networks.behind(gateway)
        if vm.macs is None and landscape.in_inventory(vm.name)
    }


def behind(known: Mapping[str, Mapping[str, Any]], kept: Collection[str]) -> set[str]:
    """The VMs that one of the hosts ``kept`` serves, by what the ledger knows of them."""
    landscape = Landscape({}, Problems(), known)
    return served_by([name for name in kept if name in known], landscape, ())[0]


def _serving(nodes: Collection[str], landscape: Landscape) -> Iterator[OrgEdge | VappEdge]:
    for name in sorted(nodes):
        gateway: OrgEdge | VappEdge | None = None
        if landscape.is_a(name, "org_edges"):
            gateway = landscape.edge(name)
        elif landscape.is_a(name, "vapp_edges"):
            gateway = landscape.vapp(name, "")
        if gateway is not None and gateway.dhcp is not None:
            yield gateway
