# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reverse zones of prefixes (RFC 1035, 3.5; RFC 3596, 2.5): exactly what is within them, and nothing beside it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable


def reverse(prefixes: Iterable[str]) -> list[str]:
    """As few zones as there can be: at most 128 of an IPv4 prefix, at most 8 of an IPv6 prefix."""
    found: list[str] = []
    for text in prefixes:
        network = ipaddress.ip_network(text)
        step = 8 if network.version == 4 else 4
        length = -(-network.prefixlen // step) * step
        found += [_zone(part, length // step) for part in network.subnets(new_prefix=length)]
    return list(dict.fromkeys(found))


def _zone(network: ipaddress.IPv4Network | ipaddress.IPv6Network, labels: int) -> str:
    words = network.network_address.reverse_pointer.split(".")
    return ".".join(words[len(words) - 2 - labels :])
