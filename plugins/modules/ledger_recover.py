#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recover the ledger from what nodes hold."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_recover
short_description: Teach the ledger what the nodes were told
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - Compares what the nodes hold, as M(intercloud.vpn.node_recall) returned it, with the ledger, shows the differences,
    and takes into the ledger what it lacks - leases, VPNs with their numbers, tunnels, documents and generations.
  - The ledger's next generation then descends from what each of these nodes runs, and no address that they use is
    leased again.
  - Runs on the VCC server, usually by C(delegate_to). A ledger that does not exist is made.
  - Where nodes contradict each other, nothing is written.
extends_documentation_fragment:
  - intercloud.vpn.ledger
  - intercloud.vpn.ledger.state_dir
  - intercloud.vpn.attributes
options:
  recalled_var:
    description: The variable that the results of M(intercloud.vpn.node_recall) are registered in.
    type: str
    default: vcc_recalled
  organizations:
    description: The organizations to recover, those of the inventory's hosts when it is not given.
    type: list
    elements: str
    default: []
  held:
    description: What the nodes hold. Filled in by the action plugin.
    type: list
    elements: dict
    default: []
attributes:
  check_mode:
    support: full
    details: Shows the differences and changes nothing.
  diff_mode:
    support: full
    details: Shows what the ledger learns and gives up, in words.
seealso:
  - module: intercloud.vpn.node_recall
  - module: intercloud.vpn.ledger_restore
"""

EXAMPLES = r"""
- name: Teach the ledger what the nodes were told
  intercloud.vpn.ledger_recover:
    ledger: "{{ vcc_ledger }}"
  delegate_to: "{{ groups.vcc_server | first }}"
  run_once: true
"""

RETURN = r"""
summary:
  description: The differences, C(+) what the ledger lacks, C(-) what it gives up, C(~) what it corrects.
  returned: success
  type: list
  elements: str
notes:
  description: What cannot be told, as nodes did not answer or hold too little.
  returned: success
  type: list
  elements: str
generations:
  description: The generation that the recovery opened, by organization.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._recovery import recover
from ansible_collections.intercloud.vpn.plugins.module_utils._recovery.revocations import recover_revocations
from ansible_collections.intercloud.vpn.plugins.module_utils._server import (
    LEDGER_ARGUMENTS,
    STATE_DIR_ARGUMENT,
    run_on_ledger,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **LEDGER_ARGUMENTS,
            **STATE_DIR_ARGUMENT,
            "recalled_var": {"type": "str", "default": "vcc_recalled"},
            "organizations": {"type": "list", "elements": "str", "default": []},
            "held": {"type": "list", "elements": "dict", "default": []},
        },
        supports_check_mode=True,
    )
    given = module.params
    found = run_on_ledger(
        module, lambda transaction: recover.recover(transaction, given["held"], given["organizations"])
    )
    lists, wrong = recover_revocations(given["state_dir"], given["held"], module.check_mode, given["organizations"])
    found.lines += lists
    module.exit_json(
        changed=bool(found.lines),
        summary=found.lines,
        notes=found.notes + wrong,
        generations=found.generations,
        diff={"prepared": "".join(f"{line}\n" for line in found.lines)},
    )


if __name__ == "__main__":
    main()
