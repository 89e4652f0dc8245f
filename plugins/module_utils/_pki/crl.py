# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organization's authority revoked: `crl.pem` beside its certificate, an X.509 CRL (RFC 5280) with a head.

The head is text before the CRL (RFC 7468 allows it, every reader skips it): a CRL itself has serial numbers only, and
edges want to know whose tunnels to end. Nobody signs the head: of a list that comes back from an edge it says nothing.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import re
import time
import typing as t
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from .._base.errors import VccError
from .._base.names import ORGANIZATION_KEPT, folded, same
from .._base.whole_files import locked, write_whole
from .authority import (
    NEXT,
    ONE,
    ROTATION,
    UNREADABLE,
    Authority,
    authority,
    authority_key,
    not_after,
    not_before,
    now,
    phase,
    trusted,
)

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID
except ImportError:
    pass  # HAS_CRYPTOGRAPHY of authority.py says so

DATE = "%Y-%m-%dT%H:%M:%SZ"
ENTRY = re.compile(r"^revoked: (\S+) ([0-9a-f]+) (\S+)$", re.MULTILINE)  # identity, serial, when
_LISTS = re.compile(r"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----\n?", re.DOTALL)
LIMIT = 65_000  # octets; what swanctl hands to charon can have 65,535 (vici's key-value elements)
NUMBER = re.compile(r"^number: (\d+)$", re.MULTILINE)
EXPECTED = "expected"  # the ending of a file beside a certificate that its edge may not have received
UNKNOWN = "?"  # whose certificate it was, where the authority has no copy of it


@dataclass(frozen=True)
class Revoked:
    """A certificate that is no longer good."""

    identity: str
    serial: str  # hexadecimal
    date: str  # ISO 8601, UTC
    key_sha256: str  # of its public key (SubjectPublicKeyInfo, DER), hexadecimal; "" if its copy is gone


@dataclass(frozen=True)
class RevocationList:
    """All that an authority revoked."""

    text: str
    """`crl.pem`, head and all."""
    number: int
    revoked: tuple[Revoked, ...]


def revocation_list(owner: Authority) -> RevocationList | None:
    """What the authority revoked so far; None if nothing ever. Writes nothing."""
    path = owner.directory / "crl.pem"
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VccError(f"{path}: {error.strerror}") from error
    head = {serial: identity for identity, serial, _date in ENTRY.findall(text)}
    found, number = parse_list(owner, text, str(path), head), NUMBER.search(text)
    if number is None or int(number[1]) != found.number or head.keys() != {entry.serial for entry in found.revoked}:
        raise VccError(f"{path}: its head and its list differ: restore it from a backup")
    return RevocationList(text, found.number, found.revoked)


def parse_list(owner: Authority, text: str, path: str, names: t.Mapping[str, str] | None = None) -> RevocationList:
    """A list out of its text, by what is signed of it. VccError, which names ``path``, when it is not the authority's.

    Whose the certificates were is known by the authority's copies, or else by ``names``: serial -> identity.
    """
    try:
        signed = x509.load_pem_x509_crl(text.encode())
        parent = x509.load_pem_x509_certificate(owner.pem.encode())
        sound = signed.is_signature_valid(parent.public_key())  # type: ignore[arg-type]
        number = signed.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number if sound else 0
    except UNREADABLE as error:
        raise VccError(f"{path}: not a revocation list ({error}): restore it from a backup") from error
    if not sound:
        raise VccError(f"{path}: not a revocation list of the authority beside it: restore it from a backup")
    entries = []
    for one in signed:
        serial, copy = format(one.serial_number, "x"), _copy(owner, format(one.serial_number, "x"))
        identity = _identity(copy) if copy else (names or {}).get(serial, UNKNOWN)
        key = key_sha256(copy.public_key()) if copy else ""
        entries.append(Revoked(identity, serial, _revoked_at(one).strftime(DATE), key))
    pem = signed.public_bytes(serialization.Encoding.PEM).decode()
    return _with_head(owner, pem, number, tuple(entries))


def lists_in(text: str) -> list[str]:
    """The lists of a text, as edges have them, each by itself; the text where there is none."""
    return _LISTS.findall(text) or [text]


def parse_list_of(owners: t.Sequence[Authority], text: str, path: str) -> tuple[Authority, RevocationList]:
    """:func:`parse_list`, of that of some authorities (at least one) which signed it. VccError where none did."""
    *others, last = owners
    for owner in others:
        with contextlib.suppress(VccError):
            return owner, parse_list(owner, text, path)
    return last, parse_list(last, text, path)


def refused_keys(owner: Authority) -> frozenset[str]:
    """SHA-256 of the public keys that are never to be certified again."""
    found = [one for one in map(revocation_list, _family(owner)) if one]
    own = frozenset(entry.key_sha256 for one in found for entry in one.revoked)
    return own.union(*(inherited_keys(one.directory) for one in _family(owner)))


def inherited_keys(directory: Path) -> frozenset[str]:
    """What an authority's predecessors refused."""
    try:
        return frozenset((directory / "refused_keys").read_text().split())
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise VccError(f"{error.filename}: {error.strerror}") from error


def published(state_dir: str | Path, organization: str) -> dict[str, t.Any]:
    """What edges are told of all revocations: ``crl``, the list itself; the ``serials`` in it; and ``refused_keys``,
    which get no certificate.

    While edges trust two authorities, ``crl`` holds the lists of both, with one head. {} where nothing was revoked.
    """
    owners = trusted(state_dir, organization)
    lists = [one for one in map(revocation_list, owners) if one]
    refused = sorted(frozenset().union(*map(refused_keys, owners)) - {""}) if owners else []
    if not lists and not refused:
        return {}
    serials = sorted(entry.serial for one in lists for entry in one.revoked)
    return {"crl": joined(owners[0].organization, lists), "serials": serials, "refused_keys": refused}


def joined(organization: str, lists: t.Sequence[RevocationList]) -> str:
    """Several lists as one text with one head; empty for none."""
    if len(lists) < 2:
        return lists[0].text if lists else ""
    entries = [entry for one in lists for entry in one.revoked]
    blocks = "".join(one.text[one.text.index("-----BEGIN") :] for one in lists)
    return _headed(organization, blocks, max(one.number for one in lists), entries).text


def revoke_everywhere(
    state_dir: str | Path, organization: str, identity: str, check: bool = False
) -> tuple[str, list[Revoked]]:
    """:func:`revoke`, by each authority that edges trust; the text for edges, and what is new in it."""
    owners = trusted(state_dir, organization)
    done = [revoke(owner, identity, check) for owner in owners]
    new = [entry for _list, entries in done for entry in entries]
    if new and len(owners) > 1 and not check:
        # Edges take the text for newer by the number of its first list.
        number = max([found.number for found, _new in done if found], default=0)
        lists = [_numbered(owner, found, number) for owner, (found, _new) in zip(owners, done) if found]
    else:
        lists = [found for found, _new in done if found]
    return joined(organization, lists), new


def _numbered(owner: Authority, found: RevocationList, number: int) -> RevocationList:
    """The same list, with a number at least as large; written, if that changes it."""
    if found.number >= number:
        return found
    try:
        with locked(owner.directory / "lock"):
            again = _signed(owner, number, found.revoked)
            write_whole(owner.directory / "crl.pem", again.text.encode(), 0o644)
    except OSError as error:
        raise VccError(f"{owner.directory / 'crl.pem'}: {error}") from error
    return again


def renumber(owner: Authority, number: int) -> None:
    """Have an authority's list, if need be an empty one, count as newer than what edges had with a smaller number."""
    _numbered(owner, revocation_list(owner) or RevocationList("", 0, ()), number)


def edges_with_certificates(state_dir: str | Path, organizations: Collection[str] | None = None) -> set[str]:
    """The names of the edges that a certificate was ever signed for, as inventories have them."""
    found: set[str] = set()
    for path in sorted((Path(state_dir) / "ca").glob("*/ca.pem")):
        organization = path.parent.name
        if organizations is None or organization in organizations:
            owner = authority(state_dir, organization)
            names = {_identity(certificate) for _serial, certificate in _issued_by_all(owner)} if owner else set()
            found |= {name.removesuffix(f".{organization}") for name in names}
    return found


def key_sha256(key: t.Any) -> str:
    """SHA-256 of a public key (SubjectPublicKeyInfo, DER), hexadecimal."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(serialization.Encoding.DER, form)).hexdigest()


def revoke(owner: Authority, identity: str, check: bool = False) -> tuple[RevocationList | None, list[Revoked]]:
    """Revoke every certificate of an identity that is still valid; the list as it is then, and what is new in it.

    An edge keeps its key when it gets another name: what the same key was certified for by another name goes, too.
    An identity is the same in upper and lower case. With `check`, the list as it would be; nothing is written. Nothing
    to revoke: nothing is signed.
    """
    if check:
        return _revoke(owner, identity)
    try:
        with locked(owner.directory / "lock"):
            found, new = _revoke(owner, identity)
            if found and new:
                write_whole(owner.directory / "crl.pem", found.text.encode(), 0o644)
            return found, new
    except OSError as error:
        raise VccError(f"{owner.directory / 'crl.pem'}: {error}") from error


def learn(owner: Authority, lists: t.Sequence[RevocationList], check: bool = False) -> RevocationList | None:
    """Take what lists of the authority's have more than its own; None if that is nothing.

    A restored authority knows less than its edges, and its next list would have them trust again what was revoked. It
    may have revoked others since: none of the lists then has all, whichever is the newest.
    """
    try:
        with locked(owner.directory / "lock"):
            own = revocation_list(owner)
            newest = max((*lists, *([own] if own else [])), key=lambda one: one.number)
            known = {entry.serial: entry for one in lists for entry in one.revoked}
            known |= {entry.serial: entry for entry in (own.revoked if own else ())}
            found = newest
            if _serials(newest) != known.keys():
                entries = sorted(known.values(), key=lambda entry: (entry.date, entry.serial))
                found = _sign(owner, newest, tuple(entries))
            if own and own.number == newest.number and _serials(own) == _serials(found):
                return None
            if not check:
                write_whole(owner.directory / "crl.pem", found.text.encode(), 0o644)
    except OSError as error:
        raise VccError(f"{owner.directory / 'crl.pem'}: {error}") from error
    return found


def _revoke(owner: Authority, identity: str) -> tuple[RevocationList | None, list[Revoked]]:
    before = revocation_list(owner)
    known = {entry.serial for entry in before.revoked} if before else set()
    date, issued = now().strftime(DATE), dict(_issued(owner))
    keys = {serial: key_sha256(certificate.public_key()) for serial, certificate in issued.items()}
    meant = {serial for serial, certificate in issued.items() if same(_identity(certificate), identity)}
    own = _keys_of(meant, issued, keys)
    new = sorted(
        (
            Revoked(_identity(certificate), serial, date, keys[serial])
            for serial, certificate in issued.items()
            if serial not in known and (serial in meant or keys[serial] in own) and not_after(certificate) > now()
        ),
        key=lambda entry: entry.serial,
    )
    if not new:
        return before, []
    return _sign(owner, before, (*(before.revoked if before else ()), *new)), new


def _keys_of(meant: set[str], issued: t.Mapping[str, x509.Certificate], keys: t.Mapping[str, str]) -> set[str]:
    """The keys of the edge that has an identity now, given the serial numbers of its certificates; or else of the one
    that had it. Whose key it is, the newest certificate says: another edge may have got the name since."""
    newest: dict[str, datetime.datetime] = {}
    for serial, certificate in issued.items():
        newest[keys[serial]] = max(newest.get(keys[serial], not_before(certificate)), not_before(certificate))
    return {keys[one] for one in meant if not_before(issued[one]) == newest[keys[one]]} or {keys[one] for one in meant}


def _sign(owner: Authority, before: RevocationList | None, entries: tuple[Revoked, ...]) -> RevocationList:
    """A list of these, newer than ``before``. VccError when edges could not load it."""
    # The time as the number: it grows also where an authority, or its backup, took the place of another one.
    number = max(int(time.time()), before.number + 1 if before else 0)
    found = _signed(owner, number, entries)
    if len(found.text) > LIMIT:  # nobody accepts what expired; only its key is forgotten with it
        valid = {serial for serial, certificate in _issued(owner) if not_after(certificate) > now()}
        found = _signed(owner, number, tuple(entry for entry in entries if entry.serial in valid))
    if len(found.text) > LIMIT:
        raise VccError(
            f"{owner.directory / 'crl.pem'}: {len(found.revoked)} certificates are more than an edge can load: make a "
            "new authority instead (docs/certificates.md), which none of them is good for"
        )
    return found


def _signed(owner: Authority, number: int, entries: tuple[Revoked, ...]) -> RevocationList:
    parent = x509.load_pem_x509_certificate(owner.pem.encode())
    key = authority_key(owner.directory)
    identifier = parent.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(parent.subject)
        .last_update(now())
        # As long as the authority: the list is brought to the edges whenever it changes; they never ask for a newer.
        .next_update(not_after(parent))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    for entry in entries:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(int(entry.serial, 16))
            .revocation_date(datetime.datetime.strptime(entry.date, DATE))
            .build()
        )
    pem = builder.sign(key, hashes.SHA384()).public_bytes(serialization.Encoding.PEM).decode()
    return _with_head(owner, pem, number, entries)


def _with_head(owner: Authority, pem: str, number: int, entries: tuple[Revoked, ...]) -> RevocationList:
    return _headed(owner.organization, pem, number, entries)


def _headed(organization: str, pem: str, number: int, entries: t.Sequence[Revoked]) -> RevocationList:
    lines = [f"Certificates of {organization} that are no longer good (intercloud.vpn)", f"number: {number}"]
    lines += [f"revoked: {entry.identity} {entry.serial} {entry.date}" for entry in entries]
    return RevocationList("\n".join([*lines, pem]), number, tuple(entries))


def _revoked_at(entry: x509.RevokedCertificate) -> datetime.datetime:
    if hasattr(entry, "revocation_date_utc"):  # cryptography 42 and later
        return entry.revocation_date_utc
    return entry.revocation_date


def _serials(found: RevocationList) -> set[str]:
    return {entry.serial for entry in found.revoked}


def holders(
    state_dir: str | Path, name: str, organizations: Collection[str] | None = None
) -> list[tuple[Authority, str]]:
    """The (authority, identity) that a name may mean, an edge's or an identity, among all certificates ever signed.

    ``organizations``: whose authorities are looked at (None: all).
    """
    found = []
    root = Path(state_dir) / "ca"
    for directory in sorted(root.iterdir()) if root.is_dir() else []:
        if organizations is not None and directory.name not in organizations:
            continue
        owner = authority(state_dir, directory.name) if ORGANIZATION_KEPT.fullmatch(directory.name) else None
        if owner:
            meant = {folded(name), folded(f"{name}.{owner.organization}")}
            # Those that differ in case only are one identity: to revoke one of them is to revoke all.
            names = sorted(_identity(found) for _serial, found in _issued_by_all(owner))
            identities = {folded(one): one for one in names}
            found += [(owner, one) for key, one in sorted(identities.items()) if key in meant]
    return found


def _family(owner: Authority) -> list[Authority]:
    """An authority, and the one whose place it is taking, while edges trust that one."""
    before = owner.directory.parent
    # Once no edge trusts it, the new one has its refusals (rotation.py), and its files are being replaced, one by one.
    if not (before / ROTATION).is_file() or phase(before) == ONE:
        return [owner]
    try:
        return [owner, replace(owner, directory=before, pem=(before / "ca.pem").read_text(), sha256="")]
    except OSError as error:
        raise VccError(f"{error.filename}: {error.strerror}") from error


def other_case(owner: Authority, identity: str, key: str) -> str:
    """An identity that differs from this one in case only, with a valid certificate for another key; empty if none.

    ``key``: SHA-256 of the key that the certificate is wanted for. To IKE daemons the two edges would be one.
    """
    gone = revoked_serials(owner)
    for serial, certificate in _every(owner):
        name = _identity(certificate)
        if name == identity or not same(name, identity) or serial in gone or not_after(certificate) <= now():
            continue
        if key_sha256(certificate.public_key()) != key:
            return name
    return ""


class Signed(t.NamedTuple):
    """A certificate that an authority signed."""

    identity: str
    key_sha256: str  # of its public key (SubjectPublicKeyInfo, DER), hexadecimal
    valid: bool  # whether it has not ended


def issued(owner: Authority) -> dict[str, Signed]:
    """The certificates that an authority signed, by serial (hexadecimal)."""
    return {
        serial: Signed(_identity(found), key_sha256(found.public_key()), not_after(found) > now())
        for serial, found in _issued(owner)
    }


def _issued_by_all(owner: Authority) -> Iterator[tuple[str, x509.Certificate]]:
    """And by the one that takes its place."""
    yield from _issued(owner)
    yield from _issued(Authority(owner.directory / NEXT, owner.organization, "", ""))


def newest(owner: Authority, identity: str, without: Collection[str]) -> x509.Certificate | None:
    """The certificate of an identity that was signed last, but those with the serials ``without``."""
    found = [one for serial, one in _every(owner) if serial not in without and same(_identity(one), identity)]
    return max(found, key=not_before, default=None)


def keys_of(owner: Authority, identity: str) -> frozenset[str]:
    """SHA-256 of the public keys that an identity has certificates for which were not revoked."""
    gone = revoked_serials(owner)
    own = (one for serial, one in _every(owner) if serial not in gone and same(_identity(one), identity))
    return frozenset(key_sha256(one.public_key()) for one in own)


def revoked_serials(owner: Authority) -> frozenset[str]:
    """What an authority revoked, and the one whose place it is taking."""
    return frozenset(one.serial for found in map(revocation_list, _family(owner)) if found for one in found.revoked)


def expect(owner: Authority, serial: str) -> None:
    """Note that a certificate was signed for a renewal, and not seen on its edge yet. VccError."""
    path = owner.directory / "issued" / f"{serial}.{EXPECTED}"
    try:
        write_whole(path, b"", 0o644)
    except OSError as error:
        raise VccError(f"{path}: {error}") from error


def arrived(owner: Authority, serial: str) -> None:
    """Note that a certificate is on its edge. VccError."""
    if serial not in expected(owner):  # so what an edge says is not a path
        return
    path = owner.directory / "issued" / f"{serial}.{EXPECTED}"
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise VccError(f"{path}: {error}") from error


def expected(owner: Authority) -> set[str]:
    """The serials of the certificates that were signed for a renewal, and not seen on their edges yet."""
    return {path.stem for path in (owner.directory / "issued").glob(f"[0-9a-f]*.{EXPECTED}")}


def _every(owner: Authority) -> Iterator[tuple[str, x509.Certificate]]:
    """What an authority signed, and the one whose place it is taking: serial (hexadecimal), certificate."""
    for one in _family(owner):
        yield from _issued(one)


def _issued(owner: Authority) -> Iterator[tuple[str, x509.Certificate]]:
    for path in sorted((owner.directory / "issued").glob("[0-9a-f]*.pem")):
        try:
            yield path.stem, x509.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError) as error:
            raise VccError(f"{path}: cannot be read ({error}): restore it from a backup") from error


def counts(owner: Authority, serial: str) -> bool:
    """Whether it matters that a certificate was revoked: it is valid yet, or the authority does not know it."""
    copy = _copy(owner, serial)
    return copy is None or not_after(copy) > now()


def _copy(owner: Authority, serial: str) -> x509.Certificate | None:
    """The authority's copy of a certificate; None if it has none."""
    path = owner.directory / "issued" / f"{serial}.pem"
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise VccError(f"{path}: cannot be read ({error}): restore it from a backup") from error


def _identity(certificate: x509.Certificate) -> str:
    """The one name that a certificate of ours has."""
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
