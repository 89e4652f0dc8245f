# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what peers have a part in: links are up, once, and carry their own traffic; quotas are counted.

charon tells of links that come and go, and its end is noticed at once (vici). All is looked at now and then, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from .. import confirm
from ..bgp.sessions import sessions
from ..bgp.tend import tend as tend_bgp
from ..dhcp.tend import tend as tend_dhcp
from ..document import Document, Generation, if_id
from ..ipsec import connections, duplicates, partners, xfrm
from ..ipsec.vici import Vici, ViciError
from ..kinds import KINDS
from ..names.tend import tend
from ..state import Store
from ..stretch.astray import astray, described, subject
from ..tunnel_kind import UP
from . import certificate_expiry, setups
from .clock import Clock
from .counting import count
from .held import Held
from .journal import Journal
from .worker import Worker

EVENTS = ("ike-updown", "ike-rekey", "child-updown")  # a peer rekeys for a reason of its own: ipsec/outdated.py
AGAIN = 0.2  # seconds between attempts to reach a charon that is not there
AT_ONCE = 0.05  # seconds that the agent waits for a charon whose queue is full
BUNCH = 0.1  # seconds between two times that charon is listened to
TICK = 2.0
BUSY = 1.0  # seconds until the next attempt, while somebody else holds the node's lock
NET = 60.0  # seconds until links are looked at that are all up, whatever was heard
RARELY = 300.0  # seconds until states of a killed charon are looked for, even if none was seen to end
SOON = 0.3  # seconds after charon told of something: it mostly tells more
SETTLED = duplicates.SETTLED + 0.5  # seconds after that: SAs that are there twice by then do not go by themselves
# A charon that was killed has forgotten its SAs, and its peers notice by DPD only. A link that starts here starts by
# itself. For the others, this end asks for a new IKE_SA after so many seconds: what a peer that crashed, too, begins
# meanwhile is not made twice.
RESCUE = 0.2
HOUR = 3600.0
PATIENCE = 15.0  # seconds that a peer has to answer
SET_BACK = 5.0  # seconds
REKEYINGS = 6  # tries
LINKS = "links"
BRING_UP, REKEY = 600.0, 600.0  # seconds until those steps count as hung
OTHERS_TURN = 10.0  # seconds until the responder rekeys a tunnel, if its initiator has not


class Upkeep(Worker):
    """The worker for tunnels and quotas."""

    patience = 300.0

    def __init__(self, store: Store, journal: Journal, held: Held | None = None) -> None:
        super().__init__(store, journal, held)
        self._vici: Vici | None = None
        self._due = 0.0
        self._calm = False  # whether all was well at the last look, and what changes is told of
        self._seen: tuple[str, int] | None = None  # the generation that was looked at last, and its interval
        self._begun = 0.0  # when the last look was
        self._call_again = 0.0
        self._news = 0.0  # when charon told of something last
        self._settled = 0.0  # when that has settled; 0: it has
        self._certificate = 0.0  # when to look whether it ends
        self._orphans = 0.0  # when to look for states of a killed charon
        self._rescue = 0.0  # when to bring up what other ends start; 0: not at all
        self._killed = False
        self._clock = Clock()
        self._set_back = 0.0  # when the clock was
        self._rekeying: list[tuple[float, bool]] = []  # when tunnels are to be rekeyed, and whether those started here

    # --- news --------------------------------------------------------------------------------------------------------

    def sources(self) -> Iterable[Any]:
        """charon tells of a link, or ends."""
        return () if self._vici is None else (self._vici,)

    def hear(self) -> None:
        """Whatever it is, it is a reason to look."""
        if self._vici is None:
            return
        try:
            self._vici.drain()
        except ViciError:
            # One that a commit restarts is the commit's business.
            self._killed = not self.store.committing() and self.store.pending is None
            self._orphans = 0.0
            self._hang_up()
        now = time.monotonic()
        self.deaf_until = now + BUNCH
        self._due = min(self._due, now + SOON)
        self._news = now
        self._settled = self._settled or now + SETTLED

    def _call(self, now: float) -> None:
        """Connect to charon, if it is there, and do not wait for its answers: it may hang."""
        if now < self._call_again:
            return
        self._call_again = now + AGAIN
        try:
            vici = Vici(timeout=AT_ONCE)
        except ViciError:
            return
        try:
            vici.subscribe(EVENTS)
        except ViciError:
            vici.close()
            return
        self._vici, self._due = vici, min(self._due, now + SOON)
        if self._killed:
            self._rescue, self._killed = now + RESCUE, False

    def _hang_up(self) -> None:
        if self._vici is not None:
            self._vici.close()
            self._vici = None

    # --- look --------------------------------------------------------------------------------------------------------

    def think(self, now: float) -> float:
        """Have links looked at, links asked for that another end has not brought up, and tunnels rekeyed."""
        if not self.held.summary.ipsec:
            self._hang_up()
        elif self._vici is None:
            self._call(now)
        # One of them at a time: each holds PARALLEL of charon's threads.
        if self._rescue and now >= self._rescue and self.begin(LINKS, self._rescued, BRING_UP, self._brought_up):
            self._rescue = 0.0
        self._look_at_the_clock(now)
        seen = (self.store.named("current"), self.held.summary.interval)
        if seen != self._seen:  # whoever committed it brings its links up
            self._seen, self._due = seen, min(self._due, now + min(setups.DELAY, self.held.summary.interval))
        if now >= self._due and self.name not in self.steps:
            certificate, orphans = now >= self._certificate, now >= self._orphans
            settled, self._begun = self._settled, now
            self._due = self._next(now, NET if self._calm else self.held.summary.interval)
            if not self.begin(self.name, lambda: self.turn(certificate, orphans), self.patience, self._looked):
                self._due, self._settled = now + BUSY, settled
        due = [self._due, *([self._rescue] if self._rescue else []), *(at for at, _ours in self._rekeying)]
        calling = self.held.summary.ipsec and self._vici is None
        return min([now + (AGAIN if calling else TICK), *(at for at in due if at > now)])

    def turn(self, certificate: bool = True, orphans: bool = True) -> dict[str, Any]:
        """Count, clear up, and see which links are down. The rare looks, too, if asked for: see `_certificate`."""
        with self.store.lock(patience=0):
            generation, store = self.generation(), self.store
            # Links are kept, whatever can be counted.
            for line in self.tried("usage of quotas", lambda: count(generation, store)) or ():
                self.journal.warn(line)
            cleared = self.tried("states of a killed charon", lambda: clear_up(generation)) if orphans else None
            for line in cleared or ():
                self.journal.say(line)
            tended = [self.tried(f"tunnels of kind {k.NAME}", partial(k.tend, generation, store)) for k in KINDS]
            for line in self.tried("names", lambda: tend(generation, store)) or ():
                self.journal.warn(line)
            for line in self.tried("BGP", lambda: tend_bgp(generation, store)) or ():
                self.journal.warn(line)
            for line in self.tried("DHCP", lambda: tend_dhcp(generation, store)) or ():
                self.journal.warn(line)
            for seen in self.tried("stretched networks", lambda: astray(generation)) or ():
                self.journal.failed(subject(seen), described(seen))
            due = setups.due(generation, store)
        if certificate:
            for line in self.tried("looking at the certificate", lambda: certificate_expiry.warnings(self.store)) or ():
                self.journal.failed("certificate", line)  # said once a day: it names the days that are left
        for line in (line for found in tended if found for line in found.done):
            self.journal.say(line)
        down = [link for found in tended if found for link in found.links if link["state"] not in UP]
        asking = partners.soon(generation, store, {str(link["tunnel"]) for link in down})
        return {
            "calm": all(tended) and not down and not self.held.summary.silent,
            # What charon is at needs no other attempt: of a thousand links that come up at once, those would be in the
            # way.
            "down": [
                link for link in down if link["initiator"] and link["tunnel"] in due and link["state"] != "CONNECTING"
            ],
            # Where partners are may be another place by then.
            "asking": asking,
            "certificate": certificate,
            "orphans": cleared is not None,
        }

    def _looked(self, found: dict[str, Any]) -> None:
        now = time.monotonic()
        self._certificate = now + HOUR if found["certificate"] else self._certificate
        self._orphans = now + RARELY if found["orphans"] else self._orphans
        self._calm = found["calm"]
        if not self._calm:
            self._due = min(self._due, now + self.held.summary.interval)
        if found["asking"] is not None:
            self._due = min(self._due, now + found["asking"])
        self._rest(now)
        if found["down"]:
            self.begin(LINKS, lambda: self._bring_up(found["down"]), BRING_UP, self._brought_up)

    def missed(self, busy: bool) -> None:
        """A commit is under way, perhaps."""
        now = time.monotonic()
        self._due = min(self._due, now + (BUSY if busy else self.held.summary.interval))
        self._rest(now)

    def _rest(self, now: float) -> None:
        """A look holds the node's lock. One that takes long, as with a charon that hangs, is not to hold it always."""
        self._due = max(self._due, now + (now - self._begun))

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
        if seconds > SET_BACK and self.held.summary.backend == "xfrm" and self.held.summary.ipsec:
            what = f"the clock was set back by {seconds:.0f} s"
            self.journal.say(f"{what}: tunnels are rekeyed, so that dead peers are noticed")
            self._set_back, self._rekeying = now, [(now, True), (now + OTHERS_TURN, False)]
        if self._rekeying and now >= self._rekeying[0][0]:
            ours, since = self._rekeying[0][1], self._set_back
            if self.begin(f"rekeying {'here' if ours else 'there'}", lambda: self._rekey(ours, since), REKEY):
                self._rekeying.pop(0)

    def _rekey(self, ours: bool, since: float) -> None:
        """Until no tunnel has an IKE_SA from before. An IKE_SA that the peer has rekeyed meanwhile is younger."""
        tunnels = self.generation().tunnels("ipsec")
        names = [tunnel["name"] for tunnel in tunnels if bool(tunnel.get("initiator")) == ours]
        for _turn in range(REKEYINGS):
            found = connections.rekey_whole(names, time.monotonic() - since)
            for name in sorted(found.done):
                self.journal.say(f"{name}: rekeyed")
            if not found.left:
                return
            time.sleep(OTHERS_TURN)
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

    def _rescued(self) -> list[dict[str, float]]:
        return self._bring_up(self._forgotten())

    def _bring_up(self, links: list[Document]) -> list[dict[str, float]]:
        """Initiate links; returns what their kinds have to remember."""
        patient = {link["tunnel"] for link in links}
        for link in confirm.initiate(links, self.generation(), PATIENCE, self.store, patient):
            what = f"{link['vpn']} over {link['tunnel']}"
            if link["error"]:
                self.journal.failed(what, f"{link['state']}: {link['error']}")
            else:
                self.journal.works(what)
                self.journal.say(f"lost: {what}: {link['state']} again")
        return [kind.remembered for kind in KINDS]

    def _brought_up(self, remembered: list[dict[str, float]]) -> None:
        for kind, what in zip(KINDS, remembered):
            kind.remembered.update(what)


def clear_up(generation: Generation) -> list[str] | None:
    """Remove kernel states that a killed charon left; returns what was removed, in words. None: charon is not there."""
    if generation.backend != "xfrm":
        return []
    try:
        numbers = [int(vpn["number"]) for vpn in generation.listed("vpns")]
        ours = {if_id(number, lane) for number in numbers for lane in (0, 1)}
        orphans = xfrm.orphans(ours | {one.if_id for one in sessions(generation)})
    except ViciError:  # no charon: what its predecessor left may carry traffic still
        return None
    for state in orphans:
        state.remove()
    return [f"state {state.spi:#010x} to {state.destination} of a charon that was killed: removed" for state in orphans]
