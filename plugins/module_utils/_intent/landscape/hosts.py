# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what a VPN can name, as far as it is described: org edges, vApp edges and VMs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..._base.prefix import Prefix, parse_address
from ..profiles.profile import Profile
from .bgp import Bgp
from .external import External
from .neighbours import EVERY, Macs

MODES = ("address", "nat")
"""How a VM can be a member: it holds its address in the VPN itself, or is translated."""
RESOLVER, HOSTS = NAMES = ("resolver", "hosts")
"""How a member finds the names of its VPNs: its resolver asks its edge, or it has them in /etc/hosts."""
FORWARDED = "forwarded"
"""Of ``vcc_behind_nat``: the NAT lets through who speaks first."""

Addresses = Mapping[int, str]
"""One address per IP version: ``{4: "10.10.0.1", 6: "fd10:10::1"}``."""


LEASE = 3600
"""Seconds that a machine may keep an address without asking again."""


@dataclass(frozen=True)
class Dhcp:
    """What an edge serves. ``dynamic``: the first and the last address for machines that have no reservation."""

    network: Prefix
    lease: int = LEASE
    dns: tuple[str, ...] = ()
    dynamic: tuple[Prefix, Prefix] | None = None
    mtu: int | None = None
    """None: members get that of their VPNs' links, others are told none."""

    def holds(self, address: str) -> bool:
        """Whether an address is one that hosts of the network can have."""
        found = parse_address(address)
        ends = (self.network.first, self.network.last) if self.network.size > 2 else ()
        return self.network.contains(found) and found.first not in ends


@dataclass(frozen=True)
class OrgEdge:
    """An organization's gateway to the outside in one cloud. Its name is the name of the site, unless it is the second
    edge of a pair (`pairs.py`)."""

    name: str
    cloud: str
    organization: str
    public: Addresses
    inside: Addresses
    networks: tuple[Prefix, ...]
    underlay_mtu: int
    identity: str
    behind_nat: bool = False
    """Whether the public addresses are a NAT's, and the edge has others."""
    reachable: bool = True
    """Whether a peer that speaks first gets through: False behind a NAT that does not forward IKE to the edge."""
    external: External | None = None
    """Of an edge that is not ours; it need not have addresses and networks inside."""
    host: str | None = None
    """Of an external one: the DNS name of its public address, which may change. It is what ``public`` has then."""
    mlkem: bool = False
    """Whether its strongSwan has ML-KEM."""
    macs: Macs | None = None
    """Its link-layer addresses, where the inventory says them; () binds it to none."""
    dhcp: Dhcp | None = field(default=None, repr=False)
    """What it serves on the org network. It concerns nobody else: what tells edges apart elsewhere goes by `repr`."""
    site: str | None = None
    """What the inventory calls its site; two edges that name the same one are a pair."""
    own: Addresses = field(default_factory=dict, hash=False)
    """Its own addresses on the org network, of an edge of a pair: ``inside`` is those of whichever edge is in use."""
    vrrp: int | None = None
    """The number of the pair's virtual router, where the inventory says it."""

    @property
    def public_addresses(self) -> tuple[str, ...]:
        """Its public addresses that are known now."""
        return () if self.host else tuple(self.public.values())

    @property
    def profile(self) -> Profile | None:
        """What its gateway accepts, where it is not ours and said what it is."""
        return self.external.profile if self.external else None

    @property
    def bgp(self) -> Bgp | None:
        """The BGP session with it, where it is not ours and its tunnel is route-based."""
        return self.external.bgp if self.external else None


@dataclass(frozen=True)
class VappEdge:
    """The gateway of a vApp's internal network."""

    name: str
    cloud: str
    organization: str
    outside: Addresses
    inside: Addresses
    networks: tuple[Prefix, ...]
    macs: Macs | None = None
    dhcp: Dhcp | None = field(default=None, repr=False)
    """What it serves on the vApp network."""


@dataclass(frozen=True)
class OnWire:
    """A host on a network: the variable that says its addresses there, these, and its link-layer addresses, if said."""

    name: str
    variable: str
    addresses: tuple[str, ...]
    macs: Macs | None

    def said_macs(self) -> set[str]:
        """The link-layer addresses that the inventory gives it there."""
        return {mac for text, macs in (self.macs or {}).items() if text in (EVERY, *self.addresses) for mac in macs}


@dataclass(frozen=True)
class Vm:
    """A VM that can be a member. ``vapp`` is None on the org network."""

    name: str
    cloud: str
    organization: str
    site: str
    vapp: str | None
    addresses: Addresses
    mode: str
    external: bool = False
    """Whether it is behind an external edge: not ours, and never logged in to."""
    macs: Macs | None = None
    names: str = RESOLVER
    """One of NAMES."""


@dataclass(frozen=True)
class End:
    """What a stretched network is at a site: its org network, or that of a vApp (``vapp``: its edge)."""

    site: str
    vapp: str | None = None

    @property
    def name(self) -> str:
        """The edge that is the network's gateway."""
        return self.vapp or self.site

    def has(self, vm: Vm) -> bool:
        """Whether a VM is on this network."""
        return vm.vapp == self.vapp and (self.vapp is not None or vm.site == self.site)
