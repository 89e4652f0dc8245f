# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: what VCC nodes say of their copies. A node may be a tenant's: it is believed about what it may hold, only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .names import is_template

LARGEST = 1 << 63  # octets; no disk has more
Copies = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By organization and template: ``{"version": text, "damaged": [file], "parts": octets}``."""


def sound(answers: Mapping[str, Mapping[str, Any]], may: Mapping[str, Collection[str]]) -> dict[str, dict[str, Copies]]:
    """The answers of nodes, each ``{"templates": copies}``, without those that have another shape.

    ``may``: the organizations that each node may hold templates of. What it says of others is left out.
    """
    found: dict[str, dict[str, Copies]] = {}
    for node, answer in answers.items():
        said: Any = answer.get("templates")
        if _is_sound(said):
            its = [organization for organization in may.get(node, ()) if organization in said]
            found[node] = {"templates": {organization: _named(said[organization]) for organization in its}}
    return found


def _named(copies: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {name: copy for name, copy in copies.items() if is_template(name)}


def _is_sound(said: Any) -> bool:
    return isinstance(said, Mapping) and all(
        isinstance(copies, Mapping) and all(isinstance(name, str) and _is_copy(copy) for name, copy in copies.items())
        for copies in said.values()
    )


def _is_copy(copy: Any) -> bool:
    if not isinstance(copy, Mapping):
        return False
    damaged, parts = copy.get("damaged"), copy.get("parts")
    return (
        isinstance(copy.get("version"), str)
        and isinstance(damaged, (list, tuple))
        and all(isinstance(name, str) for name in damaged)
        and isinstance(parts, int)
        and 0 <= parts <= LARGEST
    )
