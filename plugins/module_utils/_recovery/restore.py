# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup comes back: all that speaks against it is found out before anything is written."""

from __future__ import annotations

import contextlib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import Any

from .._base.errors import LedgerError, VccError
from .._base.problems import some
from .._base.whole_files import write_whole
from .._ledger.ledger import Ledger
from .._pki.authority import HAS_CRYPTOGRAPHY, authority_at
from .._pki.crl import refused_keys
from .backup import check_backup, differing, newer_than, replaced_authorities, same_records, write_files

FORCE = "With -e vcc_restore_force=true it is replaced all the same"


@dataclass
class Restored:
    """What was restored, or in check mode would be."""

    at: str
    changed: bool = False
    files: list[str] = field(default_factory=list)
    set_aside: str = ""


def restore(
    backup: object, url: str, state_dir: str, force: bool = False, check: bool = False, who: str = ""
) -> Restored:
    """Put a backup back. VccError, and nothing is written, when what is there knows more, unless `force`."""
    content = check_backup(backup)
    ledger = Ledger(url)
    missing, other = differing(content, state_dir)
    damaged = ""
    same = False
    refused = [f"{some(list(other))} in {state_dir} differ from the backup"] if other else []
    if ledger.exists:
        try:
            same, newer = ledger.run(lambda t: (same_records(t, content), newer_than(t, content)), dry_run=True)
            refused += [f"the ledger {ledger} is ahead of the backup: {newer[-1]}"] if newer else []
        except LedgerError as error:
            damaged = str(error)
            # Its advice is what is being done.
            refused.append(f"{damaged.partition(': restore it')[0]}: what it holds beyond the backup is not known")
    if refused and not force:
        raise VccError(f"not restored: {'; '.join(refused)}. {FORCE}")
    done = Restored(str(content["at"]), bool(missing or other or not same), missing + other)
    if check or not done.changed:
        return done
    # Keys first: a ledger without them would have new ones made.
    kept = _refusals(content, state_dir, replaced_authorities(other))
    write_files(content, state_dir, done.files)
    for path, keys in kept.items():
        write_whole(path, "".join(f"{key}\n" for key in sorted(keys)).encode(), 0o644)
    if damaged:
        now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        done.set_aside = str(ledger.set_aside(f"damaged-{now}") or "")
    if not same:
        _load(ledger, content, who)
    return done


def _refusals(backup: Mapping[str, Any], state_dir: str, names: Sequence[str]) -> dict[Path, set[str]]:
    """The keys that authorities refused whose place another one takes, for the file where that one looks for them.

    A list of theirs that the backup has none for goes: no authority that is left can read it.
    """
    found: dict[Path, set[str]] = {}
    for name in names:
        directory = (Path(state_dir) / name).parent
        path = directory / "refused_keys"
        file = backup["files"].get((PurePosixPath(name).parent / path.name).as_posix())
        known = {*(b64decode(file["content"]).decode().split() if file else ())}
        with contextlib.suppress(VccError):  # of one that cannot be read there is nothing to keep
            owner = authority_at(directory, directory.name) if HAS_CRYPTOGRAPHY else None
            known |= refused_keys(owner) if owner else set()
        if known - {""}:
            found[path] = known - {""}
        if (PurePosixPath(name).parent / "crl.pem").as_posix() not in backup["files"]:
            (directory / "crl.pem").unlink(missing_ok=True)
    return found


def _load(ledger: Ledger, content: Mapping[str, Any], who: str) -> None:
    ledger.run(lambda transaction: transaction.load(content["ledger"]), who=who)
