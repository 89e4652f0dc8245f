# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: packages, from files to hosts: found, verified, read. Every mistake of all of them is noted."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .._base.problems import Problems
from . import certificate, manifest
from .choice import ALL, IF_PRESENT, SIGNED, Choice, read_choices
from .descriptor import LARGEST, parse_descriptor
from .errors import PackageError
from .facts import Hosts, make_hosts
from .find import find_packages
from .model import Content
from .package import CERT, MF, Package, open_package
from .read import read_descriptor

MOST_MISTAKES = 50


class Mistakes(Problems):
    """The mistakes of one package. Strangers can make any number of them: so many are kept, and then it is given up."""

    def add(self, path: str, message: str, alike: str = "") -> None:
        """Note one more. PackageError where that is one too many."""
        if len(self) == MOST_MISTAKES:
            raise PackageError(path, f"is the place of mistake {MOST_MISTAKES + 1}; the rest was not looked for")
        super().add(path, message, alike)

    def last(self, error: PackageError) -> None:
        """Note what ended the reading."""
        super().add(error.path, error.message, error.alike)


@dataclass
class Seen:
    """What was read of a package's files: what they sum up to, and the descriptor, manifest and certificate."""

    sums: dict[str, manifest.Sum] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> None:
        """Note one that is in memory."""
        self.contents[name], self.sums[name] = content, manifest.sum_of(content)


def load_packages(
    packages: Any,
    common: Mapping[str, Any],
    beside: str,
    today: datetime.datetime,
    problems: Problems,
    others: Iterable[tuple[Choice, Package]] = (),
) -> Hosts:
    """The hosts and groups of packages. ``beside``: the folder that relative paths begin in. ``others``: packages that
    were found elsewhere.
    """
    read: list[tuple[Content, Choice]] = []
    for place, choice in read_choices(packages, common, problems):
        try:
            found = find_packages(choice.path, beside, f"{place}.path")
        except PackageError as error:
            problems.extend([error])
            continue
        for path in found:
            _add(replace(choice, path=path), None, beside, today, read, problems)
    for choice, package in others:
        _add(choice, package, beside, today, read, problems)
    return make_hosts(read, problems)


def _add(
    choice: Choice,
    package: Package | None,
    beside: str,
    today: datetime.datetime,
    read: list[tuple[Content, Choice]],
    problems: Problems,
) -> None:
    trusted = choice.trusted and str(Path(beside) / Path(choice.trusted).expanduser())
    its = Mistakes()
    content = load_package(replace(choice, trusted=trusted), today, its, package=package)
    problems.extend(its)
    if content is not None:
        read.append((content, choice))


def load_package(
    choice: Choice,
    today: datetime.datetime,
    problems: Mistakes,
    seen: Seen | None = None,
    package: Package | None = None,
) -> Content | None:
    """One package: its digests and signature verified, and its descriptor read. None where it is not to be used.

    ``seen`` gets what was read of its files. ``package``: an open one, if it is not opened by its path.
    """
    seen = seen or Seen()
    try:
        package = package or open_package(choice.path)
        descriptor = package.read(package.descriptor, LARGEST)
        seen.add(package.descriptor, descriptor)
        signed = _manifest(package, choice, today, seen)
        lines = None if signed is None else manifest.read_manifest(signed, package.place(package.stem + MF))
        if lines is not None:  # the descriptor is not parsed before
            manifest.check_descriptor(package, lines, descriptor, sha1=choice.sha1)
        file = package.place(package.descriptor)
        envelope = parse_descriptor(descriptor, file)
        content = read_descriptor(envelope, file, choice.configuration, problems)
        if lines is not None:
            whole = choice.digests == ALL
            manifest.check_files(
                package, lines, content.references, sha1=choice.sha1, whole=whole, problems=problems, sums=seen.sums
            )
    except PackageError as error:
        problems.last(error)
        return None
    except OSError as error:
        problems.last(PackageError(choice.path, f"cannot be read: {error.strerror}"))
        return None
    return None if len(problems) else content


def _manifest(package: Package, choice: Choice, today: datetime.datetime, seen: Seen) -> bytes | None:
    """The manifest, if its signature is right; None where there is none, and need not be."""
    name, signature = package.stem + MF, package.stem + CERT
    if not package.has(name):
        if choice.verify == IF_PRESENT and not package.has(signature):
            return None
        others = [other for other in package.names() if other.lower().endswith(MF)] if package.whole else []
        hint = f"; {others[0]} is not named after {package.descriptor}" if others else ""
        raise PackageError(
            package.path,
            f"has no manifest {name}{hint}: whether it was changed cannot be told. If you trust where it is from, say "
            "verify: if_present",
        )
    content = package.read(name, manifest.LARGEST)
    seen.add(name, content)
    if package.has(signature):
        signed = package.read(signature, certificate.LARGEST)
        seen.add(signature, signed)
        trusted = choice.trusted and certificate.read_trusted(_trusted(choice.trusted), choice.trusted)
        certificate.check_signature(
            signed,
            content,
            name,
            trusted or None,
            sha1=choice.sha1,
            today=today,
            place=package.place(signature),
        )
    elif choice.verify == SIGNED:
        raise PackageError(package.path, f"has no certificate {signature}: it is not signed (verify: signed)")
    return content


def _trusted(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise PackageError(path, f"cannot be read: {error.strerror}") from None
