# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VXLAN devices of stretched networks (RFC 7348, ip-link(8)): which edge a frame goes to, and who has an address.

A device learns nothing (`nolearning`): whose frames go where is in the document, so that no frame can change it. With
`proxy` it answers ARP and neighbour solicitations itself, from permanent entries of its neighbour table. It stays down
until the table is loaded that judges frames (`tables.py`).
"""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

from ..document import STRETCH_DEVICE, Change
from ..kernel import ip
from ..part import Part
from ..system.run import CommandError, run
from .told import Stretch, stretches

OURS = re.compile(rf"{STRETCH_DEVICE}\d+")
DEVICES = "/sys/class/net"
EVERYBODY = "00:00:00:00:00:00"  # where frames to groups go
PLAIN_MTU = 1500  # what members send; the device's own only matters to what the kernel sends, its answers

Entry = tuple[str, str]  # forwarding: link-layer address, edge. Neighbours: address, link-layer address


class Stretches(Part):
    """A device for each stretched network, with what it forwards and answers."""

    name = "stretched networks"

    def _wanted(self) -> dict[str, Stretch]:
        return {one.device: one for one in stretches(self.want)}

    def _concerned(self) -> bool:
        return concerned(self)

    def _compare(self) -> tuple[list[str], list[str]]:
        """Devices to make, wrong ones among them, and to remove."""
        if not self._concerned():
            return [], []
        wanted = self._wanted()
        found = {name: link for name, link in ip.links("vxlan").items() if OURS.fullmatch(name)}
        make = [name for name, one in wanted.items() if name not in found or not _as_told(found[name], one)]
        return make, [name for name in found if name not in wanted]

    def _entries(self, make: list[str]) -> list[tuple[str, str, str]]:
        """The commands that are missing, each with the program and what it is about."""
        found = []
        for device, one in self._wanted().items():
            there = one.known(one.there)
            forward = {(EVERYBODY, peer) for peer in one.peers} | {(member.mac, member.behind) for member in there}
            answer = {(address, member.mac) for member in there for address in member.addresses}
            has, answers = (set(), set()) if device in make else (_forwarded(device), _answered(device))
            found += [("bridge", f"fdb del {mac} dev {device} dst {to} self", mac) for mac, to in sorted(has - forward)]
            found += [
                ("bridge", f"fdb append {mac} dev {device} dst {to} self", mac) for mac, to in sorted(forward - has)
            ]
            gone = {address for address, _mac in answers} - {address for address, _mac in answer}
            found += [("ip", f"neigh del {address} dev {device}", address) for address in sorted(gone)]
            found += [
                ("ip", f"neigh replace {address} lladdr {mac} dev {device} nud permanent", address)
                for address, mac in sorted(answer - answers)
            ]
        return found

    def changes(self) -> list[Change]:
        """Devices and entries to make and to remove."""
        make, over = self._compare()
        wanted = self._wanted()
        found = [Change(self.name, f"add {name} ({wanted[name].vpn})", "", _described(wanted[name])) for name in make]
        found += [Change(self.name, command, "", command) for _program, command, _about in self._entries(make)]
        return found + [Change(self.name, f"remove {name}", name) for name in over]

    def notes(self) -> list[str]:
        """Members whose frames cannot be told from others'."""
        return [
            f"{one.vpn}: no frame of {', '.join(one.unknown)} is carried: its link-layer address is not known until it "
            "answers a run, or vcc_mac says it"
            for one in stretches(self.want)
            if one.unknown
        ]

    def build(self) -> None:
        """Make devices, and fill them."""
        make, _over = self._compare()
        wanted, there = self._wanted(), ip.links("vxlan") if make else {}
        entries = self._entries(make)
        for name in make:
            if name in there:
                run("ip", "link", "del", name)
            run(*_adding(wanted[name]))
            run("ip", "link", "set", name, "addrgenmode", "none", "mtu", str(PLAIN_MTU))
        for program in ("bridge", "ip"):
            for family in (4, 6):
                commands = [
                    command
                    for wants, command, about in entries
                    if wants == program and (family == 4 if program == "bridge" else ip.family(about) == family)
                ]
                if commands:
                    run(program, "-force", "-batch", "-", stdin="".join(f"{command}\n" for command in commands))

    def clear(self) -> None:
        """Remove devices."""
        for name in self._compare()[1]:
            run("ip", "link", "del", name)


def concerned(part: Part) -> bool:
    """Whether to look at what is loaded. A run that was killed may have left what no generation knows."""
    known = stretches(part.want) or stretches(part.have) or part.have.empty
    return bool(known) or any(OURS.fullmatch(place.name) for place in Path(DEVICES).glob(f"{STRETCH_DEVICE}*"))


def _adding(one: Stretch) -> list[str]:
    words = ["ip", "link", "add", one.device, "type", "vxlan", "id", str(one.number), "local", one.local]
    return [*words, "dstport", str(one.port), "nolearning", "proxy"]


def _described(one: Stretch) -> str:
    return " ".join(_adding(one)[3:])


def _as_told(link: dict[str, Any], one: Stretch) -> bool:
    data = link.get("linkinfo", {}).get("info_data", {})
    local = data.get("local") or data.get("local6")
    told = (data.get("id"), local, data.get("port"), bool(data.get("learning")), bool(data.get("proxy")))
    return told == (one.number, one.local, one.port, False, True)


def _forwarded(device: str) -> set[Entry]:
    """What a device forwards."""
    with contextlib.suppress(CommandError):  # it has just gone
        entries = json.loads(run("bridge", "-j", "fdb", "show", "dev", device) or "[]")
        return {(str(entry["mac"]), str(entry["dst"])) for entry in entries if entry.get("dst")}
    return set()


def _answered(device: str) -> set[Entry]:
    return {(address, mac) for (address, where), mac in ip.neighbours().items() if where == device}
