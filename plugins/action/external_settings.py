# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show what the other side of an external edge has to configure, on the controller."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from ansible.utils.display import Display

from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import write_whole
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings import settings, with_files
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings_text import settings_text
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import LocalAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import load_plan


class ActionModule(LocalAction):
    """Action plugin of M(intercloud.vpn.external_settings)."""

    ARGUMENTS: ClassVar = {
        "plan": {"type": "path", "required": True},
        "edge": {"type": "str", "required": True},
        "files": {"type": "dict", "default": {}},
        "state_dir": {"type": "path", "required": True},
        "server": {"type": "str", "required": True},
        "secrets": {"type": "dict", "default": {}, "no_log": False},
        "dest": {"type": "path"},
    }

    def work(self, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        plan, documents = load_plan(given["plan"])
        files = {
            name: f"{file} on {given['server']}" if file.startswith("/") else file
            for name, file in given["files"].items()
        }
        authorities = f"{given['state_dir']}/ca/{{organization}}/ca.pem on {given['server']}"
        found = settings(given["edge"], plan, documents, files, authorities)
        shown = with_files(found, given["secrets"])
        if given["dest"] and not self._task.check_mode:
            write_whole(Path(given["dest"]), f"{json.dumps(shown, indent=2)}\n".encode(), 0o600)
        Display().display(settings_text(shown))
        return {"settings": shown}
