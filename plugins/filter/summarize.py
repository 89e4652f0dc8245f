# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""intercloud.vpn.summarize: the fewest blocks that cover the same addresses."""

from __future__ import annotations

DOCUMENTATION = r"""
name: summarize
short_description: Summarize CIDR blocks and addresses
version_added: 0.1.0
author: The intercloud.vpn developers
description:
  - Returns the fewest CIDR blocks that cover exactly the addresses of the input, sorted, IPv4 first.
options:
  _input:
    description: A list of CIDR blocks and bare addresses.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Fewer routes
  ansible.builtin.debug:
    msg: "{{ ['10.0.0.0/25', '10.0.0.128/25', '10.0.0.7', 'fd00::1'] | intercloud.vpn.summarize }}"
  # ["10.0.0.0/24", "fd00::1/128"]
"""

RETURN = r"""
_value:
  description: The CIDR blocks; an address is written as C(/32) or C(/128).
  type: list
  elements: str
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import collapse, parse_any


def summarize(value: Any) -> list[str]:
    """The filter; AnsibleFilterError when the input is wrong."""
    if not isinstance(value, (list, tuple)):
        raise AnsibleFilterError("intercloud.vpn.summarize: the input must be a list of CIDR blocks and addresses")
    try:
        return [str(prefix) for prefix in collapse(parse_any(text) for text in value)]
    except ValueError as error:
        raise AnsibleFilterError(f"intercloud.vpn.summarize: {error}") from error


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"summarize": summarize}
