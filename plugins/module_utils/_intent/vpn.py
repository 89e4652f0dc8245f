# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: a VPN with every name in it resolved, and the plain data that the ledger keeps of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .._base.names import BOOLEAN
from .._base.prefix import Prefix
from .._base.problems import Problems
from .allow import Allow, allow_from_record
from .destinations import Destinations, destinations_from_record
from .landscape.hosts import End, Vm
from .landscape.landscape import Landscape
from .outside import Outside, outside_from_record
from .policy.policy import Policy, policy_from_record
from .ports import Ports
from .stretch import Stretch, stretch_from_record
from .topology.kinds import Pair, Topology, topology_from_record

# Also the swanctl name of the links, so: no dots, and short enough to read in a status line.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")


def parse_name(name: object, path: str, problems: Problems) -> str | None:
    """The name of a VPN, or of a stretched network."""
    if name is None:
        problems.add(path, "is missing")
    elif isinstance(name, bool):
        problems.add(path, BOOLEAN)
    elif not isinstance(name, str) or not _NAME.fullmatch(name):
        problems.add(
            path, f"{name!r} must start with a letter and have at most 32 letters, digits, hyphens and underscores"
        )
    else:
        return str(name)
    return None


@dataclass(frozen=True)
class Member:
    """A VM in a VPN, and whether it holds its VPN address itself (``address``) or is translated (``nat``).

    ``ports``: what others may open connections to; None for everything.
    """

    vm: Vm
    mode: str
    ports: Ports | None = None


@dataclass(frozen=True)
class Vpn:
    """One VPN as asked for, with every name in it resolved. ``path`` is its place in the intent."""

    name: str
    organization: str
    pool_name: str
    pool: Prefix
    members: tuple[Member, ...]
    topology: Topology
    tunnel: str
    policy: Policy
    path: str = field(compare=False)
    destinations: Destinations = field(default_factory=Destinations)
    tunnel_options: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the kind of tunnel lets one choose, each with its value."""
    allow: Allow | None = None
    """The connections that members may open to each other; None for every one."""
    domain: str | None = None
    """In which its members have names; None: they have none."""
    stretch: Stretch | None = None
    """Of a stretched network, which has no members with addresses of the pool: what is one broadcast domain."""
    outside: Outside | None = None
    """What its members have to do with the internet; None: nothing."""
    partners: tuple[str, ...] = ()
    """The external edges that networks among its destinations are behind, sorted. They are sites without a member,
    too."""

    @property
    def ends(self) -> tuple[End, ...]:
        """What it stretches, one network per site; most VPNs stretch nothing."""
        return self.stretch.ends if self.stretch else ()

    @cached_property
    def sites(self) -> list[str]:
        """The sites that have a member, or that are named, sorted: the names of their org edges."""
        named = {*self.topology.named, *self.partners, *(self.stretch.sites if self.stretch else ())}
        return sorted({*named, *self.homes})

    @cached_property
    def homes(self) -> list[str]:
        """The sites that have a member, sorted."""
        return sorted({member.vm.site for member in self.members})

    @cached_property
    def networks_only(self) -> set[str]:
        """The partners' sites that are in the VPN for the networks behind them, and have no member."""
        return {*self.partners} - {*self.homes}

    @cached_property
    def by_name(self) -> dict[str, Member]:
        """The members by their VM's name."""
        return {member.vm.name: member for member in self.members}

    @cached_property
    def pairs(self) -> list[Pair]:
        """The pairs of sites that have a tunnel, sorted."""
        return self.topology.pairs(self.sites)

    def record(self) -> dict[str, Any]:
        """The VPN as plain data, as the ledger keeps it. Member order has no meaning and is not kept."""
        ports = {member.vm.name: list(member.ports) for member in self.members if member.ports is not None}
        return {
            "pool": self.pool_name,
            "pool_prefix": str(self.pool),
            "members": {member.vm.name: member.mode for member in sorted(self.members, key=lambda one: one.vm.name)},
            "topology": self.topology.record(),
            "tunnel": self.tunnel,
            **({"tunnel_options": dict(self.tunnel_options)} if self.tunnel_options else {}),
            "policy": self.policy.record(),
            **({"ports": ports} if ports else {}),
            **({"destinations": self.destinations.record()} if self.destinations else {}),
            **({} if self.allow is None else {"allow": [rule.record() for rule in self.allow]}),
            **({"domain": self.domain} if self.domain else {}),
            **({"stretch": self.stretch.record()} if self.stretch else {}),
            **({} if self.outside is None else {"outside": self.outside.record()}),
        }


def member_of(vm: Vm, mode: str, ports: Sequence[str] | None = None) -> Member:
    """A member; what its gateway does is only ours to say where the gateway is ours."""
    return Member(vm, "address" if vm.external else mode, None if ports is None else tuple(ports))


def partners_of(destinations: Destinations, organization: str | None, landscape: Landscape) -> tuple[str, ...]:
    """The organization's external edges that networks are behind."""
    behind = {network.behind for network in destinations.networks if landscape.is_external(network.behind)}
    return tuple(sorted(edge for edge in behind if landscape.belongs_to(edge, str(organization))))


def vpn_from_record(
    name: str,
    organization: str,
    record: Mapping[str, Any],
    landscape: Landscape,
    problems: Problems,
    path: str = "",
) -> Vpn | None:
    """A VPN of the ledger that this run did not mention. None when the landscape no longer describes its VMs."""
    path = path or f"ledger.{organization}.{name}"
    vms = [(landscape.vm(vm, path), mode) for vm, mode in record["members"].items()]
    for vm, _mode in vms:
        if vm is not None and vm.organization != organization:
            problems.add(path, f"{vm.name} is of organization {vm.organization} now; take it out of the VPN first")
            return None
    ports = record.get("ports", {})
    members = tuple(member_of(vm, mode, ports.get(vm.name)) for vm, mode in vms if vm is not None)
    topology = topology_from_record(record["topology"])
    stretch = stretch_from_record(record.get("stretch"), landscape, path)
    destinations = destinations_from_record(record.get("destinations", {}))
    partners = partners_of(destinations, organization, landscape)
    named = {*topology.named, *partners, *(stretch.sites if stretch else ())}
    gone = [site for site in sorted(named) if not landscape.is_a(site, "org_edges")]
    lost_vapps = [vapp for vapp in (stretch.vapps.values() if stretch else ()) if landscape.vapp(vapp, path) is None]
    if gone:
        problems.add(path, f"leads over {', '.join(gone)}, which is not an org edge any more; give it another topology")
    lost = lost_vapps or (stretch is not None and len(stretch.members) < len(record["stretch"]["members"]))
    if len(members) < len(vms) or gone or lost:
        return None
    return Vpn(
        name,
        organization,
        record["pool"],
        Prefix.parse(record["pool_prefix"]),
        members,
        topology,
        record["tunnel"],
        policy_from_record(record["policy"]),
        path,
        destinations,
        record.get("tunnel_options", {}),
        allow_from_record(record.get("allow")),
        record.get("domain"),
        stretch,
        outside_from_record(record.get("outside"), f"{path}.outside"),
        partners,
    )
