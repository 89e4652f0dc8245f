# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices of tunnels of kind ssl: persistent TUN devices.

They are ours, not OpenVPN's: routes into them stay when a process ends, and what they are sent then is dropped. They
belong to root, so that OpenVPN needs no right to change networks, and nobody else can take its place.
"""

from __future__ import annotations

import re

from ..document import Change
from ..kernel import ip
from ..part import Part
from ..system.run import run
from . import processes

OURS = re.compile(r"^vcs(-udp|-tcp|[0-9a-f]{10})$")


class Tuns(Part):
    """A device for each OpenVPN process."""

    name = "devices"

    def _wanted(self) -> dict[str, int]:
        return {process.device: process.mtu for process in processes.processes(self.want).values()}

    def _compare(self) -> tuple[list[str], list[str], list[str]]:
        """Names to make, to change, and to remove."""
        wanted = self._wanted()
        if not wanted and not processes.tunnels(self.have) and not self.have.empty:
            return [], [], []
        found = {name: link for name, link in ip.links("tun").items() if OURS.match(name)}
        differs = [
            name
            for name, mtu in wanted.items()
            if name in found and (found[name].get("mtu") != mtu or "UP" not in found[name].get("flags", []))
        ]
        return [n for n in wanted if n not in found], differs, [n for n in found if n not in wanted]

    def changes(self) -> list[Change]:
        """Devices to make, to change and to remove."""
        make, differs, over = self._compare()
        wanted = self._wanted()
        found = [Change(self.name, f"add {name}", "", f"{name} mtu {wanted[name]}") for name in make]
        found += [Change(self.name, f"set {name}", name, f"{name} mtu {wanted[name]} up") for name in differs]
        return found + [Change(self.name, f"remove {name}", name) for name in over]

    def build(self) -> None:
        """Make and change."""
        make, differs, _over = self._compare()
        wanted = self._wanted()
        for name in make:
            run("ip", "tuntap", "add", "dev", name, "mode", "tun", "user", "root")
            # No address of its own: whatever the kernel said from it would be refused at the other end.
            run("ip", "link", "set", name, "addrgenmode", "none")
        for name in (*make, *differs):
            run("ip", "link", "set", name, "mtu", str(wanted[name]), "up")

    def clear(self) -> None:
        """Remove."""
        for name in self._compare()[2]:
            run("ip", "link", "del", name)
