# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that judges frames, as it is loaded; and the devices it is for, which are up only with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..document import Change
from ..kernel import ip
from ..kernel.nftables import canonical
from ..part import Part
from ..system.run import CommandError, have, run
from .devices import OURS, concerned
from .frames import FAMILY, TABLE, table
from .told import Stretch, stretches

NOTE = "promiscuous"  # in what is noted of the node: devices that we made take every frame

_TARGET = re.compile(r'(?:fwd|dup) (to) "?([^"\s]+)')
_CHAIN = re.compile(r'chain (\w+) \{\s+type filter hook ingress device "([^"]+)"')


class Frames(Part):
    """The table, and the state of the devices that it hangs on."""

    name = "frames"
    _expected: tuple[str, list[Any]] | None = None

    def _concerned(self) -> bool:
        return concerned(self)

    def _networks(self) -> tuple[list[Stretch], dict[str, str]]:
        """Those whose network is there, and its device by the edge's own address."""
        found = stretches(self.want)
        if not found:
            return [], {}
        own = {one.beside for one in found}
        devices = {
            text.split("/")[0]: device
            for device, texts in ip.addresses().items()
            for text in texts
            if text.split("/")[0] in own
        }
        return [one for one in found if one.beside in devices], devices

    def _text(self) -> str:
        networks, devices = self._networks()
        if not networks:
            return ""
        macs = {str(link["ifname"]): str(link.get("address", "")) for link in ip.all_links()}
        return table(networks, devices, macs)

    def _loaded(self, *options: str) -> list[Any]:
        try:
            return canonical(run("nft", "-j", "-s", *options, "list", "table", FAMILY, TABLE)) if have("nft") else []
        except CommandError as error:
            if "No such file" in str(error):
                return []
            raise

    def _chains(self) -> set[tuple[str, str]]:
        """The chains that hang on devices, each with its device, and the devices that frames are sent out of.

        The kernel knows the latter by number: of one that was made again, nft shows no name. In JSON, not every nft
        names devices."""
        try:
            shown = run("nft", "-t", "list", "table", FAMILY, TABLE) if have("nft") else ""
            return {*_CHAIN.findall(shown), *_TARGET.findall(shown)}
        except CommandError as error:
            if "No such file" in str(error):
                return set()
            raise

    def _hung(self) -> set[tuple[str, str]]:
        """The same as it should be."""
        networks, devices = self._networks()
        every = [(one, devices[one.beside]) for one in networks]
        return {
            *((f"n{one.number}_site", wire) for one, wire in every),
            *((f"n{one.number}_tunnel", one.device) for one, _wire in every),
            *(("to", device) for one, wire in every for device in (wire, one.device)),
        }

    def _scratch(self, text: str) -> list[Any]:
        """What the kernel makes of the table, in a network namespace that nobody uses."""
        if self._expected is None or self._expected[0] != text:
            networks, devices = self._networks()
            names = sorted({*devices.values(), *(one.device for one in networks)})
            made = "".join(
                f"ip link add '{name}' type vxlan id {number} dstport {1000 + number} && "
                for number, name in enumerate(names, 1)
            )
            script = f"{made}nft -f - && nft -j -s list table {FAMILY} {TABLE}"
            self._expected = (text, canonical(run("unshare", "-n", "sh", "-c", script, stdin=text)))
        return self._expected[1]

    def problems(self) -> list[str]:
        """What the kernel does not take; a network that is not there."""
        wanted = stretches(self.want)
        if not wanted or (self.check and not (have("nft") and have("bridge"))):
            return []
        if not have("bridge"):
            return ["bridge is not installed, which comes with iproute2"]
        networks, devices = self._networks()
        lost = [one for one in wanted if one.beside not in devices]
        found = [f"{one.vpn}: no device has the address {one.beside}, of the network to stretch" for one in lost]
        try:
            self._scratch(self._text())
        except CommandError as error:
            vpns = ", ".join(one.vpn for one in networks)
            found.append(f"{vpns}: the kernel cannot stretch networks (VXLAN; nftables that forwards frames): {error}")
        return found

    # --- compare -------------------------------------------------------------------------------------------------

    def _differs(self, text: str) -> str:
        """What is to be done about the table; empty if it is as it should be."""
        loaded = self._loaded()
        if not text:
            return "delete table" if loaded else ""
        if not loaded:
            return "create table"
        same = loaded == self._scratch(text) and self._chains() == self._hung()
        return "" if same else "replace table"

    def changes(self) -> list[Change]:
        """The table to create, replace or delete; devices to switch."""
        if not self._concerned():
            return []
        text = self._text()
        what = self._differs(text)
        found = [Change(self.name, what, "", text)] if what else []
        return found + [Change(self.name, f"{name} {word}", "", f"{name} {word}") for name, word in self._switches()]

    def _switches(self) -> list[tuple[str, str]]:
        """Devices with what they are to be told."""
        networks, devices = self._networks()
        wires = {devices[one.beside] for one in networks}
        links = {link["ifname"]: link for link in ip.all_links()} if wires or self._noted() else {}
        up = [
            (one.device, "up")
            for one in networks
            if one.device not in links or "UP" not in links[one.device].get("flags", [])
        ]
        on = [(wire, "promisc on") for wire in sorted(wires) if "PROMISC" not in links.get(wire, {}).get("flags", [])]
        off = [
            (wire, "promisc off")
            for wire in self._noted()
            if wire not in wires and "PROMISC" in links.get(wire, {}).get("flags", [])
        ]
        return up + on + off

    def _noted(self) -> list[str]:
        return [str(name) for name in self.store.owned(NOTE) or []]

    def gone(self) -> bool:
        """Whether somebody flushed the table. What is in it is not looked at. Without its devices it cannot be loaded:
        who brings these brings the table."""
        networks = self._networks()[0]
        return bool(networks) and all(ip.exists(one.device) for one in networks) and not self._loaded("-t")

    # --- converge ------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Swap the table, in one transaction; then let frames in."""
        text = self._text() if self._concerned() else ""
        if text and self._differs(text):
            self._close()
            self.put_back(text)
        switches = [(name, word) for name, word in self._switches() if word != "promisc off"] if text else []
        ours = sorted({*self._noted(), *(name for name, word in switches if word == "promisc on")})
        if ours != self._noted():
            self.store.own(NOTE, ours)
        _switch(switches)

    def _close(self) -> None:
        """Switch devices off that the next table does not judge: what came in by them would get to the edge itself."""
        wanted = {one.device for one in self._networks()[0]}
        found = [
            (name, link) for name, link in ip.links("vxlan").items() if OURS.fullmatch(name) and name not in wanted
        ]
        _switch((name, "down") for name, link in found if "UP" in link.get("flags", []))

    def put_back(self, text: str = "") -> None:
        """Load the table, whatever is loaded."""
        text = text or self._text()
        if text:
            run("nft", "-f", "-", stdin=f"table {FAMILY} {TABLE}\ndelete table {FAMILY} {TABLE}\n{text}")

    def clear(self) -> None:
        """Delete what is no longer wanted: first no frame gets anywhere, then nothing is judged."""
        if not self._concerned():
            return
        _switch([(name, word) for name, word in self._switches() if word == "promisc off"])
        wires = set(self._networks()[1].values())
        kept = [name for name in self._noted() if name in wires]
        if kept != self._noted():
            self.store.own(NOTE, kept or None)
        if not self._text() and self._loaded("-t"):
            self._close()
            run("nft", "delete", "table", FAMILY, TABLE)


class PresentFrames(Frames):
    """The same without what is in the table: this is looked at at every news."""

    def _differs(self, text: str) -> str:
        loaded, wanted = self._chains(), self._hung()
        if loaded == wanted:
            return ""
        return "replace table" if wanted and loaded else "create table" if wanted else "delete table"


def _switch(switches: Iterable[tuple[str, str]]) -> None:
    for name, word in switches:
        run("ip", "link", "set", "dev", name, *word.split())
