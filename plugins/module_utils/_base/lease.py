# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BASE: a lease, as the ledger keeps it and plans are made of it."""

from __future__ import annotations

from dataclasses import dataclass

from .prefix import Prefix


@dataclass(frozen=True)
class Lease:
    """One block or one address (a /32 or /128), held under `key`; kind is "block" or "address"."""

    key: str
    prefix: Prefix
    kind: str
    pool: str
