# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs what edges ask for whose certificates are due for renewal, and says what is known of those that do not answer.

Never makes an authority: an edge's peers would not trust it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from .._base.errors import VccError
from .._base.lifetime import due_from
from . import ca, crl
from .authority import Authority, ends_at, not_after, not_before, now, signer, trusted
from .csr import check_request

AGAIN = "run this again when the edge is up"


@dataclass(frozen=True)
class Edge:
    """An edge of ours by the inventory. `csr`: what it asks for, PEM; empty: it could not be asked."""

    identity: str
    organization: str
    csr: str = ""
    not_after: str = ""
    """When the certificate that it has ends, ISO 8601, UTC; by its own word."""
    serial: str = ""
    """The serial number of the certificate that it has now, hexadecimal; by its own word."""


@dataclass
class Outcome:
    """`signed`: certificates by edge. `wrong`: why an edge has none though one is due. `notes`: by edge, too."""

    signed: dict[str, ca.Issued] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def renew(
    state_dir: str | Path,
    edges: Mapping[str, Edge],
    days: int,
    needed: Collection[str] | None,
    check: bool = False,
    lists: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    addresses: Mapping[str, Mapping[str, Sequence[str]]] = MappingProxyType({}),
) -> Outcome:
    """Sign for `days` days what edges ask for. With `check`, nothing is signed: a word stands for each certificate.

    `needed`: the edges that are in a VPN (None: unknown). Another one gets no certificate, and may be silent.
    `lists`: the lists of revocations (PEM) that edges have, by organization and edge. `addresses`: what certificates
    name, by organization and edge; of an edge that is not in it, what its certificate before names.
    """
    found = Outcome()
    for name, edge in sorted(edges.items()):
        try:
            owner = signer(state_dir, edge.organization)  # while one takes the place of another, both are trusted
            if edge.csr and needed is not None and name not in needed:
                found.notes[name] = "it is in no VPN: its certificate is not renewed"
            elif edge.csr:
                _refuse_forgetful(trusted(state_dir, edge.organization), lists.get(edge.organization, {}))
                _sign(owner, name, edge, days, check, found, addresses.get(edge.organization, {}).get(name))
            elif owner is not None and (needed is None or name in needed):
                _judge_silent(trusted(state_dir, edge.organization), name, edge, found)
            else:
                found.notes[name] = "could not be reached; it needs no certificate now"
        except VccError as error:
            found.wrong[name] = str(error)
    return found


def _sign(
    owner: Authority | None,
    name: str,
    edge: Edge,
    days: int,
    check: bool,
    found: Outcome,
    addresses: Sequence[str] | None,
) -> None:
    if owner is None:
        raise VccError(f"{edge.organization} has no authority on the VCC server: run create_vpn, or restore a backup")
    request = check_request(edge.csr, edge.identity, edge.organization)
    key = crl.key_sha256(request.public_key())
    if key in crl.refused_keys(owner):
        found.notes[name] = "its certificate was revoked: it gets no other, until create_vpn has it make a new key"
        return
    # Nobody looks at what is renewed every day: whoever has a revoked edge is not to get in by a key of his own.
    if key not in crl.keys_of(owner, edge.identity):
        raise VccError(
            "it asks for a certificate for a key that has none yet, or whose certificate the VCC server does not know: "
            "run create_vpn"
        )
    ends = ends_at(owner).strftime(crl.DATE)
    if edge.not_after and edge.not_after >= ends:
        raise VccError(
            f"its certificate ends with the authority of {edge.organization}, at {ends}: make a new authority first "
            "(docs/certificates.md)"
        )
    if ca.lacks_addresses(owner, edge.identity, edge.serial):
        raise VccError("the authority has no copy of its certificate, which names its addresses: run create_vpn")
    if check:
        found.signed[name] = ca.Issued("", "", "")
        return
    found.signed[name] = issued = ca.sign(owner, edge.csr, edge.identity, days, addresses=addresses)
    crl.expect(owner, issued.serial)


def installed(state_dir: str | Path, edges: Mapping[str, Edge]) -> None:
    """Note that edges have the certificates with these serial numbers, by their own word. VccError."""
    for edge in edges.values():
        for owner in trusted(state_dir, edge.organization):
            crl.arrived(owner, edge.serial)


def _refuse_forgetful(owners: Sequence[Authority], lists: Mapping[str, str]) -> None:
    """VccError where an edge knows of revocations that the authorities have forgotten.

    That is what a VCC server restored from a backup has: it would certify a key again that was revoked since.
    """
    known = frozenset[str]().union(*map(crl.revoked_serials, owners))
    for text, edge in {text: edge for edge, text in sorted(lists.items(), reverse=True)}.items() if owners else ():
        for one in crl.lists_in(text):
            try:
                owner, theirs = crl.parse_list_of(owners, one, f"the list of revocations of {edge}")
            except VccError:  # no list of this authority; an edge can have any other one
                continue
            if any(crl.counts(owner, entry.serial) for entry in theirs.revoked if entry.serial not in known):
                raise VccError(
                    f"{edge} knows of revocations that the VCC server does not know. Was it restored from a backup? "
                    "Run recover_ledger first"
                )


def _judge_silent(owners: Sequence[Authority], name: str, edge: Edge, found: Outcome) -> None:
    """By the newest of its certificates that is not revoked, and that it has received as far as is known."""
    without = {serial for owner in owners for serial in crl.expected(owner) | crl.revoked_serials(owner)}
    every = [one for one in (crl.newest(owner, edge.identity, without) for owner in owners) if one is not None]
    newest = max(every, key=not_before, default=None)
    if newest is None:
        found.notes[name] = "could not be reached; it has no certificate"
        return
    due, end = due_from(not_before(newest), not_after(newest)), not_after(newest)
    since, until = due.strftime(crl.DATE), end.strftime(crl.DATE)
    if now() > due:
        found.wrong[name] = f"could not be reached, and its certificate is due since {since}, ends at {until}: {AGAIN}"
    else:
        found.notes[name] = f"could not be reached; its certificate is not due before {since}"
