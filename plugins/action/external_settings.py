# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show what the other side of an external edge has to configure, on the controller."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import write_whole
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings import settings, with_libreswan
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.text import settings_text
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import load_plan

ARGUMENTS = {
    "plan": {"type": "path", "required": True},
    "edge": {"type": "str", "required": True},
    "files": {"type": "dict", "default": {}},
    "state_dir": {"type": "path", "required": True},
    "server": {"type": "str", "required": True},
    "secrets": {"type": "dict", "default": {}, "no_log": False},
    "dest": {"type": "path"},
}


class ActionModule(ActionBase):
    """See the module's documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Show the settings as text, return them as data."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _dummy, given = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            plan, documents = load_plan(given["plan"])
            files = {
                name: f"{file} on {given['server']}" if file.startswith("/") else file
                for name, file in given["files"].items()
            }
            authorities = f"{given['state_dir']}/ca/{{organization}}/ca.pem on {given['server']}"
            found = settings(given["edge"], plan, documents, files, authorities)
            shown = with_libreswan(found, given["secrets"])
            if given["dest"] and not self._task.check_mode:
                write_whole(Path(given["dest"]), f"{json.dumps(shown, indent=2)}\n".encode(), 0o600)
        except (VccError, OSError) as error:
            raise AnsibleActionFail(str(error)) from error
        Display().display(settings_text(shown))
        return {**result, "changed": False, "settings": shown}
