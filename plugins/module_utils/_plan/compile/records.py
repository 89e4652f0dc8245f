# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what VCC nodes keep of the ledger itself: who has which address in their cloud, and some of the VPNs there.

A VPN as it was asked for, with all its members, is kept in a few clouds. In all of them, a VPN over a thousand clouds
would be told a thousand times, and again with each change of a member. Out of it a ledger is recovered that was lost,
or restored from a backup that is too old (`_recovery/recover.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any

from ..._base.lease import Lease
from .leased_vpn import LeasedVpn

KEY = "ledger"
"""Of a VCC node's document. Below it: ``vpns`` (name -> ``number``, ``intent``), ``leases`` (key -> a lease)."""
ELSEWHERE = "elsewhere"
"""Below that: the numbers of VPNs that are there, and kept whole in other clouds."""
WHOLE = 20
"""In how many clouds a VPN is kept as it was asked for. The others know its number."""


class Records:
    """The VPNs of an organization, for the clouds that have a VCC node's slice."""

    def __init__(self, vpns: Iterable[LeasedVpn]) -> None:
        self._vpns = list(vpns)

    def by_cloud(self, clouds: Collection[str], only: Collection[str]) -> dict[str, dict[str, Any]]:
        """What the VCC nodes of the clouds ``only`` keep. ``clouds`` are all that have one of these documents.

        A site that is in none of them, as an external edge's may be, is kept in all that the VPN is in. So is a site
        that left the VPN, whose addresses stay leased.
        """
        found: dict[str, dict[str, Any]] = {cloud: {"vpns": {}, "leases": {}} for cloud in only}
        for leased in self._vpns:
            record = {"number": leased.number, "intent": leased.vpn.record()}
            homes = {site: edge.cloud for site, edge in leased.edges.items()}
            there = {cloud: found[cloud] for cloud in {*homes.values()} if cloud in found}
            keeping = _keeping(leased, clouds)
            for cloud, kept in there.items():
                if cloud in keeping:
                    kept["vpns"][leased.vpn.name] = record
                else:
                    kept.setdefault(ELSEWHERE, {})[leased.vpn.name] = leased.number
            for key, lease in sorted(leased.leases.items()) if there else ():
                home = homes.get(site_of(key))
                if home not in clouds:
                    for kept in there.values():
                        kept["leases"][key] = lease_record(lease)
                elif home in found:
                    found[home]["leases"][key] = lease_record(lease)
        return found

    def digests(self, clouds: Collection[str]) -> dict[str, list[str]]:
        """Of what is not in the digests of a cloud's sites: the VPNs as they are asked for, and leases of others."""
        found: dict[str, list[str]] = {cloud: [] for cloud in clouds}
        for leased in self._vpns:
            edges = leased.edges
            homes = {site: edge.cloud for site, edge in edges.items()}
            stray = [
                (key, str(lease.prefix))
                for key, lease in leased.leases.items()
                if homes.get(site_of(key)) not in clouds
            ]
            part = digest_of([leased.vpn.name, leased.number, sorted(stray)])
            whole = digest_of([part, leased.vpn.record()])
            keeping = _keeping(leased, clouds)
            for cloud in {edge.cloud for edge in edges.values()} & set(clouds):
                found[cloud].append(whole if cloud in keeping else part)
        return found


def _keeping(leased: LeasedVpn, clouds: Collection[str]) -> set[str]:
    """The clouds that keep a VPN as it was asked for; not the same ones for all VPNs."""
    there = {edge.cloud for edge in leased.edges.values()} & set(clouds)
    return {*sorted(there, key=lambda cloud: digest_of([leased.vpn.name, cloud]))[:WHOLE]}


def digest_of(data: Any) -> str:
    """SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def lease_record(lease: Lease) -> dict[str, str]:
    """A lease as plain data."""
    return {"prefix": str(lease.prefix), "kind": lease.kind, "pool": lease.pool}


def site_of(key: str) -> str:
    """The site that a lease belongs to; empty for a VPN's own blocks."""
    parts = key.split("/")
    return parts[3].partition("#")[0] if len(parts) > 3 else ""
