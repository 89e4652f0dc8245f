# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One try at carving a VPN's tree of blocks, at one generosity: all of it fits, or PoolExhausted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..._base.errors import PoolExhausted
from ..._base.lease import Lease
from ..._base.prefix import BITS, Prefix
from .lease_keys import blocks_of
from .space import Space, spans

# Usual least sizes, as host bits: room to grow without a second block. IPv6 keeps to nibbles for readable addresses.
_LEAST_BITS = {4: {"vpn": 8, "site": 6, "vapp": 4}, 6: {"vpn": 32, "site": 24, "vapp": 16}}
# In a pool that is shared, no VPN takes more than a quarter just to have room to grow.
_SHARE_BITS = 2


@dataclass
class Shape:
    """A block of the wanted tree and what is to be in it, in sorted order; `missing` are new address keys."""

    key: str
    level: str
    missing: list[str]
    children: list[Shape]
    kept: tuple[int, int] = (0, 0)
    """How many addresses at the begin and at the end of each block nobody gets, whatever the generosity."""


@dataclass
class _Node:
    """A shape during one try: its free space, and the child blocks that wait for this one to grow."""

    shape: Shape
    blocks: list[Prefix]
    space: Space
    children: list[_Node]
    waiting: list[tuple[_Node, int]] = field(default_factory=list)


class Carving:
    """One try at one generosity. `shrink` None: the smallest blocks that do, first addresses given out too."""

    def __init__(
        self,
        pool_name: str,
        pool: Prefix,
        own: bool,
        held: Mapping[str, Lease],
        children: Mapping[str, list[Prefix]],
        avoid: list[tuple[int, int]],
        shrink: int | None,
    ) -> None:
        self.pool_name, self.pool, self.own = pool_name, pool, own
        self.held, self.children, self.avoid, self.shrink = held, children, avoid, shrink
        self.new: list[Lease] = []
        self.root: _Node | None = None

    def carve(self, shape: Shape) -> list[Lease]:
        root = self.root = self._node(shape)
        size = self._wanted(root)
        if size:
            available = Space([self.pool], spans(root.blocks), self.avoid, (0, 0))
            if self.own and available.free == self.pool.size:
                size = max(size, self.pool.size)
            first = available.take_block(size)
            if first is None:
                label = self.pool_name if self.own else f"{self.pool_name} ({self.pool})"
                raise PoolExhausted(label, _next_key(root), self._length(size))
            self._grant(root, first, size)
        self._settle(root)
        return sorted(self.new, key=lambda lease: lease.key)

    def leaves_room_for_vpns(self) -> bool:
        """Whether no new VPN block takes more than its share of a pool for all."""
        return self.own or all(size <= self.pool.size >> _SHARE_BITS for size in self._new_sizes(0))

    def leaves_room_for_a_site(self) -> bool:
        """Whether one more site block, as large as the largest new one, fits the VPN's blocks."""
        sizes = self._new_sizes(2)
        return not sizes or self.root is None or self.root.space.take_block(max(sizes)) is not None

    def _new_sizes(self, depth: int) -> list[int]:
        """Sizes of the new blocks so many path elements below the VPN's key."""
        if self.root is None:
            raise AssertionError("carve comes first")
        slashes = self.root.shape.key.count("/") + depth
        return [le.prefix.size for le in self.new if le.kind == "block" and le.key.count("/") == slashes]

    def _node(self, shape: Shape) -> _Node:
        blocks = blocks_of(self.held, shape.key)
        # The first address of a block is a network address to many, and IPv6's subnet-router anycast address
        # (RFC 4291, 2.6.1): nobody gets it while there is another way. A VPN block has no addresses of its own.
        keep_first = 1 if self.shrink is not None and shape.level != "vpn" else 0
        keep = max(keep_first, shape.kept[0]), shape.kept[1]
        space = Space(blocks, spans(self.children.get(shape.key, [])), self.avoid, keep)
        return _Node(shape, blocks, space, [self._node(child) for child in shape.children])

    def _wanted(self, node: _Node) -> int:
        """Place what fits the node's blocks; the size of the further block that the rest needs, 0 for none."""
        for child in node.children:
            size = self._wanted(child)
            if size:
                first = node.space.take_block(size)
                if first is None:
                    node.waiting.append((child, size))
                else:
                    self._grant(child, first, size)
        short = max(0, len(node.shape.missing) - node.space.free)
        if node.blocks and not node.waiting and not short:
            return 0
        return self._size(node, sum(size for _child, size in node.waiting), short)

    def _size(self, node: _Node, blocks: int, addresses: int) -> int:
        if self.shrink is None:
            return _power_of_two(blocks + addresses + sum(node.space.keep))
        least = _power_of_two(blocks + addresses + sum(node.space.keep))
        usual = max(
            1 << _LEAST_BITS[self.pool.family][node.shape.level],
            _power_of_two(blocks + 2 * addresses + max(1, sum(node.space.keep))),
            # As much again as it has: a VPN that grows one by one ends with few blocks, not with thousands.
            _power_of_two(sum(block.size for block in node.blocks)),
        )
        usual >>= self.shrink
        if node.shape.level == "vpn" and not self.own:
            usual = min(usual, self.pool.size >> _SHARE_BITS)
        return max(least, usual)

    def _grant(self, node: _Node, first: int, size: int) -> None:
        prefix = Prefix(self.pool.family, first, self._length(size))
        self.new.append(Lease(_next_key(node), prefix, "block", self.pool_name))
        node.blocks.append(prefix)
        node.space.add(prefix)
        for child, child_size in node.waiting:
            start = node.space.take_block(child_size)
            # Powers of two, first fit, into an untouched block of at least their sum: that always fits.
            if start is None:
                raise AssertionError("a block is at least as large as what waits for it")
            self._grant(child, start, child_size)

    def _settle(self, node: _Node) -> None:
        for key in node.shape.missing:
            prefix = Prefix(self.pool.family, node.space.take_address(), BITS[self.pool.family])
            self.new.append(Lease(key, prefix, "address", self.pool_name))
        for child in node.children:
            self._settle(child)

    def _length(self, size: int) -> int:
        return BITS[self.pool.family] - size.bit_length() + 1


def _next_key(node: _Node) -> str:
    return f"{node.shape.key}#{len(node.blocks) + 1}" if node.blocks else node.shape.key


def _power_of_two(count: int) -> int:
    return 1 << max(0, count - 1).bit_length()
