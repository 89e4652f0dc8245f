# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generation that the agent holds the node to: read once, and kept packed.

Steps (step.py) unpack it; what the agent itself has to know all the time is in the summary.
"""

from __future__ import annotations

import contextlib
import marshal
import time
import zlib
from typing import Any, NamedTuple

from ..bgp.tend import speaks
from ..dhcp.tend import serves
from ..document import NOTHING, Generation
from ..generation.running import Running
from ..kernel import usage
from ..names.tend import has_names
from ..state import Store
from ..stretch.told import stretches
from . import setups

AGAIN = 5.0  # seconds until one that is damaged is read again: when it is repaired it has the same name


class Summary(NamedTuple):
    """What the agent decides by, whether there is anything to do. `interval`: seconds between looks at links.

    `silent`: the node has quotas, tunnels of kind ssl, names or stretched networks, serves DHCP, or speaks BGP. No
    event tells when these change.
    """

    sysctls: dict[str, str]
    backend: str
    ipsec: bool
    interval: int
    silent: bool
    refusing: bool


NOTHING_YET = Summary({}, "none", False, setups.DELAY, False, False)


class Held:
    """What a node has to run (see Running). `current`: the name of the generation that was read; None: none yet."""

    def __init__(self) -> None:
        self.current: str | None = None
        self.summary = NOTHING_YET
        self._name = ""
        self._damaged: tuple[str, ...] = ()
        self._packed = b""
        self._read = 0.0
        self._running: Running | None = None  # unpacked

    @property
    def trouble(self) -> str:
        """What could not be read; empty if all is as it was stored."""
        return Running(NOTHING, self._name, self._damaged, self.summary.refusing).trouble()

    def stale(self, store: Store) -> bool:
        """Whether it has to be read (again)."""
        return store.named("current") != self.current or (bool(self._damaged) and time.monotonic() - self._read > AGAIN)

    def running(self, store: Store) -> Running:
        """The unpacked generation. Only for steps: the agent stays small."""
        if self.stale(store):
            self._load(store)
        if self._running is None:
            generation = Generation(*marshal.loads(zlib.decompress(self._packed)))
            self._running = Running(generation, self._name, self._damaged, self.summary.refusing)
        return self._running

    def _load(self, store: Store) -> None:
        """All of it or, where anything fails, nothing: else it would count as read."""
        name, begun = store.named("current"), time.monotonic()
        found = store.running()
        generation, summary = found.generation, _summary(found)
        packed = zlib.compress(marshal.dumps((generation.document, generation.files, generation.backend)), 6)
        # A commit may have come between the two readings.
        sure = store.named("current") == name and (bool(found.damaged) or found.name == name)
        self._running, self._packed, self.summary = found, packed, summary
        self._name, self._damaged = found.name, found.damaged
        self.current, self._read = name if sure else None, begun

    def given(self, since: float) -> list[Any] | None:
        """What a step hands back, as plain data: None unless it has read it after `since`."""
        if self._read < since:
            return None
        return [self.current, tuple(self.summary), self._name, self._damaged, self._packed, self._read]

    def take(self, given: list[Any] | None) -> None:
        """What a step handed back."""
        if given:
            self.current, summary, self._name, self._damaged, self._packed, self._read = given
            self.summary = Summary(*summary)


def _summary(running: Running) -> Summary:
    generation = running.generation
    ipsec = bool(generation.tunnels("ipsec"))
    interval, silent = setups.DELAY, True
    with contextlib.suppress(Exception):  # what is wrong with tunnels or quotas keeps no firewall away
        interval = setups.interval(generation)
        silent = bool(
            usage.quotas(generation) or generation.tunnels("ssl") or has_names(generation) or stretches(generation)
        )
        silent = silent or serves(generation) or speaks(generation)
    return Summary(generation.sysctls, generation.backend, ipsec, interval, silent, running.refusing)
