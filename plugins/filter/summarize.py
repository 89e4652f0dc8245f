# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""intercloud.vpn.summarize: the fewest blocks that cover the same addresses."""

from __future__ import annotations

DOCUMENTATION = r"""
name: summarize
short_description: Summarize CIDR blocks and addresses, or tell what is free beside them
version_added: 1.0.0
author: The intercloud.vpn developers
description:
  - Returns the fewest CIDR blocks that cover exactly the addresses of the input, sorted, IPv4 first.
  - With O(within), O(exclude) and O(free), the blocks cover a part of these addresses, or what the input leaves free.
options:
  _input:
    description: A list of CIDR blocks and bare addresses, or a mapping of names to them, such as C(carve) returns.
    type: raw
    required: true
  within:
    description: Only addresses in this block, or in one of these blocks.
    type: raw
  exclude:
    description: Without the addresses of this block, or of these blocks.
    type: raw
  free:
    description:
      - Return the addresses of O(within) that are neither in the input nor in O(exclude).
      - Needs O(within).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Fewer routes
  ansible.builtin.debug:
    msg: "{{ ['10.0.0.0/25', '10.0.0.128/25', '10.0.0.7', 'fd00::1'] | intercloud.vpn.summarize }}"
  # ["10.0.0.0/24", "fd00::1/128"]

- name: Only the part in a pool
  ansible.builtin.debug:
    msg: "{{ ['10.0.0.0/8', '192.168.1.0/24'] | intercloud.vpn.summarize(within='10.64.0.0/10') }}"
  # ["10.64.0.0/10"]

- name: All of a network but its gateway
  ansible.builtin.debug:
    msg: "{{ ['10.0.0.0/29'] | intercloud.vpn.summarize(exclude='10.0.0.1') }}"
  # ["10.0.0.0/32", "10.0.0.2/31", "10.0.0.4/30"]

- name: What is left of a pool
  ansible.builtin.debug:
    msg: "{{ plan | intercloud.vpn.summarize(within='10.0.0.0/24', free=true) }}"
  vars:
    plan: {east: 10.0.0.0/26, west: 10.0.0.64/26}
  # ["10.0.0.128/25"]
"""

RETURN = r"""
_value:
  description: The CIDR blocks; an address is written as C(/32) or C(/128).
  type: list
  elements: str
"""

from typing import Any, Callable

from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import boolean
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import collapse
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.blocks import free_blocks, shared_blocks
from ansible_collections.intercloud.vpn.plugins.plugin_utils._address_plan import labelled, listed, problems_of


def summarize(value: Any, within: Any = None, exclude: Any = None, free: Any = False) -> list[str]:
    """The filter; AnsibleFilterError when the input is wrong."""
    with problems_of("summarize") as found:
        if isinstance(value, str):
            found.add("input", "must be a list of CIDR blocks and addresses, or a mapping of names to them")
        every = [block for _place, _label, block in labelled(value, "input", found)]
        pools = None if within is None else listed(within, "within", found)
        left_out = [] if exclude is None else listed(exclude, "exclude", found)
        if not isinstance(boolean(free), bool):
            found.add("free", f"must be true or false, and is {free!r}")
        elif boolean(free) and pools is None:
            found.add("within", "free needs the blocks in which to look for free addresses")
    if boolean(free):
        return [str(block) for block in free_blocks(pools or [], [*every, *left_out])]
    blocks = collapse(every) if pools is None else shared_blocks(every, pools)
    return [str(block) for block in (free_blocks(blocks, left_out) if left_out else blocks)]


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"summarize": summarize}
