# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: a VPN with its leases, as its documents are compiled from: the addresses of all that is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TypeVar

from ..._base.lease import Lease
from ..._base.prefix import BITS, Prefix
from ..._intent.landscape.landscape import Landscape
from ..._intent.vpn import Member, Vpn
from ..pool.lease_keys import address_of, blocks_of, edge_key, server_key, site_key, vapp_key, vm_key, vpn_key

T = TypeVar("T")


class LeasedVpn:
    """``number`` is the VPN's in the ledger, ``leases`` are its own by key. ``edges`` are those of its sites."""

    def __init__(self, vpn: Vpn, number: int, leases: Mapping[str, Lease], landscape: Landscape) -> None:
        self.vpn, self.number, self.leases, self.landscape = vpn, number, leases, landscape
        self.family = vpn.pool.family
        blocks = blocks_of(leases, vpn_key(vpn.name))
        # What a recovery made of what nodes said may be within another: a firewall's map takes no address twice.
        self.blocks = texts(one for one in blocks if not any(other != one and other.contains(one) for other in blocks))
        self.edges = {site: known(landscape.edge(site)) for site in vpn.sites}
        self.site_blocks = {site: blocks_of(leases, site_key(vpn.name, site)) for site in vpn.sites}

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
