# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What action plugins have in common: what a task must have, how errors become Ansible's, how a module is asked."""

from __future__ import annotations

import json
import os
import tempfile
from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.intercloud.vpn.plugins.module_utils._awx.answers import reworded
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._node import sent
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.install import AGENT, code_version, sources
from ansible_collections.intercloud.vpn.plugins.plugin_utils._forks import keep_memory_shared
from ansible_collections.intercloud.vpn.plugins.plugin_utils._job import require_lasting
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_variables import refuse_parts, require_sound_run
from ansible_collections.intercloud.vpn.plugins.plugin_utils._sent import asking, command, python_of

_OBEYED = frozenset(("add_group", "add_host", "ansible_facts", "ansible_stats"))


keep_memory_shared()


class Action(ActionBase):  # type: ignore[misc]
    """An action that works in check mode, too."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """What :meth:`act` returns. VccError and OSError end the task with their text, in the words of a survey that
        was answered.
        """
        result: dict[str, Any] = super().run(tmp, task_vars)
        if task_vars is None:
            raise AnsibleError(f"{self._task.action} needs the variables of its task")
        self.check(task_vars)
        try:
            done = self.act(task_vars)
        except (VccError, OSError) as error:
            raise AnsibleActionFail(reworded(str(error), task_vars)) from error
        if done.get("failed") and isinstance(done.get("msg"), str):
            done = {**done, "msg": reworded(done["msg"], task_vars)}
        return {**result, **done}

    def check(self, task_vars: dict[str, Any]) -> None:
        """Raise where the action cannot begin."""

    def require_lasting(self, task_vars: Mapping[str, Any]) -> None:
        """AnsibleActionFail where the ledger or the authorities that the task names would be lost with a container."""
        part = boolean(task_vars.get("vcc_server_part", False), strict=False)
        require_lasting(self._task.args, str(self._connection.transport), os.environ, part)

    @abstractmethod
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Do what the action is for; returns its part of the result."""

    @property
    def module(self) -> str:
        """The name that the action and its module have."""
        return str(self._task.action).rpartition(".")[2]

    def ask(self, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """What the module of the same name returns. Not what it was given, which is long, and may be secret."""
        result: dict[str, Any] = self._execute_module(
            module_name=f"intercloud.vpn.{self.module}",
            module_args=dict(arguments),
            task_vars=task_vars,
            wrap_async=bool(self._task.async_val) and not self._connection.has_native_async,
        )
        result.pop("invocation", None)
        keep_what_ansible_found(result)
        return result


class RunAction(Action):
    """An action of a run that reads no intent: the run's variables are checked first."""

    def check(self, task_vars: dict[str, Any]) -> None:
        """AnsibleActionFail with all that is wrong with them, or where what they keep would be lost."""
        refuse_parts()
        require_sound_run(task_vars, self._templar)
        self.require_lasting(task_vars)


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


class NodeAction(Action):
    """An action that asks a node: the agent there, if it is of this version, or else its code, which is sent along.

    The module of the same name is for where neither works. Without pipelining there is no standard input to send on.
    """

    ARGUMENTS: ClassVar[dict[str, dict[str, Any]]] = {}
    RULES: ClassVar[dict[str, Any]] = {}
    """The module's options, and which of them go together."""
    HAS_AGENT: ClassVar = True
    """Whether hosts of this kind have one."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Ask with what the task gives."""
        return self.ask(self._task.args, task_vars)

    def ask(self, arguments: Mapping[str, Any], task_vars: dict[str, Any], data: bytes = b"") -> dict[str, Any]:
        """What comes of the arguments on the node. ``data``: octets that its code reads after them. A module is given a
        file with them, its option ``source``.
        """
        # An asynchronous task is a module: neither the agent nor code that is sent can go on without its connection.
        if self._is_pipelining_enabled("new") and not self._task.async_val:
            answer = self._ask_directly(arguments, task_vars, data)
            if answer is not None:
                return answer
        if data:
            arguments = {**arguments, "source": self._put(data)}
        return super().ask(arguments, task_vars)

    def _put(self, data: bytes) -> str:
        """A file on the node, in the directory that Ansible removes after the task."""
        shell = self._connection._shell
        if shell.tmpdir is None:
            self._make_tmp_path()
        remote = shell.join_path(shell.tmpdir, "source")
        with tempfile.NamedTemporaryFile(prefix="intercloud-vpn-") as file:
            file.write(data)
            file.flush()
            self._transfer_file(file.name, remote)
        return str(remote)

    def _ask_directly(
        self, arguments: Mapping[str, Any], task_vars: dict[str, Any], data: bytes
    ) -> dict[str, Any] | None:
        """The node's answer. None where nothing was done, and the module is to do it.

        So it is where no Python can be started, and with options that are wrong, or that only Ansible can send: the
        module says what is wrong with them, in Ansible's words.
        """
        checked = ArgumentSpecValidator(self.ARGUMENTS, **self.RULES).validate(dict(arguments))
        try:
            asked = json.dumps({"params": checked.validated_parameters, "check": self._task.check_mode})
        except TypeError:
            return None
        if checked.error_messages:
            return None
        secret, said = checked._no_log_values, None
        if self.HAS_AGENT:
            version = code_version(sources())
            said = self._say(f"{AGENT} call {self.module} {version}", asked.encode(), {"version": version}, secret)
        if said is None:
            program = command(python_of(task_vars, self._templar), sent)
            said = self._say(program, asking(self.module, asked) + data, {"sent": True}, secret)
        return said

    def _say(self, words: str, told: bytes, begun: Mapping[str, Any], secret: Collection[str]) -> dict[str, Any] | None:
        """What a command answers on its standard output; None where it does not say that it began."""
        line = f"{self._compute_environment_string()} {words}".strip()
        said = self._low_level_execute_command(line, in_data=told)
        lines = said["stdout"].splitlines()  # among them what the machine greets with
        if json.dumps(begun) not in lines:
            return None
        results = [line for line in lines if line.startswith('{"result": ')]
        if said["rc"] != 0 or not results:
            raise AnsibleActionFail(str(remove_values(f"the node's code failed: {said['stderr'].strip()}", secret)))
        result: dict[str, Any] = remove_values(json.loads(results[-1])["result"], secret)
        _remove_what_ansible_obeys(result)
        notes = result.pop("notes", [])
        return {**result, **({"warnings": notes} if notes else {}), **({"failed": True} if "msg" in result else {})}


def _remove_what_ansible_obeys(result: dict[str, Any]) -> None:
    """Take out what Ansible acts upon in an action's result: a node says what it found, and nothing else.

    Ansible does so with some of what a module returns, by a function that ansible-core 2.20 was the last to have in
    public.
    """
    for key in [key for key in result if key.startswith("_ansible_") or key in _OBEYED]:
        del result[key]


def keep_what_ansible_found(result: dict[str, Any]) -> None:
    """The same for what a module returned. Ansible leaves facts and statistics in there, beside the Python it found.

    With statistics, a node would speak for other hosts: part_apply reports by them.
    """
    facts = result.get("ansible_facts")
    for key in _OBEYED & result.keys():
        del result[key]
    found = {name: facts[name] for name in facts if str(name).startswith("discovered_interpreter_")} if facts else {}
    if found:
        result["ansible_facts"] = found
