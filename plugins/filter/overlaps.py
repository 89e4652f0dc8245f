# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""intercloud.vpn.overlaps: which blocks share addresses."""

from __future__ import annotations

DOCUMENTATION = r"""
name: overlaps
short_description: Find CIDR blocks that overlap
version_added: 1.0.0
author: The intercloud.vpn developers
description:
  - With a list, returns every pair of its blocks that share an address.
  - With a mapping of names to blocks, returns the pairs of names.
  - With one block and O(others), returns those of O(others) that share an address with the block.
  - With a list or a mapping and O(others), returns the pairs of one of each that share an address.
  - Bare addresses count as blocks of one address. IPv4 and IPv6 never overlap.
positional: others
options:
  _input:
    description:
      - A CIDR block or an address, a list of them, or a mapping of names to either, such as C(carve) returns.
      - A single one needs O(others).
    type: raw
    required: true
  others:
    description: What to compare with, in the same forms.
    type: raw
"""

EXAMPLES = r"""
- name: No two networks may overlap
  ansible.builtin.assert:
    that: networks | intercloud.vpn.overlaps == []
  vars:
    networks: [10.0.0.0/16, 10.1.0.0/16]

- name: Which networks are in the way of a pool
  ansible.builtin.debug:
    msg: "{{ '10.0.0.0/8' | intercloud.vpn.overlaps(['10.1.0.0/16', '192.168.1.0/24']) }}"
  # ["10.1.0.0/16"]

- name: Which sites use the same addresses
  ansible.builtin.debug:
    msg: "{{ sites | intercloud.vpn.overlaps }}"
  vars:
    sites: {berlin: 10.0.0.0/16, oslo: [10.0.7.0/24, 10.8.0.0/24], rome: 10.9.0.0/16}
  # [["berlin", "oslo"]]

- name: Which sites are in the way of a planned network
  ansible.builtin.debug:
    msg: "{{ '10.8.0.0/13' | intercloud.vpn.overlaps({'berlin': '10.0.0.0/16', 'rome': '10.9.0.0/16'}) }}"
  # ["rome"]

- name: Each network against each pool
  ansible.builtin.debug:
    msg: "{{ ['10.0.0.0/24', '10.1.0.7'] | intercloud.vpn.overlaps(['10.0.0.0/16', '10.1.0.0/16']) }}"
  # [["10.0.0.0/24", "10.0.0.0/16"], ["10.1.0.7", "10.1.0.0/16"]]
"""

RETURN = r"""
_value:
  description:
    - Pairs, each a list of two; for a single block, those of O(others) that overlap.
    - Blocks as they were written, or names where a mapping was given, in the order of the input. A pair of names is
      in the result once.
  type: list
  elements: raw
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.blocks import overlapping_pairs
from ansible_collections.intercloud.vpn.plugins.plugin_utils._address_plan import labelled, problems_of


def overlaps(value: Any, others: Any = None) -> list[Any]:
    """The filter; AnsibleFilterError when the input is wrong."""
    with problems_of("overlaps") as found:
        mine = labelled(value, "input", found)
        theirs = None if others is None else labelled(others, "others", found)
        if theirs is None and isinstance(value, str):
            found.add("others", "a single block needs others to compare it with")
    if theirs is None:
        blocks = [block for _place, _label, block in mine]
        pairs = [(mine[low][1], mine[high][1]) for low, high in overlapping_pairs(blocks)]
    else:
        # First all of theirs, then mine: a pair across the border has its low position in theirs.
        border, every = len(theirs), [block for _place, _label, block in (*theirs, *mine)]
        across = sorted((high, low) for low, high in overlapping_pairs(every) if low < border <= high)
        pairs = [(mine[high - border][1], theirs[low][1]) for high, low in across]
    if isinstance(value, str):
        return _once([their for _my, their in pairs], others)
    return [[my, their] for my, their in _once(pairs, value, others)]


def _once(entries: list[Any], *given: Any) -> list[Any]:
    """Names once; blocks as often as they were given."""
    return list(dict.fromkeys(entries)) if any(isinstance(one, Mapping) for one in given) else entries


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"overlaps": overlaps}
