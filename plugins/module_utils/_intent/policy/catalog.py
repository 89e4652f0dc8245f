# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the policies that are shipped. docs/policies.md holds each against what the authorities ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CATALOG: Mapping[str, Mapping[str, Any]] = {
    "standard": {},
    # CNSA 1.0 (RFC 9206, section 4). The algorithms are those of `standard` today. Said once more, so that they stay
    # what that document asks for, whatever `standard` becomes.
    "cnsa": {
        "encryption": {
            "ike": ["aes256gcm16-prfsha384-ecp384"],
            "esp": ["aes256gcm16-ecp384"],
            "ike_rekey": 14400,
            "esp_rekey": 3600,
        },
    },
    # Against whoever records today and has a quantum computer some day: a PPK in every tunnel, and ML-KEM beside the
    # group in those whose both ends have it.
    "postquantum": {
        "encryption": {
            "ike": ["aes256gcm16-prfsha384-ecp384-ke1_mlkem1024", "aes256gcm16-prfsha384-ecp384"],
            "esp": ["aes256gcm16-ecp384-ke1_mlkem1024", "aes256gcm16-ecp384"],
            "ppk": "required",
        },
    },
}
"""What a shipped policy says other than the sections' defaults, which are ``standard``."""
