# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain of an organization's generations: each has the hash of the one before it in its own.

A number can be given out twice, by a ledger that was restored from a backup. A hash cannot: the time and the author of
a generation are in it, and all that came before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from .records import canonical_json

LISTED = 16
"""So many hexadecimal digits of a hash are listed of each ancestor: enough to tell generations apart by accident."""
KEPT = 1000
"""So many generations of a node are listed. A node that missed more changes of its own than that says so, and stays."""


def chain_hash(ledger: str, previous: str, generation: Mapping[str, Any]) -> str:
    """The hash of a generation, a row of that table without ``hash``. ``previous``: the hash of the one before it."""
    names = ("organization", "number", "created_at", "created_by", "digest")
    return hashlib.sha256(
        canonical_json([ledger, previous, *(generation[name] for name in names)]).encode()
    ).hexdigest()


def lineage_of(ledger: str, number: int, known: Mapping[int, str]) -> dict[str, Any]:
    """What travels beside a node's document of generation ``number``: by it, the node knows its own ancestors.

    ``known``: the hashes of the generations in which that node's document changed, by number. The result has the
    ``ledger``, the ``generation``, its ``hash``, and ``ancestors``: number -> the first digits of its hash.
    """
    numbers = [one for one in sorted(known) if one <= number][-KEPT:]
    return {
        "ledger": ledger,
        "generation": number,
        "hash": known.get(number, ""),
        "ancestors": {str(one): known[one][:LISTED] for one in numbers},
    }
