# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a machine what it is, in one command and without a file: a module would cost the machine five times as much."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.facts import is_shared, organization_of
from ansible_collections.intercloud.vpn.plugins.module_utils._node import survey
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.survey_facts import read_facts
from ansible_collections.intercloud.vpn.plugins.plugin_utils._logins import is_ours
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_variables import refuse_parts
from ansible_collections.intercloud.vpn.plugins.plugin_utils._sent import command, python_of


class ActionModule(ActionBase):  # type: ignore[misc]
    """See the module of the same name."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """One command on the machine. That it does not answer is an answer: the plan says so."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        result["changed"] = False
        refuse_parts()
        try:
            if not self._concerned(variables):
                return {**result, "skipped": True, "skip_reason": "the run is not about this host"}
            said = self._low_level_execute_command(command(python_of(variables, self._templar), survey))
        except AnsibleError as error:
            return {**result, "silent": _line(str(error))}
        facts = read(str(said.get("stdout", "")))
        if facts is None:
            answer = said.get("stderr") or said.get("stdout") or f"exit {said.get('rc')}"
            return {**result, "silent": _line(str(answer))}
        facts = read_facts(facts)
        # Not shown with -v, as Ansible's own facts are not: a shared VCC node serves other organizations, too.
        return {**result, **self._known_to_us(facts), "_ansible_verbose_override": True}

    def _known_to_us(self, facts: dict[str, Any]) -> dict[str, Any]:
        organizations = self._organizations()
        if not organizations:
            return facts
        theirs = {
            key: {name: one for name, one in facts[key].items() if name in organizations}
            for key in ("slices", "slice_digests")
            if key in facts
        }
        return {**facts, **theirs}

    def _organizations(self) -> list[str]:
        return [str(name) for name in self._task.args.get("organizations") or []]

    def _concerned(self, variables: Mapping[str, Any]) -> bool:
        """Whether the host is ours to log in to, and of an organization that the run is about."""
        host = str(variables["inventory_hostname"])
        organizations = self._organizations()
        kinds = ["vcc_nodes"] if host in variables["groups"].get("vcc_nodes", []) else []
        facts = {"kinds": kinds, "vars": {"vcc_org": variables.get("vcc_org")}}
        if organizations and not is_shared(facts) and organization_of(facts) not in organizations:
            return False
        return is_ours(host, variables)


def read(text: str) -> dict[str, Any] | None:
    """The facts in what a machine printed; it may greet before it answers."""
    for line in reversed(text.splitlines()):
        if line.startswith('{"survey": '):
            try:
                found = json.loads(line)["survey"]
            except (ValueError, KeyError):
                return None
            return found if isinstance(found, dict) else None
    return None


def _line(text: str) -> str:
    """The last line of a message: what went wrong, after all that was said on the way."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # OpenSSH knows no address of a peer that a ProxyCommand leads to.
    return lines[-1].replace("UNKNOWN port 65535", "the ProxyCommand (jump)") if lines else "no answer"
