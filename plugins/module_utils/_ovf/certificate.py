# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: the certificate file (DSP0243, *OVF package*): who signed the manifest.

It has a line such as ``SHA256(shop.mf)= SIGNATURE`` and the signer's certificate as PEM, others of its chain after it.
A chain is followed to a certificate that the administrator trusts. Profile after RFC 5280.
"""

from __future__ import annotations

import binascii
import datetime
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .errors import PackageError
from .manifest import WEAK

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

LARGEST = 1 << 20  # octets
LONGEST_CHAIN = 8
LEAST_RSA = 2048  # bits
_SIGNATURE = re.compile(rb"^([A-Za-z0-9-]+) ?\((.+)\) ?= ?([0-9A-Fa-f]+)\s*$", re.MULTILINE)
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
# What a certificate of the chain may demand, and is done here.
UNDERSTOOD = ("2.5.29.15", "2.5.29.19", "2.5.29.37")  # key usage, basic constraints, extended key usage


def read_trusted(content: bytes, place: str) -> list[Certificate]:
    """The certificates that the administrator trusts, from a file with one or more as PEM."""
    found = _certificates(content, place)
    if not found:
        raise PackageError(place, "has no certificate: give the authorities that are trusted, as PEM")
    return found


def check_signature(
    content: bytes,
    manifest: bytes,
    name: str,
    trusted: Sequence[Certificate] | None,
    *,
    sha1: bool,
    today: datetime.datetime,
    place: str,
) -> str:
    """Who signed a manifest, called ``name``: the subject of the certificate. PackageError if it must not be believed.

    ``trusted``: None asks only whether the signature is that of the certificate beside it.
    """
    chain = _certificates(content, place)
    signatures = _SIGNATURE.findall(content)
    if len(signatures) != 1 or not chain:
        raise PackageError(place, f"must have one line SHA256({name})= SIGNATURE, and the signer's certificate as PEM")
    algorithm, signed, digits = signatures[0]
    if signed.decode("utf-8", "replace") != name:
        raise PackageError(place, f"signs {signed.decode('utf-8', 'replace')[:80]}, and not {name}")
    known: dict[str, Any] = {
        "SHA1": hashes.SHA1,
        "SHA256": hashes.SHA256,
        "SHA384": hashes.SHA384,
        "SHA512": hashes.SHA512,
    }
    word = algorithm.decode().upper().replace("-", "")
    if word not in known:
        raise PackageError(place, f"{algorithm.decode()} is not known; known are {', '.join(known)}")
    if word in WEAK and not sha1:
        raise PackageError(place, "is signed with SHA-1, which can be forged: ask for SHA-256, or set sha1: true")
    leaf = chain[0]
    try:
        signature = binascii.unhexlify(digits)
    except binascii.Error:
        raise PackageError(place, "has a signature with half an octet") from None
    if not _signed(leaf.public_key(), signature, manifest, known[word](), place):
        raise PackageError(place, f"is not a signature of {name}: one of the two was changed, or is of another package")
    _check_time(leaf, today, place)
    if trusted is not None:
        _check_trusted(leaf, chain[1:], trusted, today, place)
    return leaf.subject.rfc4514_string()


def sign_manifest(name: str, manifest: bytes, key: bytes, certificates: bytes) -> bytes:
    """The certificate file for a manifest called ``name``. ``key`` (without a passphrase) and ``certificates`` are PEM,
    the signer's first.

    PackageError where the key is not the first certificate's, or is of another kind than RSA and ECDSA.
    """
    chain = _certificates(certificates, "certificate")
    try:
        signer: Any = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PackageError("key", f"cannot be read: {error}") from None
    if not chain or signer.public_key() != chain[0].public_key():
        raise PackageError("certificate", "must have, first, the certificate of the key")
    if isinstance(signer, rsa.RSAPrivateKey):
        signature = signer.sign(manifest, padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(signer, ec.EllipticCurvePrivateKey):
        signature = signer.sign(manifest, ec.ECDSA(hashes.SHA256()))
    else:
        raise PackageError("key", "is neither RSA nor ECDSA")
    pems = [one.public_bytes(serialization.Encoding.PEM) for one in chain]
    return f"SHA256({name})= {signature.hex()}\n".encode() + b"".join(pems)


def _check_trusted(
    leaf: Certificate,
    between: Sequence[Certificate],
    trusted: Sequence[Certificate],
    today: datetime.datetime,
    place: str,
) -> None:
    """Follow the chain from the signer to one that is trusted."""
    if leaf in trusted:
        return
    _check_leaf(leaf, place)
    one = leaf
    for below in range(LONGEST_CHAIN):
        if _issuer(one, trusted, below, today, place) is not None:
            return
        above = _issuer(one, [other for other in between if other != one], below, today, place)
        if above is None:
            raise PackageError(
                place,
                f"is signed by {_subject(leaf)}, which no trusted authority vouches for; add its issuer, "
                f"{one.issuer.rfc4514_string()[:200]!r}, to trusted if you trust it",
            )
        one = above
    raise PackageError(place, f"has a chain of more than {LONGEST_CHAIN} certificates")


def _issuer(
    one: Certificate, candidates: Sequence[Certificate], below: int, today: datetime.datetime, place: str
) -> Certificate | None:
    """Who of them issued a certificate, and may; None if nobody did. Some have an old and a new certificate.

    PackageError where who issued it must not.
    """
    refused = None
    for parent in candidates:
        if _issued(parent, one, place):
            try:
                _check_time(parent, today, place)
                _check_authority(parent, below, place)
            except PackageError as error:
                refused = refused or error
            else:
                return parent
    if refused is not None:
        raise refused
    return None


def _issued(parent: Certificate, one: Certificate, place: str) -> bool:
    try:
        algorithm = one.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return False
    if parent.subject != one.issuer or algorithm is None:
        return False
    if isinstance(algorithm, (hashes.MD5, hashes.SHA1)):
        raise PackageError(place, f"the certificate of {_subject(one)} is signed with {algorithm.name}")
    return _signed(parent.public_key(), one.signature, one.tbs_certificate_bytes, algorithm, place)


def _check_authority(certificate: Certificate, below: int, place: str) -> None:
    """Note an authority that may sign no certificate, or has more of them ``below`` it than it may."""
    _check_understood(certificate, place)
    constraints = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        raise PackageError(place, f"{_subject(certificate)} is not an authority: it must not sign certificates")
    if constraints.path_length is not None and below > constraints.path_length:
        raise PackageError(place, f"{_subject(certificate)} has more authorities below it than it allows")


def _check_leaf(certificate: Certificate, place: str) -> None:
    """Refuse a certificate that is for something else, such as a web server's."""
    _check_understood(certificate, place)
    usage = _extension(certificate, x509.KeyUsage)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise PackageError(place, f"the certificate of {_subject(certificate)} is not for signatures")
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    wanted = {ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if purposes is not None and not wanted & set(purposes):
        raise PackageError(
            place, f"the certificate of {_subject(certificate)} is not for signing packages (code signing)"
        )


def _check_understood(certificate: Certificate, place: str) -> None:
    try:
        critical = [one.oid.dotted_string for one in certificate.extensions if one.critical]
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise PackageError(place, f"the certificate of {_subject(certificate)} cannot be read: {error}") from None
    unknown = [one for one in critical if one not in UNDERSTOOD]
    if unknown:
        raise PackageError(
            place, f"the certificate of {_subject(certificate)} demands what is not known here: {unknown}"
        )


def _extension(certificate: Certificate, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def _check_time(certificate: Certificate, today: datetime.datetime, place: str) -> None:
    utc = datetime.timezone.utc
    # Before cryptography 42 there are only times without a zone, which are UTC.
    begin = getattr(certificate, "not_valid_before_utc", None) or certificate.not_valid_before.replace(tzinfo=utc)
    end = getattr(certificate, "not_valid_after_utc", None) or certificate.not_valid_after.replace(tzinfo=utc)
    if today > end:
        raise PackageError(place, f"the certificate of {_subject(certificate)} expired at {end:%Y-%m-%d}")
    if today < begin:
        raise PackageError(place, f"the certificate of {_subject(certificate)} is not valid before {begin:%Y-%m-%d}")


def _signed(key: Any, signature: bytes, content: bytes, algorithm: Any, place: str) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            if key.key_size < LEAST_RSA:
                raise PackageError(place, f"has an RSA key of {key.key_size} bits; {LEAST_RSA} are needed")
            key.verify(signature, content, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, content, ec.ECDSA(algorithm))
        else:
            raise PackageError(place, "has a key that is neither RSA nor ECDSA")
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _certificates(content: bytes, place: str) -> list[Certificate]:
    if not HAS_CRYPTOGRAPHY:
        raise PackageError(place, "cannot be checked: the Python library cryptography is missing on the controller")
    found = []
    for pem in _PEM.findall(content):
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            certificate.public_key()
            _dummy = (certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string())
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise PackageError(place, f"has a certificate that cannot be read: {error}") from None
        found.append(certificate)
    return found


def _subject(certificate: Certificate) -> str:
    return repr(certificate.subject.rfc4514_string()[:200])
