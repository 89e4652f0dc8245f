#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show how the VPNs are, without probes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpn_status
short_description: Show how the VPNs are, without probes
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Compares the plan and the ledger with what M(intercloud.vpn.node_info) found on the nodes. Shows a table of VPNs,
    links, generations, certificates, quotas and pools. With O(dest), writes all of it as JSON.
  - No packet is sent. Whether packets pass, and whether nothing else does, is for M(intercloud.vpn.vpn_report) to say.
  - The part that reads the ledger runs on the VCC server, usually by C(delegate_to). It takes no lock.
extends_documentation_fragment:
  - intercloud.vpn.ledger
  - intercloud.vpn.status
  - intercloud.vpn.attributes
options:
  dest:
    description: A file on the controller that gets the status as JSON, mode V(0600).
    type: path
  fail:
    description: Whether to fail if there is a finding of severity V(error).
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    details: The same, without writing O(dest).
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.node_info
  - module: intercloud.vpn.vpn_report
  - module: intercloud.vpn.vpn_history
"""

EXAMPLES = r"""
- name: Show how the VPNs are
  intercloud.vpn.vpn_status:
    ledger: "{{ vcc_ledger }}"
    pools: "{{ vcc_pools }}"
    plan: "{{ vcc_server_plan.path }}"
  delegate_to: "{{ groups.vcc_server | first }}"
  run_once: true
"""

RETURN = r"""
ok:
  description: Whether no finding has severity V(error).
  returned: success and failure
  type: bool
error_count:
  description: How many findings of severity V(error) there are.
  returned: success and failure
  type: int
warning_count:
  description: How many findings of severity V(warning) there are.
  returned: success and failure
  type: int
findings:
  description: The first 20 findings, errors first, each with C(severity), C(subject), C(expected) and C(seen).
  returned: success and failure
  type: list
  elements: dict
dest:
  description: Where the status was written, if anywhere.
  returned: success and failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._server import (
    LEDGER_ARGUMENTS,
    STATUS_ARGUMENTS,
    read_ledger,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._status.holdings import holdings

ARGUMENTS = {
    **LEDGER_ARGUMENTS,
    **STATUS_ARGUMENTS,
    "dest": {"type": "path"},
    "fail": {"type": "bool", "default": False},
}


def run(module: AnsibleModule) -> None:
    """The module's work: what the ledger knows. The action plugin makes the status of it."""
    given = module.params
    held = read_ledger(module, lambda ledger: holdings(ledger, given["organizations"], given["pools"]))
    module.exit_json(changed=False, held=held)


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
