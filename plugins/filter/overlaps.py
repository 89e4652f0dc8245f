# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""intercloud.vpn.overlaps: which blocks share addresses."""

from __future__ import annotations

DOCUMENTATION = r"""
name: overlaps
short_description: Find CIDR blocks that overlap
version_added: 0.1.0
author: The intercloud.vpn developers
description:
  - With a list, returns every pair of its blocks that share an address.
  - With one block and a list in O(others), returns those of the list that share an address with the block.
  - Bare addresses count as blocks of one address. IPv4 and IPv6 never overlap.
positional: others
options:
  _input:
    description: A list of CIDR blocks and addresses, or a single one together with O(others).
    type: raw
    required: true
  others:
    description: What to compare a single block with.
    type: list
    elements: str
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
"""

RETURN = r"""
_value:
  description: Pairs, each a list of two, or with O(others) those that overlap; as they were written, in input order.
  type: list
  elements: raw
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import Prefix, parse_any
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.blocks import overlapping_pairs


def overlaps(value: Any, others: Any = None) -> list[Any]:
    """The filter; AnsibleFilterError when the input is wrong."""
    try:
        if isinstance(value, str):
            if not isinstance(others, (list, tuple)):
                raise ValueError("a single block needs a list to compare it with")
            block = parse_any(value)
            return [str(text) for text, other in zip(others, _parsed(others)) if block.overlaps(other)]
        if not isinstance(value, (list, tuple)) or others is not None:
            raise ValueError("the input must be a list of CIDR blocks, or one block with a list as argument")
        return [[str(value[low]), str(value[high])] for low, high in overlapping_pairs(_parsed(value))]
    except ValueError as error:
        raise AnsibleFilterError(f"intercloud.vpn.overlaps: {error}") from error


def _parsed(texts: Any) -> list[Prefix]:
    return [parse_any(text) for text in texts]


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"overlaps": overlaps}
