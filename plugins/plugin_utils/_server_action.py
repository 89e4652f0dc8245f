# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions of the VCC server. Where that is the controller, they run the module's code here.

No module is packed, unpacked and started then, which takes longer than most plans.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.intercloud.vpn.plugins.module_utils._server import LIBRARIES
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import Action
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_variables import refuse_parts

DRIVERS = ("psycopg2", "psycopg")
MODULES = "ansible_collections.intercloud.vpn.plugins.modules"


class ServerAction(Action):
    """An action whose module has its options in ``ARGUMENTS``, and does its work in ``run``."""

    def __init_subclass__(cls, **more: Any) -> None:
        """Import the module with its action: in ansible-playbook itself, before it forks a process for each task."""
        super().__init_subclass__(**more)
        importlib.import_module(f"{MODULES}.{cls.__module__.rpartition('.')[2]}")

    def check(self, task_vars: dict[str, Any]) -> None:
        """AnsibleActionFail where what is kept here would be lost, or where Ansible leaves out what comes before."""
        refuse_parts()
        self.require_lasting(task_vars)

    def ask(self, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """What the module returns, wherever it runs."""
        if not self._runs_here(task_vars, str(arguments.get("ledger")).startswith("postgres")):
            return super().ask(arguments, task_vars)
        module = importlib.import_module(f"{MODULES}.{self.module}")
        checked = ArgumentSpecValidator(module.ARGUMENTS).validate(dict(arguments))
        if checked.error_messages:
            return super().ask(arguments, task_vars)  # it says so in Ansible's words
        try:
            module.run(_Here(checked.validated_parameters, bool(self._task.check_mode)))
        except _Done as done:
            result: dict[str, Any] = json.loads(json.dumps(done.result))
            return result
        raise AssertionError("a module ends with exit_json or fail_json")

    def _runs_here(self, task_vars: Mapping[str, Any], postgres: bool) -> bool:
        """Whether the module would be this process's child, as this user, by a Python that can do no more."""
        delegated = (task_vars.get("ansible_delegated_vars") or {}).get(self._task.delegate_to) or task_vars
        # Mostly "{{ ansible_playbook_python }}".
        named = str(self._templar.template(delegated.get("ansible_python_interpreter") or "auto"))
        # Not what links lead to: a virtual environment has libraries of its own.
        ours = named.startswith("auto") or os.path.abspath(named) == os.path.abspath(sys.executable)
        return (
            ours
            and self._connection.transport in ("local", "ansible.builtin.local")
            and not self._connection.become
            and not any(self._task.environment or ())
            and not self._task.async_val
            and all(importlib.util.find_spec(name) for name in LIBRARIES)
            and (not postgres or any(importlib.util.find_spec(name) for name in DRIVERS))
        )


class _Done(Exception):
    """How a module ends."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result)
        self.result = result


class _Here:
    """As much of an AnsibleModule as the modules of the VCC server use."""

    def __init__(self, params: dict[str, Any], check_mode: bool) -> None:
        self.params, self.check_mode = params, check_mode

    def exit_json(self, **result: Any) -> NoReturn:
        raise _Done({"changed": False, **result})

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        raise _Done({"changed": False, **result, "failed": True, "msg": msg})
