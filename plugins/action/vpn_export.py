# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write members and their addresses as other programs read them, on the controller."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible.utils.display import Display

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import did_you_mean
from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import write_whole
from ansible_collections.intercloud.vpn.plugins.module_utils._status.export import FORMATS
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import LocalAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import load_plan


class ActionModule(LocalAction):
    """Action plugin of M(intercloud.vpn.vpn_export)."""

    ARGUMENTS: ClassVar = {
        "plan": {"type": "path", "required": True},
        "format": {"type": "str", "choices": [*FORMATS], "default": "hosts"},
        "vpn": {"type": "str", "default": ""},
        "dest": {"type": "path"},
    }

    def work(self, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """One that would write what is there already changes nothing."""
        vpns = load_plan(given["plan"])[0]["vpns"]
        asked = given["vpn"]
        chosen = [vpn for vpn in vpns if asked in ("", vpn["name"], f"{vpn['organization']}/{vpn['name']}")]
        if asked and not chosen:
            raise VccError(f"vcc_only: there is no VPN {asked}{did_you_mean(asked, [vpn['name'] for vpn in vpns])}")
        text = FORMATS[given["format"]](chosen)
        if not given["dest"]:
            Display().display(text.rstrip("\n"))
            return {"text": text, "dest": None}
        path = Path(given["dest"]).expanduser()
        changed = not path.exists() or path.read_text(encoding="utf-8") != text
        if changed and not self._task.check_mode:
            write_whole(path, text.encode(), 0o644)
        return {"changed": changed, "text": text, "dest": str(path)}
