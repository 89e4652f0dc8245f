# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: published packages as an inventory reads them: descriptor, manifest and certificate, out of the catalog's index.

The disks are on VCC nodes. What is here is verified as that of any other package.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Collection, Mapping
from typing import Any, BinaryIO

from .._base.errors import VccError
from .._base.names import ORGANIZATION, ORGANIZATION_RULE
from .._base.problems import Problems, did_you_mean
from .catalog import Catalog, Seen
from .choice import DESCRIPTOR, Choice, read_choices
from .errors import PackageError
from .manifest import sum_of
from .names import EVERY, checked
from .package import OVF, Package

DIRECTORY = "/var/lib/intercloud-vpn"
OWN = ("directory", "organization", "templates")
"""What an inventory says of the catalog; the rest is said of packages, too."""


class Published(Package):
    """A package whose small files are in memory, and whose others are known by name."""

    whole = True

    def __init__(self, path: str, seen: Seen) -> None:
        descriptor = seen.files[0]["name"]
        if not descriptor.lower().endswith(OVF):
            raise PackageError(path, f"has no descriptor: {descriptor[:80]!r} is none")
        super().__init__(path, descriptor)
        self._seen = seen
        self._sizes = {checked(file["name"], path): int(file["size"]) for file in seen.files}
        for file in seen.files:
            text = seen.texts.get(file["name"])
            if text is not None and sum_of(text) != (file["sha256"], file["size"]):
                raise PackageError(self.place(file["name"]), "is not the file that was published; publish it again")

    def names(self) -> Collection[str]:
        return self._sizes

    def _open(self, name: str) -> tuple[BinaryIO, int, int]:
        text = self._seen.texts.get(name)
        if text is None:
            raise PackageError(self.place(name), "is not kept on the VCC server; VCC nodes have it")
        return io.BytesIO(text), 0, len(text)


def read_catalog(said: Any, common: Mapping[str, Any], beside: str, problems: Problems) -> list[tuple[Choice, Package]]:
    """The published packages that an inventory lists, each with what is said of it.

    Hosts are of the organization that published the package, and of no other.
    """
    found: list[tuple[Choice, Package]] = []
    for number, one in enumerate(said if isinstance(said, (list, tuple)) else [said]):
        place = f"catalog[{number}]"
        if not isinstance(one, Mapping):
            problems.add(place, "must be a mapping with organization, templates and cloud")
            continue
        its = {key: value for key, value in one.items() if key not in OWN}
        organization = str(one.get("organization") or "")
        if not ORGANIZATION.fullmatch(organization):
            problems.add(f"{place}.organization", f"{organization!r} must be {ORGANIZATION_RULE}")
            continue
        owner = str(its.get("org") or common.get("org") or organization)
        if "path" in its or owner != organization:
            what = "path" if "path" in its else "org"
            problems.add(f"{place}.{what}", "a template is found by its name, and its VMs are of its own organization")
            continue
        catalog = Catalog(os.path.join(beside, os.path.expanduser(str(one.get("directory") or DIRECTORY))))
        try:
            found += _read(catalog, one, place, organization, {**common, "org": organization}, its, problems)
        except VccError as error:
            problems.add(place, str(error))
    return found


def _read(
    catalog: Catalog,
    said: Mapping[str, Any],
    place: str,
    organization: str,
    common: Mapping[str, Any],
    its: Mapping[str, Any],
    problems: Problems,
) -> list[tuple[Choice, Package]]:
    known = catalog.templates(organization)
    named = EVERY if said.get("templates") is None else said["templates"]
    names = list(dict.fromkeys(map(str, named if isinstance(named, (list, tuple)) else [named])))
    if not any(names):
        problems.add(f"{place}.templates", "names no template; say all, or leave it out, for all of the organization")
        return []
    every = EVERY in names
    if every and organization not in catalog.organizations():
        there = catalog.home / organization
        alike = did_you_mean(organization, catalog.organizations())
        problems.add(
            place,
            f"there is no index in {there}: {organization} has published nothing, or directory or organization is "
            f"wrong, or published/ was not copied there{alike}",
        )
    found: list[tuple[Choice, Package]] = []
    for name in known if every else names:
        try:
            seen = catalog.read(organization, name).seen if name in known else None
        except VccError as error:
            problems.add(place, str(error))
            continue
        if seen is None:
            if not every:  # one that is being taken back is still in the index
                alike = did_you_mean(name, _readable(catalog, organization, known))
                problems.add(f"{place}.templates", f"{organization} has not published {name!r}{alike}")
            continue
        path = f"{catalog.home}/{organization}/{name}"
        own = {**its, "path": path, "digests": DESCRIPTOR}
        for _place, choice in read_choices([own], common, problems, lambda _number: place):
            found.append((choice, Published(path, seen)))
    return found


def _readable(catalog: Catalog, organization: str, names: Collection[str]) -> list[str]:
    """Those of an organization's templates that are published, and whose entries can be read."""
    found = []
    for name in names:
        with contextlib.suppress(VccError):
            if catalog.read(organization, name).seen is not None:
                found.append(name)
    return found
