# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what peers have a part in: links are up, once, and carry their own traffic; quotas are counted.

charon tells of links that come and go, and its end is noticed at once (vici). All is looked at now and then, too.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial

from .. import confirm
from ..document import Document, Generation
from ..ipsec import connections, duplicates, xfrm
from ..ipsec.vici import Vici, ViciError
from ..kinds import KINDS
from ..state import Store
from ..tunnel_kind import UP
from . import certificate_expiry, setups
from .clock import Clock
from .counting import count
from .journal import Journal
from .worker import Worker

EVENTS = ("ike-updown", "child-updown")
AGAIN = 0.2  # seconds between attempts to reach a charon that is not there
TICK = 2.0
BUSY = 1.0  # seconds until the next attempt, while somebody else holds the node's lock
SOON = 0.3  # seconds after charon told of something: it mostly tells more
SETTLED = duplicates.SETTLED + 0.5  # seconds after that: SAs that are there twice by then do not go by themselves
# A charon that was killed has forgotten its SAs, and its peers notice by DPD only. A link that starts here starts by
# itself. Of other links, the peer has so many seconds to come first; then this end asks for a new IKE_SA.
RESCUE = 1.0
HOUR = 3600.0
PATIENCE = 15.0  # seconds that a peer has to answer
SET_BACK = 5.0  # seconds
REKEYINGS = 6  # tries
OTHERS_TURN = 10.0  # seconds until the responder rekeys a tunnel, if its initiator has not


class Upkeep(Worker):
    """The worker for tunnels and quotas."""

    patience = 300.0

    def __init__(self, store: Store, journal: Journal) -> None:
        super().__init__(store, journal)
        self._vici: Vici | None = None
        self._due = 0.0
        self._news = 0.0  # when charon told of something last
        self._settled = 0.0  # when that has settled; 0: it has
        self._certificate = 0.0  # when to look whether it ends
        self._rescue = 0.0  # when to bring up what other ends start; 0: not at all
        self._killed = False
        self._initiating: threading.Thread | None = None
        self._clock = Clock()
        self._set_back = 0.0  # when the clock was
        self._rekeying: list[tuple[float, bool]] = []  # when tunnels are to be rekeyed, and whether those started here

    # --- wait --------------------------------------------------------------------------------------------------------

    def wait(self) -> None:
        """charon tells of a link, ends, or is there again; or it is time to look."""
        due = [self._due, *([self._rescue] if self._rescue else []), *(at for at, _ours in self._rekeying)]
        left = max(0.0, min(due) - time.monotonic())
        if not self.generation().tunnels("ipsec"):
            self._hang_up()
            self._ended.wait(min(left, TICK))
        elif self._vici is None:
            self._ended.wait(AGAIN)
            self._call()
        elif select.select([self._vici], [], [], min(left, TICK))[0]:
            self._hear(self._vici)

    def _call(self) -> None:
        """Connect to charon, if it is there."""
        try:
            vici = Vici(timeout=5)
        except ViciError:
            return
        try:
            for event in EVENTS:
                vici.register(event)
        except ViciError:
            vici.close()
            return
        self._vici, self._due = vici, time.monotonic() + SOON
        if self._killed:
            self._rescue, self._killed = time.monotonic() + RESCUE, False

    def _hear(self, vici: Vici) -> None:
        try:
            vici.drain()
        except ViciError:
            # One that a commit restarts is the commit's business.
            self._killed = not self.store.committing() and self.store.pending is None
            self._hang_up()
        now = time.monotonic()
        self._due = min(self._due, now + SOON)
        self._news = now
        self._settled = self._settled or now + SETTLED

    def _hang_up(self) -> None:
        if self._vici is not None:
            self._vici.close()
            self._vici = None

    # --- look --------------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Count, clear up, and have links initiated that are down."""
        now = time.monotonic()
        if self._rescue and now >= self._rescue:
            self._rescue = 0.0
            self._initiate(self._forgotten())
        self._look_at_the_clock(now)
        if now < self._due:
            return
        self._due = now + BUSY  # should a commit be under way
        with self.store.lock(patience=0):
            generation, store = self.generation(), self.store
            self._due = self._next(now, setups.interval(generation))
            # Links are kept, whatever can be counted.
            for line in self._tried("usage of quotas", lambda: count(generation, store)):
                self.journal.warn(line)
            for line in self._tried("states of a killed charon", lambda: clear_up(generation)):
                self.journal.say(line)
            for kind in KINDS:
                for line in self._tried(f"tunnels of kind {kind.NAME}", partial(kind.keep, generation, store)):
                    self.journal.say(line)
            due = setups.due(generation, store)
        # What charon is at needs no other attempt: of a thousand links that come up at once, those would be in the way.
        down = confirm.missing(generation, store, due)
        self._initiate([link for link in down if link["state"] != "CONNECTING"])
        if now >= self._certificate:
            self._certificate = now + HOUR
            for line in self._tried("looking at the certificate", lambda: certificate_expiry.warnings(self.store)):
                self.journal.failed("certificate", line)  # said once a day: it names the days that are left

    def _next(self, now: float, interval: float) -> float:
        """When to look again. Once more than the interval asks for, when what charon told of has settled.

        Seen: two IKE_SAs of a tunnel. The peer ended the older one every 10 s, and for that charon made another one
        here (close_action). A look right after each of these never saw two that were old enough to judge.
        """
        if 0 < self._settled <= now:
            younger = self._news + SETTLED
            self._settled = younger if younger > now else 0.0
        return min(now + interval, self._settled or now + interval)

    def _look_at_the_clock(self, now: float) -> None:
        """A clock that was set back: charon would look for dead peers only when it has caught up.

        The kernel says by that clock when a policy was used last. Where that is in the future, charon (5.9, 6.0) looks
        for a dead peer that much later (send_dpd in its ike_sa.c). New SAs, with policies that were not used yet, are
        looked after from now on. Nobody authenticates for that: by the new time certificates may not be valid yet. ESP
        in userspace has no such times.
        """
        seconds = self._clock.set_back()
        if seconds > SET_BACK and self.generation().backend == "xfrm" and self.generation().tunnels("ipsec"):
            what = f"the clock was set back by {seconds:.0f} s"
            self.journal.say(f"{what}: tunnels are rekeyed, so that dead peers are noticed")
            self._set_back, self._rekeying = now, [(now, True), (now + OTHERS_TURN, False)]
        while self._rekeying and now >= self._rekeying[0][0]:
            _at, ours = self._rekeying.pop(0)
            names = [one["name"] for one in self.generation().tunnels("ipsec") if bool(one.get("initiator")) == ours]
            threading.Thread(target=self._rekey, args=(names, self._set_back), daemon=True).start()

    def _rekey(self, names: list[str], since: float) -> None:
        """Until no tunnel has an IKE_SA from before. An IKE_SA that the peer has rekeyed meanwhile is younger."""
        for _turn in range(REKEYINGS):
            found = connections.rekey_whole(names, time.monotonic() - since)
            for name in sorted(found.done):
                self.journal.say(f"{name}: rekeyed")
            if not found.left or self._ended.wait(OTHERS_TURN):
                return
        for name in sorted(found.left):
            self.journal.failed(f"{name}: rekeying", "the IKE_SA is the one from before the clock was set back")

    def _forgotten(self) -> list[Document]:
        """The links that other ends start, and that are down since charon was killed here."""
        generation = self.generation()
        names = {
            tunnel["name"]
            for tunnel in generation.tunnels("ipsec")
            if not tunnel.get("initiator") and not tunnel.get("peer_behind_nat")
        }
        states = [link for link in confirm.states(generation, self.store) if link["tunnel"] in names]
        coming = {link["tunnel"] for link in states if link["state"] in (*UP, "CONNECTING")}
        return [link for link in states if link["tunnel"] not in coming]

    def _initiate(self, links: list[Document]) -> None:
        """Initiate links, without waiting for peers."""
        if not links or (self._initiating is not None and self._initiating.is_alive()):
            return

        def initiate() -> None:
            generation = self.generation()
            for link in confirm.initiate(links, generation, PATIENCE, self.store):
                what = f"{link['vpn']} over {link['tunnel']}"
                if link["error"]:
                    self.journal.failed(what, f"{link['state']}: {link['error']}")
                else:
                    self.journal.works(what)
                    self.journal.say(f"lost: {what}: {link['state']} again")

        self._initiating = threading.Thread(target=initiate, daemon=True)
        self._initiating.start()

    def _tried(self, what: str, step: Callable[[], Iterable[str]]) -> Iterable[str]:
        """What a step says that it did; one that fails keeps no other away."""
        try:
            lines = list(step())
        except Exception as error:
            self.journal.failed(what, str(error) or repr(error))
            return []
        self.journal.works(what)
        return lines


def clear_up(generation: Generation) -> list[str]:
    """Remove kernel states that a killed charon left; returns what was removed, in words."""
    if generation.backend != "xfrm":
        return []
    try:
        orphans = xfrm.orphans({vpn["number"] for vpn in generation.listed("vpns")})
    except ViciError:  # no charon: what its predecessor left may carry traffic still
        return []
    for state in orphans:
        state.remove()
    return [f"state {state.spi:#010x} to {state.destination} of a charon that was killed: removed" for state in orphans]
