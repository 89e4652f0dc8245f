# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN, on the controller: hands the landscape to the module and leaves the documents where apply finds them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.intercloud.vpn.plugins.module_utils._names import NAME, NAME_RULE
from ansible_collections.intercloud.vpn.plugins.module_utils._whole_files import make_directory
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import match_members, read_hosts, who_runs


class ActionModule(ActionBase):
    """Action plugin of M(intercloud.vpn.vpn_plan)."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        if task_vars is None:
            raise AnsibleError("vpn_plan needs the variables of its task")
        arguments = {
            **self._task.args,
            "hosts": read_hosts(task_vars),
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
    make_directory(directory, 0o700)
    make_directory(documents, 0o700)
    for name, document in plan["documents"].items():
        # The planner has checked the names. This is the place that would write whatever a name says.
        *organization, node = name.split("/")
        if len(organization) > 1 or not all(NAME.fullmatch(part) for part in (*organization, node)):
            raise AnsibleError(f"the plan has a document for {name!r}, no name of a host, which must be {NAME_RULE}")
        for folder in organization:
            make_directory(documents / folder, 0o700)
        _keep(documents / f"{name}.json", document)
    path = directory / "plan.json"
    known = {"documents_dir": str(documents), "vpns": plan["vpns"], "members": plan["members"]}
    _keep(path, known)
    return {"path": str(path), "documents_dir": str(documents)}


def _keep(path: Path, content: Any) -> None:
    """Write what only this run reads: no need to wait for the disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(handle, 0o600)
        json.dump(content, file)
