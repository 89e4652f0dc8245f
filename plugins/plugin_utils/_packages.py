# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages as roles give them: a list of names, or a mapping of families of distributions to lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_list(packages: Any) -> list[Any]:
    """The same as a list, for the node, which knows its family (_node/system/packages.py)."""
    if isinstance(packages, Mapping):
        return [dict(packages)] if packages else []
    return list(packages or [])


def names_of(packages: Any) -> set[str]:
    """All names that packages may have, in any family."""
    found: set[str] = set()
    for one in as_list(packages):
        found |= {str(name) for names in one.values() for name in names} if isinstance(one, Mapping) else {str(one)}
    return found
