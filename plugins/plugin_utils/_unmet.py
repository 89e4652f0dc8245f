# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What edges tell each other in a run: tunnels of which one end has nothing, for the end that initiates them.

A file for each end that is told, in the run's directory, which every fork sees. A line is written at once, so that
several forks may write to the same file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_directory import run_directory


def note(document: Mapping[str, Any], unmet: Collection[str]) -> None:
    """Note what an edge has nothing of, for its peers. ``document``: the edge's."""
    for tunnel in document.get("tunnels", []):
        if tunnel["name"] in unmet:
            with _path(str(tunnel["peer"])).open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps([tunnel['name'], time.monotonic()])}\n")


def lost(node: str) -> dict[str, float]:
    """The tunnels of an edge that its peers had nothing of, each with how many seconds ago that was."""
    path, now = _path(node), time.monotonic()
    if not path.exists():
        return {}
    noted = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {name: round(now - moment, 1) for name, moment in noted}


def _path(node: str) -> Path:
    return run_directory() / f"unmet-{quote(node, safe='')}"
