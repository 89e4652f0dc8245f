# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether anything comes from the org network of an edge of a pair. If nothing does, machines there are asked.

A virtual network that fails leaves a virtual machine's device up. The edge then hears neither its twin nor a member,
and takes itself for the master, as its twin does.
"""

from __future__ import annotations

from ..document import Generation
from ..kernel import ip
from ..state import Store
from ..system.run import CommandError
from ..vrrp import config
from .hello import provoke

QUIET = 1.0  # seconds without a packet
ASK = 0.4  # seconds without a packet, after which machines are asked, as often
ASKED = 8  # machines, beside the twin
AGAIN = 10.0  # seconds between looks for a device that is not there
COUNTER = "/sys/class/net/{}/statistics/rx_packets"


class Wire:
    """The device with the edge's own address on the org network. One that cannot be told is never idle."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._device, self._sought = "", float("-inf")
        self._count, self._since, self._asked = "", 0.0, 0.0

    def forget(self) -> None:
        """There is another generation."""
        self._device, self._sought = "", float("-inf")

    def idle(self, generation: Generation, now: float) -> bool:
        """Whether nothing has come for a while."""
        if not self._device and now - self._sought >= AGAIN:
            self._sought = now
            self._device, self._count = self._find(generation), ""
        if not self._device:
            return False
        try:
            count = self._store.at(COUNTER.format(self._device)).read_text()
        except OSError:
            self._device = ""
            return False
        if count != self._count:
            self._count, self._since = count, now
        if min(now - self._since, now - self._asked) >= ASK:
            self._asked = now
            provoke(_beside(generation), self._device)
        return now - self._since > QUIET

    @staticmethod
    def _find(generation: Generation) -> str:
        try:
            return config.device(generation, ip.addresses())
        except CommandError:
            return ""


def _beside(generation: Generation) -> list[str]:
    """The twin, and some of the members and vApp edges."""
    neighbours = [str(entry["address"]) for entry in generation.listed("neighbours")]
    return [*generation.pair.get("twin_own", ()), *neighbours[:ASKED]]
