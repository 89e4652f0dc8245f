# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which device each peer of an OpenVPN server came by last: notes in a directory that belongs to OpenVPN's user.

OpenVPN talks to the internet and root reads what it notes, so the notes are a stranger's: root follows no link there,
waits for nothing, reads regular files of a few octets only, and what is odd is left out. Nothing here raises.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from . import processes

NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9.-]{0,63}", re.ASCII)  # an identity
SIZE = 64  # octets; a device's name has at most 15
ENTRIES = 20_000  # more peers than a server has
DEVICES = frozenset(map(processes.server_device, processes.TRANSPORTS))
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def owner() -> int | None:
    """The number of OpenVPN's user; None if there is no such user."""
    try:
        return pwd.getpwnam(processes.USER).pw_uid
    except KeyError:
        return None


def read(place: Path) -> dict[str, str]:
    """The device by identity."""
    found: dict[str, str] = {}
    with contextlib.suppress(OSError), _opened(place) as directory, os.scandir(directory) as entries:
        for number, entry in enumerate(entries):
            if number >= ENTRIES:
                break
            if NAME.fullmatch(entry.name):
                device = _note(entry.name, directory)
                if device in DEVICES:
                    found[entry.name] = device
    return found


@contextlib.contextmanager
def _opened(place: Path) -> Iterator[int]:
    """The directory itself: not where a link leads, and not one that somebody else put there."""
    handle = os.open(place, _FLAGS | os.O_DIRECTORY)
    try:
        if os.fstat(handle).st_uid not in (0, os.geteuid(), owner()):
            raise PermissionError(f"{place} belongs to another user")
        yield handle
    finally:
        os.close(handle)


def _note(name: str, directory: int) -> str:
    """The first octets of a file; empty if it is none, or too large."""
    try:
        handle = os.open(name, _FLAGS, dir_fd=directory)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return ""
        said = os.read(handle, SIZE + 1)
    except OSError:
        return ""
    finally:
        os.close(handle)
    return said.decode("ascii", "replace").strip() if len(said) <= SIZE else ""
