# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often the agent sets up what is down: by tunnel, as its policy says (`setup_delay`)."""

from __future__ import annotations

import contextlib
import json
import time

from ..document import Generation
from ..state import RUN, Store
from ..system import files

DELAY = 20  # seconds, of a tunnel whose document says nothing
TRIED = f"{RUN}/tried.json"
SLACK = 2  # seconds that a timer may come early


def interval(generation: Generation) -> int:
    """How often the agent has to look, in seconds: for its other work never less often than by default."""
    return min([DELAY, *(int(tunnel["ike"].get("setup_delay", DELAY)) for tunnel in generation.tunnels("ipsec"))])


def due(generation: Generation, store: Store) -> set[str]:
    """The tunnels whose turn it is, and note that they have had it."""
    now, tunnels = time.monotonic(), generation.listed("tunnels")
    noted: dict[str, float] = {}
    with contextlib.suppress(ValueError):  # a note that cannot be read says nothing
        noted = dict(json.loads(files.read(store.at(TRIED)) or "{}"))
    delays = {tunnel["name"]: tunnel.get("ike", {}).get("setup_delay", DELAY) for tunnel in tunnels}
    # A time to come is of before a reboot.
    wait = {name for name, delay in delays.items() if 0 <= now - noted.get(name, -delay) < delay - SLACK}
    rare = {name for name, delay in delays.items() if delay > interval(generation)}
    if rare:
        files.write(store.at(TRIED), json.dumps({name: noted[name] if name in wait else now for name in rare}), 0o600)
    return set(delays) - wait
