#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_slices
short_description: Keep an organization's slice of the plan on a VCC node
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - A VCC node holds, for people and tools in its cloud, what the nodes of the cloud are told. It may serve several
    organizations. Each has a file of its own, and a run touches only those of the organizations that it plans for.
  - A slice with nothing in it is removed.
  - A node is not asked where the survey of the same plan saw that it has what it would be told.
options:
  documents:
    description:
      - The directory on the controller that M(intercloud.vpn.vpn_plan) made. All documents in it that are this host's
        are sent. A host without any is skipped, and not contacted.
      - One of O(documents) and O(slices) is required.
    type: path
  slices:
    description: The documents themselves, one per organization. Filled from O(documents).
    type: list
    elements: dict
  lineage:
    description: What each organization's slice descends from, by organization. Filled from O(documents).
    type: dict
    default: {}
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.generation
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
seealso:
  - module: intercloud.vpn.vpn_plan
  - module: intercloud.vpn.edge_commit
"""

EXAMPLES = r"""
- name: Keep the cloud's slices on its VCC node
  intercloud.vpn.node_slices:
    documents: "{{ vcc_server_plan.documents_dir }}"
"""

RETURN = r"""
subsystems:
  description: What is changed.
  type: dict
  returned: when the node was compared
  sample: {slice: {changed: true, actions: [store 3 of acme]}}
missing_packages:
  description: Packages of O(require) that are not there; then nothing else was done.
  type: list
  elements: str
  returned: success
family:
  description: The node's family of distributions, V(Debian), V(RedHat), or empty for any other.
  type: str
  returned: when packages are missing
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node import slices
from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import SLICES, SLICES_RULES
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SLICES, **SLICES_RULES, supports_check_mode=True)
    result = slices.keep(module.params, Store(), module.check_mode)
    (module.fail_json if result.get("msg") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
