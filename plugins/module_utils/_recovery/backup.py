# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup of the VCC server: the ledger's records, its authorities and its keys, as plain data.

It holds private keys: whoever has it in hand encrypts it before it touches a disk.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from .._base.errors import VccError
from .._base.whole_files import write_whole
from .._ledger.rows import Rows

if TYPE_CHECKING:
    from .._ledger.ledger import Transaction

FORMAT = 1
KIND = "intercloud.vpn backup"
# Below the state directory. Other things may be there: the ledger, what a server that is a node was told, a lab.
DIRECTORIES = ("ca", "psk", "ppk", "tls-crypt")
_LOCKS = {"lock", ".lock"}


def content_of(ledger: Rows, state_dir: str | Path, at: str) -> dict[str, Any]:
    """The backup. ``ledger`` was read before: a key that is newer than it is harmless, a key that is missing is not."""
    return {"kind": KIND, "format": FORMAT, "at": at, "ledger": ledger, "files": _collect(Path(state_dir))}


def check_backup(backup: object) -> Mapping[str, Any]:
    """VccError when this is not a backup of ours, or of a later version."""
    if not isinstance(backup, Mapping) or backup.get("kind") != KIND:
        raise VccError("this is not a backup of a ledger")
    if not isinstance(backup.get("files"), Mapping) or not isinstance(backup.get("ledger"), Mapping):
        raise VccError("this backup is damaged: it has no ledger or no files")
    if backup.get("format") != FORMAT:
        raise VccError(f"this backup has format {backup.get('format')}, not {FORMAT}: update intercloud.vpn here")
    for name in backup["files"]:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or path.parts[:1] not in [(one,) for one in DIRECTORIES]:
            raise VccError(f"this backup names a file outside of the state directory: {name}")
    return backup


def newer_than(transaction: Transaction, backup: Mapping[str, Any]) -> list[str]:
    """What a ledger knows that the backup does not: reasons not to replace it."""
    ledger = transaction.ledger_id()
    theirs = [row["ledger"] for row in backup["ledger"].get("identity", [])]
    if theirs != [ledger]:
        return [f"it is another ledger, {ledger}, and the backup is of {', '.join(theirs)}"]
    known = {(row["organization"], row["number"]): row["hash"] for row in backup["ledger"].get("generations", [])}
    found = []
    for row in transaction.dump()["generations"]:
        if known.get((row["organization"], row["number"])) != row["hash"]:
            found.append(f"generation {row['number']} of {row['organization']} is not in the backup")
    return found


def same_records(transaction: Transaction, backup: Mapping[str, Any]) -> bool:
    """Whether the ledger says what the backup says. What happened when is not part of that."""
    ours, theirs = transaction.dump(), backup["ledger"]
    return all(_sorted(ours[name]) == _sorted(theirs.get(name, [])) for name in ours if name != "events")


def differing(backup: Mapping[str, Any], state_dir: str | Path) -> tuple[list[str], list[str]]:
    """The backup's files that are missing in a state directory, and those that are there and differ.

    A list of revocations that is there stays, whatever the backup has: what was revoked stays revoked. Where another
    authority comes back, after a rotation, the list there is of none that is left (restore.py keeps what it refused).
    """
    missing, other = [], []
    for name, file in sorted(backup["files"].items()):
        path = Path(state_dir) / name
        if not path.exists():
            missing.append(name)
        elif path.name != "crl.pem" and path.read_bytes() != _bytes(name, file):
            other.append(name)
    for name in replaced_authorities(other):
        path = PurePosixPath(name).with_name("crl.pem").as_posix()
        if path in backup["files"] and (Path(state_dir) / path).exists():
            other.append(path)
    return missing, other


def replaced_authorities(names: Iterable[str]) -> list[str]:
    """Of files that are there and differ, the certificates of authorities."""
    return [name for name in names if PurePosixPath(name).name == "ca.pem"]


def write_files(backup: Mapping[str, Any], state_dir: str | Path, names: Sequence[str]) -> None:
    """Write files of the backup, for their owner only where the backup says so, each whole or not at all."""
    root = Path(state_dir)
    for name in names:
        path = root / name
        file = backup["files"][name]
        try:
            for folder in [*reversed([one for one in path.parents if one == root or root in one.parents])]:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, _bytes(name, file), int(file["mode"], 8) & 0o777)
        except OSError as error:
            raise VccError(f"{path}: cannot be restored: {error.strerror}") from error


def _collect(root: Path) -> dict[str, dict[str, str]]:
    files: dict[str, dict[str, str]] = {}
    try:
        for directory in DIRECTORIES:
            for folder, folders, names in os.walk(root / directory, onerror=_raise):
                folders.sort()
                for path in (Path(folder) / name for name in sorted(names)):
                    # A dot begins the name of a file that is not whole yet.
                    if path.name not in _LOCKS and not path.name.startswith(".") and path.is_file():
                        mode = f"{path.stat().st_mode & 0o777:04o}"
                        content = base64.b64encode(path.read_bytes()).decode()
                        files[path.relative_to(root).as_posix()] = {"mode": mode, "content": content}
    except OSError as error:
        raise VccError(f"{error.filename or root}: cannot be read: {error.strerror}") from error
    return files


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _bytes(name: str, file: Mapping[str, str]) -> bytes:
    try:
        return base64.b64decode(file["content"], validate=True)
    except (binascii.Error, KeyError, TypeError, ValueError) as error:
        raise VccError(f"this backup is damaged: {name} cannot be read") from error


def _sorted(rows: Sequence[Mapping[str, Any]]) -> list[list[tuple[str, str]]]:
    return sorted(sorted((key, str(value)) for key, value in row.items()) for row in rows)
