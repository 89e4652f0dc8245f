# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders a node's files on the controller and sends them with its document, in one module call."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail, AnsibleError
from jinja2 import TemplateError

from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import host_variables
from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import COMMIT, COMMIT_RULES
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import leads
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.renames import former_names
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _unmet
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import NodeAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._neighbours import beside
from ansible_collections.intercloud.vpn.plugins.plugin_utils._packages import as_list
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import document_of, lineage_beside
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_directory import run_directory
from ansible_collections.intercloud.vpn.plugins.plugin_utils._ssl_files import expanded
from ansible_collections.intercloud.vpn.plugins.plugin_utils._templates import GATEWAYS, render

ENTRIES = ("addresses", "routes", "vpns", "tunnels", "sysctls")


class ActionModule(NodeAction):
    """Action plugin of M(intercloud.vpn.edge_commit). A host that the plan does not know is skipped."""

    ARGUMENTS: ClassVar = COMMIT
    RULES: ClassVar = COMMIT_RULES

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = {key: value for key, value in self._task.args.items() if value is not None}
        node = str(task_vars.get("inventory_hostname", ""))
        documents = arguments.pop("documents", None)
        document = arguments.get("document")
        if not document:
            document = document_of(documents, node)
            arguments["lineage"] = lineage_beside(str(documents), node)
        if document is None:
            return {
                "changed": False,
                "skipped": True,
                "confirm": False,
                "msg": f"the plan has no document for {node}",
            }
        arguments["document"] = document
        besides = as_list(arguments.pop("dhcp_require", None))
        arguments["require"] = [*as_list(arguments.get("require")), *(besides if document.get("dhcp") else [])]
        rendered = {**self._files(arguments, document, task_vars), **beside(document, documents)}
        arguments["files"] = {**(arguments.get("files") or {}), **rendered}
        arguments.pop("templates", None)
        arguments["adopt"] = [*(arguments.get("adopt") or []), *self._former(document, task_vars)]
        result = self.ask(arguments, task_vars)
        _unmet.note(document, result.get("unmet") or ())
        return result

    def _former(self, document: dict[str, Any], variables: dict[str, Any]) -> list[str]:
        """The names that the host had before, as `acme/vm1-west`."""
        known = {"vcc_formerly": self._templar.template(variables.get("vcc_formerly"))}
        return [f"{document['organization']}/{name}" for name in former_names({"vars": host_variables(known)})]

    def _files(self, arguments: dict[str, Any], document: dict[str, Any], variables: dict[str, Any]) -> dict[str, str]:
        """Render the templates; a node that no VPN concerns any more needs none."""
        if not any(document.get(key) for key in ENTRIES):
            return {}
        seen = {
            **variables,
            "document": document,
            "backend": arguments.get("backend", "none"),
            "trap": arguments.get("trap", False),
            "leads": leads.by_tunnel(document.get("tunnels") or (), arguments.get("backend", "none")),
        }
        return {
            file: self._render(str(name), str(template), {**seen, **more})
            for name, template in (arguments.get("templates") or {}).items()
            for file, more in expanded(str(name), document)
        }

    def _render(self, name: str, template: str, variables: dict[str, Any]) -> str:
        """Render one template, looked for where the template module looks, so that a play can bring its own."""
        try:
            path = Path(self._find_needle("templates", template))
            # What it includes is looked for beside it, and then in the role: a template of one's own may begin as ours.
            places = [path.parent, *(Path(place) / "templates" for place in self._task.get_search_path())]
            folders = [*(folder for place in places for folder in (place, place / "gateway")), GATEWAYS]
            return render(self._templar, path, variables, folders, run_directory() / "templates")
        except (AnsibleError, TemplateError, OSError) as error:
            raise AnsibleActionFail(f"templates.{name}: {template}: {error}") from error
