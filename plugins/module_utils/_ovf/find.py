# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: the packages that an inventory names: files, folders, and patterns of both."""

from __future__ import annotations

import glob
import os

from .errors import PackageError
from .package import OVA, OVF


def find_packages(named: str, beside: str, place: str) -> list[str]:
    """The paths of the packages that a text stands for, sorted. A relative one begins in the folder ``beside``.

    A folder stands for all packages in it, not in folders below. PackageError where there is none.
    """
    pattern = os.path.join(beside, os.path.expanduser(named))
    escaped = os.path.join(glob.escape(beside), os.path.expanduser(named))  # the pattern is only what is named
    paths = [pattern] if os.path.lexists(pattern) else sorted(glob.glob(escaped))
    found: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            found += sorted(os.path.join(path, name) for name in os.listdir(path) if _is_package(name))
        elif _is_package(path):
            found.append(path)
        elif path == pattern:
            raise PackageError(place, f"{path} is not a package: its name ends neither in {OVF} nor in {OVA}")
    if not found:
        what = "there is no package (*.ovf, *.ova) in it" if paths else "there is no such file or folder"
        raise PackageError(place, f"{pattern}: {what}")
    return list(dict.fromkeys(map(os.path.normpath, found)))


def _is_package(name: str) -> bool:
    return name.lower().endswith((OVF, OVA)) and not os.path.basename(name).startswith(".")
