# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what a VPN says about its tunnels. What each kind does: ``_plan/tunnel``."""

from __future__ import annotations

from collections.abc import Mapping

from .._base.problems import Problems, unknown_keys

KINDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ipsec": {},
    "ssl": {"transport": ("auto", "udp", "tcp")},
}
"""The kinds, with the options that the long form may choose and their values. The first of each is the default."""


def parse_tunnel(raw: object, path: str, problems: Problems) -> tuple[str, dict[str, str]]:
    """The kind, and each of the kind's options with its value.

    A word, or the long form with the kind's options; None is the first kind there is.
    """
    given = raw if isinstance(raw, Mapping) else {"kind": next(iter(KINDS)) if raw is None else raw}
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        place = f"{path}.kind" if given is raw else path
        problems.add(place, f"{kind!r} must be one of: {', '.join(KINDS)}")
        return "", {}
    known = KINDS[kind]
    unknown_keys(given, {"kind", *known}, path, problems)
    options = {key: given.get(key, values[0]) for key, values in known.items()}
    for key, value in options.items():
        if value not in known[key]:
            problems.add(f"{path}.{key}", f"{value!r} must be one of: {', '.join(known[key])}")
    return str(kind), {key: str(value) for key, value in options.items()}
