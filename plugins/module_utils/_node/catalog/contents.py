# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contents of files: which are here, and whether they are right. Sizes do not tell that: all is read."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from .places import PACKAGE, PARTS, Refused, digest, file_name

CHUNK = 1 << 18  # octets that are in memory at a time
MOST_FILES = 100_000


class File(NamedTuple):
    """A file of a package: its name in it, and its content."""

    name: str
    sha256: str
    size: int


def read_files(said: Any) -> list[File]:
    """The files of a package, as a controller or an index tells them. Refused for names that lead elsewhere."""
    if not isinstance(said, (list, tuple)) or len(said) > MOST_FILES:
        raise Refused("the list of the package's files cannot be read")
    found = [File(file_name(one["name"]), digest(one["sha256"]), int(one["size"])) for one in said]
    names = {file.name for file in found}
    folders = {"/".join(name.split("/")[:count]) for name in names for count in range(1, name.count("/") + 1)}
    if len(names) != len(found) or names & folders or any(file.size < 0 for file in found):
        raise Refused("two files of the package have one name")
    return found


def open_own(path: Path, flags: int = os.O_RDONLY) -> BinaryIO | None:
    """A file of ours, open; None where there is none, or something else."""
    try:
        handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError:
        if flags != os.O_RDONLY:
            raise
        return None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        os.close(handle)
        if flags != os.O_RDONLY:
            raise Refused(f"{path} is not a file of root's; find out who made it, and remove it")
        return None
    return os.fdopen(handle, "rb" if flags == os.O_RDONLY else "r+b", buffering=0)  # type: ignore[return-value]


def summed(path: Path) -> tuple[str, int]:
    """The SHA-256 of a file as it is now, and its size; an empty text and 0 where there is none."""
    file = open_own(path)
    if file is None:
        return "", 0
    with file:
        total, sum_of = 0, hashlib.sha256()
        while True:
            chunk = file.read(CHUNK)
            if not chunk:
                return sum_of.hexdigest(), total
            sum_of.update(chunk)
            total += len(chunk)


def size_of(path: Path) -> int:
    """The size of a file; -1 where there is none."""
    try:
        found = path.lstat()
    except OSError:
        return -1
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


class Held(NamedTuple):
    """Where contents are that are here and right, by their SHA-256; and the files of the version that is seen that are
    wrong, or missing, by name.
    """

    right: dict[str, Path]
    wrong: list[str]


def held(wanted: Iterable[File], there: Path | None, index: Mapping[str, Any], place: Path) -> Held:
    """What is here of the contents that are wanted.

    ``there`` is the version that is seen, with its ``index``. What others sent to ``place`` and finished counts, too.
    """
    sizes = {file.sha256: file.size for file in wanted}
    found = Held({}, [])
    for file in read_files(index.get("files") or ()) if there else ():
        if file.sha256 in sizes:
            path = Path(str(there)) / PACKAGE / file.name
            if size_of(path) == file.size and summed(path)[0] == file.sha256:
                found.right.setdefault(file.sha256, path)
            else:
                found.wrong.append(file.name)
    for sha256 in sizes.keys() - found.right.keys():
        path = place / PARTS / sha256
        if size_of(path) == sizes[sha256] and summed(path)[0] == sha256:
            found.right[sha256] = path
    return found


def damaged(there: Path, index: Mapping[str, Any]) -> list[str]:
    """The files of a version that are not what was published, by name."""
    return [
        file.name
        for file in read_files(index.get("files") or ())
        if summed(there / PACKAGE / file.name) != (file.sha256, file.size)
    ]
