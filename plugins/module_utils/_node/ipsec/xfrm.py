# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel holds of our VPNs: states and policies (ip-xfrm(8)), and which of them nobody looks after any more.

A charon that is killed leaves its states and policies to the kernel, and the next one does not know them. They carry
traffic on until there are new ones, which is good, and then stay until their lifetime ends, which is not.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from ..system.run import CommandError, have, run
from . import connections

_ENTRY = re.compile(r"^src (\S+) dst ([^\s\\]+)")
_NUMBER = re.compile(r"\tif_id (0x[0-9a-f]+)")
_SPI = re.compile(r"\tproto esp spi (0x[0-9a-f]+) ")
_DIRECTION = re.compile(r"\tdir (\w+) ")


@dataclass(frozen=True)
class State:
    """One direction of a CHILD_SA. `number` is its if_id: the VPN's number."""

    source: str
    destination: str
    spi: int
    number: int

    def remove(self) -> None:
        """Take it away. One that has just gone by itself is not a mistake."""
        words = ["src", self.source, "dst", self.destination, "proto", "esp", "spi", hex(self.spi)]
        _delete("state", *words)


@dataclass(frozen=True)
class Policy:
    """A policy with a VPN's number."""

    source: str
    destination: str
    direction: str
    number: int

    def remove(self) -> None:
        """Take it away. One that has just gone by itself is not a mistake."""
        words = ["src", self.source, "dst", self.destination, "dir", self.direction, "if_id", hex(self.number)]
        _delete("policy", *words)


def states(numbers: Collection[int]) -> list[State]:
    """The states with these numbers. Not those without keys: charon is about to fill them in."""
    found = []
    for line in _lines("state", "list", "nokeys"):
        entry, number, spi = _ENTRY.match(line), _NUMBER.search(line), _SPI.search(line)
        if entry and number and spi and "<<Keys hidden>>" in line and int(number[1], 16) in numbers:
            found.append(State(entry[1], entry[2], int(spi[1], 16), int(number[1], 16)))
    return found


def policies(numbers: Collection[int]) -> list[Policy]:
    """The policies with these numbers."""
    found = []
    for line in _lines("policy", "list"):
        entry, number, direction = _ENTRY.match(line), _NUMBER.search(line), _DIRECTION.search(line)
        if entry and number and direction and int(number[1], 16) in numbers:
            found.append(Policy(entry[1], entry[2], direction[1], int(number[1], 16)))
    return found


def orphans(numbers: Collection[int]) -> list[State]:
    """States with these numbers that charon does not know. ViciError if it does not run: then nobody knows any."""
    # In this order: whatever has a state by now is in charon's list by then.
    seen = states(numbers)
    known = connections.spis() if seen else set()
    return [state for state in seen if state.spi not in known]


def _lines(*words: str) -> list[str]:
    try:
        return run("ip", "-o", "xfrm", *words).splitlines() if have("ip") else []
    except CommandError:  # a kernel without XFRM
        return []


def _delete(kind: str, *words: str) -> None:
    try:
        run("ip", "xfrm", kind, "delete", *words)
    except CommandError as error:
        if "No such" not in str(error):
            raise
