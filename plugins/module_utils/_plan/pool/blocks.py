# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arithmetic over sets of blocks for the public filters: carve by name, find overlaps, tell what is free."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..._base.prefix import BITS, Prefix, collapse
from .space import Space, Span, spans, subtract


@dataclass(frozen=True)
class Wanted:
    """The block ``index`` of ``name`` shall have this prefix length."""

    name: str
    index: int
    length: int


class NoRoom(ValueError):
    """No pool has room for the block ``index`` of ``name``; ``largest`` is the length of the largest free block."""

    def __init__(self, wanted: Wanted, largest: int | None) -> None:
        left = "nothing is free" if largest is None else f"the largest free block is a /{largest}"
        super().__init__(f"no /{wanted.length} is free: {left}")
        self.wanted = wanted


class InTheWay(ValueError):
    """The held block ``index`` of ``name`` cannot become as large as it is wanted."""

    def __init__(self, wanted: Wanted, message: str) -> None:
        super().__init__(message)
        self.wanted = wanted


def length_for_hosts(family: int, hosts: int) -> int:
    """The longest prefix length with room for so many hosts; ValueError when the family has none.

    IPv4 networks need a network and a broadcast address more, IPv6 networks the subnet-router anycast address
    (RFC 4291, 2.6.1).
    """
    length = BITS[family] - (hosts + (2 if family == 4 else 1) - 1).bit_length()
    if hosts < 1 or length < 0:
        raise ValueError(f"{hosts} is not a number of hosts that an IPv{family} network can have")
    return length


def carve_blocks(
    pools: Sequence[Prefix],
    wanted: Iterable[Wanted],
    held: Mapping[str, Sequence[Prefix]],
    reserved: Iterable[Prefix] = (),
    room: int = 0,
    grow: bool = False,
) -> dict[str, list[Prefix]]:
    """The blocks of every name. Those `held` stay as they are and stay in the result.

    New blocks are taken in the order of `wanted`, each the lowest that is free in the first pool with room for it.
    All are of one family, and no pools overlap. `room`: of the block that would be so many bits shorter, the rest stays
    free. `grow`: a held block that is smaller than it is wanted becomes larger, where what lies around it is free.
    Raises NoRoom when one does not fit, InTheWay when one cannot become larger.
    """
    family = pools[0].family
    avoid = [prefix for prefix in reserved if prefix.family == family]
    result = {name: list(blocks) for name, blocks in held.items()}
    new = []
    for one in wanted:
        blocks = result.get(one.name, [])
        if one.index >= len(blocks):
            new.append(one)
        elif blocks[one.index].length > one.length:
            blocks[one.index] = _grown(one, blocks[one.index], pools, result, avoid, grow)
    around = [_with_room(block, room) for blocks in result.values() for block in blocks]
    placed: list[tuple[Wanted, Prefix]] = []
    spaces = [Space([pool], spans([*around, *avoid]), [], (0, 0)) for pool in pools]
    for one in new:
        size = 1 << (BITS[family] - one.length)
        taken = (space.take_block(size << room) for space in spaces)
        first = next((first for first in taken if first is not None), None)
        if first is None:
            lengths = (block.length + room for block in _blocks(family, spaces))
            raise NoRoom(one, min((length for length in lengths if length <= BITS[family]), default=None))
        placed.append((one, Prefix(family, first, one.length)))
    for one, block in sorted(placed, key=lambda item: item[0].index):
        result.setdefault(one.name, []).append(block)
    return result


def free_blocks(pools: Iterable[Prefix], used: Iterable[Prefix]) -> list[Prefix]:
    """The fewest blocks that cover what of the pools is not used, sorted."""
    every, taken = list(pools), list(used)
    free: list[Prefix] = []
    for family in BITS:
        left = subtract(spans(p for p in every if p.family == family), spans(p for p in taken if p.family == family))
        free += [block for span in left for block in _aligned(family, span)]
    return free


def shared_blocks(some: Iterable[Prefix], others: Iterable[Prefix]) -> list[Prefix]:
    """The fewest blocks that cover the addresses which both have, sorted."""
    every = collapse(some)
    return free_blocks(every, free_blocks(every, others))


def _grown(
    one: Wanted,
    block: Prefix,
    pools: Sequence[Prefix],
    held: Mapping[str, Sequence[Prefix]],
    avoid: Iterable[Prefix],
    grow: bool,
) -> Prefix:
    if not grow:
        raise InTheWay(one, f"is {block}, which is smaller than the /{one.length} asked for")
    larger = Prefix.around(block.family, block.first, one.length)
    if not any(pool.contains(larger) for pool in pools):
        raise InTheWay(one, f"is {block} and cannot become {larger}, which is not in the pool")
    others = [(other, name) for name, blocks in held.items() for other in blocks if other != block]
    for other, whose in [*others, *((prefix, "reserved") for prefix in avoid)]:
        if larger.overlaps(other) and not block.contains(other):  # what is reserved of the block itself stays in it
            raise InTheWay(one, f"is {block} and cannot become {larger}: {other} ({whose}) is in the way")
    return larger


def _with_room(block: Prefix, room: int) -> Prefix:
    return Prefix.around(block.family, block.first, max(0, block.length - room))


def _blocks(family: int, spaces: Iterable[Space]) -> Iterator[Prefix]:
    return (block for space in spaces for span in space.spans() for block in _aligned(family, span))


def _aligned(family: int, span: Span) -> Iterator[Prefix]:
    """The fewest blocks that cover an interval."""
    first, last = span
    while first <= last:
        size = 1 << ((last - first + 1).bit_length() - 1)  # no larger than what is left
        if first:
            size = min(size, first & -first)  # and aligned
        yield Prefix(family, first, BITS[family] + 1 - size.bit_length())
        first += size


def overlapping_pairs(prefixes: Sequence[Prefix]) -> list[tuple[int, int]]:
    """Which of the prefixes overlap, as pairs of positions, each pair and the list in ascending order."""
    pairs: list[tuple[int, int]] = []
    above: list[int] = []  # sorted by address, prefixes overlap only those that contain them: a stack
    for index in sorted(range(len(prefixes)), key=lambda i: (prefixes[i], i)):
        while above and not prefixes[above[-1]].contains(prefixes[index]):
            above.pop()
        pairs.extend((min(index, other), max(index, other)) for other in above)
        above.append(index)
    return sorted(pairs)
