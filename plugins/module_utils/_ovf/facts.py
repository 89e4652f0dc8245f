# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: the content of packages as hosts and groups of an inventory, by our names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._base.coerce import texts
from .._base.names import NAME, NAME_RULE
from .._base.prefix import Prefix, parse_address
from .._base.problems import Problems
from .choice import LEAVE, Choice
from .hardware import mac_of
from .loopback import is_loopback
from .model import ORG, VAPP, Content, Network, Nic, Vm

MEMBERS, VAPP_EDGES = "members", "vapp_edges"
# What a package that ovf_export wrote may say of its hosts: of each kind, what moves with a vApp.
OF_MEMBERS = ("vcc_address", "vcc_member_mode", "vcc_names")
OF_VAPP_EDGES = ("vcc_org_address", "vcc_vapp_address", "vcc_vapp_network", "vcc_dhcp")
LISTS = ("vcc_address", "vcc_org_address", "vcc_vapp_address", "vcc_vapp_network")
NAMING = ("names", "exclude", "addresses", "networks")
NO_GROUPS = ("all", "ungrouped", "vcc_server", "vcc_nodes", "org_edges", VAPP_EDGES, MEMBERS)
NO_PREFIXES = ("cloud_", "vapp_")


@dataclass
class Host:
    """A host: where it is said, its kind, its cloud, its variables, and the groups that its vApp is.

    ``joins``: what of other sources of the inventory it may be, or be put in.
    """

    place: str
    kind: str
    cloud: str
    variables: dict[str, Any]
    groups: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()


@dataclass
class Group:
    """The group of a vApp, or of a part of one: the group that it is part of, and its variables; ``joins`` as above."""

    place: str
    parent: str | None
    variables: dict[str, Any]
    joins: tuple[str, ...] = ()


@dataclass
class Hosts:
    """What all packages come to."""

    hosts: dict[str, Host] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)


def is_reserved(group: str) -> bool:
    """Whether a group says what a host is, or where: such groups are not a package's to choose.

    Signs that no variable has become ``_``, as ``keyed_groups`` writes them.
    """
    word = re.sub(r"\W", "_", group)
    return word in NO_GROUPS or word.startswith(NO_PREFIXES)


def own_addresses(variables: Mapping[str, Any]) -> str | None:
    """Why no host can have its addresses, where they are a loopback or an unspecified one; else None.

    Templates of the inventory read addresses: one that connects to them would connect to the controller.
    """
    for key in LISTS:
        for text in () if key.endswith("network") else texts(variables.get(key) or ()):
            if is_loopback(text):
                return f"{key}: {text} is an address that each machine has for itself; correct it"
    return None


def make_hosts(read: Iterable[tuple[Content, Choice]], problems: Problems) -> Hosts:
    """The hosts and groups of all packages. What is missing, and what two packages both have, is noted."""
    found, read, sound = Hosts(), list(read), not len(problems)
    for content, choice in read:
        _Package(content, choice, found, problems).add()
    if sound:  # else a package may be missing
        _check_named(read, problems)
    return found


def _check_named(read: Iterable[tuple[Content, Choice]], problems: Problems) -> None:
    """Note what options name, and none of their packages has: a misspelt name must not be left out silently."""
    missing: dict[str, bool] = {}
    for content, choice in read:
        there = {name for vm in content.vms for name in (vm.name, *vm.collections)} | {*content.networks}
        for option in NAMING:
            for name in getattr(choice, option):
                place = f"{choice.places.get(option, option)}.{name}"
                missing[place] = missing.get(place, True) and name not in there
    for place in (place for place, nowhere in missing.items() if nowhere):
        problems.add(place, "is the name of nothing in its packages")


class _Package:
    """Adds one package."""

    def __init__(self, content: Content, choice: Choice, found: Hosts, problems: Problems) -> None:
        self.content, self.choice, self.found, self.problems = content, choice, found, problems
        self.vapp_networks: dict[str, dict[str, Network]] = {}

    def add(self) -> None:
        groups = {path: self._group(path, properties) for path, properties in self.content.collections.items()}
        edges: dict[str, Vm] = {}
        members: list[Vm] = []
        for vm in self.content.vms:
            if vm.name in self.choice.exclude:
                continue
            if vm.ours.get("kind") == VAPP_EDGES:
                edges[self._name(vm.name, vm.place)] = vm
            else:
                members.append(vm)
        for vm in members:
            self._member(vm, groups.get(vm.collections))
        for name in {**edges, **self.vapp_networks}:
            self._vapp_edge(name, edges.get(name))

    def _group(self, path: tuple[str, ...], properties: dict[str, str]) -> str:
        """The group of a collection. Its name is the collection's, with those around it."""
        own, place = [f"{self._chosen(name)}{self.choice.suffix}" for name in path], self.content.file
        name, parent = _word("vapp", *own), _word("vapp", *own[:-1]) if len(own) > 1 else None
        if name in NO_GROUPS:
            self.problems.add(
                place, f"the vApp {'/'.join(path)} would be the group {name}, the group of all vApp edges; set "
                "names or suffix"
            )  # fmt: skip
        group = Group(place, parent, {"ovf_vapp_properties": properties}, self.choice.joins)
        before = self.found.groups.setdefault(name, group)
        if before.place != place or before.variables["ovf_vapp_properties"] is not properties:
            self.problems.add(
                place, f"the vApp {'/'.join(path)} is the group {name}, which is one of {before.place}, too; "
                f"set names or suffix for one of the packages"
            )  # fmt: skip
        return name

    def _name(self, name: str, place: str) -> str:
        """The host's name of a VM or a vApp."""
        full = f"{self._chosen(name)}{self.choice.suffix}"
        taken = full in NO_GROUPS or is_loopback(full)  # Ansible connects to the name where it is told no address
        if not NAME.fullmatch(full) or taken:
            hint = _word(full).replace("_", "-").strip("-").lower() or "a-name"
            if taken:
                hint += "-1"
            self.problems.add(
                place,
                f"{full!r} is not a name of a host, which is {NAME_RULE}; say another: names: {{{name!r}: {hint}}}",
            )
        return full

    def _chosen(self, name: str) -> str:
        return self.choice.names.get(name, name)

    def _host(self, name: str, host: Host) -> None:
        before = self.found.hosts.setdefault(name, host)
        if before is not host:
            self.problems.add(
                host.place, f"{name} is a host of {before.place}, too; set names or suffix for one of the packages"
            )
        wrong = own_addresses(host.variables)
        if wrong:
            self.problems.add(host.place, wrong)

    def _member(self, vm: Vm, group: str | None) -> None:
        name = self._name(vm.name, vm.place)
        nic = self._nic(vm)
        if nic is None:
            return
        variables = {**self._about(vm), **self._said(vm, OF_MEMBERS)}
        if self._kind(nic) == VAPP:
            vapp = self._vapp(vm)
            if vapp is None:
                return
            variables["vcc_vapp"] = vapp
            self.vapp_networks.setdefault(vapp, {})[nic.network] = self.content.networks[nic.network]
        if self.choice.edge:
            variables["vcc_edge"] = self.choice.edge
        addresses = self._addresses(vm, nic)
        if addresses:
            variables["vcc_address"] = addresses
        if self.choice.macs and nic.mac and nic.mac not in _macs_in(variables.setdefault("vcc_mac", [nic.mac])):
            self.problems.add(
                vm.place, f"its adapter has {nic.mac}, and its property intercloud.vpn.vcc_mac has not: correct one"
            )  # fmt: skip
        groups = (group,) if group else ()
        self._host(name, Host(vm.place, MEMBERS, str(self.choice.cloud), variables, groups, self.choice.joins))

    def _vapp(self, vm: Vm) -> str | None:
        """The vApp that a VM is in: by the name of its edge."""
        if self.choice.vapp:
            return self.choice.vapp
        if vm.collections:
            return self._name(vm.collections[0], vm.place)
        self.problems.add(
            vm.place,
            "is on a vApp's network, and the package has no VirtualSystemCollection, which is a vApp; say vapp",
        )
        return None

    def _kind(self, nic: Nic) -> str | None:
        network = self.content.networks.get(nic.network)
        return self.choice.networks.get(nic.network) or (None if network is None else network.kind)

    def _nic(self, vm: Vm) -> Nic | None:
        """The NIC on the VM's private network. None, and noted, where that cannot be told."""
        kinds = [(nic, self._kind(nic)) for nic in vm.nics if nic.network]
        before = len(self.problems)
        for nic, kind in kinds:
            if kind is None and nic.network in self.content.networks:
                network = self.content.networks[nic.network]
                self.problems.add(
                    network.place,
                    f"what the network {nic.network!r} is to VPNs is not said; say networks: {{{nic.network!r}: org}} "
                    "for the org network, vapp for a network behind a vApp edge, none for any other",
                )
        there = [nic for nic, kind in kinds if kind in (ORG, VAPP)]
        if len(there) > 1:
            there = [nic for nic in there if nic.primary] or there
        if len(self.problems) == before and len(there) != 1:
            known = ", ".join(dict.fromkeys(nic.network for nic in there))
            self.problems.add(
                vm.place,
                f"has {len(there)} adapters on networks of VPNs ({known}), and one of them is its own; say none for "
                "the others in networks" if there else "has no adapter on an org network or a vApp's; say exclude "
                f"for {vm.name!r}, or what its networks are in networks",
            )  # fmt: skip
        return there[0] if len(self.problems) == before else None

    def _addresses(self, vm: Vm, nic: Nic) -> list[str]:
        """The VM's addresses on its network, from whoever says them: all who do must say the same."""
        said: dict[str, tuple[str, ...]] = {}
        if vm.name in self.choice.addresses:
            said["addresses, in the inventory"] = self.choice.addresses[vm.name]
        if "vcc_address" in vm.ours:
            said["its property intercloud.vpn.vcc_address"] = tuple(texts(vm.ours["vcc_address"]))
        if nic.addresses:
            said[f"its adapter ({nic.place})"] = nic.addresses
        around = [vm.collections[:depth] for depth in range(len(vm.collections), 0, -1)]
        for template in self.choice.address_properties:
            key = template.replace("{nic}", str(vm.nics.index(nic))).replace("{vm}", vm.name)
            value = vm.properties.get(key)
            if not value and "{vm}" in template:
                value = next(
                    (its[key] for its in map(self.content.collections.get, around) if its and key in its), None
                )
            if value and not value.startswith("$"):  # ${...}: given out when the package is deployed
                said[f"its property {key}"] = tuple(texts(value))
        read = {who: _parsed(who, some, vm, self.problems) for who, some in said.items()}
        (first, addresses), *others = read.items() or [("", ())]
        for other, more in others:
            # One that knows the address of one IP version only does not contradict another.
            if not {*more} <= {*addresses} and not {*addresses} <= {*more}:
                self.problems.add(
                    vm.place, f"has {', '.join(addresses)} by {first}, and {', '.join(more)} by {other}: correct one"
                )
            addresses = max(addresses, more, key=len)
        if not addresses and self.choice.missing != LEAVE and not said:
            keys = ", ".join(self.choice.address_properties)
            self.problems.add(
                vm.place, f"its address is not said: neither by its adapter, nor by a property ({keys}); say "
                f"addresses: {{{vm.name}: [ADDRESS]}}, or missing: leave, and vcc_address elsewhere in the inventory",
                "its address is not said",
            )  # fmt: skip
        return list(addresses)

    def _vapp_edge(self, name: str, vm: Vm | None) -> None:
        """The host of a vApp's edge: with what the package says of it, be it a VM there or the cloud's own router."""
        networks = self.vapp_networks.get(name, {})
        place = vm.place if vm else next(iter(networks.values())).place
        if len(networks) > 1:
            self.problems.add(
                place, f"the vApp {name} has VMs on {len(networks)} networks ({', '.join(networks)}), and a vApp edge "
                "serves one; say none for the others in networks"
            )  # fmt: skip
        variables = self._about(vm)
        for network in networks.values():
            known = {
                "vcc_vapp_address": network.gateway,
                "vcc_vapp_network": network.prefix,
                "vcc_org_address": network.outside,
            }
            variables.update((key, list(value)) for key, value in known.items() if value)
        if vm:
            variables.update(self._said(vm, OF_VAPP_EDGES))
        before = self.found.hosts.get(name)
        shared = self.choice.vapp and not vm and before is not None and before.kind == VAPP_EDGES
        if shared and before and {**before.variables, "ovf_package": self.choice.path} == variables:
            return  # packages that share an edge, as the inventory says
        joins = (*self.choice.joins, *([self.choice.vapp] if self.choice.vapp else []))
        self._host(name, Host(place, VAPP_EDGES, str(self.choice.cloud), variables, joins=joins))

    def _said(self, vm: Vm, known: tuple[str, ...]) -> dict[str, Any]:
        """Of what a package of ours says of a host, what may be said there."""
        found: dict[str, Any] = {}
        for key, value in vm.ours.items():
            if key in known and key != "vcc_address":
                found[key] = texts(value) if key in LISTS else _plain(value)
            elif key == "vcc_mac":
                found.update(self._macs(value, vm))
            elif key.startswith("vcc_") and key not in known:
                self.problems.add(vm.place, f"a package cannot say {key}; leave out the property intercloud.vpn.{key}")
        for key in set(LISTS) & set(found):
            for text in found[key]:
                try:
                    (Prefix.parse if key.endswith("network") else parse_address)(text)
                except ValueError as error:
                    self.problems.add(vm.place, f"its property intercloud.vpn.{key}: {error}")
        return found

    def _macs(self, text: str, vm: Vm) -> dict[str, Any]:
        """Its ``vcc_mac``, where one address of one adapter cannot say it, and the inventory wants it."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = text
        if not all(mac_of(one) for one in _macs_in(value)):
            self.problems.add(
                vm.place, f"its property intercloud.vpn.vcc_mac: {text[:80]!r} is not made of link-layer addresses"
            )  # fmt: skip
        return {"vcc_mac": value} if self.choice.macs else {}

    def _origin(self) -> dict[str, Any]:
        return {"ovf_package": self.choice.path, **({"vcc_org": self.choice.org} if self.choice.org else {})}

    def _about(self, found: Vm | None) -> dict[str, Any]:
        """What is said of a VM, for `compose` and `keyed_groups`. All hosts have these variables."""
        vm = found or Vm("", "", "")
        nics = [{"network": nic.network, "mac": nic.mac, "addresses": list(nic.addresses)} for nic in vm.nics]
        about = {"ovf_id": vm.id, "ovf_vapp": list(vm.collections), "ovf_nics": nics, "ovf_product": vm.product}
        own = {key: value for key, value in vm.properties.items() if not key.startswith("intercloud.vpn.")}
        vpns = {
            vpn: {**said, "address": vm.ours[f"vpn-{vpn}"]}
            for vpn, said in self.content.vpns.items()
            if f"vpn-{vpn}" in vm.ours
        }
        groups = texts(vm.ours.get("groups", ""))
        for group in filter(is_reserved, groups):
            self.problems.add(
                vm.place,
                f"a package cannot put a host in the group {group!r}; leave the group out of the property "
                "intercloud.vpn.groups",
            )
        return {**self._origin(), **about, "ovf_properties": own, "ovf_vpns": vpns, "ovf_groups": groups}


def _parsed(who: str, some: Iterable[str], vm: Vm, problems: Problems) -> tuple[str, ...]:
    found = []
    for text in some:
        try:
            found.append(parse_address(text.partition("/")[0]).address())
        except ValueError as error:
            problems.add(vm.place, f"{who}: {error}")
    return tuple(found)


def _macs_in(value: Any) -> list[str]:
    """The link-layer addresses in a ``vcc_mac``; in place of one that is not a text, an empty one."""
    if isinstance(value, dict):
        return [mac for some in value.values() for mac in _macs_in(some)]
    return [one if isinstance(one, str) else "" for one in (value if isinstance(value, list) else [value])]


def _plain(text: str) -> Any:
    """A mapping or a truth that a property holds as JSON; any other text as it is."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, (dict, bool)) else text


def _word(*names: str) -> str:
    """A name of a group: letters, digits and underscores."""
    return "_".join("".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in name) for name in names)
