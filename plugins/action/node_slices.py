# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a VCC node all documents that the plan has for it: one per organization. One that has them is not asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import SLICES, SLICES_RULES
from ansible_collections.intercloud.vpn.plugins.module_utils._node.slices import digest
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import NodeAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._packages import as_list, names_of
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import digests_beside, lineage_beside

EVIDENT = frozenset({"openssh-server", "python3"})  # packages that a machine has that answered the survey


class ActionModule(NodeAction):
    """Action plugin of M(intercloud.vpn.node_slices). A host that the plan does not know is skipped."""

    ARGUMENTS: ClassVar = SLICES
    RULES: ClassVar = SLICES_RULES
    HAS_AGENT: ClassVar = False  # a VCC node holds slices, and nothing else of ours

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = {key: value for key, value in self._task.args.items() if value is not None}
        node = str(task_vars.get("inventory_hostname", ""))
        arguments["require"] = as_list(arguments.get("require"))
        if arguments.get("documents"):
            directory = Path(str(arguments.pop("documents"))).expanduser()
            found = self._read(directory, node)
            arguments["slices"] = list(found.values())
            arguments["lineage"] = {
                document["organization"]: lineage
                for name, document in found.items()
                if (lineage := lineage_beside(directory, name))
            }
            if not arguments["slices"]:
                return {"changed": False, "skipped": True, "msg": f"the plan has no document for {node}"}
            lineages = arguments["lineage"]
            wanted = {one["organization"]: digest(one, lineages.get(one["organization"])) for one in found.values()}
            evident = names_of(arguments["require"]) <= EVIDENT
            if evident and wanted.items() <= digests_beside(directory, node).items():
                return {"changed": False, "subsystems": {}, "missing_packages": []}
        return self.ask(arguments, task_vars)

    @staticmethod
    def _read(directory: Path, node: str) -> dict[str, dict[str, Any]]:
        """The node's documents by their names in the directory."""
        if not directory.is_dir():
            raise AnsibleActionFail(f"documents: {directory} is not a directory")
        names = [node, *(f"{folder.name}/{node}" for folder in sorted(directory.glob("*/")))]
        try:
            paths = {name: directory / f"{name}.json" for name in names}
            return {
                name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.is_file()
            }
        except (OSError, ValueError) as error:
            raise AnsibleActionFail(f"documents: {error}") from error
