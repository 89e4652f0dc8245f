# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of addresses as certificates have them (RFC 3779): ranges, the fewest that there can be.

A text is a prefix, "100.64.1.0/24", or a range that is none, "100.64.1.0-100.64.2.127".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .prefix import BITS, Prefix, format_address, parse_address


class Range(NamedTuple):
    """The addresses from first to last, as integers. Ordered by family, then by address."""

    family: int
    first: int
    last: int

    @property
    def prefix(self) -> Prefix | None:
        """The prefix that it is, if it is one."""
        size = self.last - self.first + 1
        if size & (size - 1) or self.first % size:
            return None
        return Prefix(self.family, self.first, BITS[self.family] - size.bit_length() + 1)

    def __str__(self) -> str:
        prefix = self.prefix
        if prefix is not None:
            return str(prefix)
        return f"{format_address(self.family, self.first)}-{format_address(self.family, self.last)}"


def parse(text: str) -> Range:
    """Read a prefix or a range. ValueError for anything else."""
    first, dash, last = text.partition("-")
    if not dash:
        prefix = Prefix.parse(text)
        return Range(prefix.family, prefix.first, prefix.last)
    begin, end = parse_address(first), parse_address(last)
    if begin.family != end.family or begin.first > end.first:
        raise ValueError(f"{text} is not a range of addresses")
    return Range(begin.family, begin.first, end.first)


def canonical(texts: Iterable[str]) -> list[Range]:
    """The fewest ranges that have these addresses, ascending: what overlaps or touches is one (RFC 3779, 2.2.3.6).

    ValueError if a text is neither a prefix nor a range.
    """
    found: list[Range] = []
    for one in sorted(map(parse, texts)):
        before = found[-1] if found else None
        if before and before.family == one.family and one.first <= before.last + 1:
            found[-1] = before._replace(last=max(before.last, one.last))
        else:
            found.append(one)
    return found


def beyond(wanted: Iterable[str], certified: Iterable[str]) -> list[str]:
    """What is wanted and not wholly within what is certified: one text for each range."""
    within = canonical(certified)
    return [
        str(one)
        for one in map(parse, wanted)
        if not any(one.family == r.family and r.first <= one.first and one.last <= r.last for r in within)
    ]


def shared(some: Iterable[str], others: Iterable[str]) -> list[str]:
    """The addresses that are in both, as few ranges."""
    those = canonical(others)
    found = [
        Range(a.family, max(a.first, b.first), min(a.last, b.last))
        for a in canonical(some)
        for b in those
        if a.family == b.family and a.first <= b.last and b.first <= a.last
    ]
    return [str(one) for one in sorted(found)]
