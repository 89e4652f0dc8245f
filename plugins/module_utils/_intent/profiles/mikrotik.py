# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MikroTik RouterOS 7."""

from __future__ import annotations

from .profile import Profile, PskForm, Source, Suite

_HASHES = frozenset({"sha256", "sha512"})
PROFILE = Profile(
    name="mikrotik",
    title="MikroTik RouterOS",
    ike=Suite(
        frozenset({"aes128", "aes192", "aes256"}),
        _HASHES,
        frozenset({"modp2048", "modp3072", "modp4096", "modp6144", "modp8192", "ecp256", "ecp384", "ecp521"}),
    ),
    esp=Suite(
        frozenset({"aes128", "aes192", "aes256", "aes128gcm16", "aes192gcm16", "aes256gcm16"}),
        _HASHES,
        frozenset({"modp2048", "modp3072", "ecp256", "ecp384", "ecp521"}),
    ),
    sources=(
        # Profiles, proposals.
        Source("IPsec (MikroTik RouterOS documentation, help.mikrotik.com)", "2026-11-30"),
        # Identities, dead peer detection.
        Source("routeros_ip_ipsec_profile, …identity (provider terraform-routeros/routeros)", "2026-11-30"),
    ),
    unconfirmed=(
        "AES-GCM, SHA-384 and X25519 for IKE: the documentation of profiles does not name them, so they are left out",
        "groups for perfect forward secrecy above modp3072: left out",
        "ESP in UDP and lifetimes have no documented limits",
    ),
    # A profile has one hash, and a policy one proposal.
    one_proposal=True,
    one_pfs_group=True,
    # Of a day, an installed SA says 19h12m/1d (add-lifetime): when it is replaced, and when it ends.
    rekeys_after=80,
    # The rest is quoted; a ? asks its console for help even within quotes.
    psk=PskForm(characters=r"[ ->@-~]", rule="printable ASCII without '?'"),
)
