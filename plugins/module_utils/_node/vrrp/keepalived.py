# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived on an edge of a pair: its file, its process, and what that has loaded."""

from __future__ import annotations

from pathlib import Path

from ..daemon import Daemon
from ..kernel import ip
from ..part import Context
from ..system import files, systemd, trial
from ..system.run import CommandError, have
from . import config

READABLE = 0o644  # keepalived does not read what others may run


class Vrrp(Daemon):
    """The document's `pair`."""

    name = "vrrp"
    CONFIG, UNIT, FAILED = config.CONFIG, config.UNIT, "keepalived does not start"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._entry = self.want.pair
        self._concerned = bool(self._entry or self.have.pair or self.have.empty)
        self._config = config.config(self.want, ip.addresses()) if self._entry and have("ip") else ""

    # --- compare -------------------------------------------------------------------------------------------------

    @property
    def _wanted(self) -> str:
        """What the file is to say. While no device has the edge's own address: what it says."""
        return self._config or (self._read(config.CONFIG) if self._entry else "")

    def _stale(self) -> bool:
        return bool(self._wanted) and self._read(config.CONFIG) != self._wanted

    def _due(self) -> str:
        """What keepalived needs; empty if it runs with what is wanted."""
        if not self._entry or not self._wanted or not systemd.here():
            return ""
        if not systemd.alive(config.UNIT):
            return "start"
        return "" if self._read(config.LOADED) == self._wanted else "reload-or-restart"

    def _surplus(self) -> bool:
        """Whether it runs, and is not wanted."""
        return not self._entry and bool(self.have.pair) and systemd.alive(config.UNIT)

    def _over(self) -> list[Path]:
        """What is to be removed."""
        if self._entry:
            return []
        paths = [self.store.at(config.CONFIG), self.store.at(config.DRAINED), self.store.at(config.TUNNELS)]
        return [path for path in (*paths, self.store.at(config.HOME)) if path.exists()]

    # --- validate ------------------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """Whether this edge can be one of a pair."""
        if not self._entry:
            return []
        own = ", ".join(self._entry["own"])
        found = lacking(self.check)
        if not self._config:
            return [*found, f"no device has the address {own} (vcc_own_org_address): VRRP has no network"]
        if found or self._read(config.CONFIG) == self._config:
            return found
        wrong = refused(self._config)
        return [f"keepalived does not take its configuration: {wrong}"] if wrong else []

    # --- converge ------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Write the file, and have a keepalived run that has read it."""
        if not self._entry:
            return
        if not self._wanted:
            raise CommandError(f"no device has the address {', '.join(self._entry['own'])}: VRRP does not run")
        files.directory(self.store.at(config.HOME))
        if self._stale():
            files.write(self.store.at(config.CONFIG), self._wanted, READABLE)
        due = self._due()
        if due:
            self._bring(due)

    def clear(self) -> None:
        """Stop what is no longer wanted: the gateway address goes with it. Remove what it kept."""
        if not self._concerned:
            return
        if self._surplus():
            held = self._gateway()
            systemd.stop(config.UNIT, wait=not self.boot)
            if not (self.want.empty or self.boot):
                self._keep(held)
        for path in self._over():
            if path.is_dir():
                path.rmdir()
            else:
                files.remove(path)

    def _gateway(self) -> list[tuple[str, str]]:
        """The gateway addresses that this edge has, each with its device."""
        gateway = {str(address) for address in self.have.pair.get("gateway", ())}
        every = [(device, text) for device, texts in ip.addresses().items() for text in texts]
        return [(device, text) for device, text in every if text.partition("/")[0] in gateway]

    def _keep(self, held: list[tuple[str, str]]) -> None:
        """An edge that is alone from now on keeps the gateway address, until its network is configured again."""
        for device, text in (one for one in held if one not in self._gateway()):
            ip.batch(ip.family(text), [f"address add {text} dev {device}"])


def lacking(check: bool) -> list[str]:
    """What keeps this node from being one of a pair: keepalived is missing, or systemd.

    In check mode, the real run would have installed keepalived.
    """
    if not have("keepalived"):
        return [] if check else ["keepalived is not installed, which moves the gateway address of a pair: install it"]
    return [] if systemd.here() else ["a pair of edges needs systemd, which does not run this node"]


def refused(text: str) -> str:
    """Why keepalived does not take a configuration; empty if it does, or is not there."""
    return trial.refused(text, "keepalived", "--config-test", "--log-console", "--use-file={}")
