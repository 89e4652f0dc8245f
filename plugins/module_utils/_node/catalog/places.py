# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a node keeps templates. These places are root's alone: no name leads out of them, and no link."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..state import Store
from ..system import files

CATALOG = "catalog"
"""The directory below the state directory. In it: ORGANIZATION/TEMPLATE/."""
LEDGER = ".ledger"
"""In an organization's directory: the id of the ledger whose organization it is. No template has such a name."""
CURRENT = "current"
"""In a template's directory: a link to the version that is seen."""
PARTS = "parts"
"""Beside it: contents that are being received, by their SHA-256."""
INDEX = "index.json"
"""In a version: what was published. Beside it the package, its files with the names that they have in it."""
PACKAGE = "package"

_ORGANIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}", re.ASCII)
_TEMPLATE = re.compile(r"(?!.*\.\.)[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,126}[A-Za-z0-9_-])?", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_VERSION = re.compile(r"[0-9a-f]{16}\.[0-9]{1,9}", re.ASCII)
LONGEST_NAME = 255  # octets
PATIENCE = 60  # seconds; who has the lock links and renames, and does not read contents


class Refused(Exception):
    """What was asked for is not done, and why."""


class Lacking(Refused):
    """Contents are not here, or are wrong. To look again, and to send what is missing, may help."""


def digest(text: Any) -> str:
    """A SHA-256, as hexadecimal digits. It becomes a file's name."""
    if not _DIGEST.fullmatch(str(text)):
        raise Refused(f"{str(text)[:80]!r} is not a SHA-256")
    return str(text)


def file_name(name: Any) -> str:
    """The name of a file of a package, with / between folders: none that leads out of it."""
    text = str(name)
    parts = text.split("/")
    if "\0" in text or "\\" in text or any(part in ("", ".", "..") for part in parts) or not text.isprintable():
        raise Refused(f"{text[:80]!r} is not a name of a file of a package")
    if any(len(part.encode()) > LONGEST_NAME for part in parts):
        raise Refused(f"{text[:80]!r} is too long for the name of a file")
    return text


def catalog_of(store: Store) -> Path:
    """The directory of all of it."""
    return store.state / CATALOG


def organization_at(store: Store, organization: Any) -> Path:
    """An organization's directory. Refused for what is not a name of one, and where the place is not root's alone."""
    if not _ORGANIZATION.fullmatch(str(organization)):
        raise Refused(f"{str(organization)[:80]!r} is not a name of an organization")
    path = catalog_of(store) / str(organization)
    _require_own(catalog_of(store))
    _require_own(path)
    return path


def template_at(store: Store, organization: Any, template: Any) -> Path:
    """A template's directory; likewise."""
    if not _TEMPLATE.fullmatch(str(template)):
        raise Refused(f"{str(template)[:80]!r} is not a name of a template")
    path = organization_at(store, organization) / str(template)
    _require_own(path)
    _require_own(path / PARTS)
    return path


def templates_in(path: Path) -> list[str]:
    """The names of the templates in an organization's directory."""
    try:
        return sorted(entry.name for entry in os.scandir(path) if _TEMPLATE.fullmatch(entry.name))
    except FileNotFoundError:
        return []


def version_in(path: Path) -> Path | None:
    """The directory of the version that is seen; None if there is none, or the link leads elsewhere."""
    try:
        name = os.readlink(path / CURRENT)
    except OSError:
        return None
    there = path / name
    return there if _VERSION.fullmatch(name) and there.is_dir() and not there.is_symlink() else None


def _require_own(path: Path) -> None:
    """Refused where something is there that is not a directory of ours, or that others can write into."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022:
        return
    what = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "not a directory that only root can write into"
    raise Refused(f"{path} is {what}; find out who made it, remove it, and run publish_template again")


def make(path: Path, store: Store) -> None:
    """Make a directory of the catalog, and those above it that are missing: for root only."""
    catalog = catalog_of(store)
    if not catalog.parent.exists():
        files.directory(catalog.parent)
    for folder in [*reversed([one for one in path.parents if one == catalog or catalog in one.parents]), path]:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(0o700)


@contextlib.contextmanager
def locked(path: Path, store: Store, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a template's directory, which is made if it is missing. Refused after so many seconds."""
    deadline = time.monotonic() + patience
    while True:
        handle = None
        with contextlib.suppress(FileNotFoundError, BlockingIOError):  # it is removed meanwhile, or held
            make(path, store)
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_ino == path.lstat().st_ino:
                break
        if handle is not None:
            os.close(handle)
        if time.monotonic() > deadline:
            raise Refused(f"another run has been publishing {path.name} on this node for {patience:g} s; run it again")
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(handle)
