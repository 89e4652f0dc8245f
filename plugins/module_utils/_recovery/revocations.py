# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RECOVER: an authority that was restored learns from the edges what it has revoked since the backup."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .._base.errors import VccError
from .._pki.authority import NEXT, Authority, trusted
from .._pki.crl import RevocationList, learn, lists_in, parse_list_of
from .held import believed


def recover_revocations(
    state_dir: str, said: Iterable[Mapping[str, Any]], check: bool = False, organizations: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """What the authorities learn, a line for each, and a note for each list that is not the authority's.

    ``said`` as in :func:`believed`; what is not believed is not named here. ``organizations``: those to recover; none
    stands for all.
    """
    lists: dict[Authority, list[tuple[str, RevocationList]]] = {}
    lines, notes = [], []
    for one in believed(said, organizations)[0]:
        # While one authority takes the place of another, edges have the lists of both.
        for text in lists_in(one.crl) if one.crl else ():
            try:
                owners = trusted(state_dir, one.organization)
                if owners:
                    owner, found = parse_list_of(owners, text, f"the list of revocations of {one.node}")
                    lists.setdefault(owner, []).append((one.node, found))
            except VccError as error:
                notes.append(f"{one.organization}: {error}")
    for owner, known in sorted(lists.items(), key=lambda item: (item[0].organization, item[0].directory)):
        try:
            learnt = learn(owner, [found for _node, found in known], check)
        except VccError as error:
            notes.append(f"{owner.organization}: {error}")
            continue
        if learnt is not None:
            what = f"{owner.organization}, by its new authority" if owner.directory.name == NEXT else owner.organization
            count, nodes = f"{len(learnt.revoked)} certificates", sorted({node for node, _found in known})
            lines.append(f"+ revocations of {what}: {count}, with what {', '.join(nodes)} knew")
    return lines, notes
