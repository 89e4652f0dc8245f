# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After apply, on the controller: hands the inventory's hosts to the module."""

from __future__ import annotations

from typing import Any

from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_hosts, who_runs
from ansible_collections.intercloud.vpn.plugins.plugin_utils._server_action import ServerAction


class ActionModule(ServerAction):
    """Action plugin of M(intercloud.vpn.vpn_settle)."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        return self.ask({**self._task.args, "hosts": read_hosts(task_vars), "who": who_runs(task_vars)}, task_vars)
