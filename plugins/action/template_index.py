# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publish packages: verified on the controller, and noted on the VCC server before and after VCC nodes are told."""

from __future__ import annotations

import base64
import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.utils.display import Display

from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import texts
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors, VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems, did_you_mean
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.organizations import organizations_of
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.errors import PackageError
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.holders import (
    nodes_of,
    nodes_to_clear,
    one_organization,
    stray_in,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.names import EVERY, TEMPLATE_RULE, is_template
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.publication import (
    PLACE,
    Publication,
    name_of,
    read_publication,
    read_texts,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.shown import catalog_lines, listing, noted
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.told import sound
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_hosts, who_runs
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_variables import require_sound_run
from ansible_collections.intercloud.vpn.plugins.plugin_utils._server_action import ServerAction

REGISTERED = "vcc_node_template"
TEMPLATE = "vcc_template"
OF_SERVER = ("ledger", "state_dir", "step", "state")


class ActionModule(ServerAction):
    """Action plugin of M(intercloud.vpn.template_index)."""

    def check(self, task_vars: dict[str, Any]) -> None:
        """AnsibleActionFail with all that is wrong with the variables of the run."""
        require_sound_run(task_vars, self._templar)
        super().check(task_vars)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in self._task.args.items() if value not in (None, "")}
        given["clouds"] = [cloud for text in given.get("clouds") or () for cloud in texts(text)]
        state = given.get("state", "listed")
        problems = Problems()
        try:
            if given["step"] == "note":
                return self._note(state, given, task_vars)
            work = {"present": self._publish, "absent": self._take_back}.get(state, self._list)
            result = work(given, task_vars, problems)
            problems.raise_if_any()
            return {**(result or {}), "state": state}
        except IntentErrors as errors:
            raise VccError(errors.report("in what is to be published; no node was touched")) from errors

    def _ask_server(
        self, given: Mapping[str, Any], task_vars: dict[str, Any], asked: Mapping[str, Any]
    ) -> dict[str, Any]:
        common = {key: given[key] for key in OF_SERVER if key in given}
        return self.ask({**common, "who": who_runs(task_vars), "asked": dict(asked)}, task_vars)

    def _publish(self, given: dict[str, Any], task_vars: dict[str, Any], problems: Problems) -> dict[str, Any] | None:
        hosts = read_hosts(task_vars)
        organization = one_organization(hosts, given.get("organizations") or (), problems)
        nodes = nodes_of(hosts, organization, given["clouds"], problems) if organization else []
        template = given.get("template") or name_of(given.get("package", ""))
        if not is_template(template):
            problems.add(TEMPLATE, f"{template!r} must be {TEMPLATE_RULE}")
        publication = _read(given, problems)
        if len(problems) or publication is None:
            return None
        asked = {"organization": organization, "template": template, "version": publication.version, "nodes": nodes}
        answer = self._ask_server(given, task_vars, asked)
        if answer.get("failed"):
            return answer
        may = nodes_of(hosts, organization, (), Problems())
        return {
            "changed": False,
            "organization": organization,
            "template": template,
            "targets": sorted({*nodes, *(set(answer["holders"]) & set(may))}),
            "stray": stray_in(hosts, organization, answer["holders"]),
            "ledger": answer["ledger"],
            "package": os.path.abspath(publication.path),
            "texts": sorted(publication.texts),
            "publication": {
                "version": publication.version,
                "files": publication.files,
                **{key: answer[key] for key in ("serial", "by", "at")},
            },
        }

    def _take_back(self, given: dict[str, Any], task_vars: dict[str, Any], problems: Problems) -> dict[str, Any] | None:
        hosts = read_hosts(task_vars)
        clouds = given["clouds"]
        organization = one_organization(hosts, given.get("organizations") or (), problems)
        template = given.get("template")
        if not template:
            problems.add(TEMPLATE, "must say which template is taken back, or all")
        elif template != EVERY and not is_template(template):
            problems.add(TEMPLATE, f"{template!r} must be {TEMPLATE_RULE}")
        if len(problems):
            return None
        answer = self._ask_server(given, task_vars, {"organization": organization, "template": template})
        if answer.get("failed"):
            return answer
        return {
            "changed": False,
            "organization": organization,
            "template": template,
            "targets": nodes_to_clear(hosts, organization, clouds, answer["holders"], problems),
            "ledger": answer["ledger"],
            "serials": answer["serials"],
            "unknown": answer["unknown"],
            "whole": not clouds,
        }

    def _list(self, given: dict[str, Any], task_vars: dict[str, Any], problems: Problems) -> dict[str, Any] | None:
        hosts = read_hosts(task_vars)
        known = organizations_of(hosts)
        named = list(given.get("organizations") or known)
        for name in sorted(set(named) - set(known)):
            problems.add("vcc_organization", f"no host of the inventory is of it: {name}{did_you_mean(name, known)}")
        if len(problems):
            return None
        answer = self._ask_server(given, task_vars, {"organizations": named})
        if answer.get("failed"):
            return answer
        nodes = set(task_vars["groups"].get("vcc_nodes", ()))
        may: dict[str, set[str]] = {}  # hold templates of an organization: by its clouds, or by the index
        for name in named:
            for node in nodes_of(hosts, name, (), Problems()):
                may.setdefault(node, set()).add(name)
        for one in answer["templates"]:
            for node in nodes & set(one["holders"]):
                may.setdefault(node, set()).add(one["organization"])
        wanted = given.get("template")
        return {
            "changed": False,
            "organizations": named,
            "template": wanted or EVERY,
            "targets": sorted(may),
            "may": {node: sorted(its) for node, its in may.items()},
            "ledger": answer["ledger"],
            "templates": answer["templates"],
        }

    def _note(self, state: str, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        planned, hostvars = given["planned"], task_vars["hostvars"]
        told = {
            node: answer
            for node in planned["targets"]
            if node in hostvars
            and isinstance(answer := hostvars.raw_get(node).get(given.get("variable", REGISTERED)), Mapping)
        }
        answers = {
            node: answer
            for node, answer in told.items()
            if not any(answer.get(wrong) for wrong in ("failed", "unreachable", "skipped"))
        }
        if state == "listed":
            answers = sound(answers, planned["may"])
            found = listing(planned["templates"], answers, planned["targets"], planned["template"])
            Display().display("\n".join(catalog_lines(found, planned["organizations"], planned["template"])))
            return {"changed": False, "state": state, "templates": found}
        asked = {
            "organization": planned["organization"],
            "template": planned["template"],
            "done": sorted(answers),
            "forget": given.get("forget") or [],
        }
        if state == "present":
            small = read_texts(planned["package"], planned["publication"]["files"], planned["texts"])
            asked["publication"] = planned["publication"]
            asked["texts"] = {name: base64.b64encode(text).decode() for name, text in small.items()}
        else:
            asked.update(serials=planned["serials"], whole=planned["whole"])
        answer = self._ask_server(given, task_vars, asked)
        if answer.get("failed"):
            return answer
        removed = {node: said.get("removed") for node, said in answers.items()}
        lines, missing = noted(state, planned, answer["holders"], bool(self._task.check_mode), removed)
        Display().display("\n".join(lines))
        result = {"changed": answer["changed"], "state": state, "holders": answer["holders"]}
        return {**result, "failed": True, "msg": missing} if missing else result


def _read(given: Mapping[str, Any], problems: Problems) -> Publication | None:
    """The package, verified."""
    today = datetime.datetime.now(datetime.timezone.utc)
    trusted = given.get("trusted")
    if not given.get("package"):
        problems.add(PLACE, "must say which package is published")
        return None
    try:
        return read_publication(
            str(given["package"]),
            os.getcwd(),
            str(Path(trusted).expanduser().absolute()) if trusted else None,
            str(given.get("sha1", "")).lower() in ("true", "yes", "1"),
            today,
            problems,
        )
    except PackageError as error:
        problems.extend([error])
        return None
