# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room on disk for a commit, and for the way back.

A commit that finds no room fails before it touches the node. What going back will need is set aside before, on every
file system that it writes to, and set free when the node goes back, or when its generation is confirmed.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from pathlib import Path

from ..document import Generation
from . import files

SPARE = 1 << 20  # octets beside what a generation has: the agent itself, units, settings
INODES = 8  # files that may have to be made anew before others are gone


def needed(*generations: Generation) -> int:
    """How many octets a commit between these generations may write, generously."""
    sizes = (len(text.encode()) for one in generations for text in one.files.values())
    return 2 * SPARE + 2 * (sum(sizes) + sum(len(json.dumps(one.document, indent=1)) for one in generations))


def check(directories: list[Path], octets: int) -> list[str]:
    """Why there is no room for so many octets, and some files, in each of these directories. Changes nothing."""
    found: dict[int, str] = {}
    for directory in directories:
        there = files.existing(directory)
        try:
            with files.named(directory):
                device = os.stat(there).st_dev
                if device not in found:
                    found[device] = ""
                    _try(there, octets)
        except files.Unwritable as error:
            found[device] = str(error)
    return [problem for problem in found.values() if problem]


def _try(directory: Path, octets: int) -> None:
    """Allocate as much in a file without a name: it is gone when it is closed. Quotas count it, too."""
    state = os.statvfs(directory)
    if state.f_flag & os.ST_RDONLY:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    if state.f_files and state.f_favail < files.SCARCE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with contextlib.suppress(_Unsupported):
        handle = _nameless(directory)
        try:
            os.posix_fallocate(handle, 0, octets)
        finally:
            os.close(handle)


class _Unsupported(Exception):
    """The file system has no files without a name."""


def _nameless(directory: Path) -> int:
    try:
        return os.open(directory, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.EINVAL, errno.EOPNOTSUPP):
            raise _Unsupported from error
        raise


class Reserve:
    """Room that is set aside, in one directory for each file system."""

    NAME = "reserve"

    def __init__(self, *directories: Path) -> None:
        self.directories = directories

    @property
    def places(self) -> list[Path]:
        """Where it is, or would be."""
        return [directory / self.NAME for directory in self.directories]

    def take(self, octets: int) -> None:
        """Set aside so many octets and a number of files. Raises Unwritable, with nothing set aside."""
        devices: set[int] = set()
        try:
            for directory in self.directories:
                device = os.stat(files.existing(directory)).st_dev
                if device not in devices:
                    devices.add(device)
                    self._fill(directory / self.NAME, octets)
        except OSError:
            self.release()
            raise

    @staticmethod
    def _fill(place: Path, octets: int) -> None:
        with files.named(place):
            files.directory(place, 0o700)
            for number in range(INODES):
                (place / str(number)).touch(0o600)
            with (place / "octets").open("wb") as stream:
                os.posix_fallocate(stream.fileno(), 0, octets)

    def release(self) -> None:
        """Set it free. It is only room: what cannot be removed stops nothing."""
        for place in self.places:
            shutil.rmtree(place, ignore_errors=True)

    def exists(self) -> bool:
        """Whether any is set aside."""
        return any(place.exists() for place in self.places)
