#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore the ledger, the authorities and the keys."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_restore
short_description: Restore the ledger, the authorities and the keys from a backup
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - Puts back what M(intercloud.vpn.ledger_backup) wrote, where nothing is yet, or where a ledger is that knows no more
    than the backup.
  - A ledger that is ahead of the backup, is another one or is damaged, and authorities and keys that differ, are
    replaced with O(force) only. A list of revocations that is there always stays.
  - Afterwards the ledger is older than what the nodes run. M(intercloud.vpn.ledger_recover) is the second half of a
    restore.
extends_documentation_fragment:
  - intercloud.vpn.ledger
  - intercloud.vpn.ledger.state_dir
  - intercloud.vpn.attributes
options:
  ledger:
    description: The ledger, as a URL that SQLAlchemy understands. It may be of another kind than the one backed up.
    type: str
    default: sqlite:////var/lib/intercloud-vpn/ledger.sqlite
  src:
    description: The backup on the controller. Its vault password is the run's.
    type: path
    required: true
  force:
    description: Whether what is there and differs is replaced.
    type: bool
    default: false
  backup:
    description: The backup itself, decrypted. Filled in by the action plugin.
    type: str
attributes:
  check_mode:
    support: full
    details: Says what would be restored.
  diff_mode:
    support: none
    details: The content is secret.
seealso:
  - module: intercloud.vpn.ledger_backup
  - module: intercloud.vpn.ledger_recover
"""

EXAMPLES = r"""
- name: Restore the ledger
  intercloud.vpn.ledger_restore:
    ledger: "{{ vcc_ledger }}"
    state_dir: "{{ vcc_state_dir }}"
    src: /srv/backup/vpn.backup
  delegate_to: "{{ groups.vcc_server | first }}"
  run_once: true
"""

RETURN = r"""
at:
  description: When the backup was made, UTC.
  returned: success
  type: str
files:
  description: The files of the state directory that were restored.
  returned: success
  type: list
  elements: str
set_aside:
  description: Where a damaged ledger is now; empty if there was none.
  returned: success
  type: str
"""

import json

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._recovery import restore
from ansible_collections.intercloud.vpn.plugins.module_utils._server import (
    LEDGER_ARGUMENTS,
    STATE_DIR_ARGUMENT,
    require_libraries,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **LEDGER_ARGUMENTS,
            **STATE_DIR_ARGUMENT,
            "src": {"type": "path", "required": True},
            "force": {"type": "bool", "default": False},
            # One text: of a mapping, Ansible would hide every value, however short, in everything that is said.
            "backup": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    given = module.params
    require_libraries(module)
    try:
        done = restore.restore(
            json.loads(given["backup"] or "null"),
            given["ledger"],
            given["state_dir"],
            given["force"],
            module.check_mode,
            given["who"],
        )
    except VccError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=done.changed, at=done.at, files=done.files, set_aside=done.set_aside)


if __name__ == "__main__":
    main()
