# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leases, the keys they are held under, and what a site asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..._base.lease import Lease
from ..._base.prefix import Prefix


@dataclass(frozen=True)
class SiteDemand:
    """What one site wants in one VPN: its VMs on the org network, per vApp the VMs behind that, and servers that are no
    members. ``gateways``: those of the vApps whose edge has an address of its own. ``kept``: how many addresses at the
    begin and at the end of each of its blocks nobody gets. ``pair``: its two org edges, each of which has an address of
    its own; empty where it has one."""

    site: str
    vms: tuple[str, ...] = ()
    vapps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    servers: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    kept: tuple[int, int] = (0, 0)
    pair: tuple[str, ...] = ()


def vpn_key(vpn: str) -> str:
    """Key of a VPN's block."""
    return f"vpn/{vpn}"


def site_key(vpn: str, site: str) -> str:
    """Key of a site's block."""
    return f"vpn/{vpn}/site/{site}"


def edge_key(vpn: str, site: str) -> str:
    """Key of the address of the site's org edge; both edges of a pair have it."""
    return f"vpn/{vpn}/site/{site}/edge"


def own_edge_key(vpn: str, site: str, edge: str) -> str:
    """Key of the address that one edge of a pair has itself."""
    return f"{edge_key(vpn, site)}/{edge}"


def is_own_edge(key: str) -> bool:
    """Whether the key is that of the address of one edge of a pair."""
    return len(parts := key.split("/")) == 6 and parts[2] == "site" and parts[4] == "edge"


def vapp_key(vpn: str, site: str, vapp: str) -> str:
    """Key of a vApp's block."""
    return f"vpn/{vpn}/site/{site}/vapp/{vapp}"


def vapp_edge_key(vpn: str, site: str, vapp: str) -> str:
    """Key of the address of a vApp edge itself."""
    return f"{vapp_key(vpn, site, vapp)}/edge"


def vm_key(vpn: str, site: str, vm: str, vapp: str | None = None) -> str:
    """Key of a member's address; a VM behind a vApp edge is keyed below the vApp."""
    return f"{site_key(vpn, site) if vapp is None else vapp_key(vpn, site, vapp)}/vm/{vm}"


def server_key(vpn: str, site: str, server: str) -> str:
    """Key of the address of a server that is not a member."""
    return f"{site_key(vpn, site)}/server/{server}"


def vpn_of(key: str) -> str:
    """The VPN that a key belongs to."""
    return key.split("/", 2)[1].partition("#")[0]


def is_vpn_block(key: str) -> bool:
    """Whether the key is a VPN's own: all its other leases are in these blocks."""
    return key.count("/") == 1


def hosts_by_vpn(leases: Iterable[str]) -> dict[str, set[str]]:
    """The hosts that the keys of leases name, by VPN: org edges, vApp edges and VMs."""
    found: dict[str, set[str]] = {}
    for key in leases:
        parts = [part.partition("#")[0] for part in key.split("/")]
        if parts[0] == "vpn":
            hosts = found.setdefault(parts[1], set())
            hosts.update(name for kind, name in zip(parts[2::2], parts[3::2]) if kind != "server")
    return found


def sites_in(leases: Iterable[str]) -> set[str]:
    """The sites that the keys of leases name."""
    parts = (key.split("/", 4) for key in leases)
    return {part[3].partition("#")[0] for part in parts if len(part) > 3 and part[2] == "site"}


def blocks_of(leases: Mapping[str, Lease], key: str) -> list[Prefix]:
    """The block of a key and its further ones, in the order they were taken; empty when it has none."""
    blocks: list[Prefix] = []
    lease = leases.get(key)
    while lease is not None:
        blocks.append(lease.prefix)
        lease = leases.get(f"{key}#{len(blocks) + 1}")
    return blocks


def address_of(leases: Mapping[str, Lease], key: str) -> str:
    """The address leased to a key, as text without prefix length; KeyError when there is none."""
    return leases[key].prefix.address()
