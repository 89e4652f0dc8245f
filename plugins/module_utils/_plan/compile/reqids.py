# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the reqid of each link of an edge, which ties its policies to its SAs and to no other link's.

Left to charon, two CHILD_SAs of one IKE_SA have been seen to come back with the same reqid after an outage
(kernel-libipsec, 5.9.8). One of the two then carried the packets of the other as well, until somebody ended it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

FIRST, LAST = 1 << 16, (1 << 31) - 1  # charon counts its own from 1


def link_name(link: Mapping[str, Any]) -> str:
    """The name of a link in its tunnel: that of its VPN, but for those of members that moved."""
    return str(link.get("name", link["vpn"]))


def number_links(tunnels: Iterable[dict[str, Any]]) -> None:
    """Give each link of an edge's IPsec tunnels a ``reqid`` that no other link of the edge has.

    It follows from the selectors, which no other link of an organization has but that to the other edge of a pair. So
    it stays when other links come and go, and when a VPN or an edge has another name: charon has the kernel use the
    same policies for the old link and the new one only with the same reqid. Where two meet, the later in the order of
    names takes the next number that is free.
    """
    taken: set[int] = set()
    for tunnel in sorted(tunnels, key=lambda one: str(one["name"])):
        if tunnel.get("kind", "ipsec") != "ipsec":
            continue
        for link in sorted(tunnel["links"], key=link_name):
            text = f"{' '.join(link['local_ts'])} === {' '.join(link['remote_ts'])}"
            if tunnel.get("lane"):  # to the second edge of a site: the same selectors as to the first
                text += f" lane {tunnel['lane']}"
            digest = hashlib.sha256(text.encode()).digest()
            number = FIRST + int.from_bytes(digest[:8], "big") % (LAST - FIRST)
            while number in taken:
                number = number + 1 if number < LAST else FIRST
            taken.add(number)
            link["reqid"] = number
