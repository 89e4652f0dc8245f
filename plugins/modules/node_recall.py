#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_recall
short_description: Read back what a node was told last
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - Returns the document of the node's generation, or of a VCC node every organization's slice, and which generation of
    which ledger it is. M(intercloud.vpn.ledger_recover) compares that with the ledger.
  - Never changes anything, and returns no secret. External edges, and VMs behind them, are skipped.
options: {}
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: What was read is not shown with C(-v), as a shared VCC node holds other organizations' slices, too.
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.ledger_recover
"""

EXAMPLES = r"""
- name: Read back what the node holds
  intercloud.vpn.node_recall:
  register: vcc_recalled
"""

RETURN = r"""
held:
  description:
    - A record per document, with C(document), C(ledger) and C(hash) of its generation, and on an edge C(crl), what the
      organization's authority revoked.
  type: list
  elements: dict
  returned: success
unreadable:
  description: The files that should hold documents and do not.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node.recall import recall
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.exit_json(changed=False, **recall(Store()))


if __name__ == "__main__":
    main()
