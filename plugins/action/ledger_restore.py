# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decrypts a backup on the controller, and has the VCC server put it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import who_runs
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_variables import require_sound_run
from ansible_collections.intercloud.vpn.plugins.plugin_utils._vault import read_encrypted, vault_of


class ActionModule(ActionBase):
    """Action plugin of M(intercloud.vpn.ledger_restore)."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        if task_vars is None:
            raise AnsibleError("ledger_restore needs the variables of its task")
        require_sound_run(task_vars, self._templar)
        vault = vault_of(self._loader)
        if not self._task.args.get("src"):
            raise AnsibleActionFail("src: the backup to restore is missing; name it with -e vcc_backup=FILE")
        source = Path(str(self._task.args["src"])).expanduser().absolute()
        arguments = {
            **self._task.args,
            "src": str(source),
            "backup": json.dumps(read_encrypted(vault, source)),
            "who": who_runs(task_vars),
        }
        result: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        result.pop("invocation", None)
        return result
