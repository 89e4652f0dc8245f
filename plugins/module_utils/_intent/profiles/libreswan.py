# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""libreswan 4 and later."""

from __future__ import annotations

from ..policy.encryption import AEAD, CIPHER, GROUP
from .profile import CERTIFICATE, PSK, SHA2, Limits, Profile, Source, Suite

_SUITE = Suite(AEAD | CIPHER, SHA2, GROUP)
PROFILE = Profile(
    name="libreswan",
    title="libreswan",
    ike=_SUITE,
    esp=_SUITE,
    sources=(
        Source("ipsec.conf(5) and ipsec.secrets(5) of libreswan 4.10 (Debian 12)", "2026-11-30"),
        Source("tried: tests/kernel/test_libreswan.py", "2026-11-30"),
    ),
    ike_lifetime=Limits(None, 86400),
    esp_lifetime=Limits(None, 86400),
    one_pfs_group=True,
    authentication=frozenset({PSK, CERTIFICATE}),
    families=frozenset({4, 6}),
)
