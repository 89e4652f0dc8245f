# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells systemd that the agent is ready and alive (sd_notify(3)), and the journal what it does (sd-daemon(3))."""

from __future__ import annotations

import contextlib
import os
import socket
import sys

WARNING = "<4>"


def notify(text: str) -> None:
    """Tell systemd, if it started us."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.connect("\0" + place[1:] if place.startswith("@") else place)
        line.send(text.encode())


class Journal:
    """Lines for the journal. A failure that lasts is one line, and another one when it is over."""

    def __init__(self) -> None:
        self._failing: dict[str, str] = {}

    def say(self, text: str) -> None:
        """One line."""
        with contextlib.suppress(OSError, ValueError):  # a journal that is full, or restarts, stops nothing
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    def warn(self, text: str) -> None:
        """One line that somebody should read."""
        self.say(f"{WARNING}{text}")

    def failed(self, what: str, why: str) -> None:
        """Something does not work."""
        if self._failing.get(what) != why:
            self._failing[what] = why
            self.warn(f"{what}: {why}")

    def failing(self) -> dict[str, str]:
        """What does not work now, and why."""
        return dict(self._failing)

    def given(self, known: dict[str, str]) -> dict[str, str | None]:
        """What a step hands back: what fails by now, or works again, that did not when it was `known`."""
        names = {*known, *self._failing}
        return {name: self._failing.get(name) for name in names if known.get(name) != self._failing.get(name)}

    def take(self, given: dict[str, str | None]) -> None:
        """What a step handed back. It has said it itself."""
        for name, why in given.items():
            if why is None:
                self._failing.pop(name, None)
            else:
                self._failing[name] = why

    def works(self, what: str) -> None:
        """It works (again)."""
        if self._failing.pop(what, None) is not None:
            self.say(f"{what}: works again")
