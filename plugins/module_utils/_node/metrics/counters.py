# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the firewall has counted since its table was loaded."""

from __future__ import annotations

from typing import NamedTuple

from ..kernel.usage import objects


class Counter(NamedTuple):
    """Of the packets that a rule let pass or refused."""

    packets: int
    octets: int


def counters() -> dict[str, Counter]:
    """The named counters of our table. Empty without a table."""
    return {name: Counter(entry["packets"], entry["bytes"]) for name, entry in objects("counter").items()}
