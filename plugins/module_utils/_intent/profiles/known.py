# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: the gateways there are profiles for, by their words in the inventory (``vcc_gateway``)."""

from __future__ import annotations

from collections.abc import Mapping

from . import aws, azure, cisco, fortigate, gcp, libreswan, mikrotik, pfsense
from .profile import Profile

GATEWAYS: Mapping[str, Profile] = {
    module.PROFILE.name: module.PROFILE for module in (aws, azure, gcp, libreswan, fortigate, pfsense, mikrotik, cisco)
}


def profile_of(name: str | None) -> Profile | None:
    """A gateway's profile; None for any gateway that speaks IKEv2."""
    return None if name is None else GATEWAYS[name]


def wrong_key(gateway: object, key: str) -> str | None:
    """What a gateway would say is wrong with a pre-shared key, or None. The key is never part of the answer."""
    profile = GATEWAYS.get(gateway) if isinstance(gateway, str) else None
    return profile.psk.wrong(key, profile.title) if profile else None
