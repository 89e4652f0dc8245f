# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: the manifest (DSP0243, *OVF package*): a digest of every file. One that differs is refused."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from .._base.problems import Problems
from .errors import PackageError
from .package import CERT, MF, Package

LARGEST = 4 << 20  # octets
DIGESTS = {"SHA1": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
WEAK = ("SHA1",)
_LINE = re.compile(r"([A-Za-z0-9-]+) ?\((.+)\) ?= ?([0-9A-Fa-f]+)")


class Line(NamedTuple):
    """What a manifest says of a file."""

    algorithm: str
    name: str
    digest: str
    number: int


class Sum(NamedTuple):
    """What was read of a file: its SHA-256, and how many octets it has."""

    sha256: str
    size: int


def sum_of(content: bytes) -> Sum:
    """The same of a content that is in memory."""
    return Sum(hashlib.sha256(content).hexdigest(), len(content))


def read_manifest(content: bytes, place: str) -> list[Line]:
    """The lines of a manifest. PackageError with the first that is none."""
    try:
        texts = content.decode().splitlines()
    except UnicodeDecodeError:
        raise PackageError(place, "is not a manifest: it is not UTF-8") from None
    lines = []
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        match = _LINE.fullmatch(text.strip())
        if match is None:
            raise PackageError(f"{place}, line {number}", "is not a line of a manifest: SHA256(FILE)= DIGEST")
        algorithm = match[1].upper().replace("-", "")
        if algorithm not in DIGESTS:
            raise PackageError(f"{place}, line {number}", f"{match[1]} is not known; known are {', '.join(DIGESTS)}")
        lines.append(Line(algorithm, match[2], match[3].lower(), number))
    return lines


def check_descriptor(package: Package, lines: Iterable[Line], content: bytes, *, sha1: bool) -> None:
    """PackageError where the content of the descriptor that is used is not as the manifest says."""
    its = [line for line in lines if line.name == package.descriptor]
    problems = Problems()
    _check_said(package, package.descriptor, its, sha1, problems)
    _compare(its, [content], package, problems)
    for error in problems:
        raise PackageError(error.path, error.message, error.alike)


def check_files(
    package: Package,
    lines: Iterable[Line],
    references: Collection[str],
    *,
    sha1: bool,
    whole: bool,
    problems: Problems,
    sums: dict[str, Sum] | None = None,
) -> None:
    """Note what of the files beside the descriptor is not as the manifest says.

    ``references``: those that the descriptor names. ``sha1``: whether SHA-1 alone is enough. ``whole``: whether they
    are read, or only looked for. ``sums`` gets what was read of each file.
    """
    said: dict[str, list[Line]] = {}
    for line in lines:
        said.setdefault(line.name, []).append(line)
    own = (package.stem + MF, package.stem + CERT)
    named = dict.fromkeys([*references, *(package.names() if package.whole else ())])
    for name in dict.fromkeys([*named, *said]):
        its = said.get(name, [])
        if name == package.descriptor or (name in own and not its):
            continue
        _check_said(package, name, its, sha1, problems)
        try:
            if not package.has(name):
                problems.add(package.place(name), "is named, and is not in the package")
            elif whole:
                read = _compare(its, package.pieces(name), package, problems)
                if read and sums is not None:
                    sums[name] = read
        except PackageError as error:
            problems.extend([error])


def _check_said(package: Package, name: str, its: list[Line], sha1: bool, problems: Problems) -> None:
    """Note a file without a digest that can be relied on."""
    place = package.place(package.stem + MF)
    if not its:
        problems.add(place, f"has no digest of {name}: whether it was changed cannot be told")
    elif not sha1 and all(line.algorithm in WEAK for line in its):
        problems.add(
            f"{place}, line {its[0].number}",
            f"has only a SHA-1 digest of {name}, which can be forged: ask for SHA-256, or set sha1: true",
            "has only SHA-1",
        )


def _compare(its: list[Line], pieces: Iterable[bytes], package: Package, problems: Problems) -> Sum | None:
    """Note the digests that differ. What was read; None where nothing is said of the file."""
    if not its:
        return None
    algorithms = {"SHA256", *(line.algorithm for line in its)}
    sums = {name: hashlib.new(DIGESTS[name], usedforsecurity=False) for name in sorted(algorithms)}
    size = 0
    for piece in pieces:
        size += len(piece)
        for one in sums.values():
            one.update(piece)
    for line in its:
        if not hmac.compare_digest(sums[line.algorithm].hexdigest(), line.digest):
            problems.add(
                f"{package.place(package.stem + MF)}, line {line.number}",
                f"{line.name} is not the file that the manifest was made of: its {line.algorithm} digest is "
                f"{sums[line.algorithm].hexdigest()}; get the package again",
            )
    return Sum(sums["SHA256"].hexdigest(), size)
