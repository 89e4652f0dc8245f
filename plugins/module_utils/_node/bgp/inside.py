# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses inside route-based tunnels, and the rule that has the table with BGP's routes looked at."""

from __future__ import annotations

from pathlib import Path

from ..document import Change
from ..kernel import ip
from ..part import Part
from ..system.run import run
from .sessions import PRIORITY, TABLE, sessions

PROC = Path("/proc/sys/net/ipv4/conf")
LOOSE = 2  # ip-sysctl: rp_filter
_RULE = ("priority", str(PRIORITY), "lookup", str(TABLE))


class Inside(Part):
    """An address per session, and one rule for all of them."""

    name = "inside"

    def _wanted(self) -> dict[str, str]:
        """Addresses, by device."""
        return {one.device: f"{one.local}/{one.length}" for one in sessions(self.want)}

    def _concerned(self) -> bool:
        return bool(self._wanted() or sessions(self.have) or self.have.empty)

    def problems(self) -> list[str]:
        """Whether this node can have such tunnels."""
        found = sessions(self.want)
        if not found or self.want.backend == "xfrm":
            return []
        return [
            f"tunnel {', '.join(one.tunnel for one in found)}: vcc_bgp needs a kernel with ESP and XFRM interfaces, "
            "and this one has none. With ESP in user space all tunnels share one device, and a tunnel for all "
            "addresses would take the packets of the others when those are down. Use such a kernel, or leave "
            "vcc_bgp out"
        ]

    def _compare(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Addresses to add and to remove, with their devices."""
        held = ip.addresses()
        wanted = self._wanted()
        add = [(address, device) for device, address in wanted.items() if address not in held.get(device, [])]
        over = [
            (address, device)
            for device in wanted
            for address in held.get(device, [])
            if "." in address and address != wanted[device]
        ]
        return add, over

    def _strict(self) -> list[str]:
        """Devices whose packets the kernel would drop when the way back is another tunnel. Loose wins over strict."""
        files = {device: PROC / device / "rp_filter" for device in self._wanted()}
        return [device for device, file in files.items() if file.exists() and int(file.read_text()) != LOOSE]

    def changes(self) -> list[Change]:
        """What to add and to remove."""
        if not self._concerned():
            return []
        add, over = self._compare()
        found = [Change(self.name, f"add {a} to {d}", "", f"{a} dev {d}") for a, d in add]
        found += [Change(self.name, f"remove {a} from {d}", f"{a} dev {d}") for a, d in over]
        found += [Change(self.name, f"relax the reverse path filter of {device}") for device in self._strict()]
        there = ip.has_rule(PRIORITY, TABLE)
        if there != bool(self._wanted()):
            found.append(Change(self.name, f"{'remove' if there else 'add'} rule {' '.join(_RULE)}"))
        return found

    def build(self) -> None:
        """Add."""
        if not self._wanted():
            return
        for address, device in self._compare()[0]:
            if ip.exists(device):
                run("ip", "address", "replace", address, "dev", device)
        for device in self._strict():
            (PROC / device / "rp_filter").write_text(f"{LOOSE}\n", encoding="ascii")
        if not ip.has_rule(PRIORITY, TABLE):
            run("ip", "-4", "rule", "add", *_RULE)

    def clear(self) -> None:
        """Remove."""
        if not self._concerned():
            return
        for address, device in self._compare()[1]:
            run("ip", "address", "del", address, "dev", device)
        if not self._wanted() and ip.has_rule(PRIORITY, TABLE):
            run("ip", "-4", "rule", "del", *_RULE)
