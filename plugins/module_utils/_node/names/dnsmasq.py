# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name servers on an org edge: their files, their processes, and what they answer."""

from __future__ import annotations

import re
import shutil
import time

from ..document import Change
from ..part import Context, Part
from ..system import dnsmasq, files, systemd
from ..system.run import CommandError, have
from . import query, units
from .servers import HOME, UNIT, Server, servers, unit

_INSTANCE = re.compile(rf"{re.escape(UNIT)}(.+)\.service")
READABLE = 0o644
PATIENCE = 1.0  # seconds for a process that has just been restarted, before it counts as one that does not answer
NOTICES = 2.0  # seconds in which dnsmasq reads a file that has changed (inotify(7)); it mostly takes some milliseconds
STARTS = 10.0  # seconds from a start to the first answer


class Names(Part):
    """The name servers of VPNs that have names."""

    name = "names"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._servers = servers(self.want)
        self._wanted = {path: text for server in self._servers.values() for path, text in server.files.items()}
        self._concerned = bool(self._servers or servers(self.have) or self.have.empty)

    # --- compare -------------------------------------------------------------------------------------------------

    def _stale(self) -> list[str]:
        """Files to write."""
        return [
            path
            for path, text in self._wanted.items()
            if self._read(path) != text or self.store.at(path).stat().st_mode & 0o7777 != READABLE
        ]

    def _over(self) -> list[str]:
        """Files to remove. Others beside the hosts would be read as well."""
        every = sorted(path for path in self.store.at(HOME).rglob("*") if not path.is_dir() or path.is_symlink())
        return [path for path in (f"/{one.relative_to(self.store.root)}" for one in every) if path not in self._wanted]

    def _read(self, path: str) -> str:
        return files.read(self.store.at(path))

    def _due(self) -> dict[str, str]:
        """The servers that have to be started, restarted, told to read their hosts, or enabled; and which of these."""
        found = {}
        for vpn, server in self._servers.items():
            if not systemd.alive(server.unit):
                found[vpn] = "start"
            elif not loaded(server, server.config, PATIENCE):
                found[vpn] = "restart"
            elif self._read(server.hosts) == server.files[server.hosts] and not loaded(server, server.hosts):
                found[vpn] = "reload"
            elif not self._enabled(vpn):
                found[vpn] = "enable"
        return found

    def _enabled(self, vpn: str) -> bool:
        return self.store.at(f"{units.WANTS}/{unit(vpn)}").is_symlink()

    def _surplus(self) -> list[str]:
        """Servers that are enabled, or that the generation before had, and are not wanted."""
        names = {
            match[1] for path in self.store.at(units.WANTS).glob(f"{UNIT}*") if (match := _INSTANCE.match(path.name))
        }
        names |= {vpn for vpn, server in servers(self.have).items() if systemd.alive(server.unit)}
        return sorted(names - set(self._servers))

    # --- validate ------------------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """What dnsmasq does not take; or that it is not there."""
        if not self._servers:
            return []
        found = dnsmasq.lacking(f"the names of {', '.join(self._servers)}", "leave names out", self.check)
        if found or not have("dnsmasq"):
            return found
        return [f"{vpn}: {wrong}" for vpn, server in self._servers.items() if (wrong := self._refused(server))]

    def _refused(self, server: Server) -> str:
        text = server.files[server.config]
        if self._read(server.config) == text:
            return ""
        return dnsmasq.refused(text)

    # --- report --------------------------------------------------------------------------------------------------

    def changes(self) -> list[Change]:
        """Files to write and remove; servers to start, restart, reload and stop."""
        if not self._concerned:
            return []
        found = [Change(self.name, f"write {path}", self._read(path), self._wanted[path]) for path in self._stale()]
        found += [Change(self.name, f"remove {path}", self._read(path), "") for path in self._over()]
        found += [Change(self.name, f"{verb} {vpn}") for vpn, verb in self._due().items()]
        return found + [Change(self.name, f"stop {vpn}") for vpn in self._surplus()]

    # --- converge ------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Write the files, and have the servers run that read them."""
        if not self._servers:
            return
        for place in (HOME, *(f"{HOME}/{vpn}" for vpn in self._servers)):
            files.directory(self.store.at(place))
        stale = self._stale()
        for path in stale:
            files.write(self.store.at(path), self._wanted[path], READABLE)
        for vpn in self._in_the_way() if not self.boot else ():
            self._stop(vpn)
        for vpn, server in self._servers.items():
            if not self._enabled(vpn):
                systemd.systemctl("enable", server.unit)
            if self.boot:  # it is ordered after us, and we are not done yet
                systemd.systemctl("start", "--no-block", server.unit)
            else:
                self._bring(server, server.hosts in stale)

    def _in_the_way(self) -> list[str]:
        """Servers that are not wanted, at the address of one that is: the VPN has another name."""
        wanted, had = {server.address for server in self._servers.values()}, servers(self.have)
        return [vpn for vpn in self._surplus() if vpn in had and had[vpn].address in wanted]

    def _stop(self, vpn: str) -> None:
        systemd.systemctl("disable", unit(vpn))
        systemd.stop(unit(vpn), wait=not self.boot)

    def _bring(self, server: Server, changed: bool) -> None:
        """Have a server run with what is in its files."""
        if not systemd.alive(server.unit):
            systemd.systemctl("start", server.unit)
        elif not loaded(server, server.config, PATIENCE):
            systemd.systemctl("restart", server.unit)
        elif loaded(server, server.hosts, NOTICES if changed else 0):
            return
        else:  # it lost count of changes: SIGHUP has it read all of them again
            systemd.systemctl("kill", "--kill-who=main", "--signal=HUP", server.unit)
            if loaded(server, server.hosts, NOTICES):
                return
            systemd.systemctl("restart", server.unit)
        if not loaded(server, server.config, STARTS) or not loaded(server, server.hosts, NOTICES):
            said = systemd.last_words(server.unit)
            raise CommandError(f"the name server of {server.vpn} does not answer at {server.address}{said}")

    def clear(self) -> None:
        """Stop what is no longer wanted, and remove its files."""
        if not self._concerned:
            return
        for vpn in self._surplus():
            self._stop(vpn)
        for path in self._over():
            files.remove(self.store.at(path))
        home = self.store.at(HOME)
        for place in sorted(home.iterdir()) if home.is_dir() else ():
            if place.is_dir() and place.name not in self._servers:
                shutil.rmtree(place)  # somebody may have made a directory in it
        if not self._servers and home.is_dir():
            home.rmdir()


def loaded(server: Server, path: str, patience: float = 0) -> bool:
    """Whether the server answers with what is in one of its files. Where none answers, or not yet, wait so many
    seconds."""
    deadline = time.monotonic() + patience
    while True:
        answer = query.ask(server.address, server.marks[path], query.A)
        if answer is not None and answer.records:
            return True
        definite = answer is not None and path == server.config  # it does not read that one again
        if definite or time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
