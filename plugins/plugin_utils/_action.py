# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What action plugins have in common: what a task must have, how errors become Ansible's, how a module is asked."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_variables import require_sound_run


class Action(ActionBase):  # type: ignore[misc]
    """An action that works in check mode, too."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """What :meth:`act` returns. VccError and OSError end the task with their text."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if task_vars is None:
            raise AnsibleError(f"{self._task.action} needs the variables of its task")
        self.check(task_vars)
        try:
            return {**result, **self.act(task_vars)}
        except (VccError, OSError) as error:
            raise AnsibleActionFail(str(error)) from error

    def check(self, task_vars: dict[str, Any]) -> None:
        """Raise where the action cannot begin."""

    @abstractmethod
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Do what the action is for; returns its part of the result."""

    def ask(self, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """What the module of the same name returns. Not what it was given, which is long, and may be secret."""
        name = f"intercloud.vpn.{self._task.action.rpartition('.')[2]}"
        result: dict[str, Any] = self._execute_module(
            module_name=name, module_args=dict(arguments), task_vars=task_vars
        )
        result.pop("invocation", None)
        return result


class RunAction(Action):
    """An action of a run that reads no intent: the run's variables are checked first."""

    def check(self, task_vars: dict[str, Any]) -> None:
        """AnsibleActionFail with all that is wrong with them."""
        require_sound_run(task_vars, self._templar)


class LocalAction(Action):
    """An action on the controller, without a module."""

    ARGUMENTS: ClassVar[dict[str, dict[str, Any]]] = {}
    _requires_connection = False
    _supports_diff = False

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Validate what the task gives, and go on with it."""
        _dummy, given = self.validate_argument_spec(argument_spec=self.ARGUMENTS)
        return {"changed": False, **self.work(given, task_vars)}

    @abstractmethod
    def work(self, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Do what the action is for, with its validated arguments."""
