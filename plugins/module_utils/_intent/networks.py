# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: ``vcc_networks``: networks that are stretched over several sites.

A stretched network is planned as a VPN: the addresses in it are those of the edges that carry the members' frames
between each other: org edges, and vApp edges behind them. So links, tunnels, policies, generations, deletion and the
ledger are what they are for every VPN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._base.prefix import Prefix, parse_address
from .._base.problems import Problems, did_you_mean, unknown_keys
from .landscape.hosts import End, OrgEdge, VappEdge, Vm
from .landscape.landscape import Landscape
from .members import MembersParser
from .organizations import OTHERS
from .paths import NETWORKS, of_host, of_network
from .policy.policy import Policy, resolve_policy
from .pools import parse_pool_name
from .stretch import Stretch, where
from .topology.kinds import Mesh
from .tunnel import parse_tunnel
from .vpn import Vpn, parse_name

_KEYS = ("name", "formerly", "stretch", "members", "pool", "policy", "tunnel")
EVERYTHING = "all"
SECTIONS = ("rate", "quota", "rules", "logging")
"""What policies say about packets of members, which edges do not look into here."""


def parse_networks(
    networks: object,
    pools: Mapping[str, Prefix],
    policies: Mapping[str, Any],
    matches: Mapping[str, Sequence[str]],
    landscape: Landscape,
    problems: Problems,
) -> list[Vpn]:
    """Turn the list into VPNs. What is wrong goes to ``problems``; a network with an error is left out."""
    if networks is None:
        return []
    if not isinstance(networks, (list, tuple)):
        problems.add(NETWORKS, "must be a list of networks")
        return []
    found = []
    for index, raw in enumerate(networks):
        path = of_network(index)
        if raw is OTHERS:
            continue
        if not isinstance(raw, Mapping):
            problems.add(path, "must be a mapping with name, stretch and members")
            continue
        vpn = _Parser(raw, path, pools, policies, matches, landscape, problems).network()
        found += [] if vpn is None else [vpn]
    return found


class _Parser:
    """Parses one network; the state is what every step needs to name its errors."""

    def __init__(
        self,
        raw: Mapping[str, Any],
        path: str,
        pools: Mapping[str, Prefix],
        policies: Mapping[str, Any],
        matches: Mapping[str, Sequence[str]],
        landscape: Landscape,
        problems: Problems,
    ) -> None:
        self.raw, self.path, self.pools, self.policies = raw, path, pools, policies
        self.matches, self.landscape, self.problems = matches, landscape, problems

    def network(self) -> Vpn | None:
        before = len(self.problems)
        unknown_keys(self.raw, _KEYS, self.path, self.problems)
        name = parse_name(self.raw.get("name"), f"{self.path}.name", self.problems)
        pool_name, pool = self._pool()
        tunnel, options = parse_tunnel(self.raw.get("tunnel"), f"{self.path}.tunnel", self.problems)
        policy = self._policy()
        ends = self._ends()
        members = self._members(ends) if ends else ()
        if name is None or pool is None or policy is None or len(self.problems) > before or not ends:
            return None
        return Vpn(
            name,
            next(iter(ends.values())).organization,
            pool_name,
            pool,
            (),
            Mesh(),
            tunnel,
            policy,
            self.path,
            tunnel_options=options,
            stretch=Stretch(tuple(sorted(ends, key=lambda end: end.site)), members),
        )

    def _pool(self) -> tuple[str, Prefix | None]:
        """The only pool there is need not be named."""
        pool = self.raw.get("pool")
        if pool is None and len(self.pools) == 1:
            pool = next(iter(self.pools))
        name, prefix = parse_pool_name(pool, f"{self.path}.pool", self.pools, self.problems)
        if prefix is not None and prefix.family == 6:  # Linux makes no fragments of what VXLAN sends over IPv6
            self.problems.add(
                f"{self.path}.pool",
                f"{prefix} is IPv6, in which edges cannot send frames of full size; take an IPv4 pool. It is for edges "
                "only: members keep their addresses, IPv6 ones, too",
            )
        return name, prefix

    def _policy(self) -> Policy | None:
        path = f"{self.path}.policy"
        policy = resolve_policy(self.raw.get("policy", "standard"), self.policies, path, self.problems)
        usual = resolve_policy("standard", {}, path, self.problems)
        record, plain = ({} if one is None else one.record() for one in (policy, usual))
        said = [section for section in SECTIONS if policy is not None and record[section] != plain[section]]
        if said:
            self.problems.add(
                path,
                f"says {', '.join(said)}, which is not kept for frames of a stretched network; take a policy without",
            )
        return policy

    def _ends(self) -> dict[End, OrgEdge | VappEdge]:
        """What is stretched, one network per site, each with its gateway; empty if anything is wrong."""
        path, raw = f"{self.path}.stretch", self.raw.get("stretch")
        if not isinstance(raw, (list, tuple)) or len(raw) < 2:
            self.problems.add(path, "must be a list of two or more org edges or vApp edges, whose networks become one")
            return {}
        found: dict[End, OrgEdge | VappEdge] = {}
        before = len(self.problems)
        for index, name in enumerate(raw):
            end = self._end(name, f"{path}[{index}]")
            gateway = None if end is None else self.landscape.gateway(end)
            if end is None or gateway is None:
                continue
            if end in found:
                self.problems.add(f"{path}[{index}]", f"{end.name} is named already")
            found[end] = gateway
        if len(self.problems) > before:
            return {}
        found = dict(sorted(found.items(), key=lambda item: item[0].name))
        gateways = list(found.values())
        if len({one.organization for one in gateways}) > 1:
            whose = ", ".join(f"{one.name} of {one.organization}" for one in gateways)
            self.problems.add(path, f"joins several organizations: {whose}; a network is of one")
        clouds: dict[str, str] = {}
        for one in gateways:
            other = clouds.setdefault(one.cloud, one.name)
            if other != one.name:
                self.problems.add(path, f"{one.name} is in the cloud of {other}: name one of them")
        first = gateways[0]
        for one in gateways[1:]:
            if sorted(one.networks) != sorted(first.networks):
                here, there = (", ".join(map(str, each.networks)) or "none" for each in (one, first))
                variable = "vcc_vapp_network" if isinstance(one, VappEdge) else "vcc_org_network"
                self.problems.add(
                    path,
                    f"{one.name} has {here} ({of_host(one.name, variable)}), and {first.name} has {there}: "
                    "one broadcast domain is one network",
                )
        return {} if len(self.problems) > before else found

    def _end(self, name: object, path: str) -> End | None:
        if isinstance(name, str) and self.landscape.is_a(name, "vapp_edges"):
            site = self.landscape.site_of(name, path)
            end = None if site is None else End(site, name)
        elif isinstance(name, str) and self.landscape.is_a(name, "org_edges"):
            site = self.landscape.home(name)
            end = End(site)
        else:
            known = [*self.landscape.of_kind("org_edges"), *self.landscape.of_kind("vapp_edges")]
            self.problems.add(path, f"{name} is neither an org edge nor a vApp edge{did_you_mean(str(name), known)}")
            return None
        edge = None if site is None else self.landscape.edge(site)
        if edge is not None and edge.external:
            what = "is" if end == End(edge.name) else f"is behind {edge.name}, which is"
            self.problems.add(path, f"{name} {what} external: the collection does not configure it; leave it out")
            return None
        return end

    def _members(self, ends: Mapping[End, OrgEdge | VappEdge]) -> tuple[Vm, ...]:
        path, raw = f"{self.path}.members", self.raw.get("members")
        before = len(self.problems)
        if raw == EVERYTHING:
            names = dict.fromkeys(self.landscape.on_networks(ends), path)
        elif isinstance(raw, (list, tuple)):
            reader = MembersParser(self.raw, self.path, self.matches, self.landscape, self.problems)
            names = {}
            for index, text in enumerate(raw):
                place = f"{path}[{index}]"
                if not isinstance(text, str) or not text:
                    self.problems.add(place, f"must be the name of a VM, a group or a pattern, not {text!r}")
                    continue
                for name in reader.expand(text, place):
                    names.setdefault(name, place)
        else:
            self.problems.add(path, "must be all, or a list of VMs, groups or inventory patterns")
            return ()
        found = [vm for name in sorted(names) if (vm := self._member(name, names[name], ends)) is not None]
        if len(found) < 2 and len(self.problems) == before:
            self.problems.add(path, f"a stretched network needs at least two members, and has {len(found)}")
        return tuple(found)

    def _member(self, name: str, place: str, ends: Mapping[End, OrgEdge | VappEdge]) -> Vm | None:
        vm = self.landscape.vm(name, place)
        if vm is None:
            return None
        end = next((one for one in ends if one.has(vm)), None)
        if end is None:
            self.problems.add(place, f"{name} is {where(vm)}, which stretch does not name; {self._instead(vm, ends)}")
            return None
        for address in vm.addresses.values():
            if not any(one.contains(parse_address(address)) for one in ends[end].networks):
                self.problems.add(
                    of_host(name, "vcc_address"),
                    f"{address} is in no network of {end.name}; correct one of the two",
                )
        return vm

    @staticmethod
    def _instead(vm: Vm, ends: Mapping[End, OrgEdge | VappEdge]) -> str:
        """What mends it that a VM is on none of the networks."""
        there = next((end.name for end in ends if end.site == vm.site), None)
        return "add it there" if there is None else f"leave it out: of its cloud, the network of {there} is stretched"
