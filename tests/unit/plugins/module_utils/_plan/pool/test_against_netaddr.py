# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carving computes with integers. netaddr's IPNetwork and IPSet say the same of every pool, IPv4 and IPv6."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from netaddr import IPAddress, IPNetwork, IPSet, cidr_merge

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import PoolExhausted
from ansible_collections.intercloud.vpn.plugins.module_utils._base.lease import Lease
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import BITS, Prefix, collapse, without
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.allocate import SiteDemand, carve_vpn
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.blocks import (
    NoRoom,
    Wanted,
    carve_blocks,
    free_blocks,
    overlapping_pairs,
    shared_blocks,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.space import Space, spans


@dataclass(frozen=True)
class World:
    """A pool, and blocks most of which lie in it or at its edges."""

    pool: Prefix
    blocks: list[Prefix]


@st.composite
def worlds(draw: st.DrawFn, most: int = 10) -> World:
    family = draw(st.sampled_from((4, 6)))
    bits = BITS[family]
    length = draw(st.one_of(st.integers(bits - 10, bits - 1), st.integers(1, bits - 1)))
    pool = Prefix.around(family, draw(st.integers(0, 2**bits - 1)), length)
    # Also of the pool's neighbours, and blocks that contain the pool.
    low, high = max(0, pool.first - pool.size // 4), min(2**bits - 1, pool.last + pool.size // 4)
    lengths = st.integers(max(0, length - 1), min(bits, length + 10))
    blocks = st.builds(Prefix.around, st.just(family), st.integers(low, high), lengths)
    return World(pool, draw(st.lists(blocks, max_size=most)))


def network(prefix: Prefix) -> IPNetwork:
    return IPNetwork(str(prefix))


def addresses(prefixes: list[Prefix]) -> IPSet:
    return IPSet([network(prefix) for prefix in prefixes])


def networks(prefixes: list[Prefix]) -> list[IPNetwork]:
    """Compared as networks, not as text: netaddr writes the block ::1:0/112 as ::0.1.0.0/112, ours as RFC 5952 says."""
    return [network(prefix) for prefix in prefixes]


def lowest_free(free: IPSet, length: int) -> Prefix | None:
    """The lowest free block of that length. An IPSet keeps its largest blocks, and a free block lies in one of them."""
    for cidr in sorted(free.iter_cidrs()):
        if cidr.prefixlen <= length:
            return Prefix(int(cidr.version), int(cidr.first), length)
    return None


def apart(pool: Prefix, blocks: list[Prefix]) -> list[Prefix]:
    """Those of the blocks that lie in the pool and share no address with one before."""
    found: list[Prefix] = []
    for block in blocks:
        if network(block) in network(pool) and not any(network(block) in network(one) for one in found):
            found = [*found, block] if not addresses(found) & addresses([block]) else found
    return found


@given(worlds())
def test_a_prefix_is_what_a_network_is(world: World) -> None:
    for prefix in (world.pool, *world.blocks):
        same = network(prefix)
        assert (prefix.first, prefix.last, prefix.size) == (same.first, same.last, same.size)
        assert (prefix.length, prefix.family, same) == (same.prefixlen, same.version, same.cidr)
        assert Prefix.parse(str(same)) == prefix == Prefix.parse(str(prefix))
        assert IPAddress(prefix.address(prefix.size - 1)) == same[-1]
        assert world.pool.contains(prefix) == (same in network(world.pool))
        assert world.pool.overlaps(prefix) == bool(addresses([world.pool]) & addresses([prefix]))


@given(worlds(), worlds())
def test_summarized_blocks_are_a_set(one: World, other: World) -> None:
    both = [*one.blocks, *other.blocks]
    assert networks(collapse(both)) == cidr_merge(networks(both))
    assert networks(collapse(one.blocks)) == sorted(addresses(one.blocks).iter_cidrs())


@given(worlds(), st.randoms(use_true_random=False))
def test_blocks_that_are_given_back_are_a_difference(world: World, random: Random) -> None:
    held = apart(world.pool, world.blocks)
    freed = random.sample(held, random.randint(0, len(held)))
    assert networks(without(collapse(held), freed)) == sorted((addresses(held) - addresses(freed)).iter_cidrs())


@given(worlds())
def test_overlapping_pairs_are_those_that_intersect(world: World) -> None:
    every = [world.pool, *world.blocks]
    expected = [
        (low, high)
        for high in range(len(every))
        for low in range(high)
        if addresses([every[low]]) & addresses([every[high]])
    ]
    assert overlapping_pairs(every) == sorted(expected)


@given(worlds(), st.lists(st.integers(0, 12), max_size=8), st.integers(0, 4), st.integers(0, 2))
def test_the_next_free_block_and_address(world: World, below: list[int], begin: int, end: int) -> None:
    pool, free = world.pool, addresses([world.pool]) - addresses(world.blocks)
    space = Space([pool], spans(world.blocks), [], (begin, end))
    every = network(pool)
    free -= IPSet([every[place] for place in range(min(begin, every.size))])
    free -= IPSet([every[-1 - place] for place in range(min(end, every.size))])
    for more in below:
        assert space.free == free.size
        length = min(pool.length + more, BITS[pool.family])
        first, expected = space.take_block(1 << (BITS[pool.family] - length)), lowest_free(free, length)
        assert first == (expected and expected.first)
        free -= addresses([expected] if expected else [])
        if not free:
            break
        address = space.take_address()
        assert address == sorted(free.iter_cidrs())[0].first
        free -= addresses([Prefix(pool.family, address, BITS[pool.family])])


@given(worlds(), st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 8)), st.integers(0, 2))
def test_named_blocks_are_the_lowest_free_ones_and_those_held_stay(
    world: World, below: dict[str, int], room: int
) -> None:
    pool, bits = world.pool, BITS[world.pool.family]
    held = apart(pool, world.blocks)
    wanted = [Wanted(name, 0, min(pool.length + more, bits)) for name, more in below.items()]
    around = [Prefix.around(one.family, one.first, max(0, one.length - room)) for one in held]
    free, expected = addresses([pool]) - addresses(around), {"held": held}
    for one in wanted:
        block = lowest_free(free, one.length - room)
        if block is None:
            lengths = (cidr.prefixlen + room for cidr in free.iter_cidrs())
            largest = min((length for length in lengths if length <= bits), default=None)
            left = f"the largest free block is a /{largest}" if largest is not None else "nothing is free"
            with pytest.raises(NoRoom, match=f"no /{one.length} is free: {left}"):
                carve_blocks([pool], wanted, {"held": held}, room=room)
            return
        expected[one.name] = [Prefix(block.family, block.first, one.length)]
        free -= addresses([block])
    assert carve_blocks([pool], wanted, {"held": held}, room=room) == expected


@given(worlds(), worlds())
def test_what_is_free_and_what_is_shared(one: World, other: World) -> None:
    every, others = [one.pool, *one.blocks], [other.pool, *other.blocks]
    free = sorted((addresses(every) - addresses(others)).iter_cidrs())
    assert networks(free_blocks(every, others)) == free
    assert networks(free_blocks([one.pool], one.blocks)) == sorted(
        (addresses([one.pool]) - addresses(one.blocks)).iter_cidrs()
    )
    assert networks(shared_blocks(every, others)) == sorted((addresses(every) & addresses(others)).iter_cidrs())
    assert networks(shared_blocks([one.pool], one.blocks)) == sorted(
        (addresses([one.pool]) & addresses(one.blocks)).iter_cidrs()
    )


@given(worlds(), worlds(), st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_a_vpn_gets_free_addresses_and_gives_them_back(world: World, other: World, counts: list[int]) -> None:
    """Allocate among other VPNs' leases and reserved blocks, free, allocate again: the same answer."""
    pool = world.pool
    sites = [SiteDemand(f"edge-{site}", tuple(f"vm{vm}" for vm in range(count))) for site, count in enumerate(counts)]
    theirs = {
        f"vpn/other{index}": Lease(f"vpn/other{index}", block, "block", "p")
        for index, block in enumerate(apart(pool, world.blocks))
    }
    reserved = [block for block in other.blocks if block.family == pool.family]
    free = addresses([pool]) - addresses([*reserved, *(lease.prefix for lease in theirs.values())])
    try:
        leases = carve_vpn("v", "p", pool, sites, theirs, reserved)
    except PoolExhausted as exhausted:
        # It tried the smallest block with room for every member and every edge, and there is none.
        assert lowest_free(free, exhausted.length) is None
        assert 2 ** (BITS[pool.family] - exhausted.length) < 2 * sum(2 * (count + 1) for count in counts)
        return
    blocks = addresses([lease.prefix for lease in leases if lease.key == "vpn/v"])
    given_out = [lease.prefix for lease in leases if lease.kind == "address"]
    assert blocks.issubset(free)
    assert addresses(given_out).issubset(blocks)
    assert addresses(given_out).size == len(given_out) == sum(counts) + len(counts)
    assert carve_vpn("v", "p", pool, sites, theirs | {lease.key: lease for lease in leases}, reserved) == []
    assert carve_vpn("v", "p", pool, sites, theirs, reserved) == leases
