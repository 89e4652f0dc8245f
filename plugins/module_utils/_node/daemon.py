# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all subsystems do alike that are one daemon with one file: tell of it, start it, and stop it."""

from __future__ import annotations

import time
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from .document import Change
from .part import Context, Part
from .system import files, systemd
from .system.run import CommandError

STARTS = 10.0  # seconds from a start until the daemon runs with its file


class Daemon(Part):
    """A unit of ours, and the file that its daemon reads."""

    CONFIG: ClassVar[str]
    UNIT: ClassVar[str]
    FAILED: ClassVar[str]
    """What has happened if it does not run with its file in time, in words."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._concerned = True
        """Whether the daemon is wanted, or was, or may be left over."""

    # --- compare -------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def _wanted(self) -> str:
        """What the file is to say."""

    @abstractmethod
    def _stale(self) -> bool:
        """Whether the file has to be written."""

    @abstractmethod
    def _due(self) -> str:
        """What systemctl is to do; empty if the daemon runs with what is wanted."""

    @abstractmethod
    def _surplus(self) -> bool:
        """Whether there is a daemon, and none is wanted."""

    @abstractmethod
    def _over(self) -> list[Path]:
        """What is to be removed."""

    def _ready(self) -> bool:
        """Whether the daemon has read what is wanted."""
        return not self._due()

    def _read(self, path: str) -> str:
        return files.read(self.store.at(path))

    @staticmethod
    def _shown(text: str) -> str:
        """The file as a difference may show it."""
        return text

    # --- report --------------------------------------------------------------------------------------------------

    def changes(self) -> list[Change]:
        """What to write, start and remove."""
        if not self._concerned:
            return []
        found = []
        if self._stale():
            before, after = self._shown(self._read(self.CONFIG)), self._shown(self._wanted)
            found.append(Change(self.name, f"write {self.CONFIG}", before, after))
        if self._due():
            found.append(Change(self.name, f"{self._due()} {self.UNIT}"))
        if self._surplus():
            found.append(Change(self.name, f"stop {self.UNIT}"))
        return found + [Change(self.name, f"remove /{path.relative_to(self.store.root)}") for path in self._over()]

    # --- converge ------------------------------------------------------------------------------------------------

    def _bring(self, due: str) -> None:
        """Have the daemon run with its file. CommandError."""
        systemd.systemctl(due, *(["--no-block"] if self.boot else []), self.UNIT)
        deadline = time.monotonic() + STARTS
        while not (self.boot or self._ready()):  # at boot, it is ordered after us, and we are not done yet
            if time.monotonic() >= deadline:
                raise CommandError(f"{self.FAILED}{systemd.last_words(self.UNIT)}")
            time.sleep(0.05)
