# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resident process of an edge that has to do with pairs: says hello, listens, and leads packets over a lane.

It runs only where the document has a `hello`. What it finds, it notes (noted.py) before it acts: the agent keeps routes
by that note, and keepalived its priority.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import FrameType
from typing import Any

from ..document import NOTHING, Generation
from ..ipsec.vici import Vici, ViciError
from ..resident.journal import Journal, notify
from ..state import Store
from ..system import files, install
from ..system.run import CommandError
from . import noted, switch
from .choice import Choice
from .hello import Line, Said, encode, local
from .sites import Greeting, greetings
from .wire import Wire

EVERY = 0.1  # seconds between hellos
READ = 0.05  # seconds between looks at what has come: one for all tunnels, which costs less than to be woken by each
SILENT = 0.12  # seconds without a hello, after which the peer is asked for an echo as well: in time for two
HANG = 0.15  # seconds that a turn may be late until this process counts as having hung
LOOK = 0.5  # seconds between looks at which generation there is
AFTER = (0.5, 2.0, 10.0)  # seconds after a switch when routes are looked at again, for others write them, too
COUNT = 10.0  # seconds between looks at what lanes carry (libipsec)
STRAY = 3  # packets: fewer may have been on their way
CALM = 1.0  # seconds between two leads for one site
PAUSE = 16.0  # seconds at most between attempts at leads that do not come up
BEAT = 5.0  # seconds between signs of life for systemd
MASTER, ALONE = 20, -60  # what is added to an edge's priority: it holds the gateway address; it hears no peer


def priority(master: bool, peers: int, heard: int) -> int:
    """What an edge of a pair adds to its priority in VRRP.

    Who has the gateway address keeps it among equals. Who hears none of its peers leaves it to its twin: its uplink may
    be cut, or its charon dead. Where none hears any, both say so, and nothing moves.
    """
    return (MASTER if master else 0) + (ALONE if peers and not heard else 0)


class Greeter:
    """The process. `now` is monotonic everywhere."""

    def __init__(self, store: Store, journal: Journal, clock: Callable[[], float] = time.monotonic) -> None:
        self.store, self.journal, self.clock = store, journal, clock
        self.generation: Generation = NOTHING
        self.master: bool | None = None
        self.lines: dict[str, tuple[Greeting, Line]] = {}
        self.choices: dict[str, Choice] = {}
        self._since: dict[str, float] = {}
        self._name: str | None = None
        self._looked = self._said = self._told = self._read = 0.0
        self._noted: dict[str, Any] = {}
        self._track = ""
        self._again: list[tuple[float, str]] = []  # when to look at a site's routes again
        self._pool: ThreadPoolExecutor | None = None
        self._leading: dict[str, Future[switch.Led]] = {}
        self._led: dict[str, frozenset[switch.Made]] = {}  # the leads that were made here, by site
        self._tries: dict[str, int] = {}  # attempts at leads that did not come up, by site
        self._to_lead: dict[str, float] = {}  # sites whose lane in use is to lead, and from when on
        self._vici: Vici | None = None
        self._counted, self._carried = 0.0, dict[str, dict[int, int]]()
        self._counting: dict[str, Future[dict[int, int]]] = {}
        self._code = self._installed()
        self._wire = Wire(store)

    # --- what there is ---------------------------------------------------------------------------------------------

    def _installed(self) -> tuple[int, int]:
        """Tells the agent's code from that of another version."""
        try:
            found = self.store.at(install.COMPILED).stat()
        except OSError:
            return (0, 0)
        return (found.st_ino, found.st_mtime_ns)

    @property
    def outdated(self) -> bool:
        """Whether other code is installed than this process runs."""
        return self._installed() != self._code

    def look(self, now: float) -> None:
        """Take the generation that there is now, if it is another one. What is known of its sites stays."""
        if now - self._looked < LOOK and self._name is not None:
            return
        self._looked = now
        name = self.store.named("current")
        if name == self._name:
            return
        generation = self.store.running().generation
        found = {one.tunnel: one for one in greetings(generation)}
        for tunnel, (known, line) in list(self.lines.items()):
            if found.get(tunnel) != known:
                line.close()
                del self.lines[tunnel]
        for tunnel, one in found.items():
            self.lines.setdefault(tunnel, (one, Line(one.source, one.peer, one.device)))
        in_use = {**self.store.lanes, **{site: choice.in_use for site, choice in self.choices.items()}}
        lanes: dict[str, list[int]] = {}
        for one in found.values():
            lanes.setdefault(one.site, []).append(one.lane)
        for site, numbers in lanes.items():
            before = self.choices.get(site)
            if before is None or sorted(before.lanes) != sorted(numbers):
                self.choices[site] = Choice(numbers, in_use.get(site, 0), now)
                self._since.setdefault(site, time.time())
                self._lead(site, now + CALM)
        self.choices = {site: choice for site, choice in self.choices.items() if site in lanes}
        self.generation, self._name = generation, name
        self._wire.forget()

    # --- hear and say ----------------------------------------------------------------------------------------------

    def turn(self, now: float, late: float = 0.0) -> None:
        """Hear what has come, decide, do it, say hello. `late`: seconds that this turn comes late."""
        self.look(now)
        if late > HANG:
            for choice in self.choices.values():
                choice.late(late)
        for one, line in self.lines.values():
            heard, said = line.receive()
            if heard:
                self.choices[one.site].heard(one.lane, now, said)
        self._follow()
        if now - self._said >= EVERY - READ / 2:
            self._said = now
            self._say(now)
        for site, choice in self.choices.items():
            before, why = choice.in_use, choice.decide(now)
            if why:
                self._switch(site, before, why, now)
        self._note(now)
        self._tend(now)

    def _say(self, now: float) -> None:
        pair = self.generation.pair
        master = local([str(one) for one in pair.get("gateway", ())]) if pair else None
        if master is not None and master != self.master:
            self.journal.say(f"this edge {'holds' if master else 'does not hold'} the gateway address")
            if master:  # the master before has led; now packets come here
                for site in self.choices:
                    self._lead(site, now)
        self.master = master
        datagram = encode(Said(master is not False, bool(pair) and self._wire.idle(self.generation, now)))
        for one, line in self.lines.values():
            line.send(datagram, now - self.choices[one.site].lanes[one.lane].heard > SILENT)

    # --- lead ------------------------------------------------------------------------------------------------------

    def _edge(self, site: str, lane: int) -> str:
        return next((one.edge for one, _line in self.lines.values() if (one.site, one.lane) == (site, lane)), "?")

    def _switch(self, site: str, before: int, why: str, now: float) -> None:
        self._since[site] = time.time()
        self._note(now)  # first: the agent keeps routes by it
        to, frm = self._edge(site, self.choices[site].in_use), self._edge(site, before)
        took = ""
        if self.generation.backend == "xfrm":
            begun = self.clock()
            self._routes(site)
            self._again += [(now + seconds, site) for seconds in AFTER]
            took = f" (in {self.clock() - begun:.3f} s)"
        self._lead(site, 0.0)
        self.journal.warn(f"packets for {site} take {to} in place of {frm}: {why}{took}")

    def _routes(self, site: str, all_anew: bool = True) -> bool:
        try:
            return switch.lead_routes(self.generation, self.store, [site], all_anew)
        except CommandError as error:
            self.journal.failed(f"routes to {site}", str(error))
            return False

    def _lead(self, site: str, when: float) -> None:
        """Have the lane in use of a site lead from `when` on, where the kernel does not choose by routes."""
        self._to_lead[site] = min(when, self._to_lead.get(site, when))

    def _tend(self, now: float) -> None:
        """What is due of the rest."""
        for when, site in [one for one in self._again if one[0] <= now]:
            self._again.remove((when, site))
            if site in self.choices and self._routes(site, all_anew=False):
                self.journal.warn(f"routes to {site} were led elsewhere: put back")
        if self.generation.backend != "libipsec" or not any(len(one.lanes) > 1 for one in self.choices.values()):
            self._to_lead.clear()
            return
        self._call(now)
        self._finish(now)
        for site, when in list(self._to_lead.items()):
            choice = self.choices.get(site)
            if choice is None or len(choice.lanes) < 2 or self.master is False:
                # Only who holds the gateway address leads: else two edges of two pairs would end each other's leads.
                del self._to_lead[site]
            elif when <= now and site not in self._leading and choice.lanes[choice.in_use].alive(now):
                del self._to_lead[site]
                mine = self._led.get(site, frozenset()) if self.generation.pair else None
                self._leading[site] = self._job(switch.make_lead, self.generation, site, choice.in_use, mine)
        if now - self._counted >= COUNT and not self._leading:
            self._counted = now
            self._count(now)

    def _job(self, do: Callable[..., Any], *given: Any) -> Future[Any]:
        """In a thread: hellos go on meanwhile."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(4)
        return self._pool.submit(do, *given)

    def _finish(self, now: float) -> None:
        for site, job in [one for one in self._leading.items() if one[1].done()]:
            del self._leading[site]
            took = 0.0
            try:
                made, wrong, took = job.result()
                self._led[site] = made | self._led.get(site, frozenset()) if wrong else made
            except (ViciError, OSError, KeyError) as error:
                wrong = [str(error) or repr(error)]
            what = f"to have packets for {site} take the lane in use"
            if wrong:
                self.journal.failed(what, "; ".join(wrong))
                # Each attempt repeats those that do come up: a link that is refused is not to keep charon busy.
                self._tries[site] = tries = self._tries.get(site, 0) + 1
                self._lead(site, now + min(PAUSE, CALM * 2 ** min(tries - 1, 9)))
            else:
                self._tries.pop(site, None)
                self.journal.works(what)
                edge = self._edge(site, self.choices[site].in_use) if site in self.choices else "?"
                self.journal.say(f"packets for {site}: the links of {edge} lead (in {took:.3f} s)")
                for counts in (self._carried, self._counting):  # of before: another lane may have carried then
                    counts.pop(site, None)

    def _call(self, now: float) -> None:
        """Connect to charon, which tells of links that come."""
        if self._vici is None and now - self._told >= CALM:
            self._told = now
            try:
                vici = Vici(timeout=EVERY / 2)
                vici.subscribe(["child-updown"])
            except ViciError:
                return
            self._vici = vici
            for site in self.choices:  # what came before that was not heard of
                self._lead(site, now + CALM)

    def _follow(self) -> None:
        """A link that has come over another lane than the one in use carries what is sent now: that is put right.

        So is a lead that has gone with its IKE_SA, as when that is replaced for another certificate.
        """
        if self._vici is None:
            return
        try:
            news = list(self._vici.news())
        except ViciError:
            self._vici.close()
            self._vici = None
            return
        now = self.clock()
        for event in news:
            for tunnel, sa in event.items():
                one = self.lines.get(tunnel, (None,))[0]
                if one is None or not isinstance(sa, dict):
                    continue
                used = self.choices[one.site].in_use == one.lane
                names = {(tunnel, str(child.get("name"))) for child in sa.get("child-sas", {}).values()}
                # Where leads are being made, others end on purpose.
                gone = one.site not in self._leading and bool(names & self._led.get(one.site, frozenset()))
                if event.get("up") == "yes" and not used:
                    self._lead(one.site, now)
                elif event.get("up") != "yes" and used and gone:
                    self._lead(one.site, now + CALM)

    def _count(self, now: float) -> None:
        """What another lane carries although it is not in use has come to it unseen."""
        for site, choice in self.choices.items():
            job = self._counting.pop(site, None)
            if job is not None and job.done() and not job.exception():
                found, before = job.result(), self._carried.get(site, {})
                self._carried[site] = found
                strays = [found[lane] - before.get(lane, found[lane]) for lane in found if lane != choice.in_use]
                if max(strays, default=0) > STRAY:
                    self._lead(site, now)
            elif job is not None and not job.done():
                self._counting[site] = job
            if len(choice.lanes) > 1 and self.master is not False and site not in self._counting:
                self._counting[site] = self._job(switch.carried, self.generation, site)

    # --- note ------------------------------------------------------------------------------------------------------

    def _note(self, now: float) -> None:
        """Write down what is so, if it is something else than before."""
        sites = {
            site: {"lane": choice.in_use, "alive": choice.alive(now), "since": round(self._since.get(site, 0.0), 3)}
            for site, choice in sorted(self.choices.items())
        }
        found = {"master": self.master, "sites": sites}
        try:
            self._reread(now)
            if found != self._noted:
                files.write(self.store.at(noted.FILE), noted.text(found))
                self._noted = found
            track = ""
            if self.generation.pair:
                heard = sum(bool(one["alive"]) for one in sites.values())
                track = f"{priority(bool(self.master), len(sites), heard)}\n"
            if track != self._track:
                if track:
                    files.write(self.store.at(noted.TRACK), track)
                else:
                    files.remove(self.store.at(noted.TRACK))
                self._track = track
        except OSError as error:
            self.journal.failed("note", str(error))

    def _reread(self, now: float) -> None:
        """What is not noted any more as it was written is written again: the agent leads routes by it."""
        if now - self._read < LOOK:
            return
        self._read = now
        if self._noted and files.read(self.store.at(noted.FILE)) != noted.text(self._noted):
            self._noted = {}
            self.journal.warn(f"{noted.FILE} was lost: written again")
            if self.generation.backend == "xfrm":
                self._again += [(now + seconds, site) for site in self.choices for seconds in AFTER]
        if self._track and files.read(self.store.at(noted.TRACK)) != self._track:
            self._track = ""

    def close(self) -> None:
        """Let go of sockets."""
        for _one, line in self.lines.values():
            line.close()
        if self._vici is not None:
            self._vici.close()


def run(greeter: Greeter, ended: Callable[[], bool]) -> None:
    """Turn after turn, until `ended` or until other code is installed."""
    due, beaten, ready = greeter.clock(), 0.0, False
    while not ended():
        now = greeter.clock()
        try:
            greeter.turn(now, now - due)
            greeter.journal.works("hellos")
        except Exception as error:  # of any kind: a process that says nothing is worse
            greeter.journal.failed("hellos", str(error) or repr(error))
        if not ready:
            notify("READY=1")
            ready = True
        if now - beaten >= BEAT:
            beaten = now
            notify("WATCHDOG=1")
            if greeter.outdated:
                return
        due = now + READ  # a turn that takes longer makes the next one late
        time.sleep(max(0.0, due - greeter.clock()))


def main(arguments: Iterable[str] = ()) -> int:
    """`agent lanes`"""
    stop: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        stop.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    greeter = Greeter(Store(), Journal())
    try:
        run(greeter, lambda: bool(stop))
    finally:
        greeter.close()
        sys.stdout.flush()
    return 0
