# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the firewall has counted since its table was loaded."""

from __future__ import annotations

import json
from typing import NamedTuple

from ..kernel.usage import FAMILY, TABLE
from ..system.run import CommandError, have, run


class Counter(NamedTuple):
    """Of the packets that a rule let pass or refused."""

    packets: int
    octets: int


def counters() -> dict[str, Counter]:
    """The named counters of our table. None without a table."""
    if not have("nft"):
        return {}
    try:
        listed = json.loads(run("nft", "-j", "list", "counters", "table", FAMILY, TABLE))["nftables"]
    except CommandError as error:
        if "No such file" in str(error):
            return {}
        raise
    found = [entry["counter"] for entry in listed if "counter" in entry]
    return {entry["name"]: Counter(entry["packets"], entry["bytes"]) for entry in found}
