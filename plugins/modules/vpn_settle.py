#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release what deleted VPNs held."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpn_settle
short_description: Note which VPNs came up, and release what no node needs any more
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Makes VPNs active once org edges of two of their sites run what they were told. Until then, runs that do not
    mention them leave them out.
  - Ends the leases of deleted VPNs, and forgets the nodes that no VPN concerns, once these nodes run their new
    document.
  - Runs on the VCC server after apply, usually by C(delegate_to). Leases go last, so that no address is given to
    somebody else while a node still answers to it.
extends_documentation_fragment:
  - intercloud.vpn.ledger
  - intercloud.vpn.attributes
options:
  applied:
    description: The nodes that run their document.
    type: list
    elements: str
    required: true
  generations:
    description:
      - The generations by organization that were applied, as M(intercloud.vpn.vpn_plan) returned them. What another run
        planned later, no node counts as running. The newest ones, when it is not given.
    type: dict
  release:
    description: Whether anything is released. If not, it is only noted which VPNs came up.
    type: bool
    default: true
  organizations:
    description: The organizations that the run is about, all of the inventory when it is not given.
    type: list
    elements: str
    default: []
  coming:
    description:
      - The VPNs that the run's own plan brings, as M(intercloud.vpn.vpn_plan) returned them. Whatever another run
        planned since, none of their members is told before they are up.
    type: list
    elements: str
    default: []
  awaiting:
    description:
      - The org edges that have to run their document before others are told theirs, each with who these are, as
        M(intercloud.vpn.vpn_plan) returned them.
    type: dict
    default: {}
  failed:
    description: The nodes that this run did not bring to their document. What earlier runs saw of them does not count.
    type: list
    elements: str
    default: []
  given_up:
    description: The nodes that have nothing left to lose, and wait for what they get. No org edge waits for them.
    type: list
    elements: str
    default: []
  part:
    description: Whether the ledger is a cloud's part of the real one. No VPN comes up in it.
    type: bool
    default: false
  gone:
    description: Nodes that will never run anything again. Nothing waits for them.
    type: list
    elements: str
    default: []
  hosts:
    description: The landscape by host. Filled in by the action plugin.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
    details: Everything is rolled back.
  diff_mode:
    support: none
    details: There is nothing to show.
notes:
  - The inventory is read by the action plugin of the same name.
seealso:
  - module: intercloud.vpn.vpn_plan
"""

EXAMPLES = r"""
- name: Release what deleted VPNs held
  intercloud.vpn.vpn_settle:
    ledger: "{{ vcc_ledger }}"
    applied: [edge-east, edge-west]
  delegate_to: "{{ groups.vcc_server | first }}"
  run_once: true
"""

RETURN = r"""
came_up:
  description: The VPNs that came up.
  returned: success
  type: list
  elements: str
held_back:
  description:
    - The members of VPNs that have not come up, and the vApp edges that translate for some; and those that wait for an
      org edge of O(awaiting). They are to be told nothing until then.
  returned: success
  type: list
  elements: str
waiting:
  description:
    - What could not be released yet, and which nodes it waits for; with O(release=false), which VPNs have not come up,
      and who waits for an org edge.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._plan import came_up, settle
from ansible_collections.intercloud.vpn.plugins.module_utils._server import LEDGER_ARGUMENTS, run_on_ledger

ARGUMENTS = {
    **LEDGER_ARGUMENTS,
    "generations": {"type": "dict"},
    "applied": {"type": "list", "elements": "str", "required": True},
    "release": {"type": "bool", "default": True},
    "organizations": {"type": "list", "elements": "str", "default": []},
    "coming": {"type": "list", "elements": "str", "default": []},
    "awaiting": {"type": "dict", "default": {}},
    "failed": {"type": "list", "elements": "str", "default": []},
    "given_up": {"type": "list", "elements": "str", "default": []},
    "part": {"type": "bool", "default": False},
    "gone": {"type": "list", "elements": "str", "default": []},
    "hosts": {"type": "dict", "default": {}},
}


def _settled(transaction: Transaction, given: dict[str, Any]) -> dict[str, Any]:
    """Note what came up, release what may be; return the module's result."""
    hosts, applied, generations = given["hosts"], given["applied"], given["generations"]
    noted = came_up.note_what_came_up(
        transaction, hosts, applied, generations, given["organizations"], given["coming"], not given["part"]
    )
    came_up.hold_back(noted, given["awaiting"], applied)
    released, waiting = False, noted.waiting
    if given["release"]:
        released, waiting = settle.settle(
            transaction,
            hosts,
            applied,
            generations,
            given["gone"],
            given["organizations"],
            given["failed"],
            given["given_up"],
        )
    return {
        "changed": noted.changed or released,
        "came_up": noted.came_up,
        "held_back": noted.held_back,
        "waiting": waiting,
    }


def run(module: AnsibleModule) -> None:
    """The module's work."""
    module.exit_json(**run_on_ledger(module, lambda transaction: _settled(transaction, module.params)))


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
