# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to know about the edge's certificate, its key and its authority: openssl tells. Changes nothing."""

from __future__ import annotations

import binascii
import re
from datetime import datetime, timedelta, timezone
from typing import Any

from ..document import sha256_of
from ..state import REQUEST, Store
from ..system import files
from ..system.run import CommandError, have, run
from . import blocks, certificates, lifetime

_TIMES = {"not_before": re.compile(r"notBefore=(.+)"), "not_after": re.compile(r"notAfter=(.+)")}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAME = re.compile(r"DNS:([^\s,]+)")
_SERIAL = re.compile(r"serial=([0-9A-F]+)")
_KEY = re.compile(r"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


def certificate(store: Store) -> dict[str, Any]:
    """present, key, fits (is for that key), signed (by an authority here), identity, serial (hexadecimal), not_before,
    not_after and due (from when it is to be renewed; ISO 8601, UTC), requested (whether a request for the next one is
    kept), key_sha256 (of its public key; DER, hexadecimal), authority_sha256 (of the authority that signed it, else of
    the first one here; DER, hexadecimal), authorities (the same of all that are here), addresses (blocks.py; None: it
    names none), certifies (whether all authorities here name some: a certificate without is refused then)."""
    facts: dict[str, Any] = {"present": False, "key": False, "fits": False, "signed": False, "authorities": []}
    facts.update(identity="", serial="", not_before="", not_after="", due="", key_sha256="", authority_sha256="")
    facts.update(addresses=None, certifies=certifies(files.read(store.at(certificates.AUTHORITY))))
    facts["requested"] = (store.state / REQUEST).exists()
    key, path, authority = (
        store.at(name) for name in (certificates.KEY, certificates.CERTIFICATE, certificates.AUTHORITY)
    )
    facts["key"] = key.exists()
    text = files.read(authority)
    # What is not PEM counts, too: as an authority that is nobody's.
    found = certificates.blocks(text) or ([text] if text else [])
    known = {sha256_of(certificates.der_of(one)): one for one in found}
    if known:
        facts["authorities"], facts["authority_sha256"] = [*known], next(iter(known))
    if not path.exists() or not have("openssl"):
        return facts
    what = ("-serial", "-startdate", "-enddate", "-pubkey", "-ext", "subjectAltName")
    try:
        said = run("openssl", "x509", "-noout", *what, "-in", str(path))
    except CommandError:
        return facts
    facts["present"] = True
    facts["addresses"] = blocks.certified(certificates.der_of(next(iter(certificates.blocks(files.read(path))), "")))
    for name, pattern in _TIMES.items():
        date = pattern.search(said)
        facts[name] = _iso(date.group(1)) if date else ""
    if facts["not_before"] and facts["not_after"]:
        facts["due"] = lifetime.due_from(facts["not_before"], facts["not_after"])
    identity, serial = _NAME.search(said), _SERIAL.search(said)
    facts["identity"] = identity.group(1) if identity else ""
    facts["serial"] = serial.group(1).lower().lstrip("0") if serial else ""
    public = _public(said)
    facts["key_sha256"] = sha256_of(binascii.a2b_base64("".join(public[3:-3]))) if public else ""
    if len(known) < 2:
        facts["signed"] = bool(text) and _verified(str(authority), str(path))
    else:
        signers = [digest for digest, one in known.items() if _verified("/dev/stdin", str(path), one)]
        facts["signed"] = bool(signers)
        facts["authority_sha256"] = next(iter([*signers, *known]))
    facts["fits"] = facts["key"] and public == _own(store)
    return facts


def certifies(authorities: str) -> bool:
    """Whether authorities, PEM, name addresses, all of them. A certificate of theirs without any is refused then."""
    found = [blocks.certified(certificates.der_of(one)) for one in certificates.blocks(authorities)]
    return bool(found) and None not in found


def _verified(authority: str, path: str, stdin: str | None = None) -> bool:
    # -no_check_time: that it ended is another matter than who signed it.
    words = ("openssl", "verify", "-no_check_time", "-no-CApath", "-CAfile", authority, path)
    try:
        run(*words, stdin=stdin)
    except CommandError:
        return False
    return True


def serial(pem: str) -> str:
    """A certificate's serial number, hexadecimal; empty where there is none to read."""
    if not pem or not have("openssl"):
        return ""
    try:
        found = _SERIAL.search(run("openssl", "x509", "-noout", "-serial", stdin=pem))
    except CommandError:
        return ""
    return found.group(1).lower().lstrip("0") if found else ""


def _public(text: str) -> list[str]:
    found = _KEY.search(text)
    return found.group().split() if found else []


def _own(store: Store) -> list[str]:
    try:
        return certificates.key_of(store, certificates.KEY)
    except CommandError:
        return ["no key"]


def _iso(text: str) -> str:
    # As openssl prints it in the C locale, which programs are run in: `Jan  5 09:34:43 2018 GMT`.
    month, day, clock, year, _zone = text.split()
    return f"{year}-{_MONTHS.index(month) + 1:02}-{int(day):02}T{clock}Z"


def valid_for(facts: dict[str, Any], days: int | None = None) -> bool:
    """Whether there is a certificate for the key here, by the authority here, valid now, and not due for renewal.

    `days`: it is due when it has fewer left, whatever its lifetime is.
    """
    if not (facts["fits"] and facts["signed"] and facts["not_after"]):
        return False
    return lifetime.moment(facts["not_before"]) <= datetime.now(timezone.utc) and not due(facts, days)


def due(facts: dict[str, Any], days: int | None = None, now: datetime | None = None) -> bool:
    """Whether a certificate is due for renewal, or has ended; see `valid_for`. False where there is none."""
    if not facts["due"]:
        return False
    return lifetime.moment(due_from(facts, days)) < (now or datetime.now(timezone.utc))


def due_from(facts: dict[str, Any], days: int | None = None) -> str:
    """From when it is due (ISO 8601, UTC); see `valid_for`. Empty where there is none."""
    if days is None or not facts["due"]:
        return str(facts["due"])
    return (lifetime.moment(facts["not_after"]) - timedelta(days=days)).strftime(lifetime.FORMAT)
