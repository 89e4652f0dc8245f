# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the VCC server read what belongs into a backup, and encrypts it on the controller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import RunAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import who_runs
from ansible_collections.intercloud.vpn.plugins.plugin_utils._vault import vault_of, write_encrypted


class ActionModule(RunAction):
    """Action plugin of M(intercloud.vpn.ledger_backup)."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        vault = vault_of(self._loader)
        if not self._task.args.get("dest"):
            raise AnsibleActionFail("dest: the file to write the backup to is missing")
        dest = Path(str(self._task.args["dest"])).expanduser().absolute()
        result = self.ask({**self._task.args, "dest": str(dest), "who": who_runs(task_vars)}, task_vars)
        backup = result.pop("backup", None)
        if backup is None:
            return result
        if not self._task.check_mode:
            write_encrypted(vault, backup, dest)
        return {**result, "dest": str(dest)}
