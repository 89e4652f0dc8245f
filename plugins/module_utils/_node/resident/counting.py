# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what is used of quotas, tells which are used up, and begins new periods (kernel/usage.py says how)."""

from __future__ import annotations

from ..document import Generation
from ..kernel import usage
from ..kernel.nftables import Nftables
from ..part import Context
from ..state import Store


def count(generation: Generation, store: Store) -> list[str]:
    """Remember what the table has counted. Returns a line for each quota that is used up since."""
    asked = usage.quotas(generation)
    if not asked:
        return []
    used, now = usage.loaded(), usage.clock()
    before = usage.counted(usage.remembered(store), asked, used, now)
    entries = usage.turned(before, asked, now)
    lines = usage.tell(entries, asked)
    usage.write(store, entries)
    if any(used.get(quota.name) and not entries.get(quota.key, {}).get("octets") for quota in asked):
        Nftables(Context(generation, generation, store)).swap(entries)
    return lines
