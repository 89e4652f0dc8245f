# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BIRD on an edge: its file, its process, and what that has loaded."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from pathlib import Path

from ..document import Change
from ..ipsec import secrets
from ..part import Context, Part
from ..system import dnsmasq, files, systemd
from ..system.run import CommandError, have, run
from . import control, sessions, units

MODE = 0o600  # it has keys in it
STARTS = 10.0  # seconds from a start to the first answer


class Bgp(Part):
    """The daemon that speaks BGP with the gateways of partners."""

    name = "bgp"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sessions = sessions.sessions(self.want)
        self._wanted = sessions.config(self.want, secrets.preferred(self.store)) if self._sessions else ""
        self._concerned = bool(self._sessions or sessions.sessions(self.have) or self.have.empty)

    # --- compare -------------------------------------------------------------------------------------------------

    def _read(self, path: str) -> str:
        return files.read(self.store.at(path))

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

    # --- report --------------------------------------------------------------------------------------------------

    def changes(self) -> list[Change]:
        """What to write, start and remove."""
        if not self._concerned:
            return []
        found = []
        if self._stale():
            before, after = sessions.shown(self._read(sessions.CONFIG)), sessions.shown(self._wanted)
            found.append(Change(self.name, f"write {sessions.CONFIG}", before, after))
        if self._due():
            found.append(Change(self.name, f"{self._due()} {sessions.UNIT}"))
        if self._surplus():
            found.append(Change(self.name, f"stop {sessions.UNIT}"))
        return found + [Change(self.name, f"remove /{path.relative_to(self.store.root)}") for path in self._over()]

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
        systemd.systemctl(due, *(["--no-block"] if self.boot else []), sessions.UNIT)
        if not self.boot:  # there, it is ordered after us, and we are not done yet
            self._await()

    def _await(self) -> None:
        deadline = time.monotonic() + STARTS
        while self._due():
            if time.monotonic() >= deadline:
                raise CommandError(f"BIRD does not run with {sessions.CONFIG}{dnsmasq.last_words(sessions.UNIT)}")
            time.sleep(0.05)

    def clear(self) -> None:
        """Stop what is no longer wanted. BIRD takes its routes along."""
        if not self._concerned:
            return
        if self._surplus():
            systemd.systemctl("disable", sessions.UNIT)
            systemd.systemctl("stop", *(["--no-block"] if self.boot else []), sessions.UNIT)
            with contextlib.suppress(CommandError):  # it did not fail
                systemd.systemctl("reset-failed", sessions.UNIT)
        for path in self._over():
            shutil.rmtree(path)


def refused(text: str) -> str:
    """Why BIRD does not take a configuration; empty if it does, or is not there."""
    if not have("bird"):
        return ""
    with tempfile.TemporaryDirectory(prefix="intercloud-vpn.") as place:
        path = Path(place) / "conf"
        files.write(path, text, MODE)
        try:
            run("bird", "-p", "-c", str(path))
        except CommandError as error:
            return str(error)
    return ""
