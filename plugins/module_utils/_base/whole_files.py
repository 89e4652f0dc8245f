# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the VCC server that are written whole or not at all, by one at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import typing as t
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path) -> t.Iterator[None]:
    """Hold a lock file, which stays."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(handle, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def make_directory(path: Path, mode: int) -> None:
    """Make a directory and those above it that are missing, all with this mode, whatever the umask is.

    One that is there keeps its mode: whoever made it may have had a reason.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        try:
            folder.mkdir(mode)  # a umask takes bits away, and never adds one
        except FileExistsError:  # another run made it meanwhile
            continue
        folder.chmod(mode)


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all."""
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # 0600 from the first moment
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(scratch, mode)
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise
