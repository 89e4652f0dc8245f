# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VCC node needs for its cloud: taken out on the VCC server, kept on the controller for M(cloud_run)."""

from __future__ import annotations

import shutil
from base64 import b64decode
from pathlib import Path
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import make_directory
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.clouds import hosts_by_node, unserved
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.keys import wrong_psk
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import PSK, read_hosts, who_runs
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import keep
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_directory import run_directory
from ansible_collections.intercloud.vpn.plugins.plugin_utils._server_action import ServerAction


class ActionModule(ServerAction):
    """Action plugin of M(intercloud.vpn.cloud_part)."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        node, given = str(task_vars["inventory_hostname"]), self._task.args
        inventory, organizations = read_hosts(task_vars), given.get("organizations") or ()
        hosts = hosts_by_node(inventory, organizations).get(node, {})
        with_psk = sorted(name for name, facts in inventory.items() if PSK in facts["vars"])
        result = self.ask({**given, "hosts": hosts, "given": with_psk, "who": who_runs(task_vars)}, task_vars)
        if result.get("failed"):
            return result
        directory = run_directory() / "clouds" / node
        shutil.rmtree(directory, ignore_errors=True)
        make_directory(directory, 0o700)
        for name, content in result.pop("files").items():
            _write(directory, name, b64decode(content))
        for name, peer in result.pop("psk").items():
            key = task_vars["hostvars"][peer][PSK]
            wrong = wrong_psk(key)
            if wrong:
                raise VccError(f"hosts.{peer}.{PSK}: {wrong}")
            _write(directory, name, f"{key}\n".encode())
        keep(directory / "signed.json", result.pop("signed"))
        return {**result, "path": str(directory), "left_out": unserved(inventory, organizations)}


def _write(directory: Path, name: str, content: bytes) -> None:
    # This is the place that would write whatever a name says.
    if name.startswith("/") or ".." in name.split("/"):
        raise VccError(f"a part has no file {name}")
    path = directory / name
    make_directory(path.parent, 0o700)
    path.touch(0o600)
    path.write_bytes(content)
