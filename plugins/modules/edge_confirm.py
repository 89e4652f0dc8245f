#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_confirm
short_description: Confirm what a commit did, and bring the node's links up
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - Calls the pending roll-back off, and initiates those links whose CHILD_SA is missing and whose initiator is this
    node.
  - A link that does not come up is told in RV(links) and does not fail the module.
options:
  state:
    description:
      - V(confirmed) keeps the current generation.
      - V(rolled_back) returns to the last confirmed one at once.
    type: str
    choices: [confirmed, rolled_back]
    default: confirmed
  timeout:
    description: How long to wait for the links, in seconds, all of them together.
    type: int
    default: 30
  generation:
    description:
      - The RV(intercloud.vpn.edge_commit#module:generation) that was committed. The module fails when the node runs
        another by now, because it has rolled back or because another run was there meanwhile. Any, when it is empty.
    type: str
    default: ""
  pending:
    description:
      - Only for check mode, in which the commit before this left nothing to confirm, whether the real one would have.
    type: bool
    default: false
  behind:
    description:
      - The peers of this node that may not have their generation yet, such as those that this run could not reach.
      - Another peer that refuses a link may have an IKE_SA older than its certificate, and the tunnel authenticates
        again at once. For these, the agent does so after a while; it can cost a packet of what the tunnel carries.
    type: list
    elements: str
    default: []
  lost:
    description:
      - Tunnels that this node initiates and that the peer had nothing of, as C({tunnel. seconds since then}). What this
        node still takes for up of them is ended, and made again. What came up since then stays.
      - Filled in on the controller with what RV(intercloud.vpn.edge_commit#module:unmet) told in the same run.
    type: dict
    default: {}
  needed:
    description: With V(false) the node is only asked when peers have lost tunnels; else the task is skipped.
    type: bool
    default: true
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
- name: Keep it, and bring the links up
  intercloud.vpn.edge_confirm:
    timeout: 20
"""

RETURN = r"""
disarmed:
  description: Whether a roll-back was pending, and is not any more.
  type: bool
  returned: success
given_up:
  description: The tunnels of O(lost) that this node took for up, and had to make again.
  type: list
  elements: str
  returned: success
initiated:
  description: The links that were down and had to be initiated.
  type: list
  elements: dict
  returned: success
  sample: [{vpn: payroll, tunnel: edge-east--edge-west}]
renewed:
  description:
    - The tunnels that this node initiates and whose IKE_SA had to be made again, with another PPK or under other
      settings than it was made with.
    - And those that a peer initiates and that still used a certificate which this node has no more. The peer was asked
      to make the IKE_SA again.
  type: list
  elements: str
  returned: success
links:
  description: Every link of the node, with the state of its CHILD_SA, and why it is not up, in charon's words.
  type: list
  elements: dict
  returned: success
  sample: [{vpn: payroll, tunnel: edge-east--edge-west, initiator: true, state: INSTALLED, error: ""}]
generation:
  description: The generation the node runs now; empty for none.
  type: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node import module as _module
from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import CONFIRM
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=CONFIRM,
        supports_check_mode=True,
    )
    result = _module.confirm(module.params, Store(), module.check_mode)
    (module.fail_json if result.get("msg") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
