# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Free room inside blocks: first fit over sorted intervals of plain integers."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from ..._base.prefix import Prefix

Span = tuple[int, int]
"""Lowest and highest address, both included."""


def spans(prefixes: Iterable[Prefix]) -> list[Span]:
    """The prefixes as intervals, sorted, overlapping and touching ones merged. All must be of one family."""
    merged: list[Span] = []
    for first, last in sorted((prefix.first, prefix.last) for prefix in prefixes):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


class Space:
    """What is free in some blocks, given what is used in them and what must be avoided.

    Blocks that touch are not merged, so that nothing is ever taken across a border. Of each block, the first `keep[0]`
    addresses and the last `keep[1]` count as used. `free` is the number of free addresses.
    """

    def __init__(self, blocks: Iterable[Prefix], used: list[Span], avoid: list[Span], keep: tuple[int, int]) -> None:
        self.keep = keep
        self.free = 0
        self._free: list[Span] = []
        self._head = 0  # intervals before it are used up: taking addresses one by one stays linear
        for block in blocks:
            self._insert(subtract(subtract(self._usable(block), used), avoid))

    def add(self, block: Prefix) -> None:
        """A further block, all of it free."""
        self._insert(self._usable(block))

    def spans(self) -> list[Span]:
        """What is free, sorted."""
        return self._free[self._head :]

    def take_block(self, size: int) -> int | None:
        """The first address of the lowest free block of that size (a power of two), aligned to it; None if none."""
        for index in range(self._head, len(self._free)):
            low, high = self._free[index]
            first = -(-low // size) * size
            last = first + size - 1
            if last <= high:
                rest = [(low, first - 1), (last + 1, high)]
                self._free[index : index + 1] = [span for span in rest if span[0] <= span[1]]
                self.free -= size
                return first
        return None

    def take_address(self) -> int:
        """The lowest free address; IndexError when nothing is free."""
        low, high = self._free[self._head]
        if low == high:
            self._head += 1
        else:
            self._free[self._head] = (low + 1, high)
        self.free -= 1
        return low

    def _usable(self, block: Prefix) -> list[Span]:
        first, last = block.first + self.keep[0], block.last - self.keep[1]
        return [(first, last)] if first <= last else []

    def _insert(self, free: list[Span]) -> None:
        for span in free:
            insort(self._free, span, lo=self._head)
            self.free += span[1] - span[0] + 1


def subtract(free: list[Span], taken: list[Span]) -> list[Span]:
    """`free` without `taken`; `taken` is sorted and merged, and may be far larger than what matters here."""
    left: list[Span] = []
    for low, high in free:
        index = max(0, bisect_left(taken, (low, low)) - 1)
        while index < len(taken) and taken[index][0] <= high:
            first, last = taken[index]
            if last >= low:
                if low < first:
                    left.append((low, first - 1))
                low = last + 1
            index += 1
        if low <= high:
            left.append((low, high))
    return left
