# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what refuses traffic: the firewall's table and the blackhole routes.

It depends on nothing else: it has a thread and netlink sockets of its own, and what is missing comes back without the
node's lock. A commit that is under way has said which generation it leads to (`Store.aim`): that one's table is loaded
then, so that what the commit removes on purpose stays away.
"""

from __future__ import annotations

import contextlib
import select
import time

from ..document import Generation
from ..kernel import netlink
from ..kernel.nftables import Nftables
from ..kernel.routes import Guards
from ..part import Context
from ..state import Busy, Store
from .journal import Journal
from .worker import Worker

FIREWALL = "the firewall"
GAP = 0.3  # seconds between looks
NET = 120.0  # seconds: even if no news came
TICK = 2.0  # seconds until another generation is noticed


class Refusal(Worker):
    """The worker for nftables and blackhole routes."""

    patience = 60.0

    def __init__(self, store: Store, journal: Journal) -> None:
        super().__init__(store, journal)
        self._tables, self._routing = netlink.tables(), netlink.routing()
        self._due = True  # whether something may be missing
        self._suspect = True  # whether what is in the table may differ
        self._looked, self._seen = 0.0, ""
        self._there: set[str] = set()  # at the last look that no commit came between
        self._nftables: Nftables | None = None

    def wait(self) -> None:
        """News of our table or our routes, another generation, or none for long."""
        if select.select([self._tables, self._routing], [], [], GAP if self._due else TICK)[0]:
            # Some machines have news all the time, and none of it is about us.
            self._ended.wait(max(0.0, self._looked + GAP - time.monotonic()))
            self._suspect |= netlink.wait(self._tables, 0)
            self._due |= netlink.wait(self._routing, 0) or self._suspect

    def turn(self) -> None:
        """Put back what is missing at once; what differs, when no commit is under way."""
        store = self.store
        whole = store.named("current") != self._seen or time.monotonic() - self._looked > NET
        if not self._due and not whole:
            return
        self._suspect |= whole
        name, generation = store.leading()
        if self._nftables is None or name != self._seen:
            self._nftables = Nftables(self.context(generation))
        self._looked, self._seen, self._due = time.monotonic(), name, False
        lost = self._missing(self._nftables, Guards(self.context(generation)), store.committing())
        if lost and self._overtaken(generation, lost):
            return
        if self._suspect and not lost:
            self._suspect = False
            lost = self._changed(self._nftables) if self._nftables.wanted else []
        if lost:
            self.journal.warn(f"lost: {', '.join(lost)}: put back")

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
            for part in (*([Nftables] if FIREWALL in lost else []), *([Guards] if set(lost) - {FIREWALL} else [])):
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
                return ["what the firewall said"]
        self._due = self._suspect = True
        return []
