#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what is known of the VPNs as one HTML page."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpn_page
short_description: Write what is known of the VPNs as one HTML page
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Puts together the plan, the ledger, the inventory, what M(intercloud.vpn.node_info) found on the nodes, and the
    result of a run of verify, if there is one. Writes one HTML file that needs nothing else, and holds no secret.
  - The page has a map, a matrix of who reaches whom, tunnels, quotas, pools, certificates, changes and findings. Its
    tab Compose makes the intent of a new VPN, also where there is no ledger yet.
  - No packet is sent. The part that reads the ledger runs on the VCC server, usually by C(delegate_to). It takes no
    lock.
extends_documentation_fragment:
  - intercloud.vpn.ledger
  - intercloud.vpn.status
  - intercloud.vpn.attributes
options:
  policies:
    description: The policies of the inventory. The page gets their names.
    type: dict
    default: {}
  result:
    description:
      - The file on the controller that M(intercloud.vpn.vpn_report) wrote. Without it, the matrix is as planned.
    type: path
  events:
    description: How many of the ledger's events to show, the newest ones. With V(0), all.
    type: int
    default: 1000
  awx_url:
    description: The address of the job template in AWX that creates VPNs. The tab Compose links to it.
    type: str
  dest:
    description: The file on the controller that gets the page, mode V(0600). Required.
    type: path
attributes:
  check_mode:
    support: full
    details: The same, without writing O(dest).
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.vpn_status
  - module: intercloud.vpn.vpn_report
"""

EXAMPLES = r"""
- name: Write the report
  intercloud.vpn.vpn_page:
    ledger: "{{ vcc_ledger }}"
    pools: "{{ vcc_pools }}"
    plan: "{{ vcc_server_plan.path }}"
    dest: report.html
  delegate_to: "{{ groups.vcc_server | first }}"
  run_once: true
"""

RETURN = r"""
dest:
  description: Where the page was written.
  returned: success
  type: str
measured:
  description: When verify measured what the page shows, UTC; V(null) where reachability is as planned.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.intercloud.vpn.plugins.module_utils._server import (
    LEDGER_ARGUMENTS,
    STATUS_ARGUMENTS,
    read_ledger,
    require_libraries,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._status.history import events_of
from ansible_collections.intercloud.vpn.plugins.module_utils._status.holdings import holdings

ARGUMENTS = {
    **LEDGER_ARGUMENTS,
    **STATUS_ARGUMENTS,
    "policies": {"type": "dict", "default": {}},
    "result": {"type": "path"},
    "events": {"type": "int", "default": 1000},
    "awx_url": {"type": "str"},
    "dest": {"type": "path"},
}


def _is_missing(module: AnsibleModule) -> bool:
    """Whether there is no ledger yet. Of one that cannot be read, `read_ledger` says why."""
    require_libraries(module)
    try:
        return not Ledger(module.params["ledger"]).exists
    except VccError:
        return False


def run(module: AnsibleModule) -> None:
    """The module's work: what the ledger knows. The action plugin makes the page of it."""
    given = module.params
    if _is_missing(module):
        module.exit_json(changed=False, held={}, events=[], missing=True)
    organizations, pools = given["organizations"], given["pools"]
    held, events = read_ledger(
        module,
        lambda ledger: (
            holdings(ledger, organizations, pools),
            events_of(ledger, organizations, limit=given["events"]),
        ),
    )
    module.exit_json(changed=False, held=held, events=events)


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
