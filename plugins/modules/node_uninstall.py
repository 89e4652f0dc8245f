#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_uninstall
short_description: Make a node what it was before
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - Removes all that the collection put on a node, and restores the kernel settings and services that it changed. A
    node that was told that it is in no VPN any more has nothing of that; this is for what is left, such as on a node
    that was declared lost and is back.
  - Refuses while the node is in a VPN of the ledger.
  - Packages stay. Those that the roles installed are returned. Links that M(intercloud.vpn.node_packages) made go.
options:
  ledger:
    description:
      - The id of the ledger, as M(intercloud.vpn.ledger_nodes) returns it. A node that holds a VPN of another ledger is
        left as it is.
    type: str
    default: ""
  vpns:
    description:
      - The VPNs that nodes are in, as M(intercloud.vpn.ledger_nodes) returns them. A node that is in one, by its name
        in the inventory or by the name that it was told, is left as it is.
    type: dict
    default: {}
  generations:
    description:
      - The newest generation of each organization, as M(intercloud.vpn.ledger_nodes) returns it. A node that runs a
        later one of the same ledger is left as it is. Without, that is not compared.
    type: dict
  allow_older:
    description: Whether the node gives up a VPN of another ledger, of none, or of a later generation.
    type: bool
    default: false
extends_documentation_fragment:
  - intercloud.vpn.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
seealso:
  - module: intercloud.vpn.ledger_nodes
  - module: intercloud.vpn.edge_commit
  - module: intercloud.vpn.node_packages
"""

EXAMPLES = r"""
- name: Make the node what it was before
  intercloud.vpn.node_uninstall:
    ledger: "{{ vcc_server_nodes.ledger }}"
    vpns: "{{ vcc_server_nodes.nodes }}"
    generations: "{{ vcc_server_nodes.generations }}"
"""

RETURN = r"""
subsystems:
  description: What is removed.
  type: dict
  returned: success
  sample: {agent: {changed: true, actions: [remove /usr/local/lib/intercloud-vpn]}}
packages:
  description: The packages that the roles installed here, that are there still, and that can go.
  type: list
  elements: str
  returned: success
needed_packages:
  description: Those that cannot go, each with what would go along with it, or with why it cannot go.
  type: dict
  returned: success
  sample: {openssl: [ca-certificates]}
family:
  description: The node's family of distributions, V(Debian), V(RedHat), or empty for any other.
  type: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import UNINSTALL
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.uninstall import uninstall


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=UNINSTALL, supports_check_mode=True)
    result = uninstall(module.params, Store(), module.check_mode)
    (module.fail_json if result.get("msg") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
