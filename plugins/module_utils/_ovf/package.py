# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: the files of a package: a folder with a descriptor, or an OVA. Nothing is unpacked."""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from .errors import PackageError
from .names import checked
from .tar import Entry, entries

OVF, OVA, MF, CERT = ".ovf", ".ova", ".mf", ".cert"
PIECE = 1 << 20


class Package(ABC):
    """A descriptor, and the files beside it. ``path`` is shown in messages; ``stem`` is the descriptor's name."""

    whole = False
    """Whether all of its files belong to it: so it is with an archive, and a folder may have others."""

    def __init__(self, path: str, descriptor: str) -> None:
        self.path, self.descriptor = path, descriptor
        self.stem = descriptor[: -len(OVF)]

    def place(self, name: str) -> str:
        """A file as messages show it."""
        return f"{self.path}({name})" if self.whole else os.path.join(os.path.dirname(self.path), name)

    @abstractmethod
    def names(self) -> Collection[str]:
        """The files that are there."""

    @abstractmethod
    def _open(self, name: str) -> tuple[BinaryIO, int, int]:
        """A file that holds one of its files, where that begins, and how many octets it has."""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return name in self.names()

    def read(self, name: str, most: int) -> bytes:
        """A file that may have ``most`` octets."""
        file, offset, size = self._open(name)
        with file:
            if size > most:
                raise PackageError(self.place(name), f"has {size} octets, and may have {most}")
            file.seek(offset)
            content = file.read(size)
        if len(content) != size:
            raise PackageError(self.place(name), "was changed while it was read")
        return content

    def part(self, name: str, at: int, most: int) -> bytes:
        """So many octets of a file, from there on; fewer where it ends."""
        file, offset, size = self._open(name)
        with file:
            file.seek(offset + at)
            return file.read(max(0, min(most, size - at)))

    def pieces(self, name: str) -> Iterator[bytes]:
        """A file of any size, piece by piece."""
        file, offset, size = self._open(name)
        with file:
            file.seek(offset)
            while size:
                piece = file.read(min(size, PIECE))
                if not piece:
                    raise PackageError(self.place(name), "was changed while it was read")
                size -= len(piece)
                yield piece


class Archive(Package):
    """An OVA."""

    whole = True

    def __init__(self, path: str) -> None:
        with _regular(path, path) as file:
            found = entries(file, os.fstat(file.fileno()).st_size, path)
        descriptors = [entry.name for entry in found if entry.name.lower().endswith(OVF)]
        if found[0].name not in descriptors[:1]:
            raise PackageError(path, f"begins with {found[0].name}: the first file of an OVA is its descriptor, *.ovf")
        if len(descriptors) > 1:
            raise PackageError(path, f"has {len(descriptors)} descriptors: {descriptors[0]}, {descriptors[1]}")
        super().__init__(path, descriptors[0])
        self._entries: dict[str, Entry] = {entry.name: entry for entry in found}

    def names(self) -> Collection[str]:
        return self._entries

    def _open(self, name: str) -> tuple[BinaryIO, int, int]:
        entry = self._entries[name]
        return _regular(self.path, self.path), entry.offset, entry.size


class Folder(Package):
    """A descriptor in a folder. The folder may be a link; what is below it may not."""

    def __init__(self, path: str) -> None:
        super().__init__(path, os.path.basename(path))
        self._root = Path(path).parent

    def names(self) -> Collection[str]:
        return [entry.name for entry in os.scandir(self._root)]

    def has(self, name: str) -> bool:
        return os.path.lexists(self._root / checked(name, self.path))

    def _open(self, name: str) -> tuple[BinaryIO, int, int]:
        path = self._root / checked(name, self.path)
        folders = [folder for folder in path.parents if folder != self._root and self._root in folder.parents]
        if any(folder.is_symlink() for folder in folders):
            raise PackageError(str(path), "is reached over a symbolic link: a package has files only")
        file = _regular(str(path), str(path))
        return file, 0, os.fstat(file.fileno()).st_size


def open_package(path: str) -> Package:
    """The package at a path that ends in .ova or .ovf."""
    return Archive(path) if path.lower().endswith(OVA) else Folder(path)


def _regular(path: str, place: str) -> BinaryIO:
    """A file, open for reading. PackageError for a link, a pipe, a device, and what cannot be opened."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        why = "is a symbolic link" if os.path.islink(path) else f"cannot be read: {error.strerror}"
        raise PackageError(place, why) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise PackageError(place, "is not a file")
    return os.fdopen(handle, "rb")
