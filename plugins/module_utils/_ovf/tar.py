# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: what is in an OVA, which is a tar archive (POSIX ustar, with the extensions of pax and GNU for long names).

The standard library's tarfile reads headers of any size into memory, and knows links and devices. Here is only what an
OVA may have: regular files, found by their headers. Their content stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from .errors import PackageError
from .names import checked

BLOCK = 512
MOST_ENTRIES = 10_000
LONGEST_HEADER = 1 << 16  # octets of a pax or GNU header: a name, and a few numbers
KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"5": "a directory",
    b"6": "a pipe",
    b"K": "a link",
    b"S": "a sparse file",
}
GZIP, XZ, ZIP = b"\x1f\x8b", b"\xfd7zXZ", b"PK\x03\x04"


class Entry(NamedTuple):
    """One file in an archive: its name, where its content begins, and how many octets it has."""

    name: str
    offset: int
    size: int


def entries(file: BinaryIO, total: int, place: str) -> list[Entry]:
    """The files of an archive of ``total`` octets, in their order. PackageError for an archive that is not an OVA."""
    if file.read(len(XZ)).startswith((GZIP, XZ, ZIP)):
        raise PackageError(place, "is compressed, and an OVA is a plain tar archive")
    found: list[Entry] = []
    names: set[str] = set()
    for entry in _entries(file, total, place):
        if entry.name in names:
            raise PackageError(place, f"{entry.name} is in the archive twice")
        names.add(entry.name)
        found.append(entry)
        if len(found) > MOST_ENTRIES:
            raise PackageError(place, f"has more than {MOST_ENTRIES} files")
    if not found:
        raise PackageError(place, "has no file in it")
    return found


def _entries(file: BinaryIO, total: int, place: str) -> Iterator[Entry]:
    at = 0
    extended: dict[str, str] = {}  # of the next entry
    while True:
        header = _read(file, at, BLOCK, total, place)
        if not any(header):
            if extended:
                raise PackageError(place, "ends after a header without its file")
            return
        _check_sum(header, at, place)
        size, kind = _number(header[124:136], place), header[156:157]
        at += BLOCK
        if kind in (b"x", b"g", b"L"):
            if size > LONGEST_HEADER:
                raise PackageError(
                    place, f"has a header of {size} octets at {at - BLOCK}: it may have {LONGEST_HEADER}"
                )
            content = _read(file, at, size, total, place)
            said = {"path": _text(content.rstrip(b"\0"), place)} if kind == b"L" else _pax(content, place)
            if kind == b"g" and (said or extended):  # of all that follow: programs differ in what they make of it
                what = f"says the {' and '.join(said)} of all files" if said else "is between a file and its header"
                raise PackageError(place, f"has a pax header for all files that {what}: each file has its own")
            extended.update(said)
        else:
            name = extended.get("path") or _name(header, place)
            if kind not in (b"0", b"\0", b"7"):
                raise PackageError(
                    place, f"{name[:80]!r} is {KINDS.get(kind, 'of an unknown kind')}: an OVA has files only"
                )
            if "size" in extended:
                size = _decimal(extended["size"], place)
            if at + size > total:
                raise PackageError(
                    place, f"is truncated: {name[:80]!r} has {size} octets, and {max(total - at, 0)} are there"
                )
            yield Entry(checked(name, place), at, size)
            extended = {}
        at += -(-size // BLOCK) * BLOCK


def _read(file: BinaryIO, at: int, size: int, total: int, place: str) -> bytes:
    file.seek(at)
    content = file.read(size) if at + size <= total else b""
    if len(content) != size:
        if at == 0:
            raise PackageError(place, "is not an OVA: it has no header of a tar archive")
        raise PackageError(place, f"is truncated at {total} octets: a tar archive ends with two blocks of zeros")
    return content


def _check_sum(header: bytes, at: int, place: str) -> None:
    blank = header[:148] + b" " * 8 + header[156:]
    signed = sum(octet - 256 if octet > 127 else octet for octet in blank)  # as some old programs wrote it
    try:
        said = int(header[148:156].strip(b" \0") or b"-1", 8)
    except ValueError:
        said = -1
    if said not in (sum(blank), signed):
        none = "is not an OVA: it has no header of a tar archive"
        what = none if at == 0 else f"is damaged: no header of a file at {at}"
        raise PackageError(place, what)


def _name(header: bytes, place: str) -> str:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return _text(prefix + b"/" + name if prefix else name, place)


def _number(field: bytes, place: str) -> int:
    """A size: octal digits, or base 256 where the first bit is set, as GNU tar writes files of 8 GiB and more."""
    if field[0] & 0x80:
        if field[0] != 0x80:
            raise PackageError(place, "is damaged: a file has a negative size")
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):  # int() would take signs and underscores
        raise PackageError(place, f"is damaged: {field!r} is not a size of a file")
    return int(digits or b"0", 8)


def _pax(content: bytes, place: str) -> dict[str, str]:
    """What is read of a pax header: records ``LENGTH KEY=VALUE\\n``."""
    found = {}
    at = 0
    while at < len(content):
        length, blank, _rest = content[at : at + 20].partition(b" ")
        size = int(length) if blank and length.isdigit() else 0
        record = content[at : at + size]
        key, equals, value = record[len(length) + 1 : -1].partition(b"=")
        if not record or len(record) != size or record[-1:] != b"\n" or not equals:
            raise PackageError(place, "is damaged: a pax header cannot be read")
        if key.startswith(b"GNU.sparse"):
            raise PackageError(place, "has a sparse file: an OVA has whole files only")
        if key in (b"path", b"size"):
            found[key.decode()] = _text(value, place)
        at += size
    return found


def _decimal(text: str, place: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise PackageError(place, f"is damaged: {text[:40]!r} is not a size of a file")
    return int(text)


def _text(name: bytes, place: str) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise PackageError(place, f"has a file whose name is not UTF-8: {name[:80]!r}") from None
