# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that a certificate names for its holder (RFC 3779), read from its DER.

Not every build of openssl can print them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

OID = bytes.fromhex("06082b06010505070107")  # id-pe-ipAddrBlocks
_BITS = {1: 32, 2: 128}  # by number of address family (IANA)
_NUMBER, _OCTETS, _LIST, _TRUE = 0x03, 0x04, 0x30, 0x01


def certified(der: bytes) -> list[str] | None:
    """Prefixes, and ranges that are none ("first-last"); None where a certificate names no addresses.

    None as well where it cannot be read, or takes the addresses from its authority ("inherit"): none of ours does.
    """
    if OID not in der:
        return None
    try:
        rest = der.split(OID, 1)[1]
        tag, content, after = _taken(rest)
        if tag == _TRUE:  # critical
            tag, content, after = _taken(after)
        if tag != _OCTETS:
            return None
        return [text for _tag, family in _each(_taken(content)[1]) for text in _family(family)]
    except (IndexError, KeyError, ValueError):
        return None


def _taken(data: bytes) -> tuple[int, bytes, bytes]:
    """The first element of DER: its tag and content; and what comes after it."""
    tag, size, begin = data[0], data[1], 2
    if size & 0x80:
        begin += size & 0x7F
        size = int.from_bytes(data[2:begin], "big")
    if len(data) < begin + size:
        raise ValueError("cut off")
    return tag, data[begin : begin + size], data[begin + size :]


def _each(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        tag, content, data = _taken(data)
        yield tag, content


def _family(data: bytes) -> list[str]:
    _tag, number, rest = _taken(data)
    bits = _BITS[int.from_bytes(number[:2], "big")]
    tag, content, _after = _taken(rest)
    if tag != _LIST:
        raise ValueError("inherit")
    return [_text(tag, one, bits) for tag, one in _each(content)]


def _text(tag: int, data: bytes, bits: int) -> str:
    of = ipaddress.IPv4Address if bits == 32 else ipaddress.IPv6Address
    if tag == _NUMBER:
        value, length = _string(data, bits)
        return f"{of(value)}/{length}"
    (_first, low), (_last, high) = _each(data)
    value, length = _string(high, bits)
    return f"{of(_string(low, bits)[0])}-{of(value | ((1 << (bits - length)) - 1))}"


def _string(data: bytes, bits: int) -> tuple[int, int]:
    """A BIT STRING: an address that begins with these bits, and how many they are."""
    length = 8 * (len(data) - 1) - data[0]
    if not 0 <= length <= bits:
        raise ValueError("longer than an address")
    return int.from_bytes(data[1:], "big") >> data[0] << (bits - length), length
