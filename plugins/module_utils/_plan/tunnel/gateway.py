# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: whether the gateway of an external edge can do what a VPN's policy asks for. Nothing is weakened for it."""

from __future__ import annotations

from ..._base.problems import Problems
from ..._intent.landscape.hosts import OrgEdge
from ..._intent.policy.encryption import usable
from ..._intent.vpn import Vpn


def check_gateway(vpn: Vpn, edge: OrgEdge, problems: Problems) -> None:
    """Note what an edge's gateway refuses of a VPN, why, and what it takes instead."""
    profile = edge.profile
    if profile is None:
        return
    for key in ("ike", "esp"):
        proposals = usable(getattr(vpn.policy.encryption, key), False)
        if proposals and not profile.chosen(proposals, ike=key == "ike"):
            problems.add(
                f"{vpn.path}.policy",
                f"has no proposal (encryption.{key}) for {edge.name} (vcc_gateway: {profile.name}): "
                f"{profile.why_not(proposals, ike=key == 'ike')}; add that to encryption.{key}, or use a policy that "
                "has it",
            )
    if vpn.pool.family not in profile.families:
        problems.add(
            f"{vpn.path}.pool",
            f"is of IPv6, and tunnels to {edge.name} (vcc_gateway: {profile.name}) carry IPv4; use a pool of IPv4",
        )
