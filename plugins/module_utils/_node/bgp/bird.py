# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BIRD on an edge: its file, its process, and what that has loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..daemon import Daemon
from ..ipsec import secrets
from ..part import Context
from ..system import files, systemd, trial
from ..system.run import have
from . import control, sessions, units

MODE = 0o600  # it has keys in it


class Bgp(Daemon):
    """The daemon that speaks BGP with the gateways of partners."""

    name = "bgp"
    CONFIG, UNIT, FAILED = sessions.CONFIG, sessions.UNIT, f"BIRD does not run with {sessions.CONFIG}"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sessions = sessions.sessions(self.want)
        self._config = sessions.config(self.want, secrets.preferred(self.store)) if self._sessions else ""
        self._concerned = bool(self._sessions or sessions.sessions(self.have) or self.have.empty)

    # --- compare -------------------------------------------------------------------------------------------------

    @property
    def _wanted(self) -> str:
        return self._config

    def _stale(self) -> bool:
        """Whether the file has to be written."""
        if not self._wanted:
            return False
        path = self.store.at(sessions.CONFIG)
        return self._read(sessions.CONFIG) != self._wanted or path.stat().st_mode & 0o7777 != MODE

    def _over(self) -> list[Path]:
        home = self.store.at(sessions.HOME)
        return [home] if not self._wanted and (home.exists() or home.is_symlink()) else []

    def _due(self) -> str:
        """What the daemon needs; empty if it runs with what is wanted."""
        if not self._wanted:
            return ""
        if not systemd.alive(sessions.UNIT):
            return "start"
        if self._read(sessions.LOADED) != self._wanted:
            return "reload"
        if not self._answers():
            return "restart"
        return "" if self._enabled() else "enable"

    def _answers(self) -> bool:
        try:
            return bool(control.ask(self.store.at(sessions.SOCKET), "show status"))
        except (OSError, ValueError):
            return False

    def _enabled(self) -> bool:
        return self.store.at(f"{units.WANTS}/{sessions.UNIT}").is_symlink()

    def _surplus(self) -> bool:
        """Whether there is a daemon, and none is wanted."""
        if self._wanted:
            return False
        return self._enabled() or (bool(sessions.sessions(self.have)) and systemd.alive(sessions.UNIT))

    # --- validate ------------------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """Whether this node can speak BGP, and BIRD takes what it is to read."""
        if not self._sessions:
            return []
        tunnels = ", ".join(one.tunnel for one in self._sessions)
        if not have("bird"):
            lacking = f"BIRD is not installed, which speaks BGP for {tunnels}: install bird2, or leave vcc_bgp out"
            return [] if self.check else [lacking]
        if not systemd.here():
            return [f"BGP ({tunnels}) needs systemd, which does not run this node"]
        if self._read(sessions.CONFIG) == self._wanted:
            return []
        wrong = refused(self._wanted)
        return [sessions.shown(wrong)] if wrong else []

    _shown = staticmethod(sessions.shown)

    # --- converge ------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Write the file, and have a daemon run that has read it."""
        if not self._wanted:
            return
        home = self.store.at(sessions.HOME)
        files.directory(home)
        home.chmod(0o700)
        if self._stale():
            files.write(self.store.at(sessions.CONFIG), self._wanted, MODE)
        if not self._enabled():
            systemd.systemctl("enable", sessions.UNIT)
        due = self._due()
        if not due:
            return
        self._bring(due)

    def clear(self) -> None:
        """Stop what is no longer wanted. BIRD takes its routes along."""
        if not self._concerned:
            return
        if self._surplus():
            systemd.systemctl("disable", sessions.UNIT)
            systemd.stop(sessions.UNIT, wait=not self.boot)
        for path in self._over():
            shutil.rmtree(path)


def refused(text: str) -> str:
    """Why BIRD does not take a configuration; empty if it does, or is not there."""
    return trial.refused(text, "bird", "-p", "-c", "{}")
