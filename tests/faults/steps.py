# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every step that changes something: file operations and programs, as Python itself announces them (sys.audit).

The node's code has no hooks for this, and cannot forget one.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = frozenset({"os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.rmdir", "os.chmod"})
# Programs that only look: an end before one of them is an end after the step before.
LOOKS = ("-j", "-V", "list", "show", "unshare", "dpkg-query", "openssl")
NEEDS_ROOM = frozenset({"open", "os.mkdir", "os.link", "os.symlink"})


def changing(event: str, arguments: tuple[Any, ...], root: str) -> str:
    """What an event is about to change, in words; empty if nothing."""
    if event == "subprocess.Popen":
        argv = [str(word) for word in arguments[1]]
        return "" if any(word in LOOKS for word in argv) else " ".join(argv)
    if event == "open":
        path, _mode, flags = arguments
        if not isinstance(path, (str, bytes)) or not flags & WRITING or flags & os.O_TMPFILE == os.O_TMPFILE:
            return ""
        name = os.fsdecode(path)
        return f"write {name}" if name.startswith(root) else ""
    if event in CHANGES and isinstance(arguments[0], (str, bytes)):
        name = os.fsdecode(arguments[0])
        return f"{event} {name}" if name.startswith(root) or not name.startswith("/") else ""
    return ""


def watched(root: Path, act: Callable[[int, str], None] | None = None) -> Callable[[], list[str]]:
    """For World.step: note every step, and `act` before each, with its number from 1 on. For a process of its own."""

    def begin() -> list[str]:
        steps: list[str] = []

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            what = changing(event, arguments, str(root))
            if what:
                steps.append(what)
                if act:
                    act(len(steps), what)

        sys.addaudithook(hook)
        return steps

    return begin


def killed(root: Path, number: int) -> Callable[[], list[str]]:
    """SIGKILL before step `number`."""

    def act(now: int, _what: str) -> None:
        if now == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return watched(root, act)


def failing(root: Path, number: int, code: int, lasting: bool) -> Callable[[], list[str]]:
    """From step `number` on (or only there) what writes files fails with `code`. Programs run.

    Where room is what lacks, there is some when the node sets free what it has set aside for going back.
    """
    freed = []

    def act(now: int, what: str) -> None:
        if now > number and what == "os.remove octets" and code != errno.EROFS:
            freed.append(now)
        if freed:
            return
        word, _space, path = what.partition(" ")
        if not (word == "write" or word.startswith("os.")) or "/proc/" in path:
            return
        if code != errno.EROFS and word in ("os.remove", "os.rmdir", "os.rename", "os.chmod"):
            return  # a full disk lets one remove
        if word in ("os.remove", "os.rmdir") and not os.path.lexists(path):
            return  # the kernel looks for it first
        if word == "os.mkdir" and os.path.exists(path):
            return
        if now == number or (lasting and now > number):
            raise OSError(code, os.strerror(code), path)

    return watched(root, act)
