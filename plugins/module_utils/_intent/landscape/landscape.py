# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: the landscape - which edges, vApps and VMs there are, read from the inventory's plain facts.

Hosts are checked when a VPN needs them, so that a half-described VM elsewhere in the fleet stops nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ..._base.names import folded, wrong_clouds
from ..._base.prefix import Prefix, parse_address
from ..._base.problems import Problems, did_you_mean
from .external import identity_of, is_external
from .facts import Facts, is_shared, organization_of
from .gateways import read_edge, read_vapp
from .hosts import MODES, NAMES, RESOLVER, End, OnWire, OrgEdge, VappEdge, Vm
from .pairs import VARIABLE, Leased, Pairs, no_site
from .served import Networks


class Landscape:
    """Every host a VPN can name. Look-ups note what is wrong with a host and answer None.

    ``hosts`` are the inventory's, ``remembered`` those the ledger knows of earlier runs: a VPN that this run does not
    mention keeps working on what was known of its hosts, even if this inventory does not hold them.
    ``leased`` says where addresses are leased, which decides what the sites of pairs are called.
    """

    def __init__(
        self,
        hosts: Mapping[str, Mapping[str, Any]],
        problems: Problems,
        remembered: Mapping[str, Mapping[str, Any]] | None = None,
        leased: Leased = no_site,
    ) -> None:
        self.leased = leased
        self._current = hosts
        self._hosts = {**(remembered or {}), **hosts}
        self._problems = problems
        self._edges: dict[str, OrgEdge | None] = {}
        self._vapps: dict[str, VappEdge | None] = {}
        self._vms: dict[str, Vm | None] = {}
        self._edges_of: dict[tuple[str, str], list[str]] = {}
        self._remembered_edges_of: dict[tuple[str, str], list[str]] = {}
        self._vms_of: dict[str, list[str]] = {}
        self._nodes_of: dict[str, dict[str, str]] = {}
        self._named: dict[tuple[str, str], list[str]] | None = None
        for name, facts in sorted(self._hosts.items()):
            kinds, variables = facts["kinds"], facts["vars"]
            if "org_edges" in kinds:
                edges_of = self._edges_of if name in hosts else self._remembered_edges_of
                for cloud in facts["clouds"]:
                    edges_of.setdefault((cloud, organization_of(facts)), []).append(name)
            if "members" in kinds and name in hosts and variables.get("vcc_vapp"):
                self._vms_of.setdefault(str(variables["vcc_vapp"]), []).append(name)

    @property
    def names(self) -> Collection[str]:
        """All hosts."""
        return self._hosts

    def is_a(self, name: str, kind: str) -> bool:
        """Whether the host is in the inventory group ``kind``."""
        return name in self._hosts and kind in self._hosts[name]["kinds"]

    def of_kind(self, kind: str) -> list[str]:
        """The hosts of an inventory group, sorted."""
        return sorted(name for name in self._current if kind in self._current[name]["kinds"])

    def in_inventory(self, name: str) -> bool:
        """Whether this run's inventory holds the host."""
        return name in self._current

    def successor(self, name: str) -> str | None:
        """The host that says that it had a name before (``vcc_formerly``)."""
        for host, facts in sorted(self._current.items()):
            said = facts["vars"].get("vcc_formerly")
            if said == name or (isinstance(said, (list, tuple)) and name in said):
                return host
        return None

    def is_external(self, name: str) -> bool:
        """Whether the host is an external edge."""
        return name in self._hosts and is_external(self._hosts[name]["vars"])

    def belongs_to(self, name: str, organization: str) -> bool:
        """Whether the host is known, and of that organization alone."""
        facts = self._hosts.get(name)
        return facts is not None and not is_shared(facts) and organization_of(facts) == organization

    def edges_of(self, organization: str) -> dict[str, str]:
        """The clouds of an organization's org edges by name. Remembered ones count where this inventory has none."""
        found: dict[str, str] = {}
        for edges_of in (self._remembered_edges_of, self._edges_of):
            found.update(
                (edge, cloud) for (cloud, owner), edges in edges_of.items() if owner == organization for edge in edges
            )
        return dict(sorted(found.items()))

    def clouds_of(self, host: str) -> Sequence[str]:
        """The clouds that a host is in: one, or the inventory is wrong."""
        return self._hosts[host]["clouds"] if host in self._hosts else ()

    def nodes(self, organization: str) -> dict[str, str]:
        """The clouds of an organization's VCC nodes, its own and shared ones, by name.

        Remembered ones count where this inventory has none.
        """
        if organization not in self._nodes_of:
            nodes = [(name, facts) for name, facts in self._hosts.items() if "vcc_nodes" in facts["kinds"]]
            found: dict[str, str] = {}
            clouds: set[str] = set()
            for name, facts in sorted(nodes, key=lambda node: (node[0] not in self._current, node[0])):
                serves = is_shared(facts) or organization_of(facts) == organization
                if len(facts["clouds"]) != 1 or not serves:
                    continue
                if name in self._current or facts["clouds"][0] not in clouds:
                    found[name] = str(facts["clouds"][0])
                    clouds.add(found[name])
            self._nodes_of[organization] = found
        return self._nodes_of[organization]

    def facts(self, name: str) -> dict[str, Any]:
        """The host's plain facts, as the ledger remembers them; a VM's with its edge, should the cloud get another."""
        facts = dict(self._hosts[name])
        if VARIABLE in facts["vars"] and not self.is_paired(name):
            # Else it would have an edge beside it again that it has no more, and that the ledger still knows.
            facts["vars"] = {key: value for key, value in facts["vars"].items() if key != VARIABLE}
        vm = self._vms.get(name)
        return facts if vm is None else {**facts, "vars": {**facts["vars"], "vcc_edge": vm.site}}

    def vms_behind(self, vapp: str) -> list[str]:
        """The VMs behind a vApp edge, sorted."""
        return self._vms_of.get(vapp, [])

    @cached_property
    def pairs(self) -> Pairs:
        """Which org edges serve a site together."""
        return Pairs(self._hosts, self._current, self.leased)

    def home(self, edge: str) -> str:
        """The site of an org edge: its own name, or that of the home edge of its pair."""
        return self.pairs.home(edge)

    def twin(self, site: str) -> OrgEdge | None:
        """The second org edge of a site; None where it has one."""
        name = self.pairs.twin(site)
        return None if name is None else self.edge(name)

    def is_paired(self, edge: str) -> bool:
        """Whether an org edge is one of two that serve a site."""
        return self.pairs.twin(self.home(edge)) is not None

    def edges_at(self, site: str) -> list[str]:
        """The org edges of a site: its home edge, and the second one, if it has two."""
        twin = self.pairs.twin(site)
        return [site] if twin is None else [site, twin]

    def site_named(self, organization: str, name: str) -> str | None:
        """The site that is meant: by its own name, or by that of an org edge of the organization."""
        if self.is_a(name, "org_edges") and organization_of(self._hosts[name]) == organization:
            return self.home(name)
        return self.pairs.site(organization, name)

    @cached_property
    def networks(self) -> Networks:
        """Who is on which gateway's network."""
        return Networks(self._hosts, self._current)

    def on_networks(self, ends: Collection[End]) -> list[str]:
        """The VMs of the inventory that are on some networks, by name; and those that may be, and cannot be read."""
        quiet = Landscape(self._current, Problems(), leased=self.leased)
        sites, vapps = [end.site for end in ends if not end.vapp], {end.vapp for end in ends if end.vapp}
        places = {(cloud, organization_of(self._hosts[site])) for site in sites for cloud in self.clouds_of(site)}
        found = []
        for name in self.of_kind("members"):
            vm, facts = quiet.vm(name, ""), self._current[name]
            gateway = facts["vars"].get("vcc_vapp")
            if vm is not None:
                found += [name] if any(end.has(vm) for end in ends) else []
            elif gateway:
                found += [name] if gateway in vapps else []
            else:
                here = {(cloud, organization_of(facts)) for cloud in facts["clouds"]}
                found += [name] if here & places else []
        return found

    def on_wires(self, ends: Collection[End]) -> Iterator[OnWire]:
        """Every host of the inventory on one of some networks; the gateways of these come last."""
        quiet = Landscape(self._current, Problems(), leased=self.leased)
        ends = [end for end in ends if self.in_inventory(end.name)]
        edges = [edge for end in ends if not end.vapp and (edge := quiet.edge(end.site)) is not None]
        vapps = [vapp for end in ends if end.vapp and (vapp := quiet.vapp(end.vapp, "")) is not None]
        clouds = {(edge.cloud, edge.organization) for edge in edges}
        for name in self.of_kind("members"):
            vm = quiet.vm(name, "")
            if vm is not None and any(end.has(vm) for end in ends):
                yield OnWire(name, "vcc_address", tuple(vm.addresses.values()), vm.macs)
        for name in self.of_kind("vapp_edges"):
            beside = quiet.vapp(name, "")
            if beside is not None and (beside.cloud, beside.organization) in clouds:
                yield OnWire(name, "vcc_org_address", tuple(beside.outside.values()), beside.macs)
        for vapp in vapps:
            yield OnWire(vapp.name, "vcc_vapp_address", tuple(vapp.inside.values()), vapp.macs)
        for edge in edges:
            yield OnWire(edge.name, "vcc_org_address", tuple(edge.inside.values()), edge.macs)

    def vapps_of(self, ends: Iterable[End], path: str) -> Iterator[tuple[End, VappEdge]]:
        """Those of some networks that are a vApp's, each with its edge; ``path`` is where the intent asked for it."""
        for end in ends:
            vapp = self.vapp(end.vapp, path) if end.vapp else None
            if vapp is not None:
                yield end, vapp

    def gateway(self, end: End) -> OrgEdge | VappEdge | None:
        """The edge that is the gateway of a network."""
        return self.vapp(end.vapp, "") if end.vapp else self.edge(end.site)

    def site_of(self, vapp: str, path: str) -> str | None:
        """The org edge that a vApp edge is behind; ``path`` is where the intent asked for it."""
        gateway = self.vapp(vapp, path)
        return None if gateway is None else self._site(self._read(vapp), path, gateway.cloud)

    def edge(self, name: str) -> OrgEdge | None:
        """The org edge of that name."""
        if name not in self._edges:
            host = self._read(name)
            edge, wrong = read_edge(host, self._identities(name)), self.pairs.wrong(name)
            if wrong:
                host.wrong(VARIABLE, wrong)
            self._edges[name] = None if wrong else edge
        return self._edges[name]

    def vapp(self, name: str, asked_by: str) -> VappEdge | None:
        """The vApp edge of that name; ``asked_by`` is the path of the variable that names it."""
        known = self.is_a(name, "vapp_edges")
        if name not in self._vapps:
            self._vapps[name] = read_vapp(self._read(name)) if known else None
        if not known:  # every variable that names it is a mistake
            hint = did_you_mean(name, self.of_kind("vapp_edges"))
            self._problems.add(asked_by, f"{name} is not in the group vapp_edges{hint}")
        return self._vapps[name]

    def with_vapp(self, places: Collection[tuple[str, str]]) -> Iterator[tuple[Facts, str, Facts | None]]:
        """The VMs of some ``(organization, cloud)`` that name a vApp edge, each with that name, and with its facts."""
        for vapp, vms in self._vms_of.items():
            gateway = self._read(vapp) if self.is_a(vapp, "vapp_edges") else None
            for name in vms:
                vm = self._read(name)
                if any((vm.organization, cloud) in places for cloud in vm.clouds):
                    yield vm, vapp, gateway

    def management(self, name: str) -> list[tuple[str, Prefix]]:
        """The addresses that Ansible reaches a host by, each with the variable that says so."""
        found = self._hosts[name].get("management", {})
        # An earlier version let the ledger remember addresses with a scope.
        plain = [(variable, text.partition("%")[0]) for variable, texts in found.items() for text in texts]
        return [(variable, parse_address(address)) for variable, address in plain]

    def vm(self, name: str, path: str) -> Vm | None:
        """The VM of that name, with its site; ``path`` is where the intent asked for it."""
        if name not in self._vms:
            self._vms[name] = self._read_vm(name, path)
        elif self._vms[name] is None:
            self._read_vm(name, path)  # every place that asks for what cannot be used is a mistake
        return self._vms[name]

    def _read(self, name: str) -> Facts:
        return Facts(name, self._hosts[name], self._problems)

    def _identities(self, name: str) -> dict[str, str]:
        """The other edges of an edge's organization, by identity without case."""
        if self._named is None:
            self._named = {}
            for edge, facts in self._hosts.items():
                if "org_edges" in facts["kinds"]:
                    organization = organization_of(facts)
                    identity = folded(identity_of(edge, organization, facts["vars"]))
                    self._named.setdefault((folded(organization), identity), []).append(edge)
        facts = self._hosts[name]
        organization = organization_of(facts)
        identity = folded(identity_of(name, organization, facts["vars"]))
        # An external edge is told that it has another's identity; the other edge need not hear of it, too.
        ours = not self.is_external(name)
        others = [
            edge
            for edge in self._named.get((folded(organization), identity), [])
            if edge != name and not (ours and self.is_external(edge))
        ]
        return {identity: others[0]} if others else {}

    def _read_vm(self, name: str, path: str) -> Vm | None:
        if not self.is_a(name, "members"):
            self._problems.add(path, f"{name} is not in the group members, so it cannot be a member of a VPN")
            return None
        host = self._read(name)
        wrong = wrong_clouds(host.clouds, "a VM")
        if wrong:
            self._problems.add(path, f"{name} {wrong}")
            return None
        cloud = str(host.clouds[0])
        before = len(self._problems)
        host.check()
        site = self._site(host, path, cloud)
        external = site is not None and self.is_external(site)
        addresses = host.addresses("vcc_address", None if external else "the VM's address on its private network")
        macs = host.macs(addresses)
        mode = host.variables.get("vcc_member_mode", "address")
        if mode not in MODES:
            host.wrong("vcc_member_mode", f"must be one of {', '.join(MODES)}, not {mode!r}")
        names = host.variables.get("vcc_names", RESOLVER)
        if names not in NAMES:
            host.wrong("vcc_names", f"must be one of {', '.join(NAMES)}, not {names!r}")
        vapp = str(host.variables["vcc_vapp"]) if host.variables.get("vcc_vapp") else None
        if external:
            _check_external(host, str(site))
        elif vapp is not None:
            self._check_vapp(host, vapp)
        if site is None or len(self._problems) > before:
            return None
        return Vm(name, cloud, host.organization, site, vapp, addresses, str(mode), external, macs, str(names))

    def _check_vapp(self, vm: Facts, vapp: str) -> None:
        gateway = self.vapp(vapp, f"{vm.place}.vcc_vapp")
        if gateway is not None:
            vm.check_vapp(self._read(vapp))

    def _site(self, vm: Facts, path: str, cloud: str) -> str | None:
        """The org edge that serves a VM: the one it names, else the only one there is."""
        named = vm.variables.get("vcc_edge")
        remembered = self._remembered_edges_of.get((cloud, vm.organization), [])
        edges = self._edges_of.get((cloud, vm.organization), remembered)
        astray = [edge for edge in edges if len(self._hosts[edge]["clouds"]) > 1]
        for edge in astray:  # else it would look as if the cloud had several
            self._read(edge).cloud()
        if astray:
            return None
        if named is not None:
            site = str(named) if named in edges or named in remembered else self.pairs.site(vm.organization, str(named))
            if site is not None and (site in edges or site in remembered):
                return self.home(site)
            vm.wrong(
                "vcc_edge",
                f"{named} is not an org edge of organization {vm.organization} in cloud {cloud}"
                f"{did_you_mean(str(named), edges)}",
            )
        elif not edges:
            self._problems.add(
                path,
                f"{vm.name} has no way out: cloud {cloud} has no org edge of organization {vm.organization}"
                f"; add one to the groups org_edges and cloud_{cloud}",
            )
        elif any(wrong := {edge: text for edge in edges if (text := self.pairs.wrong(edge))}):
            for edge, text in wrong.items():  # else it would look as if they were no pair
                self._read(edge).wrong(VARIABLE, text)
        elif len({*map(self.home, edges)}) > 1:
            vm.wrong("vcc_edge", f"must say which org edge serves {vm.name}: {', '.join(edges)}")
        else:
            return self.home(edges[0])
        return None


def _check_external(vm: Facts, edge: str) -> None:
    """Behind an external edge, everything but the VM's address in the VPN is the other side's business."""
    if vm.variables.get("vcc_vapp"):
        vm.wrong("vcc_vapp", f"{vm.name} is behind {edge}, which is external: its networks are not ours; leave it out")
    if vm.variables.get("vcc_member_mode") == "nat":
        vm.wrong(
            "vcc_member_mode",
            f"nat: {vm.name} is behind {edge}, which is external: its administrator decides that; leave it out",
        )
