# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what the administrator asked for, as VPNs, or every error of it with its path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import Any

from ._destinations import parse_destinations
from ._landscape import MODES, Landscape, Vm
from ._policy import resolve_policy
from ._ports import Ports, parse_ports
from ._prefix import Prefix
from ._problems import Problems, did_you_mean, unknown_keys
from ._topology import Topology
from ._topology_intent import TopologyParser
from ._tunnels import parse_tunnel
from ._vpn import Member, Vpn, member_of

OTHERS: Mapping[str, Any] = MappingProxyType({})
"""Stands in a list of VPNs for one of an organization that the run is not about."""
_KEYS = ("name", "pool", "members", "destinations", "topology", "tunnel", "policy", "mode")
_MEMBER_KEYS = ("name", "mode", "ports")
# Also the swanctl name of the links, so: no dots, and short enough to read in a status line.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")


def parse_intent(
    intent: Mapping[str, Any],
    matches: Mapping[str, Sequence[str]],
    landscape: Landscape,
    problems: Problems,
    kept: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
) -> list[Vpn]:
    """Turn ``{"pools": ..., "vpns": ..., "policies": ...}`` into VPNs.

    ``matches`` gives, for every text among the members, the hosts the inventory matches it with (a host name, a group
    or a pattern; nothing when there is no such). ``kept`` are the records of the VPNs that are there, by organization
    and name: what was once decided for a VPN stays. What is wrong goes to ``problems``; a VPN with an error is left
    out.
    """
    pools = _parse_pools(intent.get("pools"), problems)
    policies = {} if intent.get("policies") is None else intent["policies"]
    if not isinstance(policies, Mapping):
        problems.add("policies", "must be a mapping of names to policies")
        policies = {}
    vpns = intent.get("vpns")
    if not isinstance(vpns, (list, tuple)):
        problems.add("vpns", "must be a list of VPNs")
        return []
    parsed: list[Vpn] = []
    names: dict[tuple[str, str], str] = {}
    for index, raw in enumerate(vpns):
        path = f"vpns[{index}]"
        if raw is OTHERS:
            continue
        if not isinstance(raw, Mapping):
            problems.add(path, "must be a mapping with name, pool and members")
            continue
        vpn = _Parser(raw, path, pools, policies, matches, landscape, problems, kept or {}).vpn()
        if vpn is None:
            continue
        first = names.setdefault((vpn.organization, vpn.name), path)
        if first != path:
            problems.add(
                f"{path}.name", f"{vpn.name} is already the name of {first}; names are unique in an organization"
            )
        else:
            parsed.append(vpn)
    for one, other in combinations([vpn for vpn in parsed if vpn.pool_name not in pools], 2):
        if one.organization == other.organization and one.pool.overlaps(other.pool):
            problems.add(f"{other.path}.pool", f"{other.pool} overlaps {one.path}.pool {one.pool}")
    return parsed


def _parse_pools(raw: object, problems: Problems) -> dict[str, Prefix]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        problems.add("pools", "must be a mapping of names to CIDRs, such as {internal: 100.64.0.0/10}")
        return {}
    pools: dict[str, Prefix] = {}
    for name, text in raw.items():
        prefix = _parse_pool(text, f"pools.{name}", problems)
        for other, taken in pools.items():
            if prefix is not None and prefix.overlaps(taken):
                problems.add(f"pools.{name}", f"{prefix} overlaps pools.{other} {taken}")
        if prefix is not None:
            pools[str(name)] = prefix
    return pools


UNUSABLE = {
    "0.0.0.0/8": "this network (RFC 1122)",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local",
    "224.0.0.0/3": "multicast and reserved",
    "::/64": "loopback and IPv4-mapped",
    "fe80::/10": "link-local",
    "ff00::/8": "multicast",
}


def _parse_pool(text: object, path: str, problems: Problems) -> Prefix | None:
    try:
        prefix = Prefix.parse(str(text))
    except ValueError as error:
        problems.add(path, str(error))
        return None
    for cidr, meaning in UNUSABLE.items():
        if prefix.overlaps(Prefix.parse(cidr)):
            problems.add(path, f"{prefix} lies in {cidr}, {meaning}; take it from private space, such as 100.64.0.0/10")
            return None
    return prefix


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
        self.raw, self.path, self.pools, self.policies = raw, path, pools, policies
        self.matches, self.landscape, self.problems = matches, landscape, problems
        self.has_unusable_members = False

    def vpn(self) -> Vpn | None:
        before = len(self.problems)
        unknown_keys(self.raw, _KEYS, self.path, self.problems)
        name = self._name()
        pool_name, pool = self._pool()
        tunnel, options = parse_tunnel(self.raw.get("tunnel"), f"{self.path}.tunnel", self.problems)
        policy = resolve_policy(self.raw.get("policy", "standard"), self.policies, f"{self.path}.policy", self.problems)
        members = self._members()
        organization = self._organization(members)
        topology = self._topology(name, organization, members)
        destinations = parse_destinations(self.raw.get("destinations"), f"{self.path}.destinations", self.problems)
        if name is None or pool is None or policy is None or organization is None or topology is None:
            return None
        if self.has_unusable_members or len(self.problems) > before:
            return None
        return Vpn(
            name, organization, pool_name, pool, members, topology, tunnel, policy, self.path, destinations, options
        )

    def _name(self) -> str | None:
        name = self.raw.get("name")
        if name is None:
            self.problems.add(f"{self.path}.name", "is missing")
        elif not isinstance(name, str) or not _NAME.fullmatch(name):
            self.problems.add(
                f"{self.path}.name",
                f"{name!r} must start with a letter and have at most 32 letters, digits, hyphens and underscores",
            )
        else:
            return str(name)
        return None

    def _pool(self) -> tuple[str, Prefix | None]:
        path, pool = f"{self.path}.pool", self.raw.get("pool")
        if pool is None:
            self.problems.add(path, "is missing: the name of a pool in vcc_pools, or a CIDR")
        elif not isinstance(pool, str):
            self.problems.add(path, f"must be the name of a pool in vcc_pools, or one CIDR, not {pool!r}")
        elif "/" in pool:
            own = _parse_pool(pool, path, self.problems)
            return str(own), own
        elif pool in self.pools:
            return str(pool), self.pools[pool]
        else:
            self.problems.add(path, f"there is no pool {pool!r} in vcc_pools{did_you_mean(pool, self.pools)}")
        return "", None

    def _topology(self, name: str | None, organization: str | None, members: Sequence[Member]) -> Topology | None:
        kept = self.kept.get((str(organization), str(name)), {})
        parser = TopologyParser(
            f"{self.path}.topology",
            sorted({member.vm.site for member in members}),
            str(organization),
            kept.get("topology"),
            self.landscape,
            self.problems,
        )
        return parser.parse(self.raw.get("topology", "mesh"))

    def _members(self) -> tuple[Member, ...]:
        path, raw = f"{self.path}.members", self.raw.get("members")
        if not isinstance(raw, (list, tuple)):
            self.problems.add(
                path,
                "is missing: a list of VMs, vApps, groups or inventory patterns"
                if raw is None
                else "must be a list of VMs, vApps, groups or inventory patterns",
            )
            return ()
        default_mode = self._mode(self.raw, self.path)
        places: dict[str, str] = {}
        found: dict[str, Member] = {}
        before = len(self.problems)
        for index, entry in enumerate(raw):
            place = f"{path}[{index}]"
            text, mode, ports = self._entry(entry, place, default_mode)
            if text is None:
                continue
            if text in places:
                self.problems.add(place, f"{text} is already named by {places[text]}")
                continue
            places[text] = place
            for name in self._vms(text, place):
                vm = self.landscape.vm(name, place)
                # What is wrong with a VM may be noted already, for a VPN before this one.
                self.has_unusable_members |= vm is None
                # The more exact word wins: a VM named by itself keeps the mode given there.
                if vm is not None and (name not in found or name == text):
                    found[name] = member_of(vm, mode or vm.mode, ports)
                    self._check_external(vm, entry, place)
        if len(found) < 2 and not self.has_unusable_members and len(self.problems) == before:
            self.problems.add(path, f"a VPN needs at least two members, and {len(found)} is named")
        return tuple(found[name] for name in sorted(found))

    def _check_external(self, vm: Vm, entry: object, place: str) -> None:
        if not vm.external or not isinstance(entry, Mapping):
            return
        if entry.get("ports") is not None:
            self.problems.add(
                f"{place}.ports",
                f"{vm.name} is behind {vm.site}, which is external: who reaches what there is its administrator's to "
                "say; leave it out",
            )
        if entry.get("mode") == "nat":
            self.problems.add(
                f"{place}.mode", f"nat: {vm.name} is behind {vm.site}, which is external: not ours to say; leave it out"
            )

    def _entry(
        self, entry: object, place: str, default_mode: str | None
    ) -> tuple[str | None, str | None, Ports | None]:
        ports = None
        if isinstance(entry, Mapping):
            unknown_keys(entry, _MEMBER_KEYS, place, self.problems)
            mode = self._mode(entry, place) or default_mode
            ports = parse_ports(entry.get("ports"), f"{place}.ports", self.problems)
            entry = entry.get("name")
        else:
            mode = default_mode
        if not isinstance(entry, str) or not entry:
            self.problems.add(place, "must be a name, or a mapping with name, mode and ports")
            return None, None, None
        return str(entry), mode, ports

    def _mode(self, raw: Mapping[str, Any], place: str) -> str | None:
        mode = raw.get("mode")
        if mode is not None and mode not in MODES:
            self.problems.add(f"{place}.mode", f"{mode!r} must be one of: {', '.join(MODES)}")
            return None
        return mode

    def _vms(self, text: str, place: str) -> Sequence[str]:
        hosts = self.matches.get(text, [])
        if not hosts:
            known = [*self.landscape.of_kind("members"), *self.landscape.of_kind("vapp_edges")]
            self.problems.add(
                place, f"{text} is no VM, vApp, group or pattern of the inventory{did_you_mean(text, known)}"
            )
            return []
        if self.landscape.is_a(text, "vapp_edges"):
            vms = self.landscape.vms_behind(text)
            if not vms:
                self.problems.add(place, f"no VM is behind the vApp {text}; VMs say so with vcc_vapp: {text}")
            return vms
        if text in hosts:
            return [text]
        vms = [host for host in hosts if self.landscape.is_a(host, "members")]
        if not vms:
            self.problems.add(place, f"{text} matches no host of the group members")
        return vms

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
