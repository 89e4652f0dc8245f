# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: a VPN with its leases, as its documents are compiled from: the addresses of all that is in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TypeVar

from ..._base.lease import Lease
from ..._base.prefix import BITS, Prefix
from ..._intent.landscape.hosts import End, OrgEdge, VappEdge
from ..._intent.landscape.landscape import Landscape
from ..._intent.topology.kinds import Pair
from ..._intent.vpn import Member, Vpn
from ..pool.lease_keys import (
    address_of,
    blocks_of,
    edge_key,
    own_edge_key,
    server_key,
    site_key,
    vapp_edge_key,
    vapp_key,
    vm_key,
    vpn_key,
)

T = TypeVar("T")


class LeasedVpn:
    """``number`` is the VPN's in the ledger, ``leases`` are its own by key. ``edges`` are those of its sites, ``twins``
    the second ones of those that have two, both by site."""

    def __init__(self, vpn: Vpn, number: int, leases: Mapping[str, Lease], landscape: Landscape) -> None:
        self.vpn, self.number, self.leases, self.landscape = vpn, number, leases, landscape
        self.family = vpn.pool.family
        blocks = blocks_of(leases, vpn_key(vpn.name))
        # What a recovery made of what nodes said may be within another: a firewall's map takes no address twice.
        self.blocks = texts(one for one in blocks if not any(other != one and other.contains(one) for other in blocks))
        self.edges = {site: known(landscape.edge(site)) for site in vpn.sites}
        self.twins = {site: twin for site in vpn.sites if (twin := landscape.twin(site)) is not None}
        self.homes = {twin.name: site for site, twin in self.twins.items()}  # of the second ones
        self.site_blocks = {site: blocks_of(leases, site_key(vpn.name, site)) for site in vpn.sites}

    def edges_at(self, site: str) -> list[OrgEdge]:
        """The org edges of a site, each at the place that is its lane."""
        return [self.edges[site], self.twins[site]] if site in self.twins else [self.edges[site]]

    def home(self, edge: str) -> str:
        """The site of an org edge."""
        return self.homes.get(edge, edge)

    def edge(self, name: str) -> OrgEdge:
        """The org edge of that name."""
        site = self.homes.get(name)
        return self.edges[name] if site is None else self.twins[site]

    @cached_property
    def edge_pairs(self) -> list[Pair]:
        """The pairs of org edges that have a tunnel, in the order of those of the sites."""
        if not self.twins:
            return self.vpn.pairs
        return [
            (here.name, there.name)
            for one, other in self.vpn.pairs
            for here in self.edges_at(one)
            for there in self.edges_at(other)
        ]

    def members_of(self, site: str) -> list[Member]:
        """The members at a site."""
        return self._members.get(site, [])

    @cached_property
    def _members(self) -> dict[str, list[Member]]:
        found: dict[str, list[Member]] = {}
        for member in self.vpn.members:
            found.setdefault(member.vm.site, []).append(member)
        return found

    def vapp_blocks(self, site: str, vapp: str) -> list[Prefix]:
        """The blocks of a vApp."""
        return blocks_of(self.leases, vapp_key(self.vpn.name, site, vapp))

    def address(self, member: Member) -> str:
        """A member's address."""
        return address_of(self.leases, vm_key(self.vpn.name, member.vm.site, member.vm.name, member.vm.vapp))

    @cached_property
    def moved(self) -> dict[str, list[Prefix]]:
        """The addresses of members that came with them from other sites, each as a prefix, by the site they are at."""
        found: dict[str, list[Prefix]] = {}
        for member in self.astray:
            own = self._prefix(member)
            if not any(block.contains(own) for block in self.site_blocks[member.vm.site]):
                found.setdefault(member.vm.site, []).append(own)
        return {site: sorted(prefixes) for site, prefixes in sorted(found.items())}

    @cached_property
    def astray(self) -> list[Member]:
        """Members whose address is in no block of their site, or vApp."""
        found = []
        for member in self.vpn.members:
            site, vapp = member.vm.site, member.vm.vapp
            blocks = self.site_blocks[site] if vapp is None else self.vapp_blocks(site, vapp)
            own = self._prefix(member)
            found += [] if any(block.contains(own) for block in blocks) else [member]
        return found

    def brought(self, site: str, vapp: str) -> list[Prefix]:
        """The addresses of members behind a vApp that lie outside its blocks: they were elsewhere before."""
        return sorted(self._prefix(one) for one in self.astray if (one.vm.site, one.vm.vapp) == (site, vapp))

    def left(self, site: str, vapp: str, anywhere: bool = False) -> list[Prefix]:
        """The addresses in a site's blocks of a vApp whose members are elsewhere now; or not even behind that vApp at
        another site."""
        found = []
        for block in self.vapp_blocks(site, vapp):
            at = bisect_left(self._placed, (block.first,))
            while at < len(self._placed) and self._placed[at][0] <= block.last:
                first, *place = self._placed[at]
                is_here = place[1] == vapp if anywhere else place == [site, vapp]
                found += [] if is_here else [Prefix(self.family, first, BITS[self.family])]
                at += 1
        return found

    @cached_property
    def _placed(self) -> list[tuple[int, str, str]]:
        """Every member's address as a number, with the site and the vApp that it is at; in order."""
        every = self.vpn.members
        return sorted((self._prefix(member).first, member.vm.site, member.vm.vapp or "") for member in every)

    def _prefix(self, member: Member) -> Prefix:
        return self.leases[vm_key(self.vpn.name, member.vm.site, member.vm.name, member.vm.vapp)].prefix

    @cached_property
    def names(self) -> dict[str, str]:
        """The addresses of members and servers by their names, in lower case; empty where the VPN has no names."""
        if not self.vpn.domain:
            return {}
        found = {member.vm.name.lower(): self.address(member) for member in self.vpn.members}
        for server in self.vpn.destinations.servers:
            key = server_key(self.vpn.name, server.behind, server.name)
            found[server.name.lower()] = address_of(self.leases, key)
        return dict(sorted(found.items()))

    def edge_address(self, site: str) -> str:
        """The address that a site's org edge has itself."""
        return address_of(self.leases, edge_key(self.vpn.name, site))

    def own_address(self, edge: str) -> str:
        """The address that an org edge has, and no other edge of its site."""
        site = self.home(edge)
        if site not in self.twins:
            return self.edge_address(site)
        return address_of(self.leases, own_edge_key(self.vpn.name, site, edge))

    def gateway(self, end: End) -> OrgEdge | VappEdge:
        """The edge of a network that is stretched."""
        if end.vapp is None:
            return self.edges[end.site]
        return known(self.landscape.vapp(end.vapp, ""))

    def end_address(self, end: End) -> str:
        """The address that this edge has, for frames."""
        if end.vapp is None:
            return self.edge_address(end.site)
        return address_of(self.leases, vapp_edge_key(self.vpn.name, end.site, end.vapp))

    def host(self, address: str) -> str:
        """An address as a prefix."""
        return f"{address}/{BITS[self.family]}"


def texts(prefixes: Iterable[Prefix]) -> list[str]:
    """Prefixes as documents have them."""
    return [str(prefix) for prefix in prefixes]


def known(found: T | None) -> T:
    """What a look-up found. The landscape was checked before anything is compiled, so there is always something."""
    if found is None:
        raise LookupError("the landscape was not checked")
    return found
