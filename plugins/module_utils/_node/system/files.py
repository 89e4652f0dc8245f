# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are either the old one or the new one, whatever happens in between.

A file that cannot be written raises Unwritable, which names the path, the reason and the repair.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

# What every temporary file and directory of ours begins with. The dot hides it from `*.conf` patterns and from the
# directories that strongSwan and systemd read; the rest tells it from other people's.
TEMPORARY = ".intercloud-vpn-"
SCARCE = 128  # inodes: a first commit makes fewer files
ABANDONED = 600  # seconds; no step of ours takes so long, and a process id may belong to another process by then

_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE

_REASONS = {
    errno.ENOSPC: ("no space left on device", "free some space"),
    errno.EDQUOT: ("disk quota exceeded", "free some space, or raise the quota"),
    errno.EROFS: ("read-only file system", "make it writable (the kernel's log says why it is not)"),
    errno.EACCES: ("permission denied", "let root write there"),
    errno.EPERM: ("operation not permitted", "let root write there (lsattr shows an immutable file)"),
    errno.EIO: ("input/output error", "check the disk"),
}


class Unwritable(OSError):
    """A file cannot be written. The message names its path, the reason, and the repair."""

    def __init__(self, path: Path | str, error: OSError) -> None:
        super().__init__(error.errno, error.strerror)
        reason, repair = _REASONS.get(error.errno or 0, (error.strerror or str(error), "repair that"))
        if error.errno == errno.ENOSPC and _lacks_inodes(Path(path)):
            reason, repair = "no inodes left on device", "remove some files"
        self.text = f"{path}: {reason}; {repair}, then run create_vpn again"

    def __str__(self) -> str:
        return self.text


def _lacks_inodes(path: Path) -> bool:
    with contextlib.suppress(OSError):
        found = os.statvfs(existing(path))
        return 0 <= found.f_favail < min(SCARCE, found.f_files) and found.f_bavail * found.f_frsize >= 1 << 20
    return False


def existing(path: Path) -> Path:
    """The path itself, or the nearest directory above it that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


@contextlib.contextmanager
def named(path: Path | str) -> Iterator[None]:
    """Have errors of the system say which path they are about, and what helps."""
    try:
        yield
    except Unwritable:
        raise
    except OSError as error:
        raise Unwritable(path, error) from error


def read(path: Path) -> str:
    """The content of a file; empty if there is none. Octets that are no UTF-8 come as U+FFFD: they equal nothing."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
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


def temporary(path: Path) -> Path:
    """Where something is made before it takes its place at `path`."""
    return path.parent / f"{TEMPORARY}{os.getpid()}-{path.name}"


def write(path: Path, content: str, mode: int = 0o644) -> None:
    """Replace a file in one step. Raises Unwritable; what was there is there still."""
    with named(path):
        _parents(path)
        scratch = temporary(path)
        try:
            scratch.unlink(missing_ok=True)
            # A directory may be somebody else's, who has put a link there (/etc/hosts, where it leads elsewhere).
            handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
                os.fchmod(stream.fileno(), mode)
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            scratch.replace(path)
        except BaseException:
            _discard(scratch)
            raise
        sync(path.parent)


def link(path: Path, target: str) -> None:
    """Point a symbolic link at `target` in one step. Raises Unwritable."""
    with named(path):
        _parents(path)
        scratch = temporary(path)
        scratch.unlink(missing_ok=True)
        try:
            scratch.symlink_to(target)
            scratch.replace(path)
        except BaseException:
            _discard(scratch)
            raise
        sync(path.parent)


def exchange(one: Path, other: Path) -> None:
    """Have two directories of one parent change places: in one step (renameat2) where the file system can."""
    import ctypes  # a megabyte, and seldom needed

    with named(other):
        try:
            rename = ctypes.CDLL(None, use_errno=True).renameat2
            swapped = rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0
        except (AttributeError, OSError):
            swapped = False
        if not swapped:
            between = other.with_name(f"{one.name}.1")
            other.rename(between)
            one.rename(other)
            between.rename(one)
        sync(other.parent)


def remove(path: Path) -> None:
    """Remove a file or link, and its directory if that is one of ours and empty now. Raises Unwritable."""
    with named(path):
        path.unlink(missing_ok=True)
        parent = path.parent
        ours = (".service.d", ".service.wants", "networkd.conf.d")
        if parent.name.endswith(ours) and parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()


def removable(path: Path) -> bool:
    """Whether there is a directory that can be removed: neither a link nor a mount point, of a bind mount either."""
    return path.is_dir() and not path.is_symlink() and not mounted(path)


def mounted(path: Path) -> bool:
    """Whether something is mounted exactly there, a bind mount too."""
    mounts = read(Path("/proc/self/mountinfo")).splitlines()
    return str(path) in {line.split(" ")[4].replace("\\040", " ") for line in mounts}


def _discard(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def leftovers(directory: Path) -> list[Path]:
    """Temporary files and directories of processes that ended before they were done."""
    try:
        return sorted(path for path in directory.iterdir() if path.name.startswith(TEMPORARY) and _abandoned(path))
    except OSError:
        return []


def _abandoned(path: Path) -> bool:
    owner = path.name[len(TEMPORARY) :].partition("-")[0]
    try:
        if owner.isdecimal() and Path(f"/proc/{owner}").exists():
            return time.time() - path.lstat().st_mtime > ABANDONED
    except OSError:
        return False
    return True


def sweep(directory: Path) -> None:
    """Remove them."""
    for path in leftovers(directory):
        with named(path):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
