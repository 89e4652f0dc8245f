# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show who changed what and when: the ledger is read on the VCC server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.utils.display import Display

from ansible_collections.intercloud.vpn.plugins.module_utils._status.history import lines, nothing, rollback_lines
from ansible_collections.intercloud.vpn.plugins.plugin_utils._registered import write
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_variables import require_sound_run
from ansible_collections.intercloud.vpn.plugins.plugin_utils._server_action import ServerAction


class ActionModule(ServerAction):
    """Action plugin of M(intercloud.vpn.vpn_history)."""

    def check(self, task_vars: dict[str, Any]) -> None:
        """AnsibleActionFail with all that is wrong with the variables of the run."""
        require_sound_run(task_vars, self._templar)
        super().check(task_vars)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in self._task.args.items() if value is not None}
        answer = self.ask(given, task_vars)
        if answer.get("failed"):
            return answer
        events = answer["events"]
        if given.get("dest") and not self._task.check_mode:
            write(Path(str(given["dest"])).expanduser(), {"events": events, "rollbacks": answer["rollbacks"]})
        several = len({event["organization"] for event in events}) > 1
        shown = [*lines(events, several)] or [nothing(str(given.get("vpn") or ""), str(given.get("since") or ""))]
        Display().display("\n".join([*shown, *rollback_lines(answer["rollbacks"])]))
        return {**answer, "dest": given.get("dest")}
