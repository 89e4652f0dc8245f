# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that a certificate's holder may have behind it: the extension id-pe-ipAddrBlocks (RFC 3779, section 2).

Canonical DER (2.2.3): IPv4 before IPv6, ranges ascending, none of which touches the next, and a prefix wherever a range
is one. OpenSSL and strongSwan hold packets' addresses, and certificates below, against it.

It is not critical, though RFC 3779 (2.2.1) recommends that. Gateways of partners see our certificates, too, and many
refuse one with a critical extension that they do not know. Our own edges heed it either way.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterable
from pathlib import Path

from .._base.address_blocks import Range, canonical
from .._base.prefix import BITS
from .authority import not_before

with contextlib.suppress(ImportError):  # whoever signs says so (authority.HAS_CRYPTOGRAPHY)
    from cryptography import x509
    from cryptography.x509.oid import NameOID

OID = "1.3.6.1.5.5.7.1.7"  # id-pe-ipAddrBlocks, RFC 3779, 2.2.1
# What an authority may certify, and a partner's certificate. An edge of ours has far less.
EVERYTHING = ("0.0.0.0/0", "::/0")
_AFI = {4: 1, 6: 2}  # address family numbers (IANA), of 2.2.3.3


def extension(addresses: Iterable[str]) -> x509.UnrecognizedExtension:
    """The extension for prefixes and ranges. Without any, it certifies no address at all."""
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(OID), der(addresses))


def certifies(certificate: x509.Certificate) -> bool:
    """Whether a certificate says which addresses its holder may have."""
    return _of(certificate) is not None


def last(issued: Path, identity: str) -> x509.UnrecognizedExtension | None:
    """The extension in the newest certificate of an identity among the authority's copies; None if there is none."""
    newest: x509.Certificate | None = None
    signed: tuple[datetime.datetime, int] | None = None
    for path in issued.glob("[0-9a-f]*.pem"):
        one = x509.load_pem_x509_certificate(path.read_bytes())
        (name,) = one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        when = not_before(one), path.stat().st_mtime_ns  # two may be of one second
        if name.value == identity and (signed is None or when > signed):
            newest, signed = one, when
    return _of(newest) if newest else None


def _of(certificate: x509.Certificate) -> x509.UnrecognizedExtension | None:
    for one in certificate.extensions:
        if one.oid.dotted_string == OID and isinstance(one.value, x509.UnrecognizedExtension):
            return one.value
    return None


def der(addresses: Iterable[str]) -> bytes:
    """IPAddrBlocks, a SEQUENCE OF IPAddressFamily (2.2.3.1). ValueError if a text is neither a prefix nor a range."""
    ranges = canonical(addresses)
    families = [[one for one in ranges if one.family == family] for family in _AFI]
    return _tagged(0x30, b"".join(_family(found) for found in families if found))


def _family(ranges: list[Range]) -> bytes:
    """IPAddressFamily: its number, without a SAFI, and what there is of it (2.2.3.2 to 2.2.3.6)."""
    number = _AFI[ranges[0].family].to_bytes(2, "big")
    return _tagged(0x30, _tagged(0x04, number) + _tagged(0x30, b"".join(map(_range, ranges))))


def _range(one: Range) -> bytes:
    """IPAddressOrRange (2.2.3.7): a prefix (2.2.3.8), or what tells its two ends (2.2.3.9)."""
    bits = BITS[one.family]
    prefix = one.prefix
    if prefix is not None:
        return _bits(one.first, prefix.length, bits)
    least = bits - _trailing(one.first, 0, bits)
    most = bits - _trailing(one.last, 1, bits)
    return _tagged(0x30, _bits(one.first, least, bits) + _bits(one.last, most, bits))


def _trailing(address: int, bit: int, bits: int) -> int:
    """How many of an address's last bits are this one."""
    count = 0
    while count < bits and address >> count & 1 == bit:
        count += 1
    return count


def _bits(address: int, length: int, bits: int) -> bytes:
    """BIT STRING of an address's first bits; those that fill up the last octet are zero (X.690, 11.2.1)."""
    octets = -(-length // 8)
    unused = 8 * octets - length
    return _tagged(0x03, bytes([unused]) + (address >> (bits - length) << unused).to_bytes(octets, "big"))


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes(-(-size.bit_length() // 8), "big")
    return bytes([tag, 0x80 | len(length)]) + length + content
