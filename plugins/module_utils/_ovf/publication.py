# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: a package that is to be published: verified as inventories verify theirs, and then told as a list of files."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._base.problems import Problems
from .choice import ALL, REQUIRED, SIGNED, Choice
from .errors import PackageError
from .find import find_packages
from .load import Mistakes, Seen, load_package
from .manifest import sum_of
from .package import OVA, OVF, open_package

PLACE = "vcc_package"


@dataclass(frozen=True)
class Publication:
    """A verified package. ``path``: of the OVA, or of the descriptor. ``files``: each with name, sha256 and size
    (octets), the descriptor first. ``texts``: the descriptor, the manifest and the certificate. ``version``: the same
    for the same files.
    """

    path: str
    files: list[dict[str, Any]]
    texts: Mapping[str, bytes]
    version: str


def read_publication(
    named: str, beside: str, trusted: str | None, sha1: bool, today: datetime.datetime, problems: Problems
) -> Publication | None:
    """The package in a file or a folder. None where it must not be published, which ``problems`` says all reasons of.

    ``trusted``: the file with the authorities that must vouch for it; None where its manifest is enough.
    """
    found = find_packages(named, beside, PLACE)
    if len(found) > 1:
        problems.add(PLACE, f"{named} has {len(found)} packages: {', '.join(found[:3])}; name one of them")
        return None
    its, seen = Mistakes(), Seen()
    choice = Choice(found[0], verify=SIGNED if trusted else REQUIRED, trusted=trusted, sha1=sha1, digests=ALL)
    content = load_package(choice, today, its, seen)
    problems.extend(its)
    if content is None:
        return None
    package = open_package(found[0])
    names = [package.descriptor, *sorted(seen.sums.keys() - {package.descriptor})]
    folders = {name[: at.start()] for name in names for at in re.finditer("/", name)}
    for name in sorted(folders & set(names)):
        problems.add(found[0], f"{name} is a file of the package, and a folder of it")
        return None
    files = [{"name": name, "sha256": seen.sums[name].sha256, "size": seen.sums[name].size} for name in names]
    return Publication(found[0], files, dict(seen.contents), version_of(files))


def version_of(files: list[dict[str, Any]]) -> str:
    """What tells packages apart: a SHA-256 over the names and contents of their files."""
    lines = sorted(f"{file['sha256']} {file['size']} {file['name']}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def name_of(named: str) -> str:
    """The name that a template has if none is said: the package's, without its ending."""
    stem = named.rstrip("/").rpartition("/")[2]
    return stem[: -len(OVA)] if stem.lower().endswith((OVA, OVF)) else stem


def read_texts(path: str, files: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, bytes]:
    """The small files of a package that was verified before, by name. PackageError where one is another by now."""
    package = open_package(path)
    known = {file["name"]: (file["sha256"], file["size"]) for file in files}
    found = {}
    for name in names:
        found[name] = package.read(name, int(known[name][1]))
        if sum_of(found[name]) != known[name]:
            raise PackageError(package.place(name), "was changed while it was published; publish it again")
    return found
