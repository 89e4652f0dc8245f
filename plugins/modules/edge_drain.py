#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_drain
short_description: Have the other edge of a pair take over
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - An edge of a pair that is drained gives the gateway address of its org network to the other edge, and does not take
    it back while the other edge lives and hears a peer, not even after a reboot. Its tunnels stay up.
  - Fails on an edge that is not one of a pair.
options:
  drained:
    description: Whether the edge is drained. Without it, the module only looks.
    type: bool
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
    support: none
seealso:
  - module: intercloud.vpn.edge_commit
"""

EXAMPLES = r"""
- name: Have the twin take over
  intercloud.vpn.edge_drain:
    drained: true
"""

RETURN = r"""
site:
  description: The site, by the name of its home edge.
  type: str
  returned: success
twin:
  description: The other edge of the pair.
  type: str
  returned: success
master:
  description: Whether this edge has the gateway address.
  type: bool
  returned: success
drained:
  description: Whether the edge is drained.
  type: bool
  returned: success
lacking:
  description: What keeps this edge from taking the gateway address.
  type: list
  elements: str
  returned: success
  sample: ["tunnel edge-east--edge-west is down"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node import agent
from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import DRAIN
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.vrrp.drain import drain

SHIPPED = agent.COMMANDS  # the agent on the node is compared with what this module carries along: import all of it


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=DRAIN, supports_check_mode=True)
    result = drain(module.params, Store(), module.check_mode)
    (module.fail_json if result.get("msg") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
