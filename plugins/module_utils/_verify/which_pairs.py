# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: which of the members' pairs are probed. All of a small VPN; of a large one as many as prove it.

Gateways know sites and addresses, not pairs. What can be wrong is a link in one direction, or one member. So a large
VPN is proved by every link in both directions, and by every member once as the one that asks and once as the one that
answers. Which members meet changes by the day. What is probed grows with links and members, not with pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

Section = Mapping[str, Any]
Pair = tuple[Section, Section]
T = TypeVar("T")

AUTO, ALL, SAMPLE = "auto", "all", "sample"
ALL_UP_TO = 50  # members of a VPN: 2,450 pairs
DAY = 86400  # seconds


@dataclass(frozen=True)
class Choice:
    """How much is probed. ``turn``: which of the pairs a sample takes. ``nonmembers``: so many of each network try."""

    verify: str = AUTO
    turn: int = 0
    nonmembers: int = 1

    def whole(self, vpn: Section) -> bool:
        """Whether all pairs of a VPN are probed."""
        return self.verify == ALL or (self.verify == AUTO and len(vpn["members"]) <= ALL_UP_TO)


def sample(members: Sequence[Section], links: Iterable[tuple[str, str]], turn: int) -> list[Pair]:
    """The pairs that are probed of a large VPN. ``links``: the sites of every link, in both directions."""
    at = by_site(members)
    ring = [member for here in at.values() for member in here]
    found = _met(at, turn)
    tour = list(zip(at, [*list(at)[1:], next(iter(at))])) if len(at) > 1 else []
    for here, there in chain(links, tour, (pair[::-1] for pair in tour)):
        if here in at and there in at:
            found.append((pick(at[here], turn), pick(at[there], turn)))
    sent = ((_sender(src, dst, ring), dst) for src, dst in found)
    return list({(src["name"], dst["name"]): (src, dst) for src, dst in sent if src is not None}.values())


def _met(at: Mapping[str, Sequence[Section]], turn: int) -> list[Pair]:
    """Every member asks one of another site, and is asked by one. At other turns it is another one."""
    largest, count = max(map(len, at.values())), sum(map(len, at.values()))
    if 2 * largest > count:  # one site has more than all others have
        return _met_by_few(at, turn)
    # Site after site in a ring: who is as far ahead as the largest site is long is at another one, from both ends.
    steps = count - 2 * largest + 1
    ring = [
        here[(place + turn // steps * number) % len(here)]
        for number, here in enumerate(at.values())
        for place in range(len(here))
    ]
    step = largest + turn % steps
    return [(one, ring[(place + step) % count]) for place, one in enumerate(ring)]


def _met_by_few(at: Mapping[str, Sequence[Section]], turn: int) -> list[Pair]:
    """The same where the members of one site have to share those of all others."""
    others = {site: [one for far, there in at.items() if far != site for one in there] for site in at}
    found = []
    for site, here in at.items():
        for place, member in enumerate(here):
            there = others[site] or [one for one in here if one is not member]
            found.append((member, pick(there, turn + place)))
            found.append((pick(there, turn + place), member))
    return found


def by_site(members: Iterable[Section]) -> dict[str, list[Section]]:
    """Members by site, in the order of names."""
    found: dict[str, list[Section]] = {}
    for member in sorted(members, key=lambda one: (str(one["site"]), str(one["name"]))):
        found.setdefault(str(member["site"]), []).append(member)
    return found


def pick(choices: Sequence[T], turn: int) -> T:
    """One of them, another one at each turn."""
    return choices[turn % len(choices)]


def _sender(src: Section, dst: Section, ring: Sequence[Section]) -> Section | None:
    """Nobody can log in to an external member: another one asks in its place, of a site of ours."""
    return next(_able([src], dst), None) or next(_able(ring, dst), None)


def _able(members: Iterable[Section], dst: Section) -> Iterator[Section]:
    return (one for one in members if not one.get("external") and one["name"] != dst["name"])
