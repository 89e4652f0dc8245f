#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_templates
short_description: Keep an organization's templates on a VCC node
version_added: 1.0.0
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - Sends a package to a VCC node, which keeps it in C(/var/lib/intercloud-vpn/catalog/ORGANIZATION/TEMPLATE), for root
    only. C(current/package) in there is the version that was published last.
  - The package goes in pieces over Ansible's connection. A transfer that was interrupted goes on where it ended, if
    what is there is the beginning of the file. Each file is read again on the node before the version is seen.
  - A file that was damaged on the node is sent again.
  - Refuses a publication that is older than the node's, or of another ledger's organization.
options:
  state:
    description:
      - V(present) and V(absent) bring a template to the node, or remove it with all that is left of a transfer.
      - V(listed) reads all copies, and says whether they are whole.
      - V(look) and V(receive) are steps of V(present), for the action plugin.
    type: str
    choices: [present, absent, look, receive, listed]
    default: present
  organization:
    description: Whose the template is.
    type: str
    default: ""
  organizations:
    description: With O(state=listed), the organizations to tell of.
    type: list
    elements: str
    default: []
  ledger:
    description: The id of the ledger, as M(intercloud.vpn.template_index) returns it.
    type: str
    default: ""
  template:
    description: The template's name.
    type: str
    default: ""
  serials:
    description: With O(state=absent), the templates to remove, each with the serial of this removal.
    type: dict
    default: {}
  publication:
    description: The version, serial and files, as M(intercloud.vpn.template_index) returns them.
    type: dict
  package:
    description: With O(state=present), the package's path on the controller.
    type: path
  pieces:
    description: With O(state=receive), what is sent.
    type: list
    elements: dict
    default: []
  source:
    description:
      - With O(state=receive), the file on the node with the octets of all pieces. Filled in by the action plugin.
    type: path
  allow_older:
    description: Whether the node takes an older publication, or one of another ledger.
    type: bool
    default: false
extends_documentation_fragment:
  - intercloud.vpn.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.template_index
"""

EXAMPLES = r"""
- name: Bring the template to the node
  intercloud.vpn.node_templates:
    organization: acme
    template: payroll
    ledger: "{{ vcc_server_template.ledger }}"
    publication: "{{ vcc_server_template.publication }}"
    package: "{{ vcc_server_template.package }}"
"""

RETURN = r"""
path:
  description: The directory of the package on the node.
  type: str
  returned: when it changed
sent:
  description: Octets that were sent.
  type: int
  returned: with O(state=present)
resumed:
  description: Octets that an earlier transfer had left, and that are right.
  type: int
  returned: with O(state=present)
missing:
  description: What the node lacks, and what it has of that.
  type: list
  elements: dict
  returned: with O(state=look)
have:
  description: How many octets the node has of each content.
  type: dict
  returned: with O(state=receive)
removed:
  description: The templates that were removed.
  type: list
  elements: str
  returned: with O(state=absent)
templates:
  description:
    - The node's copies, by organization and template, with version, serial, size, what is damaged, and octets of
      transfers that did not end.
  type: dict
  returned: with O(state=listed)
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import TEMPLATES
from ansible_collections.intercloud.vpn.plugins.module_utils._node.catalog.module import templates
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=TEMPLATES, supports_check_mode=True)
    result = templates(module.params, Store(), module.check_mode)
    (module.fail_json if result.get("msg") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
