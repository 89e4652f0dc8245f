# Copyright (c) The intercloud.vpn developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab as an inventory."""

# ruff: noqa: E402  (a plugin begins with its documentation)

from __future__ import annotations

DOCUMENTATION = r"""
name: lab
short_description: The machines of the lab
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Lists the machines of the lab that C(intercloud.vpn.lab_up) makes, with their landscape (C(vcc_*) variables) and
    how to reach them.
  - The number of clouds is the extra variable C(lab_clouds) when given, else what the lab there is has, else two.
    C(lab_nat), C(lab_pairs), C(lab_releases) and C(lab_tenants) are the extra variables when given, else what the lab
      there is has.
    So the landscape can be listed, and planned for, without a lab.
  - A machine of another release than the lab's host has the variable C(lab_release).
options:
  plugin:
    description: Must be V(intercloud.vpn.lab).
    type: str
    required: true
    choices: [intercloud.vpn.lab]
  state_dir:
    description:
      - Where the lab keeps its state on this machine, above all how its machines are reached.
      - V(/var/lib/intercloud-vpn/lab-kernel) for the lab in a virtual machine.
    type: path
    default: /var/lib/intercloud-vpn/lab
  organizations:
    description:
      - Lists only these organizations' machines, and the nodes that they share with others, as the inventory of one
        tenant would. All of them, when it is not given.
    type: list
    elements: str
"""

EXAMPLES = r"""
# inventories/lab/lab.yml
plugin: intercloud.vpn.lab
"""

import json
import sys

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.utils.vars import load_extra_vars

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab

GROUPS = {"vcc_node": "vcc_nodes", "org_edge": "org_edges", "vapp_edge": "vapp_edges", "member": "members"}


class InventoryModule(BaseInventoryPlugin):
    NAME = "intercloud.vpn.lab"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(("lab.yml", "lab.yaml"))

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            machines, releases = self._lab(load_extra_vars(loader))
        except ValueError as error:
            raise AnsibleParserError(str(error)) from error
        self._add_server()
        for group in GROUPS.values():
            self.inventory.add_group(group)
        wanted = self.get_option("organizations")
        for machine in machines.values():
            if not wanted or machine.organization is None or machine.organization in wanted:
                self._add(machine, releases.get(machine.name))

    def _lab(self, asked):
        """(machines by name, releases by name): what is asked for, or what the lab there is has."""
        state = self._state()
        count = int(asked.get("lab_clouds") or 0)
        clouds = _lab.cloud_names(count or _lab.DEFAULT_CLOUDS) if count or not state else tuple(state["clouds"])
        tenants = asked.get("lab_tenants")
        tenants = _lab.tenants_named(state.get("tenants", ()) if tenants is None else tenants)
        pairs = asked.get("lab_pairs")
        if pairs is None:
            pairs = [cloud for cloud in state.get("pairs", ()) if cloud in clouds]
        pairs = _lab.clouds_with_pairs(pairs, clouds)
        there = _lab.machines(clouds, tenants=tenants, pairs=pairs)
        nat = asked.get("lab_nat")
        if nat is None:
            nat = [name for name in state.get("nat", ()) if name in there]
        releases = asked.get("lab_releases")
        if releases is None:
            releases = {name: release for name, release in state.get("releases", {}).items() if name in there}
        machines = _lab.machines(clouds, _lab.edges_behind_nat(nat, clouds, pairs), tenants, pairs)
        return machines, _lab.machines_of_release(releases, clouds, tenants, pairs)

    def _state(self):
        try:
            with open(self._path("state.json"), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return {}

    def _path(self, name):
        return f"{self.get_option('state_dir')}/{name}"

    def _add_server(self):
        self.inventory.add_group("vcc_server")
        self.inventory.add_host("localhost", group="vcc_server")
        self._set("localhost", {"ansible_connection": "local", "ansible_python_interpreter": sys.executable})

    def _add(self, machine, release):
        cloud = f"cloud_{machine.cloud}"
        self.inventory.add_group(cloud)
        self.inventory.add_host(machine.name, group=GROUPS[machine.kind])
        self.inventory.add_child(cloud, machine.name)
        self._set(
            machine.name,
            {
                "ansible_host": machine.name,
                "ansible_user": "root",
                "ansible_python_interpreter": "/usr/bin/python3",
                # ControlPath is said here as well, or Ansible would put its own beside the one in the file.
                "ansible_ssh_common_args": f"-F {self._path('ssh/config')} -o ControlPath={self._path('ssh/mux-%k')}",
                **({"vcc_org": machine.organization} if machine.organization else {}),
                **({"vcc_vapp": machine.vapp} if machine.vapp else {}),
                **({"lab_release": release} if release else {}),
                **machine.variables,
            },
        )

    def _set(self, host, variables):
        for name, value in variables.items():
            self.inventory.set_variable(host, name, value)
