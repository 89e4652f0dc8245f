# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what users call the parts of an intent. Every error's path begins with one of these, or with ``hosts.``."""

from __future__ import annotations

VPNS = "vcc_vpns"
NETWORKS = "vcc_networks"
POOLS = "vcc_pools"
POLICIES = "vcc_policies"
DELETE = "vcc_delete"
ORGANIZATION = "vcc_organization"
CREATE_TUNNELS = "vcc_create_tunnels"
GENERATION = "vcc_generation"
ONLY = "vcc_only"

MOVE = "vcc_move"
TO = "vcc_to"
REVOKE = "vcc_revoke"

CHANGES = ("add", "remove")
"""What makes an entry of VPNS a change of a VPN that is there (change.py)."""


def of_vpn(index: int) -> str:
    """The path of a VPN of the intent."""
    return f"{VPNS}[{index}]"


def of_network(index: int) -> str:
    """The path of a stretched network of the intent."""
    return f"{NETWORKS}[{index}]"


def of_pool(name: object) -> str:
    """The path of a pool of the intent."""
    return f"{POOLS}.{name}"


def of_policy(name: object) -> str:
    """The path of a policy of the user's own."""
    return f"{POLICIES}.{name}"


def of_host(name: str, variable: str = "") -> str:
    """The path of a host of the inventory, or of one of its variables."""
    return f"hosts.{name}.{variable}" if variable else f"hosts.{name}"
