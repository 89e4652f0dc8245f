# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are either the old one or the new one, whatever happens in between."""

from __future__ import annotations

import os
from pathlib import Path


def read(path: Path) -> str:
    """The content of a file; empty if there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def sync(directory: Path) -> None:
    """Make the directory's entries survive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def directory(path: Path, mode: int = 0o755) -> None:
    """Make a directory with this mode, and those above it that are missing (0755), whatever the umask is.

    One that is there gets the mode, too: what others have to read (OpenVPN) must not depend on who made it.
    """
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    path.mkdir(mode, exist_ok=True)
    if path.stat().st_mode & 0o7777 != mode:
        path.chmod(mode)


def _parents(path: Path) -> None:
    """Make what is missing above a file; what is there is left as it is."""
    if not path.parent.exists():
        directory(path.parent)


def write(path: Path, content: str, mode: int = 0o644) -> None:
    """Replace a file in one step. The temporary name starts with a dot, so that no `*.conf` pattern sees it."""
    _parents(path)
    temporary = path.parent / f".{path.name}.{os.getpid()}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    sync(path.parent)


def link(path: Path, target: str) -> None:
    """Point a symbolic link at `target` in one step."""
    _parents(path)
    temporary = path.parent / f".{path.name}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)
    sync(path.parent)


def remove(path: Path) -> None:
    """Remove a file or link, and its directory if that is one of ours and empty now."""
    path.unlink(missing_ok=True)
    parent = path.parent
    if parent.name.endswith((".service.d", "networkd.conf.d")) and parent.is_dir() and not any(parent.iterdir()):
        parent.rmdir()
