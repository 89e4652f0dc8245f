# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run in a screenful: a line per step, what a user has to know, and how to go on after a failure."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: A line for each step of a run
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Shows a line for each play, with how many hosts took part, how many changed, and how long it took. Beside that, it
    shows the plan, the result of verify and all messages for the user.
  - Shows each failure with its reason, and at the end the command that goes on.
  - With C(--diff), shows what changes on each host, by subsystem, of each the first lines. C(-v) shows all lines.
  - Hosts and tasks that are skipped are not shown. A play that takes long says every ten seconds how far it is.
  - Colours are used on a terminal only, as Ansible's own settings say.
requirements:
  - Set C(ANSIBLE_STDOUT_CALLBACK=intercloud.vpn.progress), or C(stdout_callback) in C(ansible.cfg). The C(ansible.cfg)
    of the project's repository has that.
"""

import re
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.plugins.callback import CallbackBase

INDENT = "    "
WIDTH = 50  # columns of a step's name
SHORT = 140  # characters of what failed, at the end
FOLD = 25  # lines of what changes in a subsystem of a host
PATIENCE = 10.0  # seconds until a play says how far it is
RANK = ("ok", "changed", "unreachable", "failed")  # of all that a host went through, the last of these counts
BAD = RANK[2:]
MESSAGES = ("debug", "ansible.builtin.debug")
# What moves a terminal's cursor, or turns the direction of a line round. A message was split into lines before.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
SECRET = re.compile(r"psk|secret|passw|token|vault", re.IGNORECASE)
# The run is refused before anything is touched: the same command would be refused again.
REFUSED = re.compile(
    r"no host was touched|nothing was (?:changed|done|touched)|^Abandoned|vcc_plan_fails"
    r"|for example -e |there is no (?:ledger|node) |give a vault password",
    re.IGNORECASE,
)


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "intercloud.vpn.progress"

    def __init__(self) -> None:
        super().__init__()
        self.begun = time.monotonic()
        self.play = ""
        self.since = self.told = self.begun
        self.hosts: dict[str, str] = {}
        self.task, self.done = "", 0
        self.failures: dict[str, str] = {}
        self.took: dict[str, str] = {}  # hosts that took part in the run, and what came of it

    # What Ansible calls

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """End the play before, and begin this one."""
        self._end_play()
        self.play, self.hosts = str(play.get_name()).strip(), {}
        self.since = self.told = time.monotonic()

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """There is nothing to do in this play, and so nothing to say."""
        self.play = ""

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Count from nothing."""
        self.task, self.done = str(task.get_name()).rpartition(" : ")[2], 0

    def v2_runner_on_ok(self, result: Any) -> None:
        """Count the host; say what the task is there to say."""
        host, found = self._host(result), self._result(result)
        self._count(host, "changed" if found.get("changed") else "ok")
        if self._task(result) in MESSAGES:
            for line in _lines(found.get("msg")):
                self._say(line)
        elif self._display.verbosity and self._task(result) not in ("include_role", "include_tasks"):
            self._say(f"{INDENT}{host}: {self.task}: {'changed' if found.get('changed') else 'ok'}")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Say it at once."""
        if not ignore_errors:
            self._failed(result, "failed")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Say it at once. Where the run goes on with the host, that is not a failure."""
        if result._task.ignore_unreachable:
            reasons = [*_lines(self._result(result).get("msg"))] or ["no reason given"]
            self._count(self._host(result), "ok")
            # OpenSSH knows no address of a peer that a ProxyCommand leads to.
            reason = reasons[-1].removeprefix("Task failed: ").replace("UNKNOWN port 65535", "the ProxyCommand (jump)")
            self._say(f"{INDENT}{self._host(result)}: no answer: {reason}")
        else:
            self._failed(result, "unreachable")

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Nothing was done there."""
        self._progress()

    def v2_on_file_diff(self, result: Any) -> None:
        """With --diff, what changes on a host."""
        diff = self._result(result).get("diff")
        if not diff or not self._result(result).get("changed"):
            return
        for part in diff if isinstance(diff, list) else [diff]:
            text = self._get_diff(_shown(part))
            if text:
                self._say(f"{INDENT}{self._host(result)}:")
                self._say("\n".join(self._folded(text.rstrip().splitlines())))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """End the last play, and say what came of it all."""
        self._end_play()
        states = list(self.took.values())
        bad = [host for host, state in self.took.items() if state in BAD]
        changed = states.count("changed")
        seconds = time.monotonic() - self.begun
        what = f"{changed} changed, {len(states) - changed - len(bad)} unchanged"
        what += f", {len(bad)} failed" if bad else ""
        self._say("")
        self._say(f"{_hosts(len(states))}: {what}; {seconds:.0f} s", C.COLOR_ERROR if bad else C.COLOR_OK)
        if not states:
            self._say("No host took part: check the inventory (-i) and --limit.", C.COLOR_WARN)
        if bad:
            self._go_on()

    # Inside

    def _folded(self, lines: list[str]) -> list[str]:
        """A part of a diff. With -v, all of it."""
        if len(lines) <= FOLD + 1 or self._display.verbosity:
            return lines
        return [*lines[:FOLD], f"{INDENT}… and {len(lines) - FOLD} more lines; -v shows all"]

    def _go_on(self) -> None:
        """What failed, where and why, once more, as the end is what is read; and what to type next."""
        for host, reason in self.failures.items():
            self._say(f"{INDENT}{host}: {reason}", C.COLOR_ERROR)
        if any(REFUSED.search(reason) for reason in self.failures.values()):
            return  # again, it would be refused again
        self._say("When the cause is repaired, the same command goes on from here:")
        self._say(f"{INDENT}{command(sys.argv)}")
        if any("status_vpn" in word for word in sys.argv):
            return
        self._say("What each node runs:")
        inventories = [word for one in context.CLIARGS.get("inventory") or () for word in ("-i", str(one))]
        self._say(f"{INDENT}{shlex.join(['ansible-playbook', *inventories, 'intercloud.vpn.status_vpn'])}")

    def _failed(self, result: Any, how: str) -> None:
        host, found = self._host(result), self._result(result)
        self._count(host, how)
        hidden = "the reason is hidden, because the task handles secrets (no_log)"
        without = hidden if "censored" in found else "no reason given"
        lines = list(_lines(found.get("msg") or found.get("stderr") or without))
        self.failures.setdefault(host, _short(lines))
        where = self.task if how == "failed" else "unreachable"
        self._say(f"{INDENT}{host}: {where}:", C.COLOR_ERROR)
        for line in lines:
            self._say(f"{INDENT * 2}{line}", C.COLOR_ERROR)

    def _count(self, host: str, what: str) -> None:
        for states in (self.hosts, self.took):
            if RANK.index(what) >= RANK.index(states.get(host, RANK[0])):
                states[host] = what
        self.done += 1
        self._progress()

    def _progress(self) -> None:
        now = time.monotonic()
        if now - self.told >= PATIENCE:
            self.told = now
            self._say(f"{INDENT}… {self.play}: {self.task}: {_hosts(self.done)} done, {now - self.since:.0f} s")

    def _end_play(self) -> None:
        if self.play and self.hosts:
            states = list(self.hosts.values())
            bad = sum(state in BAD for state in states)
            parts = [_hosts(len(states)), f"{states.count('changed')} changed" if "changed" in states else ""]
            parts += [f"{bad} failed"] if bad else []
            took = f"{time.monotonic() - self.since:.1f} s"
            line = (
                f"{'✗' if bad else '✓'} {self.play.ljust(WIDTH)} {took:>8}  {', '.join(part for part in parts if part)}"
            )
            self._say(line, C.COLOR_ERROR if bad else C.COLOR_CHANGED if "changed" in states else C.COLOR_OK)
        self.play, self.hosts = "", {}

    def _say(self, line: str, colour: str | None = None) -> None:
        self._display.display(line, color=colour)

    @staticmethod
    def _host(result: Any) -> str:
        return str(result._host.get_name())

    @staticmethod
    def _task(result: Any) -> str:
        return str(result._task.action)

    @staticmethod
    def _result(result: Any) -> Mapping[str, Any]:
        found: Mapping[str, Any] = result._result
        return found


def command(words: list[str]) -> str:
    """The command as it was typed, without what may be secret."""
    shown = [Path(words[0]).name, *words[1:]]
    for at, word in enumerate(shown):
        if "=" in word and SECRET.search(word):
            shown[at] = re.sub(r"=.*", "=…", word, count=1, flags=re.DOTALL)
        elif SECRET.search(word) and not word.startswith("-"):
            shown[at] = "…"
    return shlex.join(shown)


def _lines(message: Any) -> list[str]:
    """A message as lines. It may be a node's: control characters are shown, and not sent to the terminal."""
    found = message if isinstance(message, (list, tuple)) else [message]
    lines = [line for one in found if one is not None for line in str(one).splitlines() if line.strip()]
    return [_escaped(line) for line in lines]


def _shown(value: Any) -> Any:
    """What a node says differs, before colours are in it: with control characters escaped."""
    if isinstance(value, Mapping):
        return {_shown(key): _shown(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(one) for one in value]
    return _escaped(value) if isinstance(value, str) else value


def _escaped(text: str) -> str:
    return CONTROL.sub(lambda sign: ascii(sign.group())[1:-1], text)


def _short(lines: list[str]) -> str:
    """A message as one line: its first, and what follows where that is only a heading."""
    if len(lines) == 1 or not lines[0].endswith(":"):
        return lines[0]
    detail = lines[1] if len(lines[1]) <= SHORT else f"{lines[1][: SHORT - 1].rstrip()}…"
    return f"{lines[0]} {detail}" + (f", and {len(lines) - 2} more: see above" if len(lines) > 2 else "")


def _hosts(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"
