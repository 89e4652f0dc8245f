# Copyright (c) The intercloud.vpn developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF and OVA packages as an inventory."""

# ruff: noqa: E402  (a plugin begins with its documentation)

from __future__ import annotations

DOCUMENTATION = r"""
name: ovf
short_description: The VMs of OVF and OVA packages
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Reads packages of virtual machines (OVF 1.x and 2.0) and lists their VMs in the group C(members), with addresses and
    vApps as C(vcc_*) variables, each in the group of its cloud and of its vApp.
  - A vApp whose VMs are behind a gateway of their own is a host in the group C(vapp_edges), with the vApp's name.
  - Verifies the digests of the manifest and the signature. Refuses a package that was changed, that contradicts itself,
    or that tries to read other files. Reports all mistakes of all packages at once.
  - A package cannot take a name that an inventory source before it has, and cannot choose how to log in to its hosts.
    C(compose) may set C(ansible_host), C(ansible_port) and C(ansible_user) from what a package says, and no other
    variable that begins with C(ansible_).
  - Refuses loopback and unspecified addresses, and names such as C(localhost). Ansible would connect to the controller.
  - What a package does not say, the options say, for all packages or for one of them. Nothing is guessed.
requirements:
  - netaddr
  - cryptography, for packages that are signed
extends_documentation_fragment:
  - constructed
options:
  plugin:
    description: Must be V(intercloud.vpn.ovf). The name of the file must end in V(ovf.yml) or V(ovf.yaml).
    type: str
    required: true
    choices: [intercloud.vpn.ovf]
  packages:
    description:
      - The packages. Each is a path, or a mapping with C(path) and any of the options below, for this package only.
      - A path is a file (C(*.ovf), C(*.ova)), a folder, which stands for all packages in it, or a pattern.
      - A relative path begins in the folder of the inventory file.
      - Required, if there is no O(catalog).
    type: list
    elements: raw
    default: []
  catalog:
    description:
      - Packages that an organization published. Each entry is a mapping with C(organization), C(templates), which is a
        name, a list of names or V(all), which is the default, C(directory), the VCC server's state directory
        (C(vcc_state_dir)), and any of the options below, for these templates only.
      - The descriptor, the manifest and the certificate are read from the directory, and verified as those of other
        packages. Disks are on VCC nodes, and are not read.
      - The VMs are of the organization that published the package, C(vcc_org).
    type: list
    elements: dict
    default: []
  cloud:
    description: The cloud that the VMs run in. A package does not say that. Required, here or with each package.
    type: str
  org:
    description: The organization of the VMs, C(vcc_org).
    type: str
  edge:
    description: The org edge that serves the VMs, C(vcc_edge), where the cloud has several.
    type: str
  vapp:
    description:
      - The vApp edge of VMs on a vApp's network. Without it, the edge has the name of the package's outermost
        VirtualSystemCollection.
    type: str
  suffix:
    description: A text at the end of each host's name, such as V(-east), for a package that is deployed twice.
    type: str
  names:
    description: The host's name of a VM or a vApp, by its name in the package.
    type: dict
  exclude:
    description: VMs that are left out, by their names in the package.
    type: list
    elements: str
  networks:
    description:
      - What a network of the package is, by its name. V(org) is the org network, V(vapp) is the network behind the vApp
        edge. Adapters on a network that is V(none) are not used.
      - Packages of VMware Cloud Director and of M(intercloud.vpn.ovf_export) say this themselves.
    type: dict
  addresses:
    description: The addresses of VMs that the package lacks. Lists, by the VM's name in the package.
    type: dict
  address_properties:
    description:
      - Properties that hold a VM's address, where a package has them. C({nic}) is the number of the adapter, counted
        from 0, and C({vm}) is the VM's name.
    type: list
    elements: str
    default: ["ip{nic}", "vami.ip{nic}.{vm}", "guestinfo.ip{nic}"]
  configuration:
    description: The deployment option. Without it, the package's default.
    type: str
  missing:
    description:
      - What is done with a VM whose address is not said. V(refuse) reports the VM as a mistake. V(leave) lists it
        without C(vcc_address), which C(host_vars) must give then.
    type: str
    choices: [refuse, leave]
    default: refuse
  macs:
    description:
      - Whether the adapters' link-layer addresses become C(vcc_mac). Clouds often give new ones when they deploy a
        package. A wrong C(vcc_mac) cuts a VM off.
    type: bool
    default: false
  joins:
    description:
      - Hosts and groups of inventory sources before this one that packages may be, or put hosts in. Any other name that
        such a source has is refused.
      - The vApp edge that O(vapp) names needs no entry.
    type: list
    elements: str
  verify:
    description:
      - V(required) wants a manifest. V(signed) also wants a certificate that O(trusted) vouches for. V(if_present)
        takes a package without a manifest.
      - A manifest and a certificate that are there must be right in any case.
    type: str
    choices: [required, signed, if_present]
    default: required
  trusted:
    description:
      - A file with the authorities, or the signers themselves, that are trusted, as PEM. A certificate that an
        authority issued must allow code signing if it limits its purposes.
      - A relative path begins in the folder of the inventory file.
      - Without it, the signature must match the certificate in the package. Any signer is taken then.
    type: str
  digests:
    description:
      - V(all) reads all files of a package, disks too. V(descriptor) reads the descriptor only, and looks whether the
        other files are there and have a digest.
    type: str
    choices: [all, descriptor]
    default: all
  sha1:
    description: Whether digests and signatures with SHA-1 are enough, as older tools make them. SHA-1 can be forged.
    type: bool
    default: false
seealso:
  - module: intercloud.vpn.ovf_export
"""

EXAMPLES = r"""
# fleet.ovf.yml: a signed package, a folder, one package twice, and a published one
plugin: intercloud.vpn.ovf
org: acme
networks: {VM Network: org, Management: none}
packages:
  - {path: shop.ova, cloud: east, verify: signed, trusted: authorities.pem}
  - path: catalog/
    cloud: east
  - {path: web.ova, cloud: east, suffix: -east, addresses: {web: [10.10.0.21]}}
  - {path: web.ova, cloud: west, suffix: -west, addresses: {web: [10.10.0.21]}}
catalog:  # what acme published
  - {organization: acme, templates: payroll, cloud: east}
compose:
  ansible_host: (vcc_address | default(vcc_org_address))[0]
keyed_groups:
  - {key: ovf_product.vendor, prefix: vendor}
"""

import datetime
import importlib.util
import os

from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.inventory.helpers import get_group_vars
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import host_variables
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentError, IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.choice import OF_PACKAGES
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.constructed import (
    GUARDED,
    LOGINS,
    VETTED,
    wrong_variable,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.facts import is_reserved
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.load import load_packages
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.published import read_catalog

KINDS = ("vcc_server", "vcc_nodes", "org_edges", "vapp_edges", "members")
CLOUD = "cloud_"
IMPLIED = ("all", "ungrouped")
SIGNS = frozenset("{}#")


def inert(value):
    """What a package says, which strangers wrote: a template in it stays a text."""
    if isinstance(value, dict):
        # Cores before 2.19 look for the mark in what a mapping has, and not in its keys.
        return {inert(key): (wrap_var if of_template(key) else inert)(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [inert(entry) for entry in value]
    # Only where there could be one: ansible-inventory of cores before 2.19 shows the mark.
    return wrap_var(value) if of_template(value) else value


def of_template(value):
    """Whether a text could be part of a template: `compose` can make one of two texts that are none."""
    return isinstance(value, str) and not SIGNS.isdisjoint(value)


def printable(error):
    """A mistake with names that strangers chose: none of them begins a line of its own, or steers the terminal."""
    texts = (error.path, error.message, error.alike)
    return IntentError(*("".join(one if one.isprintable() else repr(one)[1:-1] for one in text) for text in texts))


def _inside(group):
    """The hosts and groups that are in a group itself."""
    return {one.name for one in (*group.hosts, *group.child_groups)}


def _hosts(group):
    """The hosts that are in a group, also by a group in it."""
    return {host.name for host in group.get_hosts()}


class InventoryModule(BaseInventoryPlugin, Constructable):
    NAME = "intercloud.vpn.ovf"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(("ovf.yml", "ovf.yaml"))

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        if importlib.util.find_spec("netaddr") is None:
            raise AnsibleParserError("intercloud.vpn.ovf needs the Python library netaddr on the controller")
        self._read_config_data(path)
        common = {key: self.get_option(key) for key in OF_PACKAGES if key != "path"}
        problems = Problems()
        today = datetime.datetime.now(datetime.timezone.utc)
        beside = os.path.dirname(os.path.abspath(path))
        if not self.get_option("packages") and not self.get_option("catalog"):
            raise AnsibleParserError(f"{path}: says no packages, and no catalog")
        published = read_catalog(self.get_option("catalog"), common, beside, problems)
        found = load_packages(self.get_option("packages"), common, beside, today, problems, published)
        self._check_others(found, problems)
        staged = InventoryData()
        if not len(problems):
            self._stage(found, staged, problems)
        try:
            problems.raise_if_any()
        except IntentErrors as errors:
            shown = IntentErrors(map(printable, errors.errors))
            raise AnsibleParserError(f"{path}: {shown.report('in packages, which were not used')}") from errors
        self._add(staged)

    def _check_others(self, found, problems):
        """Packages must not change what other sources say, nor who is in a group of theirs."""
        clouds = {f"{CLOUD}{host.cloud}" for host in found.hosts.values()}
        groups = {*self.inventory.groups, *found.groups, *clouds}
        for name, host in found.hosts.items():
            if name in groups:  # Ansible would give the host's variables to the group
                problems.add(host.place, f"{name} is a group of the inventory; set names or suffix")
            self._check_other(name, host, problems)
        for name, group in found.groups.items():
            if name in self.inventory.hosts:
                problems.add(group.place, f"the group {name} of a vApp is a host of the inventory; set names or suffix")
            elif name in self.inventory.groups and name not in group.joins:
                problems.add(
                    group.place,
                    f"the group {name} of a vApp is a group of the inventory already; set names or suffix, or say "
                    f"joins: [{name}] if it is the same vApp",
                )

    def _check_other(self, name, host, problems):
        """A host must be no other's, unless the options say so, and then of the same kind and cloud."""
        other = self.inventory.hosts.get(name)
        if other is None:
            return
        before = len(problems)
        for group in other.groups:
            if group.name in KINDS and group.name != host.kind:
                problems.add(host.place, f"{name} is in {group.name} of the inventory; set names or suffix")
            elif group.name.startswith(CLOUD) and group.name != f"{CLOUD}{host.cloud}":
                problems.add(host.place, f"{name} is in {group.name} of the inventory, and not in cloud {host.cloud}")
        if name in host.joins:
            self._check_said(name, host.variables, host.place, problems)
        elif len(problems) == before:
            problems.add(
                host.place,
                f"{name} is a host of {other.vars.get('inventory_file') or 'the inventory'} already; set names or "
                f"suffix, or say joins: [{name}] if it is the same",
            )

    def _check_said(self, name, variables, place, problems):
        """Another source's word for a host stays, be it the host's own or that of its groups."""
        other = self.inventory.hosts.get(name)
        said = host_variables({**self._of_groups(other), **other.vars}) if other else {}
        for key, value in host_variables(variables).items():
            if key.startswith("vcc_"):
                same = said.get(key, value) == value
            else:  # of Ansible's own, some are texts or numbers
                same = not key.startswith(GUARDED) or str(said.get(key, value)) == str(value)
            if not same:
                secret = key.startswith("ansible_") and key not in LOGINS
                values = "" if secret else f": {said[key]}, and not {value}"
                keep = f", or keep it: compose: {{{key}: {key} | default(...)}}" if key.startswith("ansible_") else ""
                problems.add(place, f"the inventory has another {key} for {name}{values}; correct one{keep}")

    def _of_groups(self, host):
        """The variables of a host's groups, the inner ones before the outer. Not those of files in group_vars."""
        every = self.inventory.groups.get("all")  # hosts are in it only when all sources were read
        inner = get_group_vars([group for group in host.get_groups() if group is not every])
        return {**(every.get_vars() if every else {}), **inner}

    def _stage(self, found, staged, problems):
        """Put all hosts and groups in an inventory of their own, from where they are taken if all of it is in order."""
        for group in ("members", "vapp_edges"):
            staged.add_group(group)
        for name, group in found.groups.items():
            staged.add_group(name)
            if group.parent:
                staged.add_child(group.parent, name)
            for key, value in group.variables.items():
                staged.set_variable(name, key, inert(value))
        for name, host in found.hosts.items():
            for group in (host.kind, f"{CLOUD}{host.cloud}", *host.groups):
                staged.add_group(group)
                staged.add_host(name, group=group)
            for key, value in host.variables.items():
                staged.set_variable(name, key, inert(value))
        own = {name: _inside(group) for name, group in staged.groups.items()}
        inventory, self.inventory = self.inventory, staged
        try:
            for name, host in found.hosts.items():
                self._construct(name, host, inventory.hosts.get(name), own, problems)
        finally:
            self.inventory = inventory
        for name, host in found.hosts.items():
            self._check_said(name, staged.hosts[name].vars, host.place, problems)
        self._check_groups(found, staged, own, problems)

    def _construct(self, name, host, other, own, problems):
        """Its variables and groups of templates. ``other``: the host as the inventory has it already. ``own``: of each
        group what the administrator has put in it; grows by what the templates here put.
        """
        strict, groups = self.get_option("strict"), other.groups if other else ()
        for group in groups:  # a template can ask for them
            if group.name not in IMPLIED:
                self.inventory.add_group(group.name)
                self.inventory.add_child(group.name, name)
        known = other.get_vars() if other else {}
        variables = inert({**known, **self.inventory.hosts[name].get_vars(), **host.variables})
        vetted = {**known, **{key: value for key, value in host.variables.items() if key in VETTED}}
        for variable, template in (self.get_option("compose") or {}).items():
            try:
                value = self._compose(template, variables)
            except Exception as error:
                if strict:
                    raise AnsibleParserError(f"could not set {variable} for host {name}: {error}") from error
                continue
            if not self._says(template, vetted, value):
                wrong = wrong_variable(variable, value, host.kind)
                if wrong:
                    problems.add(f"compose.{variable}", f"{name}: {wrong}", wrong)
                value = inert(value)  # a filter, such as b64decode, can have made a template of it
            self.inventory.set_variable(name, variable, value)
        self._group(name, variables, own)

    def _group(self, name, variables, own):
        """Put a host in the groups of templates. Those of `groups`, and a parent with a name that is no template, are
        the administrator's word. A package can choose the same name, in `keyed_groups`: that is not.
        """
        strict, composed = self.get_option("strict"), self.get_option("groups") or {}
        self._add_host_to_composed_groups(composed, variables, name, strict=strict)
        for group in map(self._sanitize_group_name, composed):
            there = self.inventory.groups.get(group)
            if there and name in there.host_names:
                own.setdefault(group, set()).add(name)
        for keyed in self.get_option("keyed_groups") or ():
            said = str((keyed.get("parent_group") if isinstance(keyed, dict) else None) or "")
            parent = None if not said or "{" in said else self._sanitize_group_name(said)
            before = self._children(parent)
            self._add_host_to_keyed_groups([keyed], variables, name, strict=strict)
            if parent:
                own.setdefault(parent, set()).update(self._children(parent) - before)

    def _children(self, parent):
        """The groups that are in a group itself; none where it is not there."""
        there = self.inventory.groups.get(parent)
        return {child.name for child in there.child_groups} if there else set()

    def _says(self, template, variables, value):
        """Whether a template has this value with these variables alone."""
        try:
            return bool(self._compose(template, variables) == value)
        except Exception:  # most often, a variable is missing
            return False

    def _check_groups(self, found, staged, own, problems):
        """What packages chose to put in groups: none says what a host is, and none is another source's."""
        joins = {name: host.joins for name, host in found.hosts.items()}
        common = self.get_option("joins") or ()
        for name in sorted(staged.groups.keys() - set(IMPLIED)):
            group = staged.groups[name]
            there = self.inventory.groups.get(name)
            new = sorted(_inside(group) - own.get(name, set()) - (_inside(there) | _hosts(there) if there else set()))
            if not new:
                continue
            wrong = None
            if is_reserved(name):
                wrong = f"packages cannot put hosts in the group {name}; give keyed_groups a prefix"
            elif name in self.inventory.hosts or name in found.hosts:
                wrong = f"the group {name} has the name of a host; give keyed_groups a prefix"
            elif there and not all(name in joins.get(one, common) for one in new):
                wrong = (
                    f"{name} is a group of the inventory already; give keyed_groups a prefix, or say joins: [{name}] "
                    "if packages may put hosts in it"
                )
            if wrong:
                problems.add("keyed_groups", f"{new[0]}: {wrong}", wrong)

    def _add(self, staged):
        groups = {name: group for name, group in staged.groups.items() if name not in IMPLIED}
        before = {name: _hosts(group) for name, group in self.inventory.groups.items() if name in groups}
        for name, group in groups.items():
            self.inventory.add_group(name)
            for key, value in group.vars.items():
                self.inventory.set_variable(name, key, value)
        for name, host in staged.hosts.items():
            self.inventory.add_host(name)
            for key, value in host.vars.items():
                self.inventory.set_variable(name, key, value)
        for name, group in groups.items():
            new = (host for host in group.hosts if host.name not in before.get(name, ()))
            for child in (*group.child_groups, *new):
                self.inventory.add_child(name, child.name)
