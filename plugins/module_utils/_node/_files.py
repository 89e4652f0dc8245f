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


def write(path: Path, content: str, mode: int = 0o644) -> None:
    """Replace a file in one step. The temporary name starts with a dot, so that no `*.conf` pattern sees it."""
    path.parent.mkdir(parents=True, exist_ok=True)
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
    path.parent.mkdir(parents=True, exist_ok=True)
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
