# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: a VPN's ``outside``: its members on the internet, by way of the org edge of their site.

``source`` is what they are seen with when they open connections there, ``publish`` what can be opened to them from
there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Union

from .._base.prefix import BITS, Prefix, format_address, parse_address
from .._base.problems import Problems, unknown_keys
from .allow import Expand
from .outside_publish import Published, parse_published

MASQUERADE = "masquerade"
"""A source: whichever address the edge's device to the outside has."""
_KEYS = ("source", "members", "publish")
_MOST = 1024  # addresses of a site: more is a slip, of a prefix most likely
_RANGE = re.compile(r"\s*([0-9A-Fa-f:.]+)\s*-\s*([0-9A-Fa-f:.]+)\s*")


@dataclass(frozen=True)
class Source:
    """What a site's members are seen with outside. ``prefix``: each has an address of its own in it (IPv6), its own one
    with another prefix. Else one of ``ranges``: the first and last address of each, as numbers. Neither: masquerade."""

    family: int = 4
    ranges: tuple[tuple[int, int], ...] = ()
    prefix: Prefix | None = None

    @property
    def count(self) -> int:
        """How many addresses there are to take from; 0 where it is masqueraded, or has a prefix."""
        return sum(last - first + 1 for first, last in self.ranges)

    def address(self, index: int) -> str:
        """One of the addresses."""
        for first, last in self.ranges:
            if index <= last - first:
                return format_address(self.family, first + index)
            index -= last - first + 1
        raise IndexError(f"there are only {self.count} addresses")

    def overlaps(self, other: Source) -> bool:
        """Whether two have an address in common."""
        return any(
            a <= d and c <= b for a, b in self._spans() for c, d in other._spans() if self.family == other.family
        )

    def meets(self, prefix: Prefix) -> bool:
        """Whether it has an address of a prefix."""
        return self.family == prefix.family and any(
            first <= prefix.last and prefix.first <= last for first, last in self._spans()
        )

    def _spans(self) -> tuple[tuple[int, int], ...]:
        return self.ranges if self.prefix is None else ((self.prefix.first, self.prefix.last),)

    def __str__(self) -> str:
        return ", ".join(self._texts()) or MASQUERADE

    def record(self) -> object:
        """As plain data, as it may be asked for."""
        return [*self._texts()] or MASQUERADE

    def _texts(self) -> Iterator[str]:
        if self.prefix is not None:
            yield str(self.prefix)
        for first, last in self.ranges:
            start, end = format_address(self.family, first), format_address(self.family, last)
            yield start if first == last else f"{start}-{end}"


Sources = Union[Source, Mapping[str, Source]]
"""The same for all sites, or by site."""


@dataclass(frozen=True)
class Outside:
    """``sources`` None: members open nothing outside. ``members`` None: all of the VPN."""

    sources: Sources | None
    members: tuple[str, ...] | None
    published: tuple[Published, ...] = ()
    path: str = field(default="", compare=False)

    def source_of(self, site: str) -> Source | None:
        """What the members of a site are seen with; None if that is not said."""
        return self.sources.get(site) if isinstance(self.sources, Mapping) else self.sources

    def goes(self, member: str) -> bool:
        """Whether a member opens connections to the outside."""
        return self.sources is not None and (self.members is None or member in self.members)

    def record(self) -> dict[str, Any]:
        """As plain data, as the ledger keeps it."""
        source: object = None
        if isinstance(self.sources, Mapping):
            source = {site: one.record() for site, one in sorted(self.sources.items())}
        elif self.sources is not None:
            source = self.sources.record()
        return {
            **({} if source is None else {"source": source}),
            **({} if self.members is None else {"members": list(self.members)}),
            **({"publish": [one.record() for one in self.published]} if self.published else {}),
        }


def parse_outside(
    raw: object, path: str, members: Mapping[str, str | None] | None, expand: Expand, problems: Problems
) -> Outside | None:
    """Read ``{"source": ..., "members": [...], "publish": [...]}``; None where there is nothing.

    ``members``: names of the VPN's members, each with the external edge that it is behind; None where they are not
    known. What is wrong goes to ``problems``.
    """
    if raw is None:
        return None
    if not isinstance(raw, Mapping):
        problems.add(path, f"must be a mapping with source, members and publish, not {raw!r}")
        return None
    unknown_keys(raw, _KEYS, path, problems)
    if raw.get("source") is None and not raw.get("publish"):
        problems.add(path, "says nothing: it needs source (such as masquerade), or publish, or both")
        return None
    sources = None if raw.get("source") is None else _sources(raw["source"], f"{path}.source", problems)
    who = _Who(members, expand, problems)
    going = None
    if raw.get("members") is not None:
        if raw.get("source") is None:
            problems.add(f"{path}.members", "has no meaning without source: add source: masquerade, or remove it")
        going = who.names(raw["members"], f"{path}.members")
    published = parse_published(raw.get("publish"), f"{path}.publish", who.one, problems)
    return Outside(sources, going, published, path)


def outside_from_record(record: Mapping[str, Any] | None, path: str) -> Outside | None:
    """The inverse of :meth:`Outside.record`."""
    if record is None:
        return None
    names = {*record.get("members", ()), *(one["member"] for one in record.get("publish", ()))}
    return parse_outside(record, path, dict.fromkeys(names), lambda text, _place: [text], Problems())


class _Who:
    """Reads which members are meant."""

    def __init__(self, members: Mapping[str, str | None] | None, expand: Expand, problems: Problems) -> None:
        self.members, self.expand, self.problems = members, expand, problems

    def names(self, raw: object, path: str) -> tuple[str, ...]:
        if not isinstance(raw, (list, tuple)) or not raw:
            self.problems.add(path, f"must be a list of VMs, vApps, groups or patterns, not {raw!r}")
            return ()
        found: set[str] = set()
        for index, text in enumerate(raw):
            found.update(self._expanded(text, f"{path}[{index}]"))
        return tuple(sorted(found))

    def one(self, raw: object, path: str) -> str | None:
        """The one member that a text stands for."""
        found = list(self._expanded(raw, path))
        if len(found) > 1:
            self.problems.add(path, f"{raw} stands for {', '.join(sorted(found))}: a port leads to one member; name it")
        return found[0] if len(found) == 1 else None

    def _expanded(self, text: object, place: str) -> Iterable[str]:
        if not isinstance(text, str) or not text:
            self.problems.add(place, f"must be the name of a member of the VPN, not {text!r}")
            return ()
        vms = self.expand(text, place)
        if self.members is None:
            return ()
        found = [vm for vm in vms if vm in self.members]
        if vms and not found:
            what = "is not a member" if [*vms] == [text] else "names no member"
            self.problems.add(place, f"{text} {what} of this VPN: add it to members, or remove it here")
        own = [vm for vm in found if not self.members[vm]]
        if found and not own:
            self.problems.add(
                place, f"{text} is behind an external edge: its administrator decides how it reaches the internet"
            )
        return own


def _sources(raw: object, path: str, problems: Problems) -> Sources | None:
    if not isinstance(raw, Mapping):
        return _source(raw, path, problems)
    if not raw:
        problems.add(path, "is empty: name the org edges, each with masquerade or a list of addresses")
    found = {str(site): _source(value, f"{path}.{site}", problems) for site, value in raw.items()}
    return {site: source for site, source in found.items() if source is not None}


def _source(raw: object, path: str, problems: Problems) -> Source | None:
    if raw == MASQUERADE:
        return Source()
    texts = [raw] if isinstance(raw, str) else raw
    if not isinstance(texts, (list, tuple)) or not texts:
        problems.add(
            path,
            f"must be {MASQUERADE}, or a list of public addresses such as [203.0.113.7, 203.0.113.8-203.0.113.10], "
            f"not {raw!r}",
        )
        return None
    before, spans, prefixes = len(problems), list[tuple[int, int, int]](), list[Prefix]()
    for index, text in enumerate(texts):
        place = path if isinstance(raw, str) else f"{path}[{index}]"
        try:
            span = _span(text)
        except ValueError as error:
            problems.add(place, str(error))
            continue
        if isinstance(span, Prefix):
            prefixes.append(span)
        elif any(span[0] == family and span[1] <= last and first <= span[2] for family, first, last in spans):
            problems.add(place, f"{text} is there twice")
        else:
            spans.append(span)
    families = {family for family, _first, _last in spans} | {prefix.family for prefix in prefixes}
    if len(families) > 1:
        problems.add(path, "has IPv4 and IPv6 addresses: a VPN has one of them")
    elif len(prefixes) > 1 or (prefixes and spans):
        problems.add(path, "an IPv6 prefix is one, and alone: each member has an address of its own in it")
    elif sum(last - first + 1 for _family, first, last in spans) > _MOST:
        problems.add(path, f"are more than {_MOST} addresses")
    if len(problems) > before:
        return None
    ranges = tuple(sorted((first, last) for _family, first, last in spans))
    return Source(families.pop(), ranges, prefixes[0] if prefixes else None)


def _span(text: object) -> tuple[int, int, int] | Prefix:
    """Family, first and last address; of an IPv6 CIDR the prefix. ValueError for anything else."""
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not an address")
    match = _RANGE.fullmatch(text)
    if match:
        first, last = parse_address(match[1]), parse_address(match[2])
        if first.family != last.family or first.first > last.first:
            raise ValueError(f"{text} is not a range: the lower address comes first")
        return first.family, first.first, last.first
    if "/" not in text:
        one = parse_address(text)
        return one.family, one.first, one.first
    prefix = Prefix.parse(text)
    if prefix.family == 6 and prefix.length < BITS[6]:
        return prefix
    return prefix.family, prefix.first, prefix.last
