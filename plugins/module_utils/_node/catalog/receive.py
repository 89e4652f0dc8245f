# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of contents are received into parts. A part that is there is continued, whoever began it."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ..state import Store
from ..system import files
from .contents import CHUNK, File, open_own, size_of, summed
from .places import PARTS, Refused, digest, make

SPARE = 16 << 20  # octets that stay free: the node commits VPNs on the same disk


def missing(wanted: Sequence[File], right: Mapping[str, Path], place: Path) -> list[dict[str, Any]]:
    """What has to be sent: of each content what is there already, with its digest. Nobody is to believe it unseen."""
    found = {}
    for file in wanted:
        if file.sha256 not in right and file.sha256 not in found:
            begun, have = summed(place / PARTS / file.sha256)
            found[file.sha256] = {"sha256": file.sha256, "size": file.size, "have": have, "digest": begun}
    return list(found.values())


def require_room(lacking: Sequence[Mapping[str, Any]], place: Path) -> None:
    """Refused where the disk has no room for what is missing. What was sent before counts."""
    octets = sum(max(0, one["size"] - min(one["have"], one["size"])) for one in lacking)
    there = files.existing(place)
    found = os.statvfs(there)
    free = _usable(found)
    if octets and octets > free:  # a run that sends nothing needs no room
        raise Refused(
            f"{place}: no space left on device: {octets} octets are missing, and {max(free, 0)} can be used "
            f"({SPARE} stay free); free some space, then run publish_template again"
        )
    if found.f_files and lacking and found.f_favail < files.SCARCE:
        raise Refused(f"{place}: no inodes left on device; remove some files, then run publish_template again")


def _usable(found: os.statvfs_result) -> int:
    """The octets of a file system that templates may take."""
    return found.f_bavail * found.f_frsize - SPARE


def receive(pieces: Sequence[Mapping[str, Any]], source: BinaryIO, place: Path, store: Store) -> dict[str, int]:
    """Append pieces to their parts; returns how many octets each part has now.

    A piece begins where its part ends. Where that is elsewhere by now, another run sent the same content, or removed
    it: the piece is left out, and the sender goes on where the part ends. All of ``source`` is read in any case.
    """
    make(place / PARTS, store)
    have: dict[str, int] = {}
    wrong: OSError | Refused | None = None
    for piece in pieces:
        path, left = place / PARTS / digest(piece["sha256"]), int(piece["octets"])
        try:
            if wrong is None:
                left = _append(piece, source, path)
        except (OSError, Refused) as error:
            wrong, left = error, getattr(error, "left", left)
        _drain(source, left)
        have[path.name] = max(size_of(path), 0)
    if isinstance(wrong, OSError):
        if wrong.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refused(
                f"{place}: {wrong.strerror}; free some space, then run publish_template again: it goes on there"
            )
        raise wrong
    if wrong is not None:
        raise wrong
    return have


def _append(piece: Mapping[str, Any], source: BinaryIO, path: Path) -> int:
    """Append a piece; returns how many of its octets were not read, because the part does not end where it begins."""
    at, left, size = int(piece["offset"]), int(piece["octets"]), int(piece["size"])
    file = open_own(path, os.O_RDWR | os.O_CREAT)
    if file is None or at < 0 or left < 0 or at + left > size:
        raise Refused(f"a piece of {path.name} is outside of it")
    with file:
        if piece.get("restart") and at == 0:
            file.truncate(0)
        while left:
            chunk = source.read(min(left, CHUNK))
            if not chunk:
                raise Refused("the connection ended before the piece did; run publish_template again: it goes on there")
            left -= len(chunk)
            try:
                if not _write(file, chunk, at):
                    return left
            except OSError as error:
                error.left = left  # type: ignore[attr-defined]
                raise
            at += len(chunk)
    return 0


def _write(file: BinaryIO, chunk: bytes, at: int) -> bool:
    """Write at the end of a part, if it ends there. Locked for as long as that takes: a sender may hang for hours."""
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        found = os.fstat(file.fileno())
        if found.st_size != at or not found.st_nlink:
            return False
        if len(chunk) > _usable(os.fstatvfs(file.fileno())):  # since the look, others took what was free
            raise OSError(errno.ENOSPC, f"no space left on device ({SPARE} octets stay free)")
        written = 0
        while written < len(chunk):
            written += os.pwrite(file.fileno(), chunk[written:], at + written)
        return True
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _drain(source: BinaryIO, octets: int) -> None:
    """Read what nobody wants: a sender that is not listened to takes it for a broken connection."""
    while octets > 0:
        chunk = source.read(min(octets, CHUNK))
        if not chunk:
            return
        octets -= len(chunk)
