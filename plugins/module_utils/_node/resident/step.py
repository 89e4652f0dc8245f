# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A step of the agent: a copy of its process (fork(2)) that does one thing, says what came of it, and ends.

The agent needs no memory for what a step unpacks. A step that hangs, or that runs out of memory, stops no other step.
The agent has no threads: fork(2) would copy their locks in whatever state they are.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
import time
from collections.abc import Callable
from typing import Any

_CHUNK = 1 << 16


class Step:
    """A running step.

    `do` returns plain data (what marshal takes). `patience`: seconds until the step counts as hung. `then`: what the
    agent does with the result.
    """

    def __init__(
        self, name: str, do: Callable[[], Any], patience: float, then: Callable[[Any], None] | None = None
    ) -> None:
        self.name, self.patience, self.then = name, patience, then
        self.begun = time.monotonic()
        self._killed = 0.0
        self._data = bytearray()
        self._reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            self._pid = os.fork()
        except OSError:  # no memory, or too many processes
            os.close(self._reading)
            os.close(writing)
            raise
        if self._pid == 0:
            _child(do, writing)
        os.close(writing)

    def fileno(self) -> int:
        """For select(2): it has said something, or has ended."""
        return self._reading

    def ended(self) -> bool:
        """Take what it says; whether that was all. Call it when there is something to read: else it waits."""
        data = os.read(self._reading, _CHUNK)
        self._data += data
        if data:
            return False
        os.close(self._reading)
        os.waitpid(self._pid, 0)
        return True

    def result(self) -> Any:
        """What it returned; None if it was killed, or failed."""
        try:
            return marshal.loads(self._data)
        except (EOFError, ValueError, TypeError):
            return None

    def check(self) -> str:
        """End it, with all that it started, when it takes too long. Returns what to say about that, once."""
        if self._killed or time.monotonic() - self.begun < self.patience:
            return ""
        self._killed = time.monotonic()
        for kill in (os.killpg, os.kill):  # the second, should it not have a group yet
            with contextlib.suppress(OSError):
                kill(self._pid, signal.SIGKILL)
        return f"no end after {self.patience:g} s: killed"

    @property
    def stuck(self) -> bool:
        """Whether killing it did not help."""
        return bool(self._killed) and time.monotonic() - self._killed > 5

    def wait(self) -> Any:
        """What it returns, when it has ended."""
        while not self.ended():
            pass
        return self.result()


def _child(do: Callable[[], Any], writing: int) -> None:
    """Never returns."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.setpgid(0, 0)
        left = memoryview(marshal.dumps(do()))
        while left:
            left = left[os.write(writing, left) :]
        status = 0
    finally:
        os._exit(status)
