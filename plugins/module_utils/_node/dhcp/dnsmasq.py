# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DHCP server on an edge: its file, its process, and what that has loaded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..daemon import Daemon
from ..kernel import sockets
from ..part import Context
from ..system import dnsmasq, files, systemd
from ..system.run import CommandError
from . import server, units

READABLE = 0o644
PORT = 67


class Dhcp(Daemon):
    """The document's `dhcp`."""

    name = "dhcp"
    CONFIG, UNIT, FAILED = server.CONFIG, server.UNIT, "the DHCP server does not start"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._entry = server.served(self.want)
        self._concerned = bool(self._entry or server.served(self.have) or self.have.empty)
        self._device = server.device(self.want) if self._entry else ""
        self._config = server.config(self.want, self._device) if self._device else ""

    # --- compare -------------------------------------------------------------------------------------------------

    @property
    def _wanted(self) -> str:
        """What the file is to say. While no device has the edge's address: what it says."""
        return self._config or (self._read(server.CONFIG) if self._entry else "")

    def _stale(self) -> bool:
        """Whether the file has to be written."""
        if not self._wanted:
            return False
        if self._read(server.CONFIG) != self._wanted:
            return True
        return self.store.at(server.CONFIG).stat().st_mode & 0o7777 != READABLE

    def _over(self) -> list[Path]:
        """What is to be removed. What a server keeps, systemd makes: the directory, and the way to it."""
        home = self.store.at(server.HOME)
        found = [path for path in sorted(home.rglob("*")) if path != self.store.at(server.CONFIG) or not self._entry]
        if self._entry:
            return found
        private = Path(server.STATE)
        places = [home, self.store.at(server.STATE), self.store.at(f"{private.parent}/private/{private.name}")]
        return [*reversed(found), *(path for path in places if path.exists() or path.is_symlink())]

    def _due(self) -> str:
        """What the server needs; empty if it runs with what is wanted."""
        if not self._entry or not self._wanted:
            return ""
        if not systemd.alive(server.UNIT):
            return "start"
        if not self._ready():
            return "restart"
        return "" if self._enabled() else "enable"

    def _ready(self) -> bool:
        """Whether the server has read what is wanted, and listens."""
        return self._read(server.LOADED) == self._wanted and bool(sockets.sockets("udp", {PORT}))

    def _enabled(self) -> bool:
        return self.store.at(f"{units.WANTS}/{server.UNIT}").is_symlink()

    def _surplus(self) -> bool:
        """Whether there is a server, and none is wanted."""
        if self._entry:
            return False
        return self._enabled() or (bool(server.served(self.have)) and systemd.alive(server.UNIT))

    # --- validate ------------------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """Whether this node can serve."""
        if not self._entry:
            return []
        network, address = self._entry["network"], self._entry["address"]
        found = dnsmasq.lacking("addresses (vcc_dhcp)", "leave vcc_dhcp out", self.check)
        if not self._device:
            return [*found, f"no device has the address {address}: DHCP for {network} has nowhere to be served"]
        if found or self._read(server.CONFIG) == self._config:
            return found
        wrong = dnsmasq.refused(self._config)
        return [wrong] if wrong else []

    # --- report --------------------------------------------------------------------------------------------------

    def notes(self) -> list[str]:
        """Machines that get no address of their own, or not all routes."""
        found = server.reservations(self.want)
        return [
            f"DHCP: no reservation of {one.address} for {one.name}: {one.why}; see vcc_mac (docs/dhcp.md)"
            for one in found
            if not one.macs
        ] + [
            f"DHCP: {one.name} is told {len(one.routes)} of {len(one.routes) + one.untold} routes, as an option has "
            "room for no more; to the others, it takes its default route (docs/dhcp.md)"
            for one in found
            if one.macs and one.untold
        ]

    # --- converge ------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Write the file, and have a server run that has read it."""
        if not self._entry:
            return
        if not self._wanted:
            raise CommandError(f"no device has the address {self._entry['address']}: DHCP is not served")
        files.directory(self.store.at(server.HOME))
        if self._stale():
            files.write(self.store.at(server.CONFIG), self._wanted, READABLE)
        if not self._enabled():
            systemd.systemctl("enable", server.UNIT)
        due = self._due()
        if not due:
            return
        if due == "restart" and not self.boot and self._strangers():
            systemd.systemctl("stop", server.UNIT)
            due = "start"
        if due == "start" and self._strangers():
            self._forget()
        self._bring(due)

    def _strangers(self) -> bool:
        leases = self._read(server.LEASES)
        return server.without_strangers(leases, self.want) != leases

    def _forget(self) -> None:
        """The file stays the server's own, and no link of the server's leads us elsewhere."""
        handle = os.open(self.store.at(server.LEASES), os.O_RDWR | os.O_NOFOLLOW)
        with open(handle, "r+", encoding="utf-8", errors="surrogateescape") as file:  # whatever a power cut left there
            kept = server.without_strangers(file.read(), self.want)
            file.seek(0)
            file.write(kept)  # first: it is no longer than what was there, so a disk that is full has room for it
            file.truncate()

    def clear(self) -> None:
        """Stop what is no longer wanted, and remove what it kept."""
        if not self._concerned:
            return
        if self._surplus():
            systemd.systemctl("disable", server.UNIT)
            systemd.stop(server.UNIT, wait=not self.boot)
        for path in self._over():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.exists() or path.is_symlink():
                files.remove(path)
