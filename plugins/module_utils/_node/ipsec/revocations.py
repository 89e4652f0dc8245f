# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The revocation list that the VCC server made: an X.509 CRL with a head of text (_pki/crl.py there).

A CRL itself has serial numbers only. The head says whose certificates they are, and charon skips it.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

_PEM = re.compile(r"-----BEGIN X509 CRL-----(.+?)-----END X509 CRL-----", re.DOTALL)
_EXTENSIONS = 0xA0  # [0], the last of what is signed (RFC 5280, 5.1)
_CRL_NUMBER = bytes((0x55, 0x1D, 0x14))  # 2.5.29.20
_REVOKED = re.compile(r"^revoked: (\S+) ([0-9a-f]+) (\S+)$", re.MULTILINE)  # identity, serial, when


def folded(identity: str) -> str:
    """What is equal of identities that are one: charon compares them without case, as DNS names are."""
    return identity.casefold()


def number(text: str) -> int:
    """The list's number, as it is signed: a newer one has a larger one. 0 for no list."""
    found = _PEM.search(text)
    try:
        return _number(binascii.a2b_base64(found.group(1))) if found else 0
    except (ValueError, LookupError):
        return 0


def _number(crl: bytes) -> int:
    (_tag, whole), *_none = _values(crl)
    (_tag, signed), *_signature = _values(whole)
    for tag, value in _values(signed):
        if tag == _EXTENSIONS:
            [(_tag, extensions)] = _values(value)
            for _tag, extension in _values(extensions):
                (_tag, name), *_critical, (_tag, content) = _values(extension)
                if name == _CRL_NUMBER:
                    [(_tag, digits)] = _values(content)
                    return int.from_bytes(digits, "big")
    return 0


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The values, DER, that lie one after the other in octets: their tags and contents."""
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            octets = length & 0x7F
            length = int.from_bytes(data[at : at + octets], "big")
            at += octets
        yield tag, data[at : at + length]
        at += length


def serials(text: str) -> dict[str, str]:
    """The serial numbers, decimal, of the certificates that were revoked, and whose they were."""
    return {str(int(serial, 16)): identity for identity, serial, _when in _REVOKED.findall(text)}


def identities(text: str) -> dict[str, str]:
    """Whose certificates were revoked, and when last (ISO 8601, UTC)."""
    last: dict[str, str] = {}
    for identity, _serial, when in _REVOKED.findall(text):
        last[identity] = max(when, last.get(identity, ""))
    return last
