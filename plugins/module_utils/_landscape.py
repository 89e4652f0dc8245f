# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: the landscape - which edges, vApps and VMs there are, read from the inventory's plain facts.

A host's facts are ``{"kinds": [...], "clouds": [...], "vars": {"vcc_org": ..., ...}}``: the groups it is in and its
``vcc_*`` variables. Hosts are checked when a VPN needs them, so that a half-described VM elsewhere in the fleet stops
nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._csr import IDENTITY
from ._external import External, identity_of, is_external, read_external, read_mlkem
from ._prefix import Prefix, format_address, parse_address
from ._problems import Problems, did_you_mean

KINDS = ("vcc_nodes", "org_edges", "vapp_edges", "members")
MODES = ("address", "nat")
_ORGANIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
DEFAULT_ORGANIZATION = "default"
FORWARDED = "forwarded"
UNDERLAY_MTU = 1500

Addresses = Mapping[int, str]
"""One address per IP version: ``{4: "10.10.0.1", 6: "fd10:10::1"}``."""


@dataclass(frozen=True)
class OrgEdge:
    """An organization's gateway to the outside in one cloud. Its name is the name of the site."""

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
    mlkem: bool = False
    """Whether its strongSwan has ML-KEM."""


@dataclass(frozen=True)
class VappEdge:
    """The gateway of a vApp's internal network."""

    name: str
    cloud: str
    organization: str
    outside: Addresses
    inside: Addresses
    networks: tuple[Prefix, ...]


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


class Landscape:
    """Every host a VPN can name. Look-ups note what is wrong with a host and answer None.

    ``hosts`` are the inventory's, ``remembered`` those the ledger knows of earlier runs: a VPN that this run does not
    mention keeps working on what was known of its hosts, even if this inventory does not hold them.
    """

    def __init__(
        self,
        hosts: Mapping[str, Mapping[str, Any]],
        problems: Problems,
        remembered: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._current = hosts
        self._hosts = {**(remembered or {}), **hosts}
        self._problems = problems
        self._edges: dict[str, OrgEdge | None] = {}
        self._vapps: dict[str, VappEdge | None] = {}
        self._vms: dict[str, Vm | None] = {}
        self._edges_of: dict[tuple[str, str], list[str]] = {}
        self._remembered_edges_of: dict[tuple[str, str], list[str]] = {}
        self._vms_of: dict[str, list[str]] = {}
        for name, facts in sorted(self._hosts.items()):
            kinds, variables = facts["kinds"], facts["vars"]
            if "org_edges" in kinds:
                edges_of = self._edges_of if name in hosts else self._remembered_edges_of
                for cloud in facts["clouds"]:
                    edges_of.setdefault((cloud, _organization(variables)), []).append(name)
            if "members" in kinds and name in hosts and variables.get("vcc_vapp"):
                self._vms_of.setdefault(str(variables["vcc_vapp"]), []).append(name)

    def is_a(self, name: str, kind: str) -> bool:
        """Whether the host is in the inventory group ``kind``."""
        return name in self._hosts and kind in self._hosts[name]["kinds"]

    def of_kind(self, kind: str) -> list[str]:
        """The hosts of an inventory group, sorted."""
        return sorted(name for name in self._current if kind in self._current[name]["kinds"])

    def in_inventory(self, name: str) -> bool:
        """Whether this run's inventory holds the host."""
        return name in self._current

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

    def nodes(self, organization: str) -> dict[str, str]:
        """The clouds of an organization's VCC nodes, its own and shared ones, by name.

        Remembered ones count where this inventory has none.
        """
        found: dict[str, str] = {}
        for name, facts in sorted(self._hosts.items(), key=lambda item: (item[0] not in self._current, item[0])):
            serves = is_shared(facts) or organization_of(facts) == organization
            if "vcc_nodes" not in facts["kinds"] or len(facts["clouds"]) != 1 or not serves:
                continue
            if name in self._current or facts["clouds"][0] not in found.values():
                found[name] = str(facts["clouds"][0])
        return found

    def facts(self, name: str) -> dict[str, Any]:
        """The host's plain facts, as the ledger remembers them; a VM's with its edge, should the cloud get another."""
        facts = dict(self._hosts[name])
        vm = self._vms.get(name)
        return facts if vm is None else {**facts, "vars": {**facts["vars"], "vcc_edge": vm.site}}

    def vms_behind(self, vapp: str) -> list[str]:
        """The VMs behind a vApp edge, sorted."""
        return self._vms_of.get(vapp, [])

    def edge(self, name: str) -> OrgEdge | None:
        """The org edge of that name."""
        if name not in self._edges:
            self._edges[name] = self._read_edge(name)
        return self._edges[name]

    def vapp(self, name: str, asked_by: str) -> VappEdge | None:
        """The vApp edge of that name; ``asked_by`` is the path of the variable that names it."""
        if name not in self._vapps:
            self._vapps[name] = self._read_vapp(name, asked_by)
        return self._vapps[name]

    def vm(self, name: str, path: str) -> Vm | None:
        """The VM of that name, with its site; ``path`` is where the intent asked for it."""
        if name not in self._vms:
            self._vms[name] = self._read_vm(name, path)
        elif self._vms[name] is None:
            self._read_vm(name, path)  # every place that asks for what cannot be used is a mistake
        return self._vms[name]

    def _read_edge(self, name: str) -> OrgEdge | None:
        place, variables = f"hosts.{name}", self._hosts[name]["vars"]
        before = len(self._problems)
        cloud = self._cloud(name, place)
        self._check_host(name)
        identity = identity_of(name, _organization(variables), variables)
        others = self._identities(name) if is_external(variables) else ()
        external = read_external(place, identity, variables, others, self._problems)
        if not _ORGANIZATION.fullmatch(_organization(variables)):
            self._problems.add(
                f"{place}.vcc_org",
                f"{_organization(variables)!r} must be at most 32 letters, digits and "
                "hyphens, starting with a letter or digit: it is part of certificates and file names",
            )
        elif not external and not IDENTITY.fullmatch(identity):
            self._problems.add(
                place,
                f"{identity!r} would be the name in its certificate, and is no DNS name of at most 64 characters: "
                "rename the host (letters, digits, hyphens, dots), or give it a shorter name and ansible_host",
            )
        public = self._addresses(
            variables, "vcc_public_address", place, "the address other clouds' edges reach this one at"
        )
        inside = self._addresses(
            variables, "vcc_org_address", place, None if external else "the edge's address on the org network"
        )
        networks = self._networks(variables, "vcc_org_network", place)
        mtu = variables.get("vcc_underlay_mtu", UNDERLAY_MTU)
        if isinstance(mtu, bool) or not isinstance(mtu, int) or not 1280 <= mtu <= 9216:
            self._problems.add(f"{place}.vcc_underlay_mtu", f"must be octets from 1280 to 9216, not {mtu!r}")
        nat = variables.get("vcc_behind_nat", False)
        if not isinstance(nat, bool) and nat != FORWARDED:
            self._problems.add(f"{place}.vcc_behind_nat", f"must be true, false or {FORWARDED}, not {nat!r}")
        mlkem = read_mlkem(place, variables, bool(external), self._problems)
        if cloud is None or len(self._problems) > before:
            return None
        organization, reachable = _organization(variables), nat is not True
        return OrgEdge(
            *(name, cloud, organization, public, inside, networks, int(mtu), identity, bool(nat), reachable, external),
            mlkem,
        )

    def _identities(self, name: str) -> set[str]:
        """The identities of the other edges of an edge's organization."""
        organization = organization_of(self._hosts[name])
        return {
            identity_of(other, organization, facts["vars"])
            for other, facts in self._hosts.items()
            if other != name and "org_edges" in facts["kinds"] and organization_of(facts) == organization
        }

    def _read_vapp(self, name: str, asked_by: str) -> VappEdge | None:
        if not self.is_a(name, "vapp_edges"):
            hint = did_you_mean(name, self.of_kind("vapp_edges"))
            self._problems.add(asked_by, f"{name} is not in the group vapp_edges{hint}")
            return None
        place, variables = f"hosts.{name}", self._hosts[name]["vars"]
        before = len(self._problems)
        cloud = self._cloud(name, place)
        self._check_host(name)
        outside = self._addresses(variables, "vcc_org_address", place, "the vApp edge's address on the org network")
        inside = self._addresses(variables, "vcc_vapp_address", place, "the vApp edge's address on the vApp network")
        networks = self._networks(variables, "vcc_vapp_network", place)
        if cloud is None or len(self._problems) > before:
            return None
        return VappEdge(name, cloud, _organization(variables), outside, inside, networks)

    def _read_vm(self, name: str, path: str) -> Vm | None:
        if not self.is_a(name, "members"):
            self._problems.add(path, f"{name} is not in the group members, so it cannot be a member of a VPN")
            return None
        place, variables = f"hosts.{name}", self._hosts[name]["vars"]
        clouds = self._hosts[name]["clouds"]
        if len(clouds) != 1:
            groups = ", ".join(f"cloud_{cloud}" for cloud in clouds)
            self._problems.add(
                path,
                f"{name} is in no cloud; put it in a group cloud_<name>"
                if not clouds
                else f"{name} is in {len(clouds)} clouds ({groups}); a VM is in exactly one",
            )
            return None
        before = len(self._problems)
        self._check_host(name)
        organization = _organization(variables)
        site = self._site(name, path, clouds[0], organization)
        external = site is not None and is_external(self._hosts[site]["vars"])
        addresses = self._addresses(
            variables, "vcc_address", place, None if external else "the VM's address on its private network"
        )
        mode = variables.get("vcc_member_mode", "address")
        if mode not in MODES:
            self._problems.add(f"{place}.vcc_member_mode", f"must be one of {', '.join(MODES)}, not {mode!r}")
        vapp = str(variables["vcc_vapp"]) if variables.get("vcc_vapp") else None
        if external:
            self._check_external(name, str(site))
        elif vapp is not None:
            self._check_vapp(name, vapp, clouds[0], organization)
        if site is None or len(self._problems) > before:
            return None
        return Vm(name, str(clouds[0]), organization, site, vapp, addresses, str(mode), external)

    def _check_host(self, name: str) -> None:
        kinds = self._hosts[name]["kinds"]
        if "org_edges" not in kinds and "vcc_external" in self._hosts[name]["vars"]:
            self._problems.add(
                f"hosts.{name}.vcc_external",
                "is said of an org edge, and then goes for the VMs behind it; leave it out",
            )
        if len(kinds) > 1:
            self._problems.add(f"hosts.{name}", f"is in the groups {' and '.join(kinds)}; a host is in one of them")
        if "/" in name or "#" in name:
            self._problems.add(f"hosts.{name}", "has a / or a # in its name, which the ledger's keys are made with")

    def _check_external(self, vm: str, edge: str) -> None:
        """Behind an external edge, everything but the VM's address in the VPN is the other side's business."""
        variables = self._hosts[vm]["vars"]
        if variables.get("vcc_vapp"):
            self._problems.add(
                f"hosts.{vm}.vcc_vapp",
                f"{vm} is behind {edge}, which is external: its networks are not ours; leave it out",
            )
        if variables.get("vcc_member_mode") == "nat":
            self._problems.add(
                f"hosts.{vm}.vcc_member_mode",
                f"nat: {vm} is behind {edge}, which is external: whether it translates is its business; leave it out",
            )

    def _check_vapp(self, vm: str, vapp: str, cloud: str, organization: str) -> None:
        place = f"hosts.{vm}.vcc_vapp"
        gateway = self.vapp(vapp, place)
        if gateway is not None and gateway.cloud != cloud:
            self._problems.add(place, f"{vapp} is in cloud {gateway.cloud}, {vm} in cloud {cloud}")
        if gateway is not None and gateway.organization != organization:
            self._problems.add(place, f"{vapp} is of organization {gateway.organization}, {vm} of {organization}")

    def _site(self, vm: str, path: str, cloud: str, organization: str) -> str | None:
        named = self._hosts[vm]["vars"].get("vcc_edge")
        remembered = self._remembered_edges_of.get((cloud, organization), [])
        edges = self._edges_of.get((cloud, organization), remembered)
        if named is not None:
            if named in edges or named in remembered:
                return str(named)
            self._problems.add(
                f"hosts.{vm}.vcc_edge",
                f"{named} is no org edge of organization {organization} in cloud {cloud}"
                f"{did_you_mean(str(named), edges)}",
            )
        elif not edges:
            self._problems.add(
                path,
                f"{vm} has no way out: cloud {cloud} has no org edge of organization {organization}"
                "; add one to the groups org_edges and "
                f"cloud_{cloud}",
            )
        elif len(edges) > 1:
            self._problems.add(f"hosts.{vm}.vcc_edge", f"must say which org edge serves {vm}: {', '.join(edges)}")
        else:
            return edges[0]
        return None

    def _cloud(self, name: str, place: str) -> str | None:
        clouds = self._hosts[name]["clouds"]
        if len(clouds) == 1:
            return str(clouds[0])
        self._problems.add(
            place,
            "is in no cloud; put it in a group cloud_<name>"
            if not clouds
            else f"is in {len(clouds)} clouds ({', '.join(clouds)}); a gateway is in exactly one",
        )
        return None

    def _addresses(self, variables: Mapping[str, Any], key: str, place: str, meaning: str | None) -> Addresses:
        """One address per version. There must be one where ``meaning`` says what it is needed for."""
        found: dict[int, str] = {}
        if meaning is not None and not variables.get(key):
            self._problems.add(f"{place}.{key}", f"is missing: {meaning}")
        for text in _listed(variables.get(key)):
            try:
                address = parse_address(text)
            except ValueError as error:
                self._problems.add(f"{place}.{key}", str(error))
                continue
            if address.family in found:
                self._problems.add(f"{place}.{key}", f"has two IPv{address.family} addresses; give one per version")
            found[address.family] = format_address(address.family, address.first)
        return found

    def _networks(self, variables: Mapping[str, Any], key: str, place: str) -> tuple[Prefix, ...]:
        found = []
        for text in _listed(variables.get(key)):
            try:
                found.append(Prefix.parse(text))
            except ValueError as error:
                self._problems.add(f"{place}.{key}", str(error))
        return tuple(found)


def organization_of(facts: Mapping[str, Any]) -> str:
    """The organization that a host's facts name."""
    return _organization(facts["vars"])


def is_shared(facts: Mapping[str, Any]) -> bool:
    """Whether it is a VCC node that is no organization's own: it serves all that have hosts in its cloud."""
    return facts["kinds"] == ["vcc_nodes"] and facts["vars"].get("vcc_org") is None


def _organization(variables: Mapping[str, Any]) -> str:
    name = variables.get("vcc_org")
    return DEFAULT_ORGANIZATION if name is None else str(name)


def _listed(value: object) -> Sequence[str]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    return [str(value)]
