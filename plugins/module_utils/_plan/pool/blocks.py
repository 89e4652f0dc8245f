# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arithmetic over sets of blocks for the public filters: carve by name, find overlaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..._base.errors import PoolExhausted
from ..._base.prefix import BITS, Prefix
from .space import Space, spans


def length_for_hosts(family: int, hosts: int) -> int:
    """The longest prefix length with room for so many hosts; ValueError when the family has none.

    IPv4 networks need a network and a broadcast address more, IPv6 networks the subnet-router anycast address
    (RFC 4291, 2.6.1).
    """
    length = BITS[family] - (hosts + (2 if family == 4 else 1) - 1).bit_length()
    if hosts < 1 or length < 0:
        raise ValueError(f"{hosts} is no number of hosts that an IPv{family} network can have")
    return length


def carve_blocks(pool: Prefix, lengths: Mapping[str, int], held: Mapping[str, Prefix]) -> dict[str, Prefix]:
    """A block for every name, sorted by name. Those `held` stay as they are and stay in the result.

    New blocks are taken largest first, then by name: that wastes nothing, and the order of input does not matter.
    Raises PoolExhausted when one does not fit, ValueError when what is held contradicts the rest.
    """
    kept = sorted(held.items(), key=lambda item: item[1])
    for name, block in kept:
        if not pool.contains(block):
            raise ValueError(f"{name} holds {block}, which is not in {pool}")
        if name in lengths and block.length > lengths[name]:
            raise ValueError(f"{name} holds {block}, which is smaller than the /{lengths[name]} asked for")
    for (name, block), (other, next_block) in zip(kept, kept[1:]):
        if block.overlaps(next_block):
            raise ValueError(f"{name} holds {block}, {other} holds {next_block}: these overlap")
    space = Space([pool], spans(held.values()), [], keep_first=False)
    result = dict(held)
    for name, length in sorted(lengths.items(), key=lambda item: (item[1], item[0])):
        if name in held:
            continue
        if not 0 <= length <= BITS[pool.family]:
            raise ValueError(f"{name}: prefix length {length} is not within 0 .. {BITS[pool.family]}")
        first = space.take_block(1 << (BITS[pool.family] - length))
        if first is None:
            raise PoolExhausted(str(pool), name, length)
        result[name] = Prefix(pool.family, first, length)
    return dict(sorted(result.items()))


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
