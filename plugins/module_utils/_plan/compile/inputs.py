# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what the documents of a site are compiled from, as one digest per site. While it is the same, so are they.

A site is an org edge with all that is behind it. What its documents say comes from the VPNs that it is in: from what
all sites of a VPN share (its policy and topology, the blocks and edges of all of them), and from its own members. Where
a site passes on the packets of others, theirs count, too.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections.abc import Iterable
from functools import cache
from typing import Any

from ..._intent.vpn import Member, Vpn
from . import allow, dhcp, stretch
from .leased_vpn import LeasedVpn
from .records import digest_of, site_of

# All code that documents depend on: with other code, everything is compiled anew. A test keeps the list.
CODE = (
    "_base.coerce",
    "_base.errors",
    "_base.lease",
    "_base.names",
    "_base.prefix",
    "_base.problems",
    "_intent.allow",
    "_intent.destinations",
    "_intent.landscape.bgp",
    "_intent.landscape.dhcp",
    "_intent.landscape.external",
    "_intent.landscape.facts",
    "_intent.landscape.gateways",
    "_intent.landscape.hosts",
    "_intent.landscape.landscape",
    "_intent.landscape.neighbours",
    "_intent.landscape.pairs",
    "_intent.landscape.served",
    "_intent.outside",
    "_intent.outside_publish",
    "_intent.paths",
    "_intent.policy.catalog",
    "_intent.policy.encryption",
    "_intent.policy.logging",
    "_intent.policy.policy",
    "_intent.policy.quota",
    "_intent.policy.rate",
    "_intent.policy.retries",
    "_intent.policy.rules",
    "_intent.policy.section",
    "_intent.ports",
    "_intent.profiles.aws",
    "_intent.profiles.azure",
    "_intent.profiles.cisco",
    "_intent.profiles.fortigate",
    "_intent.profiles.gcp",
    "_intent.profiles.known",
    "_intent.profiles.libreswan",
    "_intent.profiles.mikrotik",
    "_intent.profiles.pfsense",
    "_intent.profiles.profile",
    "_intent.profiles.proposal",
    "_intent.stretch",
    "_intent.topology.kinds",
    "_intent.vpn",
    "_plan.compile.access",
    "_plan.compile.allow",
    "_plan.compile.dhcp",
    "_plan.compile.documents",
    "_plan.compile.inputs",
    "_plan.compile.lanes",
    "_plan.compile.leased_vpn",
    "_plan.compile.links",
    "_plan.compile.mtu",
    "_plan.compile.names",
    "_plan.compile.organization",
    "_plan.compile.outside",
    "_plan.compile.reach",
    "_plan.compile.recompile",
    "_plan.compile.records",
    "_plan.compile.reqids",
    "_plan.compile.sites",
    "_plan.compile.still_guarded",
    "_plan.compile.stretch",
    "_plan.pool.lease_keys",
    "_plan.topology.ways",
    "_plan.tunnel.gateway",
    "_plan.tunnel.ipsec",
    "_plan.tunnel.kind",
    "_plan.tunnel.kinds",
    "_plan.tunnel.ssl",
)


def site_digests(leased: Iterable[LeasedVpn], going: Iterable[LeasedVpn] = ()) -> dict[str, str]:
    """SHA-256 by site. ``going``: VPNs that are being deleted, and that their sites still guard."""
    found: dict[str, list[str]] = {}
    for what, vpns in (("is", leased), ("goes", going)):
        for one in sorted(vpns, key=lambda one: one.vpn.name):
            parts = _parts(one)
            frame = digest_of([what, _frame(one), [] if is_mesh(one.vpn) else sorted(parts.items())])
            for site, part in parts.items():
                if not one.edges[site].external:  # it is told nothing
                    found.setdefault(site, []).append(f"{frame} {part}")
    return {site: digest_of([code_digest(), texts]) for site, texts in found.items()}


def is_mesh(vpn: Vpn) -> bool:
    """Whether every site has a tunnel to every other: then none passes anything on."""
    return len(vpn.pairs) == len(vpn.sites) * (len(vpn.sites) - 1) // 2


def _frame(leased: LeasedVpn) -> list[Any]:
    """What all sites of a VPN share."""
    vpn = leased.vpn
    shared = {key: value for key, value in vpn.record().items() if key not in ("members", "ports")}
    own = [(key, str(lease.prefix), lease.kind) for key, lease in sorted(leased.leases.items()) if not site_of(key)]
    edges = [
        (site, repr(edge), list(map(str, leased.site_blocks[site])), leased.edge_address(site))
        for site, edge in leased.edges.items()
    ]
    twins = [
        (site, repr(twin), [leased.own_address(edge.name) for edge in leased.edges_at(site)])
        for site, twin in leased.twins.items()
    ]
    # Where members are that came from elsewhere: to those who are where they were, too.
    moved = [(member.vm.name, member.vm.site, member.vm.vapp) for member in leased.astray]
    allowed = allow.shared(vpn, leased.leases)
    named = sorted(leased.names.items())  # every site's edge serves all of them
    frames = stretch.shared(leased)
    place = [vpn.name, vpn.organization, leased.number, leased.blocks, shared, own, edges, twins]
    return [*place, moved, allowed, named, frames]


def _parts(leased: LeasedVpn) -> dict[str, str]:
    """What only concerns one site: its members, vApps and leases."""
    members: dict[str, list[Member]] = {site: [] for site in leased.edges}
    for member in leased.vpn.members:
        members[member.vm.site].append(member)
    leases: dict[str, list[tuple[str, str, str]]] = {site: [] for site in leased.edges}
    for key, lease in leased.leases.items():
        if site_of(key) in leases:
            leases[site_of(key)].append((key, str(lease.prefix), lease.kind))
    vapps = {site: _vapps(leased.vpn, site, members[site]) for site in leased.edges}
    return {
        site: digest_of(
            [
                sorted([member.vm.name, member.mode, member.ports, repr(member.vm)] for member in members[site]),
                [repr(leased.landscape.vapp(name, "")) for name in vapps[site]],
                dhcp.inputs(leased, site, vapps[site]),
                sorted(leases[site]),
            ]
        )
        for site in leased.edges
    }


def _vapps(vpn: Vpn, site: str, members: Iterable[Member]) -> list[str]:
    stretched = vpn.stretch.vapps.get(site) if vpn.stretch else None
    return sorted({*filter(None, (stretched, *(member.vm.vapp for member in members)))})


@cache
def code_digest() -> str:
    """SHA-256 of the code, wherever it was loaded from (a module's zip file, too)."""
    package = str(__package__).removesuffix("_plan.compile")
    digest = hashlib.sha256()
    for name in CODE:
        spec = importlib.util.find_spec(f"{package}{name}")
        if spec is None or spec.loader is None:
            raise RuntimeError(f"{name} was not shipped")
        text = spec.loader.get_source(spec.name) or ""  # type: ignore[attr-defined]
        digest.update(text if isinstance(text, bytes) else text.encode())  # Ansible's own loader gives octets
    return digest.hexdigest()
