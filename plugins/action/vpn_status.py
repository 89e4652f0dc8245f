# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show how the VPNs are: the ledger's part is read on the VCC server, the rest is put together on the controller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._status.table import table
from ansible_collections.intercloud.vpn.plugins.plugin_utils._artifacts import brief
from ansible_collections.intercloud.vpn.plugins.plugin_utils._looked import looked, mapping
from ansible_collections.intercloud.vpn.plugins.plugin_utils._registered import write
from ansible_collections.intercloud.vpn.plugins.plugin_utils._server_action import ServerAction


class ActionModule(ServerAction):
    """Action plugin of M(intercloud.vpn.vpn_status)."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in self._task.args.items() if value is not None}
        if "plan" not in given:
            raise VccError("plan: the path of plan.json, as vpn_plan returns it, is missing")
        answer = self.ask({**given, "pools": mapping(given.get("pools"))}, task_vars)
        if answer.get("failed"):
            return answer
        known, text = looked(given, task_vars["hostvars"], answer["held"], lambda known: table(known.found))
        found = known.found
        if given.get("dest") and not self._task.check_mode:
            write(Path(str(given["dest"])).expanduser(), found)
        Display().display(text)
        errors = [finding for finding in found["findings"] if finding["severity"] == "error"]
        result = {
            "changed": False,
            "ok": found["ok"],
            "error_count": len(errors),
            "warning_count": len(found["findings"]) - len(errors),
            "dest": given.get("dest"),
            "findings": brief(found["findings"]),
        }
        if errors and boolean(given.get("fail", False)):
            count = "1 finding" if len(errors) == 1 else f"{len(errors)} findings"
            result.update(failed=True, msg=f"{count}: {', '.join(dict.fromkeys(one['subject'] for one in errors))}")
        return result
