# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the rest of a generation: routes, addresses, devices and settings at once, all else now and then.

It also ends what was not confirmed in time (generation/pending.py). All of it happens under the node's lock: beside a
commit it would put back what the commit has just removed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from ..bgp.bird import Bgp
from ..bgp.inside import Inside
from ..commit import rollback
from ..dhcp.dnsmasq import Dhcp
from ..document import Generation
from ..generation import pending as _pending
from ..ipsec.certificates import Certificates
from ..ipsec.links import Links
from ..ipsec.secrets import Secrets
from ..ipsec.swanctl import Swanctl
from ..kernel import netlink
from ..kernel.addresses import Addresses
from ..kernel.neighbours import Neighbours
from ..kernel.routes import PresentRoutes
from ..kernel.sysctl import Sysctls
from ..metrics import repairs
from ..names.dnsmasq import Names
from ..names.hosts import Hosts
from ..names.resolved import Resolver
from ..part import Part
from ..ssl.openvpn import Openvpn
from ..ssl.tuns import Tuns
from ..state import Store
from ..stretch.devices import Stretches
from ..stretch.tables import Frames, PresentFrames
from ..system.units import Units
from ..vrrp.keepalived import Vrrp
from . import departure
from .held import Held
from .journal import Journal
from .worker import Worker

# What comes and goes with devices. In the order of a commit.
QUICK: tuple[type[Part], ...] = (
    Sysctls,
    Links,
    Tuns,
    Inside,
    Neighbours,
    Addresses,
    PresentRoutes,
    Stretches,
    PresentFrames,
    Resolver,
)
# What only a person takes away, and no event tells of.
ALL: tuple[type[Part], ...] = (
    Certificates,
    Units,
    Sysctls,
    Links,
    Tuns,
    Inside,
    Neighbours,
    Addresses,
    Secrets,
    Swanctl,
    Openvpn,
    PresentRoutes,
    Stretches,
    Frames,
    Bgp,
    Names,
    Resolver,
    Hosts,
    Dhcp,
    Vrrp,
)
TICK = 1.5  # seconds; kernel settings tell of no change, so they are read as often
SETTLE = 0.2  # seconds: news comes in bunches
GAP = 0.8  # seconds between looks, however much news there is
RETRY = 0.3  # seconds until a look that is due is thought of again
NET = 300.0  # seconds until everything is compared, whatever was heard
PATIENT = 30.0  # seconds between attempts at what cannot be put back
PROMPT = 1.5  # seconds between attempts when there is news


class Convergence(Worker):
    """The worker for everything but what refuses traffic and what peers have a part in."""

    patience = 900.0
    KEPT = ("_asked", "_all", "_looked", "_pause", "_retry", "_stays", "_said")

    def __init__(self, store: Store, journal: Journal, held: Held | None = None) -> None:
        super().__init__(store, journal, held)
        self._socket = netlink.routing()
        self._heard = True
        self._asked = False  # whether a turn has been begun for news, and has not looked yet
        self._next = 0.0  # when to think
        self._all = time.monotonic()
        self._looked, self._pause = 0.0, 0.0  # how long until the next look at what was lost last time; 0: nothing was
        self._retry, self._stays = 0.0, 0.0
        self._said: dict[str, list[str]] = {}

    def sources(self) -> Iterable[Any]:
        """News of links, addresses, routes and settings."""
        return (self._socket,)

    def hear(self) -> None:
        """Whether it may concern us."""
        now = time.monotonic()
        self.deaf_until = now + SETTLE
        if netlink.wait(self._socket, 0):
            self._heard = True
            self._next = min(self._next, self.deaf_until)

    def think(self, now: float) -> float:
        """Look at news, at settings, and at what may be overdue."""
        if now >= self._next:
            self._next = now + (RETRY if self._heard or self._asked or self._pause else TICK)
            if self.name not in self.steps and self._wanted():
                self._asked, self._heard = self._asked or self._heard, False
                self.begin_turn()
        return self._next

    def _wanted(self) -> bool:
        """Whether there is anything to do, as far as that can be told without the generation."""
        store = self.store
        pending = _pending.read(store)
        if pending is not None and pending.left <= 0:  # nothing else is done before that is
            return time.monotonic() >= self._retry
        if self._abandoned(store) or self.held.stale(store):
            return True
        return not self.held.summary.refusing and (self._whole() or self._due())

    def turn(self) -> None:
        """Roll back what is overdue, then hold the node to its generation."""
        if self._overdue() or self._leaves():
            return
        running = self.running()
        whole = self._whole()
        if running.refusing or not (whole or self._due()):
            return
        with self.store.lock(patience=0):
            self._asked = self._heard = False
            lost = self._repair(ALL if whole else QUICK, self.generation())
        self._looked = time.monotonic()
        self._all = self._looked if whole else self._all
        self._pause = min(PATIENT, max(SETTLE, 2 * self._pause)) if lost else 0.0

    def _whole(self) -> bool:
        """Whether it is time to compare everything."""
        return time.monotonic() - self._all > NET

    def _due(self) -> bool:
        """Whether to look: at news, but not too often when what is put back is lost again at once."""
        since = time.monotonic() - self._looked
        if (self._heard or self._asked) and since > max(GAP, min(PROMPT, self._pause)):
            return True
        if self._pause:
            return since > self._pause
        return bool(Sysctls(self.context(Generation({"sysctls": self.held.summary.sysctls}))).differing())

    def _abandoned(self, store: Store) -> bool:
        """Whether nothing of ours is stored here."""
        # A link is read in a tenth of the time, and mostly says enough.
        return time.monotonic() >= self._stays and not store.named("current") and not store.traces()

    def _overdue(self) -> bool:
        """Go back if nobody confirmed in time; whether that was so. What is to go is not put back meanwhile."""
        store = self.store
        pending = _pending.read(store)
        if pending is None or pending.left > 0:
            return False
        if time.monotonic() < self._retry:
            return True
        with store.lock(patience=0):
            pending = _pending.read(store)
            if pending is None or pending.left > 0:
                return False
            if not pending.undoing:
                self.journal.warn(f"generation {pending.generation or 'nothing'} was not confirmed in time")
            self._retry = time.monotonic() + PATIENT
            target = rollback(store)
            self._retry = 0.0
        self.journal.warn(f"rolled back to {target or 'nothing'}")
        return True

    def _leaves(self) -> bool:
        """Leave the node if there is nothing to do on it any more; whether that was so."""
        if time.monotonic() < self._stays or self.store.traces():
            return False
        left = departure.depart(self.store)
        self._stays = time.monotonic() + PATIENT  # what is loaded and not ours to remove does not go by being looked at
        if left:
            self.journal.warn("nothing of ours is left on this node: the agent has removed itself")
        return left

    def _repair(self, kinds: Iterable[type[Part]], generation: Generation) -> bool:
        """Put back what is lost and remove what is too much, subsystem by subsystem; whether there was anything."""
        differing = [part for part in (kind(self.context(generation)) for kind in kinds) if self._differs(part)]
        for part in differing:
            self.tried(f"{part.name}: put back", part.build)
        for part in reversed(differing):
            self.tried(f"{part.name}: clear", part.clear)
        return bool(differing)

    def _differs(self, part: Part) -> bool:
        found = [change.action for change in self.tried(f"{part.name}: compare", part.changes) or ()]
        if found and found != self._said.get(part.name):
            self.journal.warn(f"lost: {part.name}: {', '.join(found)}")
        if found:
            repairs.note(self.store, part.name)
        self._said[part.name] = found
        return bool(found)
