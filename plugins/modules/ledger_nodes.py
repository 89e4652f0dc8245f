#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell which VPNs nodes are in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_nodes
short_description: Tell which VPNs nodes are in
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Reads from the ledger which VPNs each node was told of.
  - Runs on the VCC server, usually by C(delegate_to). It takes no lock. Where there is no ledger, no node is in a VPN.
extends_documentation_fragment:
  - intercloud.vpn.ledger
  - intercloud.vpn.attributes
options: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.node_uninstall
"""

EXAMPLES = r"""
- name: Find out which VPNs nodes are in
  intercloud.vpn.ledger_nodes:
    ledger: "{{ vcc_ledger }}"
  delegate_to: "{{ groups.vcc_server | first }}"
  run_once: true
"""

RETURN = r"""
ledger:
  description: The ledger's id; empty where there is no ledger.
  returned: success
  type: str
nodes:
  description: The VPNs that each node is in. V(acme/payroll), where several organizations have VPNs.
  returned: success
  type: dict
generations:
  description: The newest generation of each organization.
  returned: success
  type: dict
vpns:
  description: The VPNs of each organization, without those that are being deleted.
  returned: success
  type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.records import DELETING
from ansible_collections.intercloud.vpn.plugins.module_utils._server import (
    LEDGER_ARGUMENTS,
    ledger_exists,
    read_ledger,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._status.in_vpns import in_vpns

ARGUMENTS = LEDGER_ARGUMENTS


def run(module: AnsibleModule) -> None:
    """The module's work."""
    if not ledger_exists(module):
        module.exit_json(changed=False, ledger="", nodes={}, generations={}, vpns={})
    module.exit_json(changed=False, **read_ledger(module, _read))


def _read(transaction: Transaction) -> dict[str, Any]:
    return {
        "ledger": transaction.ledger_id(),
        "nodes": in_vpns(transaction),
        "generations": transaction.newest(),
        "vpns": {
            organization: sorted(
                name for name, record in transaction.vpns(organization).items() if record.state != DELETING
            )
            for organization in transaction.organizations()
        },
    }


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
