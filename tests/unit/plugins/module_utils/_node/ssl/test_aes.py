# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AES-256 against the vectors of its own standards."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl import aes


def test_a_block() -> None:
    """FIPS 197, C.3."""
    key = bytes(range(32))
    text = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert aes.encrypt(key, text).hex() == "8ea2b7ca516745bfeafc49904b496089"


def test_counter_mode() -> None:
    """NIST SP 800-38A, F.5.5, the last block short."""
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    start = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    text = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46")
    expected = "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930da"
    assert aes.counted(key, start, text).hex() == expected
    assert aes.counted(key, start, bytes.fromhex(expected)) == text


def test_short_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="32 octets of key"):
        aes.encrypt(bytes(16), bytes(16))
