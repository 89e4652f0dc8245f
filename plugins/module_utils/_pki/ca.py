# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One certification authority per organization, on the VCC server; it signs the org edges' certificates.

Profiles after RFC 5280 and, for IKE, RFC 4945. Where an authority lives and what it keeps: ``authority.py``; what it
revoked: ``crl.py``.
"""

from __future__ import annotations

import datetime
import typing as t
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .._base.errors import VccError
from .._base.whole_files import locked, make_directory, write_whole
from .authority import (
    HAS_CRYPTOGRAPHY,
    Authority,
    authority,
    authority_at,
    authority_directory,
    authority_key,
    not_after,
    now,
    signer,
)
from .blocks import EVERYTHING, certifies, extension, last
from .crl import key_sha256, other_case, refused_keys
from .csr import check_request

if HAS_CRYPTOGRAPHY:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3652
CERTIFICATE_DAYS = 397
CLOCK_SKEW = datetime.timedelta(minutes=10)  # an edge whose clock is behind must not find its certificate in the future
IPSEC_IKE = "1.3.6.1.5.5.7.3.17"  # id-kp-ipsecIKE, RFC 4945, 5.1.3.12


@dataclass(frozen=True)
class Issued:
    """A signed certificate."""

    certificate: str  # PEM
    serial: str  # hexadecimal
    not_after: str  # ISO 8601, UTC


def ensure_authority(state_dir: str | Path, organization: str, certifying: bool = False) -> Authority:
    """The organization's authority that signs, made if need be: once, however many ask at the same time.

    `certifying`: see `make_authority`.
    """
    found = signer(state_dir, organization)
    if found:
        return found
    directory = authority_directory(state_dir, organization)
    try:
        make_directory(directory / "issued", 0o700)
        with locked(directory / "lock"):
            if not (directory / "ca.pem").exists():
                make_authority(directory, organization, certifying=certifying)
    except OSError as error:
        raise VccError(f"{directory}: the authority cannot be made: {error}") from error
    made = authority(state_dir, organization)
    if made is None:
        raise VccError(f"{directory}: the authority was removed while it was made")
    return made


def issue(
    state_dir: str | Path,
    organization: str,
    identity: str,
    csr: str,
    days: int,
    addresses: Iterable[str] | None = None,
    certifying: bool = False,
) -> tuple[Authority, Issued]:
    """The authority of an organization, made if need be, and a certificate that it signs; see `sign`. VccError.

    What may be signed without a person (`renewals.py`) makes no authority.
    """
    check_request(csr, identity, organization)  # before an authority is made for nothing
    owner = ensure_authority(state_dir, organization, certifying)
    if addresses is None and lacks_addresses(owner, identity):
        raise VccError(f"addresses: {identity} had no certificate so far: say what it may have behind it")
    return owner, sign(owner, csr, identity, days, addresses=addresses)


def sign(
    owner: Authority, csr: str, identity: str, days: int = CERTIFICATE_DAYS, *, addresses: Iterable[str] | None = None
) -> Issued:
    """Sign a request (checked here) for `days` days, never longer than the authority itself; keep a copy.

    `addresses`: what the holder may have behind it, prefixes or ranges; the request has no say in it. None: what the
    newest certificate of this identity has, or nothing: peers accept no selectors then. An authority that certifies
    no addresses leaves them out: openssl refuses a certificate with addresses under it.

    VccError, among others, when a certificate for the same key was revoked: whoever has that key is not to come back.
    """
    request = check_request(csr, identity, owner.organization)
    if days < 1:
        raise VccError(f"days: {days} is less than one day")
    _require_there(owner)
    key = authority_key(owner.directory)
    parent = x509.load_pem_x509_certificate(owner.pem.encode())
    if key.public_key() != parent.public_key():
        raise VccError(f"{owner.directory}: ca.key and ca.pem do not belong together: restore them from a backup")
    today = now()
    end = min(today + datetime.timedelta(days=days), not_after(parent))
    if end <= today:
        raise VccError(f"{owner.directory / 'ca.pem'}: the authority expired at {not_after(parent).isoformat()}")
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, owner.organization),
            x509.NameAttribute(NameOID.COMMON_NAME, identity),
        ]
    )
    usages = [
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
        x509.ObjectIdentifier(IPSEC_IKE),
    ]
    builder = (
        _builder(subject, parent.subject, request.public_key(), today, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(identity)]), critical=False)
        .add_extension(_issuer_identifier(parent), critical=False)
    )
    if certifies(parent):
        builder = builder.add_extension(_named(owner, identity, addresses), critical=False)
    certificate = builder.sign(key, hashes.SHA384())
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    serial = format(certificate.serial_number, "x")
    try:
        make_directory(owner.directory / "issued", 0o700)
        with locked(owner.directory / "lock"):  # not while somebody revokes what this key has, or moves the authority
            _require_there(owner)
            if key_sha256(request.public_key()) in refused_keys(owner):
                raise VccError(
                    f"request for {identity}: a certificate for this key was revoked, so it gets no other; "
                    "edge_key makes a new key when it is told so (refused)"
                )
            taken = other_case(owner, identity, key_sha256(request.public_key()))
            if taken:
                raise VccError(
                    f"request for {identity}: {taken} has a certificate for another key, and identities are compared "
                    f"without case; rename the edge, or revoke {taken} first"
                )
            write_whole(owner.directory / "issued" / f"{serial}.pem", pem, 0o644)
    except OSError as error:
        raise VccError(f"{owner.directory / 'issued'}: {error}") from error
    return Issued(pem.decode(), serial, end.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _require_there(owner: Authority) -> None:
    """VccError when an authority is not where it was: its copy of a certificate would be nobody's."""
    now_there = authority_at(owner.directory, owner.organization)
    if now_there is None or now_there.sha256 != owner.sha256:
        raise VccError(f"{owner.directory}: another authority took its place meanwhile: run this again")


def names_addresses(owner: Authority) -> bool:
    """Whether certificates of an authority name addresses."""
    return certifies(x509.load_pem_x509_certificate(owner.pem.encode()))


def lacks_addresses(owner: Authority, identity: str, serial: str = "") -> bool:
    """Whether `sign` has to be told the addresses: the authority certifies some, and knows none of this identity.

    Nor does it know what this identity has now, `serial` (hexadecimal), if it has no copy of it: of a server restored
    from a backup, the newest copy may name less.
    """
    if not names_addresses(owner):
        return False
    copies = {path.stem for place in _places(owner) for path in (place / "issued").glob("[0-9a-f]*.pem")}
    return bool(serial and serial not in copies) or _last(owner, identity) is None


def _last(owner: Authority, identity: str) -> x509.UnrecognizedExtension | None:
    """What the newest certificate of an identity names."""
    return next((found for place in _places(owner) if (found := last(place / "issued", identity))), None)


def _places(owner: Authority) -> list[Path]:
    """The authority's directory; of one that takes another one's place, in whose directory it is, also that one's."""
    parent = owner.directory.parent
    return [owner.directory, *([parent] if (parent / "ca.pem").exists() else [])]


def _named(owner: Authority, identity: str, addresses: Iterable[str] | None) -> x509.UnrecognizedExtension:
    if addresses is not None:
        return extension(addresses)
    return _last(owner, identity) or extension(())


def make_authority(
    directory: Path, organization: str, name: str = "intercloud.vpn authority", certifying: bool = False
) -> None:
    """Write ca.key, then ca.pem. A key without a certificate is what a killed run leaves: it is taken up again.

    `certifying`: whether certificates of this authority name addresses (RFC 3779), and count for these alone.
    """
    if not (directory / "ca.key").exists():
        fresh = ec.generate_private_key(ec.SECP384R1())
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        write_whole(directory / "ca.key", fresh.private_bytes(encoding, form, serialization.NoEncryption()), 0o600)
    key = authority_key(directory)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    today = now()
    builder = (
        _builder(subject, subject, key.public_key(), today, today + datetime.timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
    )
    if certifying:
        # All of them: what an edge may have is in its own certificate. A smaller set would have to grow with the pools,
        # and reach every edge before any certificate may use what is new: one edge out of reach would keep it up.
        builder = builder.add_extension(extension(EVERYTHING), critical=False)
    certificate = builder.sign(key, hashes.SHA384())
    write_whole(directory / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: t.Any, begin: datetime.datetime, end: datetime.datetime
) -> x509.CertificateBuilder:
    """What the authority's certificate and the edges' have in common."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - CLOCK_SKEW)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*granted: str) -> x509.KeyUsage:
    """A KeyUsage with these bits only."""
    bits = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"]
    bits += ["key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{bit: bit in granted for bit in bits})


def _issuer_identifier(parent: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = parent.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
