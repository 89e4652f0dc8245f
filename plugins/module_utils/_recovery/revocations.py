# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RECOVER: an authority that was restored learns from the edges what it has revoked since the backup."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .._base.errors import VccError
from .._pki.authority import authority
from .._pki.crl import RevocationList, learn, parse_list
from .held import believed


def recover_revocations(
    state_dir: str, said: Iterable[Mapping[str, Any]], check: bool = False, organizations: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """What the authorities learn, a line for each, and a note for each list that is not the authority's.

    ``said`` as in :func:`believed`; what is not believed is not named here. ``organizations``: those to recover; none
    stands for all.
    """
    lists: dict[str, dict[str, RevocationList]] = {}
    lines, notes = [], []
    for one in believed(said, organizations)[0]:
        try:
            owner = authority(state_dir, one.organization) if one.crl else None
            if owner:
                found = parse_list(owner, one.crl, f"the list of revocations of {one.node}")
                lists.setdefault(one.organization, {})[one.node] = found
        except VccError as error:
            notes.append(f"{one.organization}: {error}")
    for organization, known in sorted(lists.items()):
        try:
            owner = authority(state_dir, organization)
            learnt = learn(owner, list(known.values()), check) if owner else None
        except VccError as error:
            notes.append(f"{organization}: {error}")
            continue
        if learnt is not None:
            count = f"{len(learnt.revoked)} certificates"
            lines.append(f"+ revocations of {organization}: {count}, with what {', '.join(sorted(known))} knew")
    return lines, notes
