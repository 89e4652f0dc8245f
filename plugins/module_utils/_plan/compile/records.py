# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what VCC nodes keep of the ledger itself: each the VPNs in its cloud, and who there has which address.

Out of it a ledger is recovered that was lost, or restored from a backup that is too old (`_recovery/recover.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..._base.lease import Lease
from .leased_vpn import LeasedVpn

KEY = "ledger"
"""Of a VCC node's document. Below it: ``vpns`` (name -> ``number``, ``intent``), ``leases`` (key -> a lease)."""


class Records:
    """Collects the VPNs of an organization, for the clouds that have a VCC node's slice."""

    def __init__(self) -> None:
        self._vpns: list[LeasedVpn] = []

    def add(self, leased: LeasedVpn) -> None:
        """One more VPN."""
        self._vpns.append(leased)

    def of_cloud(self, cloud: str, clouds: Collection[str]) -> dict[str, Any]:
        """What the VCC nodes of a cloud keep. ``clouds`` are all that have one.

        A site that is in none of them, as an external edge's may be, is kept in all that the VPN is in. So is a site
        that left the VPN, whose addresses stay leased.
        """
        vpns: dict[str, Any] = {}
        leases: dict[str, Any] = {}
        for leased in self._vpns:
            homes = {site: edge.cloud for site, edge in leased.edges.items()}
            if cloud not in homes.values():
                continue
            vpns[leased.vpn.name] = {"number": leased.number, "intent": leased.vpn.record()}
            for key, lease in sorted(leased.leases.items()):
                home = homes.get(_site(key))
                if home == cloud or home not in clouds:
                    leases[key] = lease_record(lease)
        return {"vpns": vpns, "leases": leases}


def lease_record(lease: Lease) -> dict[str, str]:
    """A lease as plain data."""
    return {"prefix": str(lease.prefix), "kind": lease.kind, "pool": lease.pool}


def _site(key: str) -> str:
    """The site that a lease belongs to; empty for a VPN's own blocks."""
    parts = key.split("/")
    return parts[3].partition("#")[0] if len(parts) > 3 else ""
