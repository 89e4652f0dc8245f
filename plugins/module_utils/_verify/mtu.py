# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: which `vcc_underlay_mtu` would make a link carry no more than what passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._plan.compile.mtu import link_mtu, ssl_mtu

_MOST = 200  # octets that any kind of tunnel adds, and more


def underlay_for(ends: Iterable[Mapping[str, Any]], vpn: str, fits: int) -> int | None:
    """The largest underlay MTU with which no link of these tunnels lets more than ``fits`` octets in; None without any.

    ``ends`` are tunnels as an org edge's document has them.
    """
    found = []
    for tunnel in ends:
        outer = 6 if ":" in tunnel["remote_address"] else 4
        for link in tunnel["links"]:
            if link["vpn"] == vpn:
                found.append(
                    max(size for size in range(fits, fits + _MOST) if _inner(tunnel, link, outer, size) <= fits)
                )
    return min(found, default=None)


def _inner(tunnel: Mapping[str, Any], link: Mapping[str, Any], outer: int, underlay: int) -> int:
    if tunnel.get("kind", "ipsec") == "ssl":
        return min(ssl_mtu(underlay, outer, transport) for transport in tunnel["ssl"]["ports"])
    return link_mtu(underlay, outer, tuple(link["esp"]["proposals"]))
