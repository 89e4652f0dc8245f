# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lane packets for a site go to: decided by what was heard, and when. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .hello import Said

DEAD = 0.35  # seconds without a word of a lane. Hellos come every 0.1 s: three may be lost
STEADY = 0.5  # seconds that a lane which was dead has to be heard again, before it is one to choose among several
WORD = 3.0  # seconds that what an edge said of itself counts, if since then its kernel alone has answered
START = 1.0  # seconds that every lane counts as heard, when the process starts: its own pause is no reason to switch


class Lane:
    """The way to one edge of a site."""

    def __init__(self, now: float) -> None:
        self.heard = now + START - DEAD  # until START is over
        self.back = 0.0
        """Since when it is heard again; 0: it was never lost."""
        self._said, self._when = Said(False), now
        self._excused = False

    def hears(self, now: float, said: Said | None) -> None:
        """Its edge was heard. `said`: see `Choice.heard`."""
        if not self.alive(now):
            self.back = now
        self.heard = max(self.heard, now)
        self._excused = False
        if said is not None:
            self._said, self._when = said, now

    def late(self, seconds: float) -> None:
        """The process did not listen for so long.

        That excuses a silence once: on a machine that is late all the time, too, a lane that is dead has to be seen.
        """
        if not self._excused:
            self.heard += seconds
            self._when += seconds
            self._excused = True

    def master(self, now: float) -> bool:
        """Whether its edge said lately that it is the site's master. One whose process died cannot take that back."""
        return self._said.master and now - self._when <= WORD

    def idle(self) -> bool:
        """Whether its edge said that nothing comes from its org network."""
        return self._said.idle

    def alive(self, now: float) -> bool:
        """Whether it was heard a moment ago."""
        return now - self.heard <= DEAD

    def steady(self, now: float) -> bool:
        """Whether it is alive, and not just since a moment ago."""
        return self.alive(now) and now - self.back >= STEADY


class Choice:
    """The lanes of a site, and which of them is in use. A site of one edge has one."""

    def __init__(self, lanes: Iterable[int], in_use: int, now: float) -> None:
        self.lanes: Mapping[int, Lane] = {lane: Lane(now) for lane in sorted(lanes)}
        self.in_use = in_use if in_use in self.lanes else min(self.lanes)

    def heard(self, lane: int, now: float, said: Said | None = None) -> None:
        """A lane was heard. `said`: what its edge said of itself; None: an echo, which only says that it is there."""
        self.lanes[lane].hears(now, said)

    def late(self, seconds: float) -> None:
        """This process did not run for so long: what was not heard meanwhile says nothing about the lanes."""
        for lane in self.lanes.values():
            lane.late(seconds)

    def alive(self, now: float) -> list[int]:
        """The lanes that are."""
        return [number for number, lane in self.lanes.items() if lane.alive(now)]

    def decide(self, now: float) -> str:
        """Choose, and return why there is another lane in use now; empty if there is none.

        An alive lane whose edge is master; of several, the one in use. None says so: the one in use, if it is alive,
        else another that is. None is alive: the one in use, for nothing says that another is better.

        If both edges say that they are master, neither hears the other on the org network: an edge that hears
        nothing there is cut off from the members.
        """
        used = self.lanes[self.in_use]
        others = [number for number in self.alive(now) if number != self.in_use]
        masters = [number for number in others if self.lanes[number].master(now)]
        if used.alive(now):
            steady = [number for number in masters if self.lanes[number].steady(now)]
            if used.master(now):
                steady = [number for number in steady if used.idle() and not self.lanes[number].idle()]
            if not steady:
                return ""
            self.in_use = steady[0]
            return "its edge hears its org network" if used.master(now) else "its edge holds the gateway address"
        if not others:
            return ""
        silent = now - used.heard
        self.in_use = (masters or others)[0]
        return f"the other was not heard for {silent:.2f} s"
