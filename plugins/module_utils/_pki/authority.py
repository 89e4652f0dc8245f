# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An organization's certification authority on the VCC server: where it lives, and its files.

An authority is a directory, ``<state_dir>/ca/<organization>/`` (0700):

``ca.key``                 its private key, ECDSA P-384, PKCS #8 PEM, 0600
``ca.pem``                 its certificate, ten years
``issued/<serial>.pem``    every certificate it signed (the serial in hexadecimal), for a later revocation
``issued/<serial>.expected``  empty; it was signed for a renewal, and its edge has not said yet that it has it
``crl.pem``                what it revoked, from the first revocation on
``refused_keys``           keys whose certificates an earlier authority revoked, SHA-256, a line each
``rotation.json``          what is being replaced (rotation.py), until that is done
``next/``                  an authority that is taking the place of this one: the same files
``lock``                   held while any of this is written
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path

from .._base.errors import VccError
from .._base.names import ORGANIZATION_KEPT, required

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    HAS_CRYPTOGRAPHY = True
    UNREADABLE: tuple[type[Exception], ...] = (
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        InvalidSignature,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.ExtensionNotFound,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    )
    """What cryptography makes of data that others sent. Not all of it is a ValueError."""
except ImportError:
    HAS_CRYPTOGRAPHY = False
    UNREADABLE = ()


@dataclass(frozen=True)
class Authority:
    """An organization's authority, as everybody may see it; its key stays in the directory."""

    directory: Path
    organization: str
    pem: str
    sha256: str  # of the certificate's DER, hexadecimal


def authority_directory(state_dir: str | Path, organization: str) -> Path:
    """Where the organization's authority lives. VccError if the name does not do for a path."""
    rule = "letters, digits, '_', '.' and '-', starting with a letter or digit, at most 63"
    return Path(state_dir) / "ca" / required("organization", organization, ORGANIZATION_KEPT, rule)


def authority(state_dir: str | Path, organization: str) -> Authority | None:
    """The organization's authority, or None if it has none yet. Writes nothing."""
    return authority_at(authority_directory(state_dir, organization), organization)


def authority_at(directory: Path, organization: str) -> Authority | None:
    """The authority in a directory, or None. VccError."""
    try:
        pem = (directory / "ca.pem").read_text()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VccError(f"{directory / 'ca.pem'}: {error.strerror}") from error
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise VccError(f"{directory / 'ca.pem'}: not a certificate ({error}): restore it from a backup") from error
    return Authority(directory, organization, pem, certificate.fingerprint(hashes.SHA256()).hex())


NEXT = "next"
ROTATION = "rotation.json"
BOTH, ISSUE, ONE = "both", "issue", "one"
"""Of an authority that takes another one's place: edges trust both; it signs; edges trust it alone."""


def phase(directory: Path) -> str:
    """How far the replacement of the authority in a directory is; empty where none is under way. VccError."""
    path = directory / ROTATION
    try:
        known = json.loads(path.read_text()).get("phase", "")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, AttributeError) as error:
        raise VccError(f"{path}: cannot be read ({error}): restore it from a backup") from error
    return str(known)


def trusted(state_dir: str | Path, organization: str) -> list[Authority]:
    """The authorities that edges are to trust, the older one first; none before the first certificate."""
    directory = authority_directory(state_dir, organization)
    now_at = phase(directory)
    found = [] if now_at == ONE else [authority(state_dir, organization)]
    if now_at:
        found.append(authority_at(directory / NEXT, organization))
    return [one for one in found if one]


def signer(state_dir: str | Path, organization: str) -> Authority | None:
    """The authority that signs certificates; None before the first one."""
    directory = authority_directory(state_dir, organization)
    if phase(directory) in (ISSUE, ONE):
        return authority_at(directory / NEXT, organization)
    return authority(state_dir, organization)


def bundle(authorities: list[Authority]) -> str:
    """Their certificates, as one text."""
    return "".join(f"{one.pem.strip()}\n" for one in authorities)


def authority_sha256(state_dir: str | Path, organization: str) -> str | None:
    """SHA-256 of the authority's certificate (DER, hexadecimal), or None if there is none yet."""
    found = authority(state_dir, organization)
    return found.sha256 if found else None


def authority_key(directory: Path) -> ec.EllipticCurvePrivateKey:
    """The authority's private key. VccError if there is none that can be used."""
    try:
        key = serialization.load_pem_private_key((directory / "ca.key").read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise VccError(f"{directory / 'ca.key'}: cannot be read ({error}): restore it from a backup") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise VccError(f"{directory / 'ca.key'}: not an ECDSA key")
    return key


def now() -> datetime.datetime:
    """Now in UTC, to the second, as X.509 counts."""
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def not_before(certificate: x509.Certificate) -> datetime.datetime:
    """A certificate's beginning, in UTC."""
    if hasattr(certificate, "not_valid_before_utc"):  # cryptography 42 and later
        return certificate.not_valid_before_utc
    return certificate.not_valid_before.replace(tzinfo=datetime.timezone.utc)


def not_after(certificate: x509.Certificate) -> datetime.datetime:
    """A certificate's end, in UTC."""
    if hasattr(certificate, "not_valid_after_utc"):  # cryptography 42 and later
        return certificate.not_valid_after_utc
    return certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc)


def ends_at(owner: Authority) -> datetime.datetime:
    """When the authority's certificate ends, in UTC."""
    return not_after(x509.load_pem_x509_certificate(owner.pem.encode()))
