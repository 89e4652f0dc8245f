# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what a stretched network has its org edges do: whose frames they carry, and to whom."""

from __future__ import annotations

from typing import Any

from ..._base.prefix import parse_address
from ..._intent.landscape.hosts import Addresses, OrgEdge, Vm
from ..._intent.landscape.neighbours import EVERY
from .leased_vpn import LeasedVpn

KEY = "stretch"
BROADCAST = 200  # group frames per second that leave a site, and that enter one: what ARP and ND need is far below
# Of the frames between edges, UDP. Not 4789, which another VXLAN on an edge may have, and below those that are given to
# whoever asks for any.
PORT = 14789


def of_org_edge(leased: LeasedVpn, site: str) -> dict[str, Any]:
    """The entry in the document of a site's edge; empty for a VPN that stretches nothing."""
    stretch = leased.vpn.stretch
    if stretch is None:
        return {}
    edge = leased.edges[site]
    own = min(edge.inside.items())[1]
    return {
        KEY: {
            "beside": own,
            "peers": sorted(leased.edge_address(other) for other in stretch.sites if other != site),
            "gateways": [_host(one, one.inside) for one in leased.edges.values()],
            "here": [_member(vm) for vm in stretch.at(site)],
            "there": [
                {**_member(vm), "behind": leased.edge_address(vm.site)} for vm in stretch.members if vm.site != site
            ],
            "broadcast": BROADCAST,
            "port": PORT,
        }
    }


def _member(vm: Vm) -> dict[str, Any]:
    return _host(vm, vm.addresses)


def _host(one: Vm | OrgEdge, there: Addresses) -> dict[str, Any]:
    addresses = [address for _family, address in sorted(there.items())]
    macs = (one.macs or {}).get(addresses[0], (one.macs or {}).get(EVERY))
    return {"host": one.name, "addresses": addresses, **({} if macs is None else {"mac": list(macs)})}


def shared(leased: LeasedVpn) -> list[Any]:
    """What all sites' documents say of the members, wherever they are."""
    stretch = leased.vpn.stretch
    return [] if stretch is None else [[_member(vm), vm.site] for vm in stretch.members]


def summary(leased: LeasedVpn) -> list[dict[str, Any]]:
    """The members as people and verify know them: at their own addresses, and reached over the edge of their site."""
    stretch = leased.vpn.stretch
    return [
        {
            "name": vm.name,
            "address": _first(vm),
            "mode": "stretched",
            "site": vm.site,
            "vapp": None,
            "cloud": vm.cloud,
            "over": leased.edge_address(vm.site),
        }
        for vm in (stretch.members if stretch else ())
    ]


def _first(vm: Vm) -> str:
    return min((parse_address(address) for address in vm.addresses.values()), key=lambda one: one.family).address()
