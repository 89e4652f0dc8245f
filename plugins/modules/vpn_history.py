#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show who changed what and when."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpn_history
short_description: Show who changed what and when
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Reads the ledger's events and shows them, oldest first. What a run did to addresses is one line.
  - Runs on the VCC server, usually by C(delegate_to). It takes no lock.
extends_documentation_fragment:
  - intercloud.vpn.ledger
  - intercloud.vpn.attributes
options:
  organizations:
    description: The organizations to show, all that the ledger knows when it is not given.
    type: list
    elements: str
    default: []
  vpn:
    description:
      - Only events of this VPN and of its addresses, also by the names that it had before, and the generations that
        changed it.
    type: str
    default: ""
  since:
    description: Only events from then on, UTC, V(2026-01-31) or V(2026-01-31T12:00).
    type: str
    default: ""
  limit:
    description: How many events to read, the newest ones. With V(0), all.
    type: int
    default: 200
  dest:
    description: A file on the controller that gets the events as JSON, mode V(0600).
    type: path
attributes:
  check_mode:
    support: full
    details: The same, without writing O(dest).
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.vpn_status
"""

EXAMPLES = r"""
- name: Show what happened to a VPN
  intercloud.vpn.vpn_history:
    ledger: "{{ vcc_ledger }}"
    vpn: payroll
  delegate_to: "{{ groups.vcc_server | first }}"
  run_once: true
"""

RETURN = r"""
events:
  description: The events, oldest first. None of them holds a secret.
  returned: success
  type: list
  elements: dict
  contains:
    at:
      description: When, UTC.
      type: str
    who:
      description: The user who ran the playbook, and the controller.
      type: str
    what:
      description: The kind of event.
      type: str
    subject:
      description: What it is about.
      type: str
    organization:
      description: Whose it is.
      type: str
    detail:
      description: More about it.
      type: dict
rollbacks:
  description: The generations that each organization can go back to, oldest first.
  returned: success
  type: dict
dest:
  description: Where the events were written, if anywhere.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.run import TIME
from ansible_collections.intercloud.vpn.plugins.module_utils._server import LEDGER_ARGUMENTS, read_ledger
from ansible_collections.intercloud.vpn.plugins.module_utils._status.history import events_of, rollbacks

ARGUMENTS = {
    **LEDGER_ARGUMENTS,
    "organizations": {"type": "list", "elements": "str", "default": []},
    "vpn": {"type": "str", "default": ""},
    "since": {"type": "str", "default": ""},
    "limit": {"type": "int", "default": 200},
    "dest": {"type": "path"},
}


def run(module: AnsibleModule) -> None:
    """The module's work."""
    given = module.params
    if given["since"] and not TIME.fullmatch(given["since"]):
        module.fail_json(msg=f"since: {given['since']} is not a time: write 2026-01-31, or 2026-01-31T12:00 (UTC)")
    since = given["since"].rstrip("Z")
    whose = given["organizations"]
    found, past = read_ledger(
        module,
        lambda ledger: (
            events_of(ledger, whose, given["vpn"], since, given["limit"]),
            rollbacks(ledger, whose),
        ),
    )
    module.exit_json(changed=False, events=found, rollbacks=past)


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
