# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: a path through a VPN needs addresses of the VPN's IP version on every host along it."""

from __future__ import annotations

from collections.abc import Iterable

from ..._base.problems import Problems
from ..._intent.landscape.hosts import Addresses
from ..._intent.paths import of_host
from ..._intent.vpn import Vpn


def check_family(vpn: Vpn, needed: Iterable[tuple[str, str, Addresses]], whom: str, problems: Problems) -> None:
    """Note hosts without such an address. ``needed``: host, the variable that has its addresses, and these."""
    family = vpn.pool.family
    for host, variable, addresses in needed:
        if family not in addresses:
            problems.add(
                of_host(host, variable),
                f"has no IPv{family} address, which {vpn.path}.pool {vpn.pool} needs for {whom}",
                f"no IPv{family} address",
            )
