#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Back up the ledger, the authorities and the keys."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_backup
short_description: Back up the ledger, the authorities and the keys
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - Reads the ledger in one transaction, and then the authorities with their private keys, certificates and revocations,
    and the pre-shared keys and PPKs. All of it becomes one file on the controller, encrypted with Ansible Vault.
  - The vault password is the run's, by C(--vault-id), C(--vault-password-file) or C(ANSIBLE_VAULT_PASSWORD_FILE).
    Without one nothing is read.
  - Runs on the VCC server, usually by C(delegate_to).
extends_documentation_fragment:
  - intercloud.vpn.ledger
  - intercloud.vpn.ledger.state_dir
  - intercloud.vpn.attributes
options:
  dest:
    description: The file on the controller. It is replaced as a whole, and is for its owner only.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    details: Reads all of it and writes nothing.
  diff_mode:
    support: none
    details: The content is secret.
seealso:
  - module: intercloud.vpn.ledger_restore
"""

EXAMPLES = r"""
- name: Back up the ledger
  intercloud.vpn.ledger_backup:
    ledger: "{{ vcc_ledger }}"
    state_dir: "{{ vcc_state_dir }}"
    dest: /srv/backup/vpn.backup
  delegate_to: "{{ groups.vcc_server | first }}"
  run_once: true
"""

RETURN = r"""
dest:
  description: The file on the controller.
  returned: success
  type: str
ledger_id:
  description: The ledger's identity.
  returned: success
  type: str
generations:
  description: The newest generation in the backup, by organization.
  returned: success
  type: dict
files:
  description: The number of files of authorities and keys in it.
  returned: success
  type: int
"""

from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger, Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._recovery import backup as _backup
from ansible_collections.intercloud.vpn.plugins.module_utils._server import (
    LEDGER_ARGUMENTS,
    STATE_DIR_ARGUMENT,
    require_libraries,
    run_on_ledger,
)


def _read(transaction: Transaction) -> tuple[str, dict[str, int], Any]:
    generations = {org: transaction.generation(org) for org in transaction.organizations()}
    return transaction.ledger_id(), generations, transaction.dump()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **LEDGER_ARGUMENTS,
            **STATE_DIR_ARGUMENT,
            "dest": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    given = module.params
    require_libraries(module)
    try:
        ledger = Ledger(given["ledger"])
        if not ledger.exists:
            raise VccError(f"there is no ledger at {ledger}: nothing to back up")
        name, generations, rows = run_on_ledger(module, _read)
        at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        backup = _backup.content_of(rows, given["state_dir"], at)
    except VccError as error:
        module.fail_json(msg=str(error))
    # The action plugin takes the backup out of the result before anything else sees it.
    module.exit_json(changed=True, backup=backup, ledger_id=name, generations=generations, files=len(backup["files"]))


if __name__ == "__main__":
    main()
