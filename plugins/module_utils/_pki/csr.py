# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a certificate request must be before an authority signs it."""

from __future__ import annotations

from .._base.errors import VccError
from .._base.names import IDENTITY
from .authority import UNREADABLE

try:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.x509.oid import NameOID

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False

CURVES = ("secp256r1", "secp384r1", "secp521r1")
RSA_BITS = 3072


def check_request(csr: str, identity: str, organization: str) -> x509.CertificateSigningRequest:
    """The parsed request, if it is sound: signed with its own key, strong enough, and for this identity only."""
    if not IDENTITY.fullmatch(identity):
        raise VccError(f"identity {identity!r}: not a DNS name of at most 64 characters")
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        sound = request.is_signature_valid
        key = request.public_key()
        alternatives = _alternative_names(request)
        subject = request.subject
    except UNREADABLE as error:
        raise VccError(f"request for {identity}: cannot be read: {error}") from error
    if not sound:
        raise VccError(f"request for {identity}: its signature does not match its key")
    names = [(item.oid, item.value) for item in subject]
    wanted = [(NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, identity)]
    if sorted(names, key=str) not in (sorted(wanted, key=str), wanted[1:]):
        raise VccError(
            f"request for {identity}: its subject is {subject.rfc4514_string()!r}, "
            f"but only CN={identity} and O={organization} are allowed"
        )
    if alternatives not in ([], [f"DNS:{identity}"]):
        raise VccError(f"request for {identity}: it also asks for {', '.join(alternatives)}")
    _check_key(key, identity)
    return request


def _alternative_names(request: x509.CertificateSigningRequest) -> list[str]:
    """The names in the request's SAN, like "DNS:edge-east.acme"; other types by their class's name."""
    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [
        f"DNS:{name.value}" if isinstance(name, x509.DNSName) else f"{type(name).__name__}:{name.value}"
        for name in names
    ]


def _check_key(key: object, identity: str) -> None:
    if isinstance(key, ed25519.Ed25519PublicKey):
        return
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        return
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS:
        return
    kind = type(key).__name__.replace("PublicKey", "").strip("_")
    size = getattr(key, "key_size", "")
    raise VccError(
        f"request for {identity}: a key of type {kind} {size} is not accepted: "
        f"ECDSA on P-256, P-384 or P-521, RSA of {RSA_BITS} bits or more, or Ed25519"
    )
