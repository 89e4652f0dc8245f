# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of a template: one version, all of it. It is replaced by a rename, when all of the next one is right."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..state import Store
from ..system import files
from .contents import File, held, open_own, read_files
from .places import CURRENT, INDEX, LEDGER, PACKAGE, PARTS, Lacking, Refused, locked, make, version_in

KEPT = ("version", "serial", "files", "by", "at")
"""What of a publication is kept, and told again."""
LARGEST_INDEX = 64 << 20  # octets
_NEW = ".new"


def read_index(there: Path | None) -> dict[str, Any]:
    """What a version's index says; nothing where it cannot be read."""
    file = open_own(there / INDEX) if there else None
    if file is None:
        return {}
    with file:
        content = file.read(LARGEST_INDEX)
    try:
        found = json.loads(content)
        read_files(found["files"])
        return {**found, "serial": int(found["serial"]), "version": str(found["version"])}
    except (ValueError, TypeError, KeyError, Refused):
        return {}


def require_ours(path: Path, ledger: str, allow_older: bool, changes: bool) -> None:
    """Refused where an organization's directory is another ledger's: organizations of two may have one name.

    ``ledger``: empty if the run's VCC server has none yet. ``changes``: such a run is refused, too.
    """
    known = files.read(path / LEDGER).strip()
    if known and (ledger or changes) and known != ledger and not allow_older:
        its = f"this run's ledger is {ledger}" if ledger else "this run's VCC server has no ledger"
        raise Refused(
            f"the catalog of {path.name} on this node is of the ledger {known}, and {its}: "
            "another VCC server has an organization of this name. If that ledger is lost: -e vcc_allow_older=true"
        )


def require_newer(index: Mapping[str, Any], serial: int, name: str, allow_older: bool) -> None:
    """Refused where a later publication is there already."""
    if index and index["serial"] > serial and not allow_older:
        raise Refused(
            f"this node has a later publication of {name} ({index['serial']}, by {index.get('by') or 'unknown'}) "
            f"than this run's ({serial}): another run published it meanwhile. Run this again if yours is to be seen; "
            "if the VCC server's state is an older copy, with -e vcc_allow_older=true"
        )


def is_current(publication: Mapping[str, Any], ledger: str, place: Path) -> bool:
    """Whether this is what is seen, as the index says. Whether the contents are right, contents.py tells."""
    index = read_index(version_in(place))
    told = files.read(place.parent / LEDGER).strip()
    return all(index.get(key) == publication.get(key) for key in KEPT) and told == (ledger or told)


def activate(publication: Mapping[str, Any], ledger: str, place: Path, store: Store, allow_older: bool) -> Path:
    """Have this version seen, and nothing else be there. Refused where a content is missing, or is wrong."""
    wanted = read_files(publication["files"])
    there = version_in(place)
    right = held(wanted, there, read_index(there), place).right  # before the lock is taken: it may take minutes
    lacking = {file.sha256: file for file in wanted if file.sha256 not in right}
    for sha256, file in lacking.items():
        with contextlib.suppress(OSError):
            if (place / PARTS / sha256).lstat().st_size >= file.size:
                (place / PARTS / sha256).unlink()
    if lacking:
        names = ", ".join(sorted(file.name for file in lacking.values())[:3])
        raise Lacking(
            f"{names}: what arrived is not what was checked. The package was changed while it was sent, or another run "
            "removed it here; run publish_template again"
        )
    for path in right.values():  # what is written out by now takes no time under the lock
        with contextlib.suppress(OSError):  # removed meanwhile
            _write_out(path)
    with locked(place, store):
        require_newer(read_index(version_in(place)), int(publication["serial"]), place.name, allow_older)
        made = _made(publication, wanted, right, place, store)
        files.link(place / CURRENT, made.name)
        if ledger and files.read(place.parent / LEDGER).strip() != ledger:
            files.write(place.parent / LEDGER, f"{ledger}\n", 0o600)
        for entry in list(os.scandir(place)):
            if entry.name not in (CURRENT, made.name):
                _remove(Path(entry.path))
        files.sync(place)
    return made / PACKAGE


def _made(
    publication: Mapping[str, Any], wanted: list[File], right: Mapping[str, Path], place: Path, store: Store
) -> Path:
    """The version's own directory, complete and on the disk. Contents are linked, not copied."""
    scratch = place / _NEW
    _remove(scratch)
    make(scratch / PACKAGE, store)
    for file in wanted:
        target = scratch / PACKAGE / file.name
        make(target.parent, store)
        try:
            os.link(right[file.sha256], target, follow_symlinks=False)
        except FileNotFoundError:  # since it was read, a run that published another version removed it
            raise Lacking(f"{file.name}: another run removed it here; run publish_template again") from None
        _write_out(target)
    files.write(scratch / INDEX, json.dumps({key: publication.get(key) for key in KEPT}, indent=1) + "\n", 0o600)
    for folder, _folders, _files in os.walk(scratch):
        files.sync(Path(folder))
    number = 0
    while os.path.lexists(place / f"{publication['version'][:16]}.{number}"):
        number += 1
    made = place / f"{publication['version'][:16]}.{number}"
    scratch.rename(made)
    files.sync(place)
    return made


def _write_out(path: Path) -> None:
    """Have a content on the disk, for root only."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(handle, 0o600)
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(place: Path, store: Store) -> None:
    """Forget a template: first that it is seen, then its files, then directories that are empty now."""
    with locked(place, store):
        with contextlib.suppress(FileNotFoundError):
            (place / CURRENT).unlink()
        _remove(place)
    tidy(place.parent, store)


def tidy(organization: Path, store: Store) -> None:
    """Remove the directories of an organization that has no template any more."""
    with contextlib.suppress(OSError):  # another run has published meanwhile
        files.sweep(organization)
        if os.listdir(organization) == [LEDGER]:
            (organization / LEDGER).unlink()
        organization.rmdir()
        organization.parent.rmdir()
        store.state.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
