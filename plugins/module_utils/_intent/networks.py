# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: ``vcc_networks``: networks that are stretched over several sites.

A stretched network is planned as a VPN: the addresses in it are those of the org edges, which carry the members' frames
between each other. So links, tunnels, policies, generations, deletion and the ledger are what they are for every VPN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._base.prefix import Prefix, parse_address
from .._base.problems import Problems, did_you_mean, unknown_keys
from .landscape.hosts import OrgEdge, Vm
from .landscape.landscape import Landscape
from .members import MembersParser
from .organizations import OTHERS
from .paths import NETWORKS, of_host, of_network
from .policy.policy import Policy, resolve_policy
from .pools import parse_pool_name
from .stretch import Stretch
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
        edges = self._edges()
        members = self._members(edges) if edges else ()
        if name is None or pool is None or policy is None or len(self.problems) > before or not edges:
            return None
        return Vpn(
            name,
            edges[0].organization,
            pool_name,
            pool,
            (),
            Mesh(),
            tunnel,
            policy,
            self.path,
            tunnel_options=options,
            stretch=Stretch(tuple(sorted(edge.name for edge in edges)), members),
        )

    def _pool(self) -> tuple[str, Prefix | None]:
        """The only pool there is need not be named."""
        pool = self.raw.get("pool")
        if pool is None and len(self.pools) == 1:
            pool = next(iter(self.pools))
        return parse_pool_name(pool, f"{self.path}.pool", self.pools, self.problems)

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

    def _edges(self) -> list[OrgEdge]:
        path, raw = f"{self.path}.stretch", self.raw.get("stretch")
        if not isinstance(raw, (list, tuple)) or len(raw) < 2:
            self.problems.add(path, "must be a list of two or more org edges, whose org networks become one")
            return []
        edges: dict[str, OrgEdge] = {}
        before = len(self.problems)
        for index, name in enumerate(raw):
            edge = self._edge(name, f"{path}[{index}]")
            if edge is not None and edge.name in edges:
                self.problems.add(f"{path}[{index}]", f"{edge.name} is named already")
            elif edge is not None:
                edges[edge.name] = edge
        if len(self.problems) > before:
            return []
        found = [edges[name] for name in sorted(edges)]
        if len({edge.organization for edge in found}) > 1:
            whose = ", ".join(f"{edge.name} of {edge.organization}" for edge in found)
            self.problems.add(path, f"joins several organizations: {whose}; a network is of one")
        clouds: dict[str, str] = {}
        for edge in found:
            other = clouds.setdefault(edge.cloud, edge.name)
            if other != edge.name:
                self.problems.add(path, f"{edge.name} is in the cloud of {other}: name one of them")
        first = found[0]
        for edge in found[1:]:
            if sorted(edge.networks) != sorted(first.networks):
                here, there = (", ".join(map(str, one.networks)) for one in (edge, first))
                self.problems.add(
                    path,
                    f"{edge.name} has {here} ({of_host(edge.name, 'vcc_org_network')}), and {first.name} has {there}: "
                    "one broadcast domain is one network",
                )
        return [] if len(self.problems) > before else found

    def _edge(self, name: object, path: str) -> OrgEdge | None:
        if not isinstance(name, str) or not self.landscape.is_a(name, "org_edges"):
            why = f"{name} is no org edge{did_you_mean(str(name), self.landscape.of_kind('org_edges'))}"
            if isinstance(name, str) and self.landscape.is_a(name, "vapp_edges"):
                why = f"{name} is a vApp edge: only org networks can be stretched; move its VMs to the org network"
            self.problems.add(path, why)
            return None
        edge = self.landscape.edge(str(name))
        if edge is not None and edge.external:
            self.problems.add(path, f"{name} is external: what it does with frames is not ours to say; leave it out")
            return None
        return edge

    def _members(self, edges: Sequence[OrgEdge]) -> tuple[Vm, ...]:
        path, raw = f"{self.path}.members", self.raw.get("members")
        before = len(self.problems)
        by_name = {edge.name: edge for edge in edges}
        if raw == EVERYTHING:
            names = dict.fromkeys(self.landscape.on_org_networks(by_name), path)
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
        found = [vm for name in sorted(names) if (vm := self._member(name, names[name], by_name)) is not None]
        if len(found) < 2 and len(self.problems) == before:
            self.problems.add(path, f"a stretched network needs at least two members, and has {len(found)}")
        return tuple(found)

    def _member(self, name: str, place: str, edges: Mapping[str, OrgEdge]) -> Vm | None:
        vm = self.landscape.vm(name, place)
        if vm is None:
            return None
        if vm.site not in edges:
            self.problems.add(place, f"{name} is at {vm.site}, which stretch does not name; add it there")
        elif vm.vapp is not None:
            self.problems.add(place, f"{name} is behind the vApp {vm.vapp}: only VMs on the org network can be members")
        else:
            for address in vm.addresses.values():
                if not any(one.contains(parse_address(address)) for one in edges[vm.site].networks):
                    self.problems.add(
                        of_host(name, "vcc_address"),
                        f"{address} is in no org network of {vm.site}; correct one of the two",
                    )
            return vm
        return None
