# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IKE_SAs that only one end still has, as after a crash of the other end, or after another machine took its place.

charon at the end that initiates finds out by itself, by DPD: after 16 s, or later under another policy. Until then it
sends packets with keys that the peer does not know. A run that asks both ends knows at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from . import connections
from .vici import Vici, ViciError

SLACK = 1.0  # seconds; charon counts the age of an IKE_SA in whole ones
NO_ANSWER = "10"  # milliseconds; with `force`, charon waits so long for an answer, which will not come
PATIENCE = 4.0  # seconds that charon has to answer


def unmet(names: Collection[str]) -> list[str]:
    """The tunnels, of these, that have no IKE_SA here. Empty if charon does not answer; all if it does not run."""
    try:
        there = {name for name, _sa in connections.answered(names, patiently=True, timeout=PATIENCE)}
    except ViciError:
        return []
    return sorted({*names} - there)


def end(lost: Mapping[str, float], check: bool) -> list[str]:
    """End the IKE_SAs that were up when the peer had none; returns their tunnels. `lost`: see NodeKind.given_up.

    The peer is not asked: it has no keys to answer with. ViciError.
    """
    ended = []
    for name, sa in connections.answered(lost, patiently=True, timeout=PATIENCE) if lost else ():
        age = int(sa.get("established") or 0)
        if sa.get("state") in ("ESTABLISHED", "REKEYING") and age > lost[name] + SLACK:
            if not check:
                with Vici() as vici:
                    vici.ask("terminate", {"ike-id": str(sa["uniqueid"]), "force": "yes", "timeout": NO_ANSWER})
            ended.append(name)
    return sorted({*ended})
