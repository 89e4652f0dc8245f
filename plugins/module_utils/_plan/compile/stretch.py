# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what a stretched network has edges do: whose frames they carry, and to whom.

At a site, either the org edge carries those of its org network, or a vApp edge those of its vApp's. Then the org edge
passes on what that one sends and gets, and nothing else.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any

from ..._base.prefix import parse_address
from ..._intent.landscape.hosts import Addresses, End, OrgEdge, VappEdge, Vm
from ..._intent.landscape.neighbours import EVERY
from .documents import Document
from .leased_vpn import LeasedVpn

if TYPE_CHECKING:
    from .reach import Links

KEY = "stretch"
PASSING = "frames"  # of the entry of an org edge that others' frames pass
BROADCAST = 200  # group frames per second that leave a site, and that enter one: what ARP and ND need is far below
# Of the frames between edges, UDP. Not 4789, which another VXLAN on an edge may have, and below those that are given to
# whoever asks for any.
PORT = 14789
USERSPACE = 1400  # octets: an org edge whose ESP is in user space takes no larger packet, and the plan does not know it


def of_org_edge(leased: LeasedVpn, end: End | None) -> dict[str, Any]:
    """What the entry in the document of a site's org edge says of it; nothing for a VPN that stretches nothing."""
    if end is None:
        return {}
    return _carried(leased, end) if end.vapp is None else {PASSING: {"port": PORT}}


def of_vapp_edge(leased: LeasedVpn, end: End | None) -> dict[str, Any]:
    """The same of a vApp edge."""
    if end is None:
        return {}
    kind = {} if leased.vpn.tunnel == "ipsec" else {"kind": leased.vpn.tunnel}
    return {"edge_address": leased.end_address(end), **kind, **_carried(leased, end)}


def size(links: Links, sites: Container[str], documents: Mapping[str, Document]) -> None:
    """Tell vApp edges behind some sites how large packets to other sites may be: fragments are made there, once."""
    vpn = links.vpn
    for site, vapp in vpn.stretch.vapps.items() if vpn.stretch else ():
        if site not in sites:
            continue
        mtu = min(link.mtu for link in links.at(site))
        mtu = min(mtu, USERSPACE) if vpn.tunnel == "ipsec" else mtu
        for entry in documents[vapp]["vpns"]:
            entry.update({"mtu": mtu} if entry["name"] == vpn.name else {})
        for route in documents[vapp]["routes"]:
            route.update({"mtu": mtu} if "via" in route and route["prefix"] in links.leased.blocks else {})


def _carried(leased: LeasedVpn, end: End) -> dict[str, Any]:
    stretch = leased.vpn.stretch
    if stretch is None:
        return {}
    others = [other for other in stretch.ends if other != end]
    gateways = [leased.gateway(one) for one in stretch.ends]
    return {
        KEY: {
            "beside": min(leased.gateway(end).inside.items())[1],
            "peers": sorted(map(leased.end_address, others)),
            "gateways": [_host(one, one.inside) for one in gateways],
            "here": [_member(vm) for vm in stretch.members if end.has(vm)],
            "there": [
                {**_member(vm), "behind": leased.end_address(other)}
                for vm in stretch.members
                for other in others
                if other.has(vm)
            ],
            "broadcast": BROADCAST,
            "port": PORT,
        }
    }


def _member(vm: Vm) -> dict[str, Any]:
    return _host(vm, vm.addresses)


def _host(one: Vm | OrgEdge | VappEdge, there: Addresses) -> dict[str, Any]:
    addresses = [address for _family, address in sorted(there.items())]
    macs = (one.macs or {}).get(addresses[0], (one.macs or {}).get(EVERY))
    return {"host": one.name, "addresses": addresses, **({} if macs is None else {"mac": list(macs)})}


def shared(leased: LeasedVpn) -> list[Any]:
    """What all sites' documents say of the members, wherever they are, and of the vApp edges among the ends."""
    stretch = leased.vpn.stretch
    if stretch is None:
        return []
    vapps = [[repr(leased.gateway(end)), leased.end_address(end)] for end in stretch.ends if end.vapp]
    return [[[_member(vm), vm.site, vm.vapp] for vm in stretch.members], vapps]


def summary(leased: LeasedVpn) -> list[dict[str, Any]]:
    """The members as people and verify know them: at their own addresses, and reached over their network's edge."""
    stretch = leased.vpn.stretch
    return [
        {
            "name": vm.name,
            "address": _first(vm),
            "mode": "stretched",
            "site": end.site,
            "vapp": end.vapp,
            "cloud": vm.cloud,
            "over": leased.end_address(end),
        }
        for vm in (stretch.members if stretch else ())
        if stretch and (end := stretch.end_of(vm)) is not None
    ]


def networks(leased: LeasedVpn) -> dict[str, Any]:
    """Which networks are stretched, by their edges; and where those of vApps send and get frames."""
    ends = leased.vpn.stretch.ends if leased.vpn.stretch else ()
    vapps = {end.vapp: leased.end_address(end) for end in ends if end.vapp}
    return {
        **({"stretched": [end.name for end in ends]} if ends else {}),
        **({"vapp_networks": vapps} if vapps else {}),
    }


def _first(vm: Vm) -> str:
    return min((parse_address(address) for address in vm.addresses.values()), key=lambda one: one.family).address()
