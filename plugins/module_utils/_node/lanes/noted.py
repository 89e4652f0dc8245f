# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the process that says hello has found: for the agent, which keeps routes, and for status.

In /run: after a reboot, lanes are chosen again.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

FILE = "/run/intercloud-vpn/lanes.json"
TRACK = "/run/intercloud-vpn/vrrp.track"
UNIT = "intercloud-vpn-lanes.service"


def read(path: Path) -> dict[str, Any]:
    """The whole note: `master` (None: not of a pair), and by site `lane`, `alive`, `since`. Empty if there is none."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def lanes(path: Path) -> dict[str, int]:
    """The lane in use of each site."""
    sites = read(path).get("sites")
    found = {}
    for site, one in sites.items() if isinstance(sites, dict) else ():
        if isinstance(one, dict) and one.get("lane") in (0, 1):
            found[str(site)] = int(one["lane"])
    return found


def text(found: dict[str, Any]) -> str:
    """The note's content."""
    return json.dumps(found, sort_keys=True) + "\n"
