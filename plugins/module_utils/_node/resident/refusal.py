# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what refuses traffic: the firewall's table and the blackhole routes.

It depends on nothing else: it has steps and netlink sockets of its own, and what is missing comes back without the
node's lock. A commit that is under way has said which generation it leads to (`Store.aim`): that one's table is loaded
then, so that what the commit removes on purpose stays away.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from typing import Any

from ..document import Generation
from ..kernel import netlink
from ..kernel.nftables import Nftables
from ..kernel.routes import Guards
from ..metrics import repairs
from ..part import Context, Part
from ..state import Busy, Store
from ..stretch.tables import Frames
from .held import Held
from .journal import Journal
from .worker import Worker

FIREWALL = "the firewall"
FRAMES = "the table of frames"
CONTENT = "what the firewall said"
# All else that is lost are routes that refuse.
SUBSYSTEMS = {FIREWALL: Nftables.name, CONTENT: Nftables.name, FRAMES: Frames.name}
GAP = 0.3  # seconds between looks
PAUSE = 1.0  # seconds after one that failed
NET = 300.0  # seconds: even if no news came. Each look has nft load the table elsewhere
TICK = 2.0  # seconds until another generation is noticed


class Refusal(Worker):
    """The worker for nftables and blackhole routes."""

    patience = 60.0
    KEPT = ("_due", "_suspect", "_looked", "_seen", "_there")

    def __init__(self, store: Store, journal: Journal, held: Held | None = None) -> None:
        super().__init__(store, journal, held)
        self._tables, self._routing = netlink.tables(), netlink.routing()
        self._due = True  # whether something may be missing
        self._suspect = True  # whether what is in the table may differ
        self._looked, self._seen = 0.0, ""
        self._there: set[str] = set()  # at the last look that no commit came between
        self._news, self._news_of_table = False, False  # since the last turn began
        self._earliest = 0.0  # when the next turn may begin, whatever became of the last one

    def sources(self) -> Iterable[Any]:
        """News of tables and routes."""
        return self._tables, self._routing

    def hear(self) -> None:
        """Whether it concerns us. Some machines have news all the time, and none of it is about us."""
        self._news_of_table |= netlink.wait(self._tables, 0)
        self._news |= netlink.wait(self._routing, 0)
        self.deaf_until = time.monotonic() + GAP

    def think(self, now: float) -> float:
        """Look at what may be missing, at another generation, and now and then at all."""
        due = self._due or self._news or self._news_of_table
        if not due and self.store.named("current") == self._seen and now - self._looked < NET:
            return now + TICK
        at = max(self._looked + (GAP if due else TICK), self._earliest)
        if now < at:
            return at
        self._earliest = now + GAP
        self._due |= self._news or self._news_of_table
        self._suspect |= self._news_of_table
        if self.begin_turn():
            self._news = self._news_of_table = False
        return now + GAP

    def missed(self, busy: bool) -> None:
        """What was missing may still be."""
        self._due, self._earliest = True, time.monotonic() + PAUSE

    def turn(self) -> None:
        """Put back what is missing at once; what differs, when no commit is under way."""
        store = self.store
        self._suspect |= store.named("current") != self._seen or time.monotonic() - self._looked > NET
        name, generation = store.leading(self.running)
        nftables = Nftables(self.context(generation))
        self._looked, self._seen, self._due = time.monotonic(), name, False
        lost = self._missing(nftables, Guards(self.context(generation)), store.committing())
        if lost and self._overtaken(generation, lost):
            return
        if self._suspect and not lost:
            self._suspect = False
            lost = self._changed(nftables) if nftables.wanted else []
        if lost:
            self.journal.warn(f"lost: {', '.join(lost)}: put back")
            repairs.note(store, *sorted({SUBSYSTEMS.get(one, Guards.name) for one in lost}))

    def _missing(self, nftables: Nftables, guards: Guards, committing: bool) -> list[str]:
        """Put back the table and the routes that are not there; returns which.

        What a commit is about to bring for the first time is not lost.
        """
        lost = []
        if nftables.gone() and (FIREWALL in self._there or not committing):
            nftables.put_back()
            lost.append(FIREWALL)
        routes = [change.after for change in guards.changes() if change.after]
        if routes and (self._there.issuperset(routes) or not committing):
            guards.build()
            lost += routes
        frames = Frames(nftables.context)
        if not committing and self.tried(FRAMES, frames.gone):
            self.tried(FRAMES, frames.put_back)
            lost.append(FRAMES)
        if not committing:
            self._there = {*([FIREWALL] if nftables.wanted else []), *guards.wanted}
        else:
            self._due = True
        return lost

    def _overtaken(self, generation: Generation, lost: list[str]) -> bool:
        """Whether a commit began while something was put back. Then what the commit removes is removed again, and the
        commit's table is loaded.

        A turn that began before the commit knows an older generation, and may find its table gone in between.
        """
        store = self.store
        name, leading = store.leading()
        if name == self._seen:
            return False
        if leading.empty:
            context = Context(leading, generation, store)
            kinds: list[type[Part]] = [Nftables] if FIREWALL in lost else []
            kinds += [Frames] if FRAMES in lost else []
            kinds += [Guards] if set(lost) - {FIREWALL, FRAMES} else []
            for part in kinds:
                part(context).clear()
        elif FIREWALL in lost:
            Nftables(self.context(leading)).put_back()
        self._due = self._suspect = True
        return True

    def _changed(self, nftables: Nftables) -> list[str]:
        """Put back what is in the table, if that differs; a commit that is under way comes first."""
        with contextlib.suppress(Busy), self.store.lock(patience=0):
            if self.store.leading()[0] == self._seen:
                if not nftables.changes():
                    return []
                nftables.build()
                return [CONTENT]
        self._due = self._suspect = True
        return []
