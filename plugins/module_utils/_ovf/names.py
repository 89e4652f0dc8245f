# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: which names files of a package, and templates, may have: none that leads out of where they are kept."""

from __future__ import annotations

from .._base.names import NAME, NAME_RULE
from .errors import PackageError

TEMPLATE_RULE = f"{NAME_RULE}, and not all"
EVERY = "all"
"""Stands for all templates of an organization, so that none has this name."""
LONGEST = 255  # octets; longer ones are no file names


def checked(name: str, place: str) -> str:
    """The name of a file below the package's folder, with ``/`` between folders. PackageError for any other."""
    shown = repr(name[:80])
    if name.startswith("/") or "\\" in name or (len(name) > 1 and name[1] == ":"):
        raise PackageError(place, f"{shown} is an absolute name: files of a package have names relative to it")
    parts = name.split("/")
    if not name or any(part in ("", ".", "..") for part in parts):
        raise PackageError(place, f"{shown} is not a name of a file in the package: it leads elsewhere")
    if len(name.encode("utf-8", "replace")) > LONGEST or not name.isprintable():
        raise PackageError(place, f"{shown} is not a name of a file: it is too long, or cannot be printed")
    return name


def is_template(name: str) -> bool:
    """Whether a template may have this name."""
    return NAME.fullmatch(name) is not None and name != EVERY
