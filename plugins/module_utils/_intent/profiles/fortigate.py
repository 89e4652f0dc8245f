# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FortiGate (FortiOS 7)."""

from __future__ import annotations

from .profile import SHA2, Limits, Profile, PskForm, Source, Suite

_SUITE = Suite(
    ciphers=frozenset({"aes128", "aes192", "aes256", "aes128gcm16", "aes256gcm16", "chacha20poly1305"}),
    hashes=SHA2,
    groups=frozenset(
        {"modp2048", "modp3072", "modp4096", "modp6144", "modp8192"}
        | {"ecp256", "ecp384", "ecp521", "curve25519", "x25519"}
    ),
)
PROFILE = Profile(
    name="fortigate",
    title="FortiGate",
    ike=_SUITE,
    esp=_SUITE,
    sources=(
        # Proposals, groups, lifetimes.
        Source("fortios_vpnipsec_phase1interface, …phase2interface (provider fortinetdev/fortios)", "2026-11-30"),
        Source("fortios_vpn_ipsec_phase1_interface (Ansible collection fortinet.fortios)", "2026-11-30"),
        # The length of localid (63 characters), and 0 to 10 tries to reach a dead peer.
        Source("config vpn ipsec phase1-interface (docs.fortinet.com, FortiGate 7.4.4 CLI reference)", "2026-11-30"),
        # What ? and $ mean.
        Source("Tips (docs.fortinet.com, FortiGate 6.0 CLI reference)", "2026-11-30"),
        # Names of at most 15 characters.
        Source("Phase 1 configuration (docs.fortinet.com, FortiGate 7.4 administration guide)", "2026-11-30"),
    ),
    unconfirmed=(
        "a key's length: at least 6 and at most 128 characters",
        "seconds between two checks for a dead peer: no limits are given; 1 to 3600 is what policies have",
    ),
    ike_lifetime=Limits(120, 172800),
    esp_lifetime=Limits(120, 172800),
    dpd=Limits(1, 3600),
    longest_identity=63,
    # A ? asks for help even within quotes, and $USERNAME and the like are variables.
    psk=PskForm(6, 128, r"[ -#%->@-~]", "printable ASCII without '?' and '$'"),
)
