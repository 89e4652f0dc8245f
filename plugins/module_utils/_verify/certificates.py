# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: does every edge's certificate still do, and for how long? Found out before the next authentication fails."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from .._base.lifetime import due_from, is_late
from .clocks import clock_of
from .finding import ERROR, WARNING, Finding

Section = Mapping[str, Any]
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
RENEW = "run create_vpn: it renews the certificate"
LATE = "run renew_certificates, or create_vpn: both renew the certificate"
AFRESH = "run create_vpn: it makes a new key and certificate for the edge"
ALONE = "run rotate if its rotation is not finished, otherwise create_vpn"
AUTHORITY = "/etc/swanctl/x509ca/intercloud-vpn.pem"
ROTATE = "run rotate: it goes on with the authority's rotation"
UNKNOWN = (
    "if the VCC server was restored from a backup, run recover_ledger; otherwise remove the authority from "
    f"{AUTHORITY} on the edge, and run create_vpn"
)


@dataclass(frozen=True)
class Trust:
    """What certificates are held against.

    `authorities`: organization -> SHA-256 of its authority, None if it had none when the plan was made: it is made with
    its first certificate, and then nothing is known to hold that against. `revoked`: organization -> serials.
    `now`: UTC. A certificate that ends within `days` is a warning; None: one that should have been renewed by now.
    """

    authorities: Mapping[str, str | None] = field(default_factory=dict)
    revoked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    days: int | None = None
    trusted: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Organization -> SHA-256 of the authorities that its edges are to trust; without it, that is not judged."""
    clock: str = ""
    """What the edge's clock says, where `now` is that."""


def judge_certificates(
    documents: Mapping[str, Section], observed: Mapping[str, Section], trust: Trust
) -> Iterator[Finding]:
    """What is wrong with the certificates of edges that were observed, and whose tunnels need one."""
    for node in sorted(set(documents) & set(observed)):
        identities = {
            tunnel["local_id"]
            for tunnel in documents[node].get("tunnels", [])
            if tunnel.get("ike", {}).get("auth", "pubkey") == "pubkey"
        }
        facts = observed[node].get("certificate")
        if identities and facts is not None:
            organization = str(documents[node].get("organization"))
            # By the edge's own clock: it is the edge that refuses, or is refused for, what has ended.
            clock = clock_of(observed[node])
            judged = trust if clock is None else replace(trust, now=clock, clock=observed[node]["clock"])
            yield from _judge(f"certificate of {node}", sorted(identities), facts, organization, judged)


def _judge(subject: str, identities: list[str], facts: Section, organization: str, trust: Trust) -> Iterator[Finding]:
    if not (facts.get("present") and facts.get("key")):
        what = "no certificate" if facts.get("key") else "no private key"
        yield Finding(ERROR, subject, "a private key and a certificate", what, RENEW)
        return
    which = f"{facts['identity'] or 'no name'} (serial {facts['serial']})"
    if facts["serial"] in trust.revoked.get(organization, frozenset()):
        seen = f"the certificate {which} is revoked"
        yield Finding(ERROR, subject, "a certificate that is not revoked", seen, AFRESH)
    if facts["identity"] not in identities:
        yield Finding(ERROR, subject, f"the identity {' and '.join(identities)}", f"it is for {which}", RENEW)
    if not facts.get("fits"):
        yield Finding(ERROR, subject, "a certificate for the edge's key", f"{which} is for another key", RENEW)
    yield from _authority(subject, which, facts, organization, trust)
    yield from _time(subject, which, facts, trust)


def _authority(subject: str, which: str, facts: Section, organization: str, trust: Trust) -> Iterator[Finding]:
    expected = f"signed by the authority of {organization}"
    if not facts.get("signed"):
        yield Finding(ERROR, subject, expected, f"{which} is signed by another authority", RENEW)
    elif trust.authorities.get(organization) not in (None, facts["authority_sha256"]):
        seen = f"{which} is signed by another authority, which the edge has for {organization}'s"
        if trust.authorities[organization] in facts.get("authorities", ()):
            yield Finding(WARNING, subject, expected, f"{which} is signed by the authority before", ROTATE)
            return
        yield Finding(ERROR, subject, expected, seen, RENEW)
    elif trust.authorities.get(organization) in facts.get("authorities", ())[1:]:  # the older ones come first
        seen = f"the edge trusts an earlier authority, too, besides that of {which}"
        yield Finding(WARNING, subject, f"trust in the authority of {organization} alone", seen, ALONE)
    elif organization in trust.trusted:
        unknown = [one for one in facts.get("authorities", ()) if one not in trust.trusted[organization]]
        if unknown:
            which = ", ".join(one[:16] for one in unknown)
            seen = f"the edge trusts an authority, too, that the VCC server does not know (SHA-256 {which}…)"
            yield Finding(WARNING, subject, f"trust in the authority of {organization} alone", seen, UNKNOWN)


def _time(subject: str, which: str, facts: Section, trust: Trust) -> Iterator[Finding]:
    begin, end = (
        datetime.strptime(facts[name], FORMAT).replace(tzinfo=timezone.utc) for name in ("not_before", "not_after")
    )
    if end <= trust.now:
        seen = f"{which} expired at {facts['not_after']}{_by(trust)}"
        yield Finding(ERROR, subject, "a certificate that is valid now", seen, RENEW)
    elif begin > trust.now:
        seen = f"{which} is not valid before {facts['not_before']}{_by(trust)}"
        yield Finding(ERROR, subject, "a certificate that is valid now", seen, f"the clocks; {RENEW}")
    elif trust.days is None and is_late(begin, end, trust.now):
        due = due_from(begin, end).strftime(FORMAT)
        seen = f"{which} is due for renewal since {due}, and ends at {facts['not_after']}"
        yield Finding(WARNING, subject, "renewed in time", seen, LATE)
    elif trust.days is not None and end - trust.now < timedelta(days=trust.days):
        seen = f"{which} ends at {facts['not_after']}"
        yield Finding(WARNING, subject, f"valid for {trust.days} days more", seen, LATE)


def _by(trust: Trust) -> str:
    return f", and the edge's clock says {trust.clock}" if trust.clock else ""
