# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RECOVER: an authority that was restored learns from the edges what it has revoked since the backup."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ._authority import authority
from ._crl import take_newer
from ._errors import VccError
from ._recover_held import believed


def recover_revocations(
    state_dir: str, said: Iterable[Mapping[str, Any]], check: bool = False, organizations: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """What the authorities learn, a line for each, and a note for each list that is not the authority's.

    ``said`` as in :func:`believed`; what is not believed is not named here. ``organizations``: those to recover; none stands for all.
    """
    lines: dict[str, str] = {}
    notes = []
    for one in believed(said, organizations)[0]:
        text, organization = one.crl, one.organization
        try:
            owner = authority(state_dir, organization) if text else None
            found = take_newer(owner, text, f"the list of revocations of {one.node}", check) if owner else None
        except VccError as error:
            notes.append(f"{organization}: {error}")
            continue
        if found is not None:
            count = f"{len(found.revoked)} certificates"
            lines[organization] = f"+ revocations of {organization}: {count}, as {one.node} has them"
    return list(lines.values()), notes
