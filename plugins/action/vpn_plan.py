# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN, on the controller: hands the landscape to the module and leaves the documents where apply finds them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.intercloud.vpn.plugins.module_utils._connections import collisions, logged_in
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import match_members, read_hosts, who_runs
from ansible_collections.intercloud.vpn.plugins.plugin_utils._reached import read_connections


class ActionModule(ActionBase):
    """Action plugin of M(intercloud.vpn.vpn_plan)."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        if task_vars is None:
            raise AnsibleError("vpn_plan needs the variables of its task")
        hosts = read_hosts(task_vars)
        arguments = {
            **self._task.args,
            "hosts": hosts,
            "collisions": collisions(read_connections(logged_in(hosts), task_vars)),
            "matches": match_members(self._task.args.get("vpns"), task_vars, self._loader),
            "who": who_runs(task_vars),
        }
        result: dict[str, Any] = self._execute_module(
            module_name="intercloud.vpn.vpn_plan", module_args=arguments, task_vars=task_vars
        )
        result.pop("invocation", None)
        plan = result.pop("plan", None)
        if plan is not None:
            result["nodes"] = sorted({document["node"] for document in plan["documents"].values()})
            result["vpns"] = [vpn["name"] for vpn in plan["vpns"]]
            result.update(_write(plan))
        return result


def _write(plan: dict[str, Any]) -> dict[str, str]:
    # Ansible's own directory of this run: every fork sees it, nobody else may read it, and it goes when the run ends.
    directory = Path(C.DEFAULT_LOCAL_TMP) / "intercloud-vpn"
    documents = directory / "documents"
    shutil.rmtree(documents, ignore_errors=True)
    documents.mkdir(parents=True)
    for name, document in plan["documents"].items():
        file = documents / f"{name}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(document))
    path = directory / "plan.json"
    path.write_text(json.dumps({"documents_dir": str(documents), "vpns": plan["vpns"], "members": plan["members"]}))
    return {"path": str(path), "documents_dir": str(documents)}
