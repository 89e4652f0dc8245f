# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""intercloud.vpn.carve: blocks out of a pool, by name."""

from __future__ import annotations

DOCUMENTATION = r"""
name: carve
short_description: Carve named blocks out of a pool
version_added: 0.1.0
author: The intercloud.vpn developers
description:
  - Gives every name a block of the pool, none of which overlap. The order of the names does not matter.
  - Save the result and pass it as O(held) next time, and no block ever moves, however the requests change.
positional: requests
options:
  _input:
    description: The pool, a CIDR block such as V(10.0.0.0/16) or V(fd00:1::/48).
    type: str
    required: true
  requests:
    description:
      - A mapping of names to prefix lengths, or a list of mappings, each with a C(name) and either a C(length) (the
        prefix length) or C(hosts) (how many hosts it shall have room for; the addresses that no host can have, that is
        network and broadcast with IPv4 and subnet-router anycast with IPv6, come on top).
    type: raw
    required: true
  held:
    description: Blocks by name that were given out before. They stay, also those that are not asked for any more.
    type: dict
    default: {}
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
"""

RETURN = r"""
_value:
  description: Every name with its CIDR block, sorted by name. What was passed as held is in it, unchanged.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import Prefix
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.blocks import carve_blocks, length_for_hosts


def carve(pool: Any, requests: Any, held: Any = None) -> dict[str, str]:
    """The filter; AnsibleFilterError when the input is wrong or the pool is too small."""
    try:
        block = Prefix.parse(pool)
        if not isinstance(held, (Mapping, type(None))):
            raise ValueError("held must be a mapping of names to CIDR blocks")
        kept = {str(name): Prefix.parse(cidr) for name, cidr in (held or {}).items()}
        carved = carve_blocks(block, _lengths(block.family, requests), kept)
    except (ValueError, VccError) as error:
        raise AnsibleFilterError(f"intercloud.vpn.carve: {error}") from error
    return {name: str(prefix) for name, prefix in carved.items()}


def _lengths(family: int, requests: Any) -> dict[str, int]:
    if isinstance(requests, Mapping):
        return {str(name): _number(length, f"the prefix length of {name}") for name, length in requests.items()}
    if not isinstance(requests, (list, tuple)):
        raise ValueError("requests must be a mapping of names to prefix lengths, or a list of mappings")
    lengths: dict[str, int] = {}
    for index, request in enumerate(requests):
        place = f"requests[{index}]"
        if not isinstance(request, Mapping) or set(request) not in ({"name", "length"}, {"name", "hosts"}):
            raise ValueError(f"{place} must have a name and either a length or hosts, and nothing else")
        name = str(request["name"])
        if name in lengths:
            raise ValueError(f"{place}: {name} is asked for twice")
        if "length" in request:
            lengths[name] = _number(request["length"], f"{place}.length")
        else:
            lengths[name] = length_for_hosts(family, _number(request["hosts"], f"{place}.hosts"))
    return lengths


def _number(value: Any, place: str) -> int:
    # Text as well: what a template made of a number is text in older ansible-core.
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, str) and value.isdigit())):
        raise ValueError(f"{place} must be a whole number, and is {value!r}")
    return int(value)


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"carve": carve}
