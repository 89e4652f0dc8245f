#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install what a node lacks, or remove it again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_packages
short_description: Install the packages that a node lacks
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - Installs packages with M(ansible.builtin.apt) or M(ansible.builtin.dnf), and notes them on the node for
    M(intercloud.vpn.node_uninstall), before it installs them. If that fails, it forgets those that are not installed.
  - Makes links to where a distribution has its files elsewhere, and notes them, too.
  - Of what the package manager's module returns, Ansible is told whether it changed something or failed. A node cannot
    set facts or statistics of the run with it.
options:
  packages:
    description: The packages, by the names that the node's distribution has for them.
    type: list
    elements: str
    required: true
  family:
    description: The node's family of distributions, as M(intercloud.vpn.edge_info) returns it.
    type: str
    choices: [Debian, RedHat]
    required: true
  state:
    description: V(absent) removes the packages, and notes that they are gone.
    type: str
    choices: [present, absent]
    default: present
  links:
    description: Links to make, each with its target. A link that leads elsewhere is replaced, anything else is not.
    type: dict
    default: {}
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: It has the package manager's module run, and asks the agent on the node, if that is of this version.
  check_mode:
    support: full
  diff_mode:
    support: full
seealso:
  - module: intercloud.vpn.node_uninstall
  - module: intercloud.vpn.edge_info
"""

EXAMPLES = r"""
- name: Install what is missing
  intercloud.vpn.node_packages:
    packages: "{{ info.missing_packages }}"
    family: "{{ info.family }}"
    links: "{{ info.missing_links }}"
"""

RETURN = r"""
subsystems:
  description: What is noted, and which links are made.
  type: dict
  returned: success
  sample: {packages: {changed: true, actions: [note openvpn]}}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import PACKAGES
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.supplied import supplied


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=PACKAGES, supports_check_mode=True)
    result = supplied(module.params, Store(), module.check_mode)
    (module.fail_json if result.get("msg") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
