# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: which members may open connections to which, as gateways are told it. Keys are in docs/documents.md.

A gateway judges both directions of a connection by the addresses with which it was opened there: the source as the
gateway gets it, and the destination in the VPN. A rule is two sets of addresses on each gateway, never their product.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..._base.lease import Lease
from ..._intent.allow import ALL, Names, Rule
from ..._intent.vpn import Member, Vpn
from ..pool.lease_keys import address_of, blocks_of, edge_key, server_key, site_key, vm_key

LOOKED_UP = 2_000
"""How often a rule may be repeated on a gateway, for the targets that it is for, before rules are judged in turn."""

Entry = dict[str, Any]
Leases = Mapping[str, Lease]


def of_org_edge(vpn: Vpn, site: str, members: Iterable[Member], blocks: Sequence[str], leases: Leases) -> Entry:
    """What a site's edge is told: what its members are reached by, and what they open to other sites.

    ``beside``: addresses at other sites that are no member's; what is open there, others say. ``outside``: blocks of
    external edges, which an edge of ours is between: they have no tunnel with each other.
    """
    if vpn.allow is None:
        return {}
    rules = _Gateway(vpn, [*members], None, blocks, leases).rules(opening=True)
    outside = _outside(vpn, leases)
    if outside:
        rules += _between_external(vpn, outside, leases)
    beside = _beside(vpn, site, leases)
    return {"allow": {"rules": rules, **_targets(rules), "beside": beside, **({"outside": outside} if outside else {})}}


def of_vapp_edge(vpn: Vpn, vapp: str, members: Iterable[Member], blocks: Sequence[str], leases: Leases) -> Entry:
    """What a vApp edge is told: what its members are reached by. What they open to others, the org edge judges."""
    if vpn.allow is None:
        return {}
    rules = _Gateway(vpn, [*members], vapp, blocks, leases).rules(opening=False)
    return {"allow": {"rules": rules, **_targets(rules)}}


def summary(vpn: Vpn) -> Entry:
    """What people and verify want to know of it."""
    return {} if vpn.allow is None else {"allow": [rule.record() for rule in vpn.allow]}


def shared(vpn: Vpn, leases: Leases) -> list[Any]:
    """What the documents of all sites may have of it, beside the rules: addresses at any site."""
    if vpn.allow is None:
        return []
    named = {name for rule in vpn.allow for name in (*rule.sources, *rule.targets)}
    members = [[member.vm.name, _leased(vpn, member, leases)] for member in vpn.members if member.vm.name in named]
    return [sorted(members), _beside(vpn, "", leases)]


class _Gateway:
    """One gateway of a VPN, with the members behind it. ``vapp`` None: an org edge."""

    def __init__(
        self, vpn: Vpn, here: Sequence[Member], vapp: str | None, blocks: Sequence[str], leases: Leases
    ) -> None:
        self.vpn, self.vapp, self.blocks, self.leases = vpn, vapp, blocks, leases
        self.here = {member.vm.name: member for member in here}
        self.members = vpn.by_name

    def rules(self, opening: bool) -> list[Entry]:
        """The rules that concern its members. ``opening``: also where they only open connections to others."""
        found = []
        for rule in self.vpn.allow or ():
            reached = self._here(rule.targets)
            if reached:
                found.append(_entry(rule, self._sources(rule.sources), self._leased(reached)))
            sources = self._here(rule.sources)
            others = self._others(rule.targets) if opening and sources else []
            if others:
                found.append(_entry(rule, self._seen(sources), others))
        return found

    def _here(self, names: Names) -> Collection[str]:
        return self.here if names == (ALL,) else self.here.keys() & names

    def _others(self, names: Names) -> list[str]:
        """Addresses that are reached at other gateways; all of a VPN's blocks for all of its members, as below."""
        if names == (ALL,):
            return [*self.blocks]
        return self._leased(name for name in names if name not in self.here)

    def _sources(self, names: Names) -> list[str]:
        """All of a VPN's blocks for all of its members: another one at another site changes nothing here."""
        if names != (ALL,):
            return self._seen(names)
        return [*self.blocks, *self._seen(name for name in self.here if self._is_translated(self.members[name]))]

    def _seen(self, names: Iterable[str]) -> list[str]:
        """Addresses that senders have when a packet comes in: their own, of those that are translated here."""
        return sorted(self._source(self.members[name]) for name in names)

    def _source(self, member: Member) -> str:
        if self._is_translated(member):
            return member.vm.addresses[self.vpn.pool.family]
        return _leased(self.vpn, member, self.leases)

    def _is_translated(self, member: Member) -> bool:
        return member.mode == "nat" and member.vm.name in self.here and member.vm.vapp == self.vapp

    def _leased(self, names: Iterable[str]) -> list[str]:
        return sorted(_leased(self.vpn, self.members[name], self.leases) for name in names)


def _entry(rule: Rule, sources: list[str], targets: list[str]) -> Entry:
    ports = rule.ports
    return {"from": sources, "to": targets, **({} if ports is None else {"ports": ports})}


def _outside(vpn: Vpn, leases: Leases) -> list[str]:
    """The blocks of the external edges of a VPN; none where it leads to one of them only."""
    sites = sorted({member.vm.site for member in vpn.members if member.vm.external})
    blocks = [str(block) for site in sites for block in blocks_of(leases, site_key(vpn.name, site))]
    return blocks if len(sites) > 1 else []


def _between_external(vpn: Vpn, outside: Sequence[str], leases: Leases) -> list[Entry]:
    """The rules about members behind external edges, between these."""
    external = {member.vm.name: member for member in vpn.members if member.vm.external}

    def addresses(names: Names) -> list[str]:
        if names == (ALL,):
            return [*outside]
        return sorted(_leased(vpn, external[name], leases) for name in names if name in external)

    found = [(rule, addresses(rule.sources), addresses(rule.targets)) for rule in vpn.allow or ()]
    return [_entry(rule, sources, targets) for rule, sources, targets in found if sources and targets]


def _targets(rules: Sequence[Entry]) -> Entry:
    """Which addresses are the targets of which rules, by the rules' numbers from 1: a packet meets no other rules.

    Those to all of a VPN's blocks are for every address, and are in none. Where targets have too little in common,
    there are none either.
    """
    numbers: dict[str, list[int]] = {}
    for number, rule in enumerate(rules, 1):
        if not any("/" in target for target in rule["to"]):
            for target in rule["to"]:
                numbers.setdefault(target, []).append(number)
    groups: dict[tuple[int, ...], list[str]] = {}
    for target, some in numbers.items():
        groups.setdefault(tuple(some), []).append(target)
    if not groups or sum(map(len, groups)) > LOOKED_UP:
        return {}
    return {"targets": [{"to": sorted(found), "rules": [*some]} for some, found in sorted(groups.items())]}


def _leased(vpn: Vpn, member: Member, leases: Leases) -> str:
    return address_of(leases, vm_key(vpn.name, member.vm.site, member.vm.name, member.vm.vapp))


def _beside(vpn: Vpn, site: str, leases: Leases) -> list[str]:
    """The addresses of edges and servers at other sites."""
    edges = [address_of(leases, edge_key(vpn.name, other)) for other in vpn.sites if other != site]
    servers = [
        address_of(leases, server_key(vpn.name, server.behind, server.name))
        for server in vpn.destinations.servers
        if server.behind != site
    ]
    return sorted([*edges, *servers])
