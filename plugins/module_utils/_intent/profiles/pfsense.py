# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pfSense 2.5 and later, which runs strongSwan."""

from __future__ import annotations

from .profile import SHA2, Profile, Source, Suite

_SUITE = Suite(
    ciphers=frozenset({"aes128", "aes192", "aes256", "aes128gcm16", "aes192gcm16", "aes256gcm16"}),
    hashes=SHA2,
    groups=frozenset(
        {"modp2048", "modp3072", "modp4096", "modp6144", "modp8192"}
        | {"ecp256", "ecp384", "ecp521", "curve25519", "x25519"}
    ),
)
PROFILE = Profile(
    name="pfsense",
    title="pfSense",
    ike=_SUITE,
    esp=_SUITE,
    sources=(
        # Algorithms, groups, types of identities, child SA start actions, in the words of the pages.
        Source("ipsec.inc (pfsense/pfsense, src/etc/inc)", "2026-11-30"),
        Source("Phase 1 Settings (docs.netgate.com, vpn/ipsec/configure-p1)", "2026-11-30"),
    ),
    unconfirmed=(
        "ChaCha20-Poly1305: newer releases may have it; left out",
        "a PRF of another hash than the integrity algorithm: left out",
    ),
    one_pfs_group=True,
)
