# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what the administrator asked for, as VPNs, or every error of it with its path."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from .._base.prefix import Prefix
from .._base.problems import Problems, unknown_keys
from .allow import Allow, parse_allow
from .change import ChangeParser, is_change
from .destinations import parse_destinations
from .landscape.check import check_vapps
from .landscape.landscape import Landscape
from .members import MembersParser
from .names import parse_names
from .networks import parse_networks
from .organizations import OTHERS
from .outside import parse_outside
from .paths import NETWORKS, POLICIES, VPNS, of_network, of_pool, of_vpn
from .policy.policy import check_policies, resolve_policy
from .pools import parse_pool_name, parse_pools, point_out_public
from .topology.kinds import Topology
from .topology.parser import TopologyParser
from .tunnel import parse_tunnel
from .vpn import Member, Vpn, parse_name, partners_of

_KEYS = (
    *("name", "formerly", "pool", "members", "allow", "destinations", "topology", "tunnel", "policy", "mode", "names"),
    "outside",
)


def parse_intent(
    intent: Mapping[str, Any],
    matches: Mapping[str, Sequence[str]],
    landscape: Landscape,
    problems: Problems,
    kept: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
    going: Collection[tuple[str, str]] = (),
) -> list[Vpn]:
    """Turn ``{"pools": ..., "vpns": ..., "networks": ..., "policies": ...}`` into VPNs.

    ``matches`` gives, for every text among the members, the hosts the inventory matches it with (a host name, a group
    or a pattern; nothing when there is no such). ``kept`` are the records of the VPNs that are there, by organization
    and name: what was once decided for a VPN stays. ``going`` are those of them that are being deleted: nobody joins
    these. What is wrong goes to ``problems``; a VPN with an error is left out.
    """
    pools = parse_pools(intent.get("pools"), problems)
    policies = {} if intent.get("policies") is None else intent["policies"]
    if not isinstance(policies, Mapping):
        problems.add(POLICIES, "must be a mapping of names to policies")
        policies = {}
    check_policies(policies, problems)
    vpns = intent.get("vpns")
    if not isinstance(vpns, (list, tuple)):
        problems.add(VPNS, "must be a list of VPNs")
        return []
    parsed: list[Vpn] = []
    places: set[tuple[str, str]] = set()
    there = {key: record for key, record in (kept or {}).items() if key not in going}
    for index, raw in enumerate(vpns):
        path = of_vpn(index)
        if raw is OTHERS:
            continue
        if not isinstance(raw, Mapping):
            problems.add(path, "must be a mapping with name, pool and members")
            continue
        if is_change(raw):
            change = ChangeParser(raw, path, matches, landscape, problems, there)
            changed = change.vpn()
            places |= change.places
            parsed += [] if changed is None else [changed]
            continue
        parser = _Parser(raw, path, pools, policies, matches, landscape, problems, kept or {})
        vpn = parser.vpn()
        places |= parser.places
        parsed += [] if vpn is None else [vpn]
    parsed += parse_networks(intent.get("networks"), pools, policies, matches, landscape, problems)
    parsed = _distinct(parsed, problems)
    for vpn in parsed:
        point_out_public(vpn.pool, f"{vpn.path}.pool" if "/" in vpn.pool_name else of_pool(vpn.pool_name), problems)
    _check_own_pools([vpn for vpn in parsed if vpn.pool_name not in pools], problems)
    check_vapps(places, landscape, problems)
    return parsed


def _distinct(vpns: Iterable[Vpn], problems: Problems) -> list[Vpn]:
    """The first VPN of each name; the others are noted."""
    found: dict[tuple[str, str], Vpn] = {}
    for vpn in vpns:
        first = found.setdefault((vpn.organization, vpn.name), vpn).path
        if first != vpn.path:
            problems.add(
                f"{vpn.path}.name", f"{vpn.name} is already the name of {first}; names are unique in an organization"
            )
    return list(found.values())


def _check_own_pools(vpns: Sequence[Vpn], problems: Problems) -> None:
    """Note every VPN whose own CIDR overlaps that of one before it, the first of them."""
    for index, vpn in enumerate(vpns):
        for before in vpns[:index]:
            if before.organization == vpn.organization and before.pool.overlaps(vpn.pool):
                problems.add(f"{vpn.path}.pool", f"{vpn.pool} overlaps {before.path}.pool {before.pool}")
                break


def vpn_names(named: Mapping[str, object], problems: Problems) -> list[str]:
    """The names of an intent's VPNs and networks, given as ``{"vpns", "networks"}``, where nothing else of them is
    read."""
    names = []
    for key, variable, place in (("vpns", VPNS, of_vpn), ("networks", NETWORKS, of_network)):
        entries = named.get(key, ())
        if entries is None and key == "networks":
            continue
        if not isinstance(entries, (list, tuple)):
            problems.add(variable, f"must be a list of {'VPNs' if key == 'vpns' else key}")
            return []
        for index, raw in enumerate(entries):
            if isinstance(raw, Mapping):
                names.append(_name(raw, place(index), problems))
            else:
                problems.add(place(index), "must be a mapping with a name")
    return [name for name in names if name is not None]


def _name(raw: Mapping[str, Any], vpn: str, problems: Problems) -> str | None:
    return parse_name(raw.get("name"), f"{vpn}.name", problems)


class _Parser:
    """Parses one VPN; the state is what every step needs to name its errors."""

    def __init__(
        self,
        raw: Mapping[str, Any],
        path: str,
        pools: Mapping[str, Prefix],
        policies: Mapping[str, Any],
        matches: Mapping[str, Sequence[str]],
        landscape: Landscape,
        problems: Problems,
        kept: Mapping[tuple[str, str], Mapping[str, Any]],
    ) -> None:
        self.kept = kept
        self.places: set[tuple[str, str]] = set()  # the clouds that its members are in, each with the organization
        self.raw, self.path, self.pools, self.policies = raw, path, pools, policies
        self.matches, self.landscape, self.problems = matches, landscape, problems

    def vpn(self) -> Vpn | None:
        before = len(self.problems)
        unknown_keys(self.raw, _KEYS, self.path, self.problems)
        name = _name(self.raw, self.path, self.problems)
        pool_name, pool = parse_pool_name(self.raw.get("pool"), f"{self.path}.pool", self.pools, self.problems)
        tunnel, options = parse_tunnel(self.raw.get("tunnel"), f"{self.path}.tunnel", self.problems)
        policy = resolve_policy(self.raw.get("policy", "standard"), self.policies, f"{self.path}.policy", self.problems)
        reader = MembersParser(self.raw, self.path, self.matches, self.landscape, self.problems)
        destinations = parse_destinations(self.raw.get("destinations"), f"{self.path}.destinations", self.problems)
        members_from = len(self.problems)
        # One member and what is behind a partner's edge are two.
        members = reader.parse(any(self.landscape.is_external(network.behind) for network in destinations.networks))
        unclear = reader.has_unusable or len(self.problems) > members_from
        external = {member.vm.name: member.vm.site if member.vm.external else None for member in members}
        named = None if unclear else external
        allow = self._allow(reader, named)
        outside = parse_outside(self.raw.get("outside"), f"{self.path}.outside", named, reader.expand, self.problems)
        organization = self._organization(members)
        if organization is not None:
            destinations = destinations.behind(partial(self.landscape.site_named, organization))
            self.places |= {(organization, member.vm.cloud) for member in members}
        partners = partners_of(destinations, organization, self.landscape)
        topology = self._topology(name, organization, {*partners, *(member.vm.site for member in members)})
        domain = parse_names(self.raw.get("names"), name, f"{self.path}.names", self.problems)
        if name is None or pool is None or policy is None or organization is None or topology is None:
            return None
        if reader.has_unusable or len(self.problems) > before:
            return None
        return Vpn(
            name,
            organization,
            pool_name,
            pool,
            members,
            topology,
            tunnel,
            policy,
            self.path,
            destinations,
            options,
            allow,
            domain,
            outside=outside,
            partners=partners,
        )

    def _allow(self, reader: MembersParser, members: Mapping[str, str | None] | None) -> Allow | None:
        if "allow" in self.raw and self.raw["allow"] is None:
            self.problems.add(
                f"{self.path}.allow",
                "says nothing: list rules, or write [] if members may open no connection to each other; without "
                "the key they may open every one",
            )
        return parse_allow(self.raw.get("allow"), f"{self.path}.allow", members, reader.expand, self.problems)

    def _topology(self, name: str | None, organization: str | None, sites: Collection[str]) -> Topology | None:
        kept = self.kept.get((str(organization), str(name)), {})
        parser = TopologyParser(
            f"{self.path}.topology",
            sorted(sites),
            organization,
            kept.get("topology"),
            self.landscape,
            self.problems,
        )
        return parser.parse(self.raw.get("topology", "mesh"))

    def _organization(self, members: Sequence[Member]) -> str | None:
        organizations = sorted({member.vm.organization for member in members})
        if len(organizations) > 1:
            self.problems.add(
                f"{self.path}.members",
                "are of several organizations: "
                + ", ".join(
                    f"{name} ({next(member.vm.name for member in members if member.vm.organization == name)})"
                    for name in organizations
                ),
            )
        return organizations[0] if len(organizations) == 1 else None
