# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""edge_commit without a node: the action renders what it would send, and the files are written to a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.intercloud.vpn.plugins.action.edge_commit import ActionModule as EdgeCommit
from ansible_collections.intercloud.vpn.plugins.plugin_utils._neighbours import beside


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files of an edge."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


class ActionModule(EdgeCommit):
    """For all edges at once, or as edge_commit does: for the edge that is the host, with one call of a module."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Write the files of each edge to its folder below ``bench_folder``."""
        if task_vars["bench_by_module"]:
            return super().act(task_vars)  # type: ignore[no-any-return]
        documents = self._task.args["documents"]
        for host in task_vars["groups"]["org_edges"]:
            document = self._document(documents, host)
            files = {**self._files(self._task.args, document, task_vars), **beside(document, documents)}
            write(Path(task_vars["bench_folder"], host), files)
        return {"changed": True}

    def ask(self, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Send the files to a module that only writes them."""
        folder = Path(task_vars["bench_folder"], task_vars["inventory_hostname"])
        sent = {"folder": str(folder), "files": arguments["files"]}
        result: dict[str, Any] = self._execute_module("bench_files", module_args=sent, task_vars=task_vars)
        return result
