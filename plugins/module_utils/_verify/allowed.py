# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: what `allow` of a VPN lets its members ask of each other, and what it does not.

A pair is probed by what its rules allow: a ping, or else a TCP port. Of what no rule allows, every member is asked by
one member of another site and by one of its own, so that this grows with members, not with pairs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .._intent.allow import ALL, Permissions, Permitted, Rule, allow_from_record
from .._intent.ports import Ports, closed_port, first_port, without
from .which_pairs import by_site, pick

Section = Mapping[str, Any]
Pair = tuple[Section, Section]
TRIES = 100  # partners that are looked at for one member: nearly always the first of another site will do


@dataclass(frozen=True)
class Question:
    """What one member asks another one: a ping, or a TCP port."""

    port: int | None = None


class Allowed:
    """What the members of a VPN may open to each other; all of it where the VPN has no `allow`."""

    def __init__(self, vpn: Section) -> None:
        rules = allow_from_record(vpn.get("allow"))
        self.limited, self._rules = rules is not None, rules or ()
        self._permissions = None if rules is None else Permissions(rules)

    def between(self, src: Section, dst: Section) -> Permitted:
        """What one member may open to another one."""
        if self._permissions is None:
            return Permitted(everything=True)
        return self._permissions.between(src["name"], dst["name"])

    def port(self, src: Section, dst: Section) -> int | None:
        """The lowest TCP port that a member may ask another one for; None if none is named."""
        return first_port(self.between(src, dst).of(_ports(dst)) or (), "tcp")

    def question(self, src: Section, dst: Section) -> Question | None:
        """What a member asks another one, to see that it reaches it; None where nothing can be asked."""
        if self.between(src, dst).ping:
            return Question()
        port = self.port(src, dst)
        return None if port is None else Question(port)

    def refused(self, src: Section, dst: Section) -> Iterator[Question]:
        """What a member asks another one in vain. A port that only the rules keep closed, if there is one."""
        may, ports = self.between(src, dst), _ports(dst)
        if not may.ping:
            yield Question()
        if not may.everything:
            port = first_port(without(ports or (), may.services), "tcp") or closed_port(may.services, "tcp")
            if port is not None:
                yield Question(port)

    def sample(self, members: Sequence[Section], chosen: Iterable[Pair], turn: int) -> list[Pair]:
        """Of a large VPN, the chosen pairs that can ask something, and pairs for all members that have none then."""
        found = {(src["name"], dst["name"]): (src, dst) for src, dst in chosen if self.question(src, dst)}
        sent, met = {src for src, _dst in found}, {dst for _src, dst in found}
        near = _Partners(members, [rule for rule in self._rules if rule.ports is None or _can_be_asked(rule)])
        for place, member in enumerate(members, turn):
            pairs = []
            if member["name"] not in sent and not member.get("external"):
                pairs.append(self._first((member, dst) for dst in near.of(member, place, sends=True)))
            if member["name"] not in met:
                pairs.append(self._first((src, member) for src in near.of(member, place, sends=False)))
            found.update({(pair[0]["name"], pair[1]["name"]): pair for pair in pairs if pair})
        return list(found.values())

    def across(self, here: Sequence[Section], there: Sequence[Section], turn: int) -> Pair | None:
        """A member of one site and one of another that it can ask something, others at each turn."""
        if not self.limited:
            return pick(here, turn), pick(there, turn)
        for rule in self._rules:
            src = next((one for one in _from(here, turn) if _among(one, rule.sources)), None)
            dst = next((one for one in _from(there, turn) if _among(one, rule.targets)), None)
            if src is not None and dst is not None and self.question(src, dst):
                return src, dst
        return None

    def forbidden(self, members: Sequence[Section], turn: int) -> Iterator[tuple[Section, Section, Question]]:
        """Who asks whom in vain: members that may open nothing there rather than those that may open something."""
        if self._permissions is None:
            return
        own = [member for member in members if not member.get("external")]
        at = by_site(own)
        for place, dst in enumerate(members, turn):
            for beside in (False, True):
                near = at.get(dst["site"], []) if beside else own
                src = self._asks_in_vain(_from(near, place), dst, beside) or self._asks_in_vain(
                    _from(near, place), dst, beside, anything=False
                )
                if src is not None:
                    yield from ((src, dst, question) for question in self.refused(src, dst))

    def _asks_in_vain(
        self, some: Iterable[Section], dst: Section, beside: bool, anything: bool = True
    ) -> Section | None:
        """The first one beside a member, or of another site, that may not open ``anything`` there (or everything)."""
        senders = self._permissions.senders(dst["name"]) if self._permissions else (frozenset[str](), frozenset[str]())
        may = senders[0] if anything else senders[1]
        if ALL in may:
            return None
        able = (src for src in some if (src["site"] == dst["site"]) == beside and src["name"] != dst["name"])
        return next((src for src in able if src["name"] not in may), None)

    def _first(self, pairs: Iterable[Pair]) -> Pair | None:
        """The first pair that can ask something, of two sites if there is one."""
        same: Pair | None = None
        for src, dst in pairs:
            far = src["site"] != dst["site"]
            if src["name"] != dst["name"] and (far or not same) and self.question(src, dst):
                if far:
                    return src, dst
                same = src, dst
        return same


class _Partners:
    """Who may be asked by a member, and who may ask it: a few of each, others at each place."""

    def __init__(self, members: Sequence[Section], rules: Iterable[Rule]) -> None:
        self._members, self._permissions = members, Permissions(rules)
        self._own = [member for member in members if not member.get("external")]
        self._lists: dict[tuple[bool, frozenset[str]], list[Section]] = {}

    def of(self, member: Section, place: int, sends: bool) -> Iterator[Section]:
        permissions = self._permissions
        names = permissions.receivers(member["name"]) if sends else permissions.senders(member["name"])[0]
        if (sends, names) not in self._lists:
            some = self._members if sends else self._own
            self._lists[sends, names] = [one for one in some if ALL in names or one["name"] in names]
        return islice(_from(self._lists[sends, names], place), TRIES)


def _among(member: Section, names: Collection[str]) -> bool:
    return ALL in names or member["name"] in names


def _can_be_asked(rule: Rule) -> bool:
    return rule.icmp or any(text.startswith("tcp/") for text in rule.services)


def _from(members: Sequence[Section], place: int) -> Iterator[Section]:
    """All of them, another one first at each place."""
    return (members[(place + step) % len(members)] for step in range(len(members)))


def _ports(member: Section) -> Ports | None:
    return None if member.get("ports") is None else tuple(member["ports"])
