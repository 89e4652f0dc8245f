# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""XFRM interfaces: `vcc<number>` for each VPN, with the VPN's number as `if_id` (backend xfrm only).

A VPN with tunnels to both edges of a pair has another one, `vcc<number>b`, for those to the second: the links to both
have the same selectors, of which an `if_id` can hold one. So the route decides which edge packets go to.

A tunnel with BGP has one of its own: its selectors are everything.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from ..bgp.sessions import sessions
from ..document import Change, if_id, lane_device
from ..kernel import ip
from ..part import Part
from ..system import files
from ..system.run import run
from . import xfrm

RP_FILTER = "/proc/sys/net/ipv4/conf/{}/rp_filter"
LOOSE = "2"
OURS = re.compile(r"^vcc\d+(b|p[0-9a-f]{4})?$")


class Links(Part):
    """The tunnel devices of the document's `vpns`."""

    name = "links"

    def _wanted(self) -> dict[str, dict[str, Any]]:
        if self.want.backend != "xfrm" or not self.want.tunnels("ipsec"):
            return {}
        vpns = [vpn for vpn in self.want.listed("vpns") if vpn.get("kind", "ipsec") == "ipsec"]
        lanes = self.want.lanes()
        found = {
            lane_device(vpn["number"], lane): {**vpn, "if_id": if_id(vpn["number"], lane)}
            for vpn in vpns
            for lane in lanes.get(vpn["name"], [0])
        }
        found.update((one.device, {"if_id": one.if_id, "mtu": one.mtu}) for one in sessions(self.want))
        return found

    def _concerned(self) -> bool:
        # Nothing known of what the node had: then what is loaded tells.
        return "xfrm" in (self.want.backend, self.have.backend) or self.have.empty

    def _found(self) -> dict[str, dict[str, Any]]:
        return {name: link for name, link in ip.links("xfrm").items() if OURS.match(name)}

    @staticmethod
    def _number(link: dict[str, Any]) -> int:
        return int(str(link.get("linkinfo", {}).get("info_data", {}).get("if_id", "0")), 0)

    def _compare(self) -> tuple[list[str], list[str], list[str]]:
        """Names to make, to change, and to remove. One with a wrong `if_id` is removed and made again."""
        if not self._concerned():
            return [], [], []
        wanted, found = self._wanted(), self._found()
        wrong = [n for n in found if n in wanted and self._number(found[n]) != wanted[n]["if_id"]]
        make = [name for name in wanted if name not in found or name in wrong]
        differs = [
            name
            for name in wanted
            if name in found
            and name not in wrong
            and (
                found[name].get("mtu") != wanted[name].get("mtu", 1400)
                or "UP" not in found[name].get("flags", [])
                or self._strict(name, wanted)
            )
        ]
        return make, differs, [name for name in found if name not in wanted]

    def _strict(self, name: str, wanted: Collection[str]) -> bool:
        """Whether the kernel refuses what comes by the lane that packets do not go to (the firewall judges that)."""
        twin = name[:-1] if name.endswith("b") else f"{name}b"
        return twin in wanted and files.read(self.store.at(RP_FILTER.format(name))).strip() not in ("", LOOSE)

    def changes(self) -> list[Change]:
        """Interfaces to make, to change and to remove."""
        make, differs, over = self._compare()
        wanted = self._wanted()
        found = [
            Change(self.name, f"add {n}", "", f"{n} if_id {wanted[n]['if_id']} mtu {wanted[n].get('mtu', 1400)}")
            for n in make
        ]
        found += [Change(self.name, f"set {n}", n, f"{n} mtu {wanted[n].get('mtu', 1400)} up") for n in differs]
        return found + [Change(self.name, f"remove {n}", n) for n in over]

    def build(self) -> None:
        """Make and change."""
        make, differs, _over = self._compare()
        wanted, found = self._wanted(), self._found() if make else {}
        for name in make:
            if name in found:
                run("ip", "link", "del", name)
            run("ip", "link", "add", name, "type", "xfrm", "dev", "lo", "if_id", str(wanted[name]["if_id"]))
        for name in (*make, *differs):
            run("ip", "link", "set", name, "mtu", str(wanted[name].get("mtu", 1400)), "up")
            if self._strict(name, wanted):
                self.store.at(RP_FILTER.format(name)).write_text(LOOSE)

    def clear(self) -> None:
        """Remove, and what a charon that was killed may have left in the kernel for it."""
        over = self._compare()[2]
        found = self._found() if over else {}
        numbers = {self._number(found[name]) for name in over}
        if over:
            for policy in xfrm.policies(numbers):
                policy.remove()
            for state in xfrm.states(numbers):
                state.remove()
        for name in over:
            run("ip", "link", "del", name)
