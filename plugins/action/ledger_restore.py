# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decrypts a backup on the controller, and has the VCC server put it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import RunAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import who_runs
from ansible_collections.intercloud.vpn.plugins.plugin_utils._vault import read_encrypted, vault_of


class ActionModule(RunAction):
    """Action plugin of M(intercloud.vpn.ledger_restore)."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        vault = vault_of(self._loader)
        if not self._task.args.get("src"):
            raise AnsibleActionFail("src: the backup to restore is missing; name it with -e vcc_backup=FILE")
        source = Path(str(self._task.args["src"])).expanduser().absolute()
        backup = json.dumps(read_encrypted(vault, source))
        return self.ask(
            {**self._task.args, "src": str(source), "backup": backup, "who": who_runs(task_vars)}, task_vars
        )
