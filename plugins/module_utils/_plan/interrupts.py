# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what a change interrupts, and what it takes away. What was measured is in docs/apply.md."""

from __future__ import annotations

IPSEC, SSL = "ipsec", "ssl"
AGAIN = "made again: members across it may wait up to a second"
RESTARTS = "OpenVPN restarts: members across it may wait some seconds"
OTHER_KIND = "another kind of tunnel: members across it may wait some seconds"
BOTH_SIDES = "made again: down until the other side has the same settings"
NOTHING = "nothing is interrupted"
STAYS_LEASED = "its address stays leased"
GONE = "Its members no longer reach each other. Its addresses are released when all nodes have given it up."


def of_link(old: str, new: str) -> str:
    """What it interrupts that a link is another: its selectors and settings, as `diff` has them, before and after.

    charon makes an IPsec link again whose child differs. Of the largest packet, only firewall and routes know.
    """
    kinds = [SSL if "in the session" in text else IPSEC for text in (old, new)]
    if kinds[0] != kinds[1]:
        return OTHER_KIND
    if kinds[1] == SSL:
        return RESTARTS
    return NOTHING if _without_mtu(old) == _without_mtu(new) else AGAIN


def of_tunnel(old: str, new: str) -> str:
    """The same of a tunnel: what comes after its name."""
    if "external" in old.partition(":")[0] or "external" in new.partition(":")[0]:
        return BOTH_SIDES
    return RESTARTS if new.startswith("(ssl") else f"{AGAIN}, in every VPN"


def _without_mtu(text: str) -> list[str]:
    return [part for part in text.split(", ") if not part.startswith("MTU ")]
