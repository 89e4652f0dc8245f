# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cisco IOS-XE, with a crypto map."""

from __future__ import annotations

from .profile import SHA2, Limits, Profile, PskForm, Source, Suite

PROFILE = Profile(
    name="cisco",
    title="Cisco IOS-XE",
    ike=Suite(
        frozenset({"aes128", "aes192", "aes256", "aes128gcm16", "aes256gcm16"}),
        SHA2,
        frozenset({"modp2048", "modp3072", "modp4096", "ecp256", "ecp384", "ecp521"}),
        own_prf=True,
    ),
    esp=Suite(
        frozenset({"aes128", "aes192", "aes256", "aes128gcm16", "aes192gcm16", "aes256gcm16"}),
        SHA2,
        frozenset({"modp2048", "ecp256", "ecp384"}),
    ),
    sources=(
        # IKE's algorithms and groups, transform sets, dead peer detection.
        Source("iosxe_crypto_ikev2_proposal, …ikev2_profile (provider CiscoDevNet/iosxe)", "2026-11-30"),
        Source("iosxe_crypto_ipsec_transform_set (provider CiscoDevNet/iosxe)", "2026-11-30"),
    ),
    unconfirmed=(
        "groups for perfect forward secrecy other than 14, 19 and 20: left out",
        "lifetimes: 120 to 86400 s",
        "a key's form: at most 127 characters without space, '?' and '\"'",
    ),
    ike_lifetime=Limits(120, 86400),
    esp_lifetime=Limits(120, 86400),
    dpd=Limits(10, 3600),
    one_pfs_group=True,
    # A crypto map initiates whenever there is a packet for it.
    responds_only=False,
    psk=PskForm(1, 127, r"[!#->@-~]", "printable ASCII without space and '?'", "!"),
)
