#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_crl
short_description: Bring what was revoked to an org edge
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - Gives an org edge the revocation list of its organization's authority, and ends the tunnels that are up by a
    certificate in it. The rest of its generation stays what it is, whatever was planned meanwhile.
  - Does nothing on an edge that has no tunnels with certificates, or is another organization's.
  - A list is never replaced by an older one, nor taken away when the edge goes back to an earlier generation.
options:
  organization:
    description: The organization whose list it is.
    type: str
    required: true
  crl:
    description: The list, as M(intercloud.vpn.edge_revocation) returns it.
    type: str
    required: true
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: It asks the agent on the node, if that is of this version.
  check_mode:
    support: full
  diff_mode:
    support: full
seealso:
  - module: intercloud.vpn.edge_revocation
  - module: intercloud.vpn.edge_commit
"""

EXAMPLES = r"""
- name: Bring the list to the edge
  intercloud.vpn.edge_crl:
    organization: acme
    crl: "{{ vcc_server_revocation.crl }}"
"""

RETURN = r"""
subsystems:
  description: What is changed, by subsystem; subsystems where nothing is are left out.
  type: dict
  returned: success
  sample: {certificates: {changed: true, actions: ["install /etc/swanctl/x509crl/intercloud-vpn.pem"]}}
generation:
  description: The name of the node's generation; empty for none.
  type: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node import agent
from ansible_collections.intercloud.vpn.plugins.module_utils._node import module as _module
from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import CRL
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

SHIPPED = agent.COMMANDS  # the agent on the node is compared with what this module carries along: import all of it


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=CRL,
        supports_check_mode=True,
    )
    result = _module.revoke(module.params, Store(), module.check_mode)
    (module.fail_json if result.get("msg") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
