# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rotation of an organization's certificates, keys and authority: what is being replaced, and what comes next.

The state of a rotation is ``rotation.json`` beside the authority. It says what edges are to have (:class:`Order`). What
they do have, they say (:class:`Report`). A rotation goes on (:func:`advance`) by these alone, so that a run which was
killed is continued by the next one, whichever edge it had reached. Every run of create_vpn has edges follow the same
orders.

An authority is replaced in three phases (authority.py): edges trust both, the new one signs, edges trust it alone. Only
the machines of all edges take a rotation to its next phase.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .._base.errors import VccError
from .._base.whole_files import locked, make_directory, write_whole
from . import crl
from .authority import (
    BOTH,
    ISSUE,
    NEXT,
    ONE,
    ROTATION,
    Authority,
    authority,
    authority_directory,
    bundle,
    now,
    signer,
    trusted,
)
from .ca import make_authority, names_addresses

CERTIFICATES, KEYS, AUTHORITY = "certificates", "keys", "authority"
KINDS = (CERTIFICATES, KEYS, AUTHORITY)
FORMAT = 1
_OWED = {"key": "has its old key", "certificate": "has its old certificate", "authority": "trusts other authorities"}
_NEXT_PHASE = {BOTH: ISSUE, ISSUE: ONE, ONE: ""}


@dataclass(frozen=True)
class Rotation:
    """What is being replaced in an organization."""

    kinds: tuple[str, ...]
    begun: str  # ISO 8601, UTC
    phase: str = ""
    """Of the authority; empty where it stays."""
    edges: tuple[str, ...] = ()
    """The identities whose certificates or keys are replaced."""
    serials: tuple[str, ...] = ()
    """The certificates, hexadecimal, that no edge is to have in the end."""
    keys: tuple[str, ...] = ()
    """SHA-256 (hexadecimal) of the public keys that no edge is to have in the end."""


@dataclass(frozen=True)
class Order:
    """What an organization's edges are to have."""

    signer: str  # SHA-256 of the authority
    authorities: tuple[str, ...]  # the same, of those to trust, in order
    serials: frozenset[str]  # certificates to replace
    keys: frozenset[str]  # keys to replace

    def owed(self, has: Mapping[str, Any]) -> dict[str, bool]:
        """Whether an edge needs another ``key``, ``certificate`` or ``authority``. ``has``: see :class:`Report`."""
        key = str(has.get("key_sha256")) in self.keys
        good = (
            has.get("fits")
            and str(has.get("serial")) not in self.serials
            and has.get("authority_sha256") == self.signer
        )
        trusts = tuple(has.get("authorities", ()))
        # An edge keeps another one behind these, of a rotation that a restored server does not know; and does not trust
        # those again that are gone, if the server was restored to before the last phase.
        ahead = good and trusts == self.authorities[-1:] == (self.signer,)
        return {
            "key": key,
            "certificate": key or not good,
            "authority": not ahead and trusts[: len(self.authorities)] != self.authorities,
        }


@dataclass(frozen=True)
class Report:
    """What an edge says of itself."""

    has: Mapping[str, Any]
    """fits, serial, key_sha256, authority_sha256, authorities (ipsec/x509.py)."""
    drift: Sequence[str] = ()
    """What its daemons have not loaded, or still use, in words."""


def read(state_dir: str | Path, organization: str) -> Rotation | None:
    """The organization's unfinished rotation, if any. VccError."""
    path = authority_directory(state_dir, organization) / ROTATION
    try:
        known: dict[str, Any] = json.loads(path.read_text())
        if known.pop("format") != FORMAT:
            raise VccError(f"{path}: another version of intercloud.vpn wrote it: finish the rotation with that version")
        plain: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in known.items()}
        return Rotation(**plain)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise VccError(f"{path}: cannot be read ({error}): restore it from a backup") from error


def unfinished(state_dir: str | Path, organizations: Iterable[str]) -> list[str]:
    """A sentence for each organization whose rotation waits for somebody."""
    known = {name: read(state_dir, name) for name in sorted(organizations)}
    return [
        f"{name}: the rotation of {', '.join(one.kinds)}, begun {one.begun}, is not finished: run rotate again"
        for name, one in known.items()
        if one
    ]


def without_addresses(state_dir: str | Path, organizations: Iterable[str]) -> list[str]:
    """A sentence for each organization whose certificates cannot name the addresses that it asks for."""
    owners = {name: trusted(state_dir, name) for name in sorted(organizations)}
    return [
        f"{name}: vcc_certified_addresses has no effect: its authority was made without addresses. Replace it: rotate "
        "-e vcc_rotate=authority -e vcc_certified_addresses=true"
        for name, found in owners.items()
        if found and not any(map(names_addresses, found))
    ]


def order(state_dir: str | Path, organization: str, rotation: Rotation | None) -> Order | None:
    """What edges are to have now; None where there is no authority."""
    owner = signer(state_dir, organization)
    if owner is None:
        return None
    known = tuple(one.sha256 for one in trusted(state_dir, organization))
    if rotation is None or rotation.phase == BOTH:  # certificates come from the new authority, once
        return Order(owner.sha256, known, frozenset(), frozenset())
    return Order(owner.sha256, known, frozenset(rotation.serials), frozenset(rotation.keys))


def told(state_dir: str | Path, organization: str) -> dict[str, Any]:
    """What edges are to have now, as plain data; ``authority`` is PEM. {} where there is no authority."""
    wanted = order(state_dir, organization, read(state_dir, organization))
    if wanted is None:
        return {}
    return {
        "signer": wanted.signer,
        "authorities": [*wanted.authorities],
        "serials": sorted(wanted.serials),
        "keys": sorted(wanted.keys),
        "authority": bundle(trusted(state_dir, organization)),
    }


def order_of(plain: Mapping[str, Any]) -> Order:
    """The same, read back."""
    return Order(
        str(plain["signer"]), tuple(plain["authorities"]), frozenset(plain["serials"]), frozenset(plain["keys"])
    )


def planned(
    state_dir: str | Path, organization: str, kinds: Collection[str], edges: Collection[str], at_once: bool
) -> Rotation:
    """A rotation that begins now: of these ``kinds``, for edges with these identities."""
    owner = authority(state_dir, organization)
    if owner is None:
        raise VccError(f"{organization}: has no authority yet: the first create_vpn makes it")
    certified = {serial: one for serial, one in crl.issued(owner).items() if one.identity in edges}
    return Rotation(
        kinds=tuple(kind for kind in KINDS if kind in kinds),
        begun=now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        phase=(ONE if at_once else BOTH) if AUTHORITY in kinds else "",
        edges=tuple(sorted(edges)),
        serials=tuple(sorted(serial for serial, one in certified.items() if one.valid)),
        keys=tuple(sorted({one.key_sha256 for one in certified.values()})) if KEYS in kinds else (),
    )


def begin(state_dir: str | Path, organization: str, new: Rotation, addresses: bool = False) -> Rotation:
    """Write that a rotation has begun. One that another run has begun meanwhile stays, and is returned.

    `addresses`: whether certificates of a new authority name addresses, see `ca.make_authority`.
    """
    directory = authority_directory(state_dir, organization)
    try:
        with locked(directory / "lock"):
            there = read(state_dir, organization)
            if there:
                return there
            if new.phase:
                # What a run that was killed has left here no edge has heard of.
                shutil.rmtree(directory / NEXT, ignore_errors=True)
                make_directory(directory / NEXT / "issued", 0o700)
                name = f"intercloud.vpn authority of {new.begun}"
                make_authority(directory / NEXT, organization, name, addresses)
            if new.phase == ONE:
                _outlive(state_dir, organization)
            _write(directory, new)
    except OSError as error:
        raise VccError(f"{directory}: the rotation cannot begin: {error}") from error
    return new


def hastened(there: Rotation) -> Rotation:
    """The rotation of an authority, with edges that trust the new one alone from now on."""
    return replace(there, phase=ONE)


def hasten(state_dir: str | Path, organization: str, there: Rotation) -> Rotation | None:
    """Have edges trust the new authority alone, whatever they have. What another run has made of it meanwhile stays."""
    directory = authority_directory(state_dir, organization)
    try:
        with locked(directory / "lock"):
            if read(state_dir, organization) == there:
                _outlive(state_dir, organization)
                _write(directory, hastened(there))
    except OSError as error:
        raise VccError(f"{directory}: the rotation cannot go on: {error}") from error
    return read(state_dir, organization)


def waiting(rotation: Rotation, wanted: Order, reports: Mapping[str, Report | None]) -> dict[str, str]:
    """What keeps a rotation from its next phase, by edge. ``reports``: of every edge concerned, None: no answer."""
    found = {}
    for edge, report in sorted(reports.items()):
        if report is None:
            found[edge] = "did not answer"
            continue
        left = [_OWED[what] for what, owed in wanted.owed(report.has).items() if owed]
        if left or report.drift:
            found[edge] = "; ".join([*left, *report.drift])
    return found


def next_phase(rotation: Rotation) -> Rotation | None:
    """The rotation when all edges have what they are to have; None: it is finished."""
    phase = _NEXT_PHASE.get(rotation.phase, "")
    return replace(rotation, phase=phase) if phase else None


def advance(state_dir: str | Path, organization: str, done: Rotation) -> Rotation | None:
    """Go on from ``done``, which all edges have followed. What another run has made of it meanwhile stays.

    Every step may be killed and repeated: the new authority stays where it is until the old one's place is written.
    """
    directory = authority_directory(state_dir, organization)
    try:
        with locked(directory / "lock"):
            there = read(state_dir, organization)
            if there != done:
                return there
            following = next_phase(done)
            if following:
                if following.phase == ONE:
                    _outlive(state_dir, organization)
                _write(directory, following)
                return following
            # Who signs with the new authority has its lock: the copy of what was signed comes along.
            with locked(directory / NEXT / "lock") if done.phase else contextlib.nullcontext():
                if done.phase:
                    _promote(directory)
                (directory / ROTATION).unlink()
                shutil.rmtree(directory / NEXT, ignore_errors=True)
    except OSError as error:
        raise VccError(f"{directory}: the rotation cannot go on: {error}") from error
    return None


def _outlive(state_dir: str | Path, organization: str) -> None:
    """What the old authority refused, the new one refuses; and edges take its list for newer than the old one's."""
    old = authority(state_dir, organization)
    if old is None:
        return
    new = old.directory / NEXT
    refused = crl.refused_keys(old) | crl.inherited_keys(new)
    if refused:
        write_whole(new / "refused_keys", "".join(f"{key}\n" for key in sorted(refused - {""})).encode(), 0o644)
    before = crl.revocation_list(old)
    if before:
        owner = Authority(new, organization, (new / "ca.pem").read_text(), "")
        crl.renumber(owner, max(before.number + 1, int(now().timestamp())))


def _promote(directory: Path) -> None:
    """Put the new authority's files into the old one's place. The old key is overwritten."""
    new = directory / NEXT
    signed = {path.name: path for path in _kept_of(new)}
    for name, path in signed.items():
        write_whole(directory / "issued" / name, path.read_bytes(), 0o644)
    for path in _kept_of(directory):
        if path.name not in signed:
            path.unlink()  # no edge takes it any more
    for name in ("crl.pem", "refused_keys"):
        if (new / name).exists():
            write_whole(directory / name, (new / name).read_bytes(), 0o644)
        else:
            (directory / name).unlink(missing_ok=True)
    write_whole(directory / "ca.key", (new / "ca.key").read_bytes(), 0o600)
    write_whole(directory / "ca.pem", (new / "ca.pem").read_bytes(), 0o644)


def _kept_of(directory: Path) -> list[Path]:
    """What an authority keeps of the certificates that it signed."""
    return [path for kind in ("pem", crl.EXPECTED) for path in (directory / "issued").glob(f"*.{kind}")]


def _write(directory: Path, rotation: Rotation) -> None:
    content = json.dumps({"format": FORMAT, **asdict(rotation)}, indent=1, sort_keys=True)
    write_whole(directory / ROTATION, f"{content}\n".encode(), 0o644)
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
