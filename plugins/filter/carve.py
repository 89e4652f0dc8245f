# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""intercloud.vpn.carve: blocks out of a pool, by name."""

from __future__ import annotations

DOCUMENTATION = r"""
name: carve
short_description: Carve named blocks out of a pool
version_added: 1.0.0
author: The intercloud.vpn developers
description:
  - Gives every name a free block of the pool, or several. No two blocks overlap.
  - Save the result and pass it as O(held) next time. Then no block moves, however the requests change.
positional: requests
options:
  _input:
    description:
      - The pool, a CIDR block such as V(10.0.0.0/16) or V(fd00:1::/48).
      - A list of pools is used in its order. A block comes from the first pool that has room for it. All pools are of
        one family, IPv4 or IPv6.
    type: raw
    required: true
  requests:
    description:
      - A mapping of names to what each name gets. That is a prefix length, a list of prefix lengths, or a mapping with
        C(length) (the prefix length) or C(hosts) (how many hosts the block must have room for), and optionally C(count)
        (how many such blocks, at most 65536).
      - With C(hosts), the addresses that no host can have come on top. These are network and broadcast with IPv4, and
        subnet-router anycast with IPv6.
      - A list of such mappings, each with its C(name), is the same.
      - A list of prefix lengths, without names, gives a list of blocks in the same order.
    type: raw
    required: true
  held:
    description:
      - Blocks by name that were given out before, each a CIDR block or a list of them. They stay, also those that are
        not requested any more.
      - For requests without names, a list of blocks.
    type: raw
  reserved:
    description:
      - CIDR blocks and addresses that are never given out, such as networks that exist already. They may lie outside
        the pool.
      - A block, a list of them, or a mapping of names to blocks.
    type: raw
  order:
    description:
      - V(size) takes the largest block first, and blocks of one size by name. The order of the requests does not
        matter, and no space is lost between blocks.
      - V(given) takes blocks in the order of the requests. A request that is added at the end moves no other block,
        even without O(held).
      - Requests without names are always taken in their order.
    type: str
    choices: [size, given]
    default: size
  room:
    description:
      - How often each block can double later. V(1) leaves as much space free beside a block as the block has, V(2)
        leaves three times as much.
    type: int
    default: 0
  grow:
    description:
      - What happens when a held block is smaller than requested. With V(true), the block becomes larger where it is,
        and all its addresses stay in it. This needs free space beside the block; see O(room).
      - With V(false), the filter fails.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Networks for three departments
  ansible.builtin.debug:
    msg: "{{ '10.0.0.0/16' | intercloud.vpn.carve({'sales': 24, 'research': 22, 'guests': 26}) }}"
  # {"guests": "10.0.5.0/26", "research": "10.0.0.0/22", "sales": "10.0.4.0/24"}

- name: By number of hosts, and no block is renumbered
  ansible.builtin.debug:
    msg: "{{ '10.0.0.0/24' | intercloud.vpn.carve([{'name': 'lab', 'hosts': 50}], held={'office': '10.0.0.0/26'}) }}"
  # {"lab": "10.0.0.64/26", "office": "10.0.0.0/26"}

- name: Several networks for each cloud
  ansible.builtin.debug:
    msg: "{{ '10.0.0.0/16' | intercloud.vpn.carve({'east': [24, 26], 'west': {'length': 24, 'count': 2}}) }}"
  # {"east": ["10.0.0.0/24", "10.0.3.0/26"], "west": ["10.0.1.0/24", "10.0.2.0/24"]}

- name: Without names, in the order of the lengths
  ansible.builtin.debug:
    msg: "{{ '10.0.0.0/16' | intercloud.vpn.carve([24, 26, 22]) }}"
  # ["10.0.0.0/24", "10.0.1.0/26", "10.0.4.0/22"]

- name: From two pools, around a network that exists already
  ansible.builtin.debug:
    msg: "{{ ['10.0.0.0/24', '10.9.0.0/16'] | intercloud.vpn.carve({'a': 25, 'b': 24}, reserved=['10.0.0.0/26']) }}"
  # {"a": "10.0.0.128/25", "b": "10.9.0.0/24"}

- name: The next free /64
  ansible.builtin.debug:
    msg: "{{ 'fd00:1::/48' | intercloud.vpn.carve([64], reserved=['fd00:1::/64', 'fd00:1:0:1::/64']) | first }}"
  # "fd00:1:0:2::/64"

- name: Every network can double once
  ansible.builtin.debug:
    msg: "{{ '10.0.0.0/16' | intercloud.vpn.carve({'east': 24, 'west': 24}, room=1) }}"
  # {"east": "10.0.0.0/24", "west": "10.0.2.0/24"}

- name: One of them does
  ansible.builtin.debug:
    msg: "{{ '10.0.0.0/16' | intercloud.vpn.carve({'east': 23, 'west': 24}, held=plan, grow=true) }}"
  vars:
    plan: {east: 10.0.0.0/24, west: 10.0.2.0/24}
  # {"east": "10.0.0.0/23", "west": "10.0.2.0/24"}
"""

RETURN = r"""
_value:
  description:
    - Every name with its CIDR block, sorted by name. A name has a list of blocks if it requested a list or a C(count),
      or if O(held) has a list. What was passed as O(held) is in the result.
    - A list of CIDR blocks for requests without names.
  type: raw
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import boolean
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import BITS, Prefix
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.blocks import (
    InTheWay,
    NoRoom,
    Wanted,
    carve_blocks,
    overlapping_pairs,
)
from ansible_collections.intercloud.vpn.plugins.plugin_utils._address_plan import block, listed, number, problems_of
from ansible_collections.intercloud.vpn.plugins.plugin_utils._carve_requests import NAMELESS, asked, nameless


def carve(
    pool: Any,
    requests: Any,
    held: Any = None,
    reserved: Any = None,
    order: Any = "size",
    room: Any = 0,
    grow: Any = False,
) -> Any:
    """The filter; AnsibleFilterError when the input is wrong or the pool is too small."""
    # No request at all has no names where what is held has none.
    nothing = isinstance(requests, (list, tuple)) and not requests
    bare = nameless(requests) or (nothing and isinstance(held, (list, tuple)))
    with problems_of("carve") as found:
        pools = _pools(pool, found)
        family = pools[0].family if pools else 4
        wanted, lists = asked(requests, family, found)
        kept, more = _held(held, bare, found)
        _check_held(kept, pools, bare, found)
        avoid = listed([] if reserved is None else reserved, "reserved", found)
        bits = number(room, "room", found, most=BITS[family])
        if order not in ("size", "given"):
            found.add("order", f"must be size or given, and is {order!r}")
        if not isinstance(boolean(grow), bool):
            found.add("grow", f"must be true or false, and is {grow!r}")
        found.raise_if_any()
        if order == "size" and not bare:
            wanted.sort(key=lambda one: (one.length, one.name, one.index))
        try:
            blocks = carve_blocks(pools, wanted, kept, avoid, bits or 0, boolean(grow))
        except NoRoom as error:
            where = f"{', '.join(map(str, pools))}{f', with room {bits}' if bits else ''}"
            found.add(_place("requests", error.wanted, bare, lists), f"{error} in {where}")
        except InTheWay as error:
            hint = "" if boolean(grow) else ": request no more than is held, or set grow=true"
            found.add(_place("held", error.wanted, bare, more), f"{error}{hint}")
    if bare:
        return [str(one) for one in blocks.get(NAMELESS, [])]
    texts = {name: [str(one) for one in blocks[name]] for name in sorted(blocks)}
    return {name: some if name in lists | more else some[0] for name, some in texts.items()}


def _pools(value: Any, found: Problems) -> list[Prefix]:
    several = isinstance(value, (list, tuple))
    places = [(f"pool[{at}]", one) for at, one in enumerate(value)] if several else [("pool", value)]
    read = [block(one, place, found, bare=False) for place, one in places]
    pools = [one for one in read if one is not None]
    if several and not value:
        found.add("pool", "must have at least one pool")
    if len({one.family for one in pools}) > 1:
        found.add("pool", "has IPv4 and IPv6 pools: carve each family on its own")
    for low, high in overlapping_pairs(pools):
        found.add(f"pool[{high}]", f"{pools[high]} overlaps {pools[low]}")
    return pools


def _held(held: Any, bare: bool, found: Problems) -> tuple[dict[str, list[Prefix]], set[str]]:
    """The blocks that were given out before, and the names that have a list of them."""
    if held is None:
        return {}, set()
    if bare:
        if not isinstance(held, (list, tuple)):
            found.add("held", "must be a list of CIDR blocks, as the requests have no names")
            return {}, set()
        return {NAMELESS: listed(held, "held", found)}, set()
    if not isinstance(held, Mapping):
        found.add("held", "must be a mapping of names to CIDR blocks")
        return {}, set()
    twice = [name for name in held if not isinstance(name, str) and str(name) in held]
    for name in twice:
        found.add(f"held.{name}", f"is the name of two entries, {name!r} and {str(name)!r}; remove one of them")
    lists = {str(name) for name, some in held.items() if isinstance(some, (list, tuple))}
    kept = {str(name): listed({str(name): some}, "held", found) for name, some in held.items()}
    return {name: some for name, some in kept.items() if some or name in lists}, lists


def _check_held(held: Mapping[str, Sequence[Prefix]], pools: Sequence[Prefix], bare: bool, found: Problems) -> None:
    places = [
        (f"held[{index}]" if bare else f"held.{name}" + (f"[{index}]" if len(some) > 1 else ""), one)
        for name, some in held.items()
        for index, one in enumerate(some)
    ]
    for place, one in places:
        if pools and not any(pool.contains(one) for pool in pools):
            found.add(place, f"{one} is not in {', '.join(map(str, pools))}")
    for low, high in overlapping_pairs([one for _place, one in places]):
        (there, other), (place, one) = places[low], places[high]
        found.add(place, f"{one} overlaps {other}, which is {there}")


def _place(what: str, wanted: Wanted, bare: bool, lists: set[str]) -> str:
    if bare:
        return f"{what}[{wanted.index}]"
    return f"{what}.{wanted.name}" + (f"[{wanted.index}]" if wanted.name in lists else "")


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"carve": carve}
