# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions that only the client still has, as after a crash of the server, or after another machine took its place.

The client finds out by itself, by the server's silence: after 15 s, or later under another policy.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Mapping

from ..document import Generation
from ..state import Store
from ..system import systemd
from . import processes as _processes
from . import sessions as _sessions
from .management import Silent

SLACK = 1.0  # seconds; OpenVPN tells whole ones


def unmet(names: Collection[str], generation: Generation, store: Store) -> list[str]:
    """The tunnels, of these, that no client has a session in. Not those of a server that does not answer."""
    there: set[str] = set()
    for process in _processes.processes(generation).values():
        if process.transport:
            try:
                there |= {session.tunnel for session in _sessions.of(process, store)}
            except Silent:
                there |= {tunnel["name"] for tunnel in process.tunnels}
    return sorted({*names} - there)


def end(lost: Mapping[str, float], generation: Generation, store: Store, check: bool) -> list[str]:
    """Restart the clients whose session was up when the server had none. `lost`: see NodeKind.given_up."""
    ended = []
    processes = _processes.processes(generation) if lost else {}
    for name in sorted(processes.keys() & lost.keys()):
        with contextlib.suppress(Silent):
            sessions = _sessions.of(processes[name], store)
            if any(session.up and time.time() - session.since > lost[name] + SLACK for session in sessions):
                if not check:
                    systemd.systemctl("restart", processes[name].unit)
                ended.append(name)
    return ended
