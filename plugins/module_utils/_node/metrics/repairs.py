# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often the agent put something back since the machine booted, by subsystem.

Each repair is a line in a file of this boot: processes append to it at the same time, and none waits for another.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter

from ..state import RUN, Store

FILE = f"{RUN}/repairs"
FULL = 1 << 20  # octets; then counting begins again, which a monitoring system takes for a restart


def note(store: Store, *subsystems: str) -> None:
    """Count one repair of each. What cannot be written is not counted: repairs go on."""
    with contextlib.suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(store.at(FILE), flags, 0o600)
        try:
            if os.fstat(handle).st_size > FULL:
                os.ftruncate(handle, 0)
            os.write(handle, "".join(f"{name}\n" for name in subsystems).encode())
        finally:
            os.close(handle)


def counted(store: Store) -> dict[str, int]:
    """Repairs by subsystem."""
    try:
        lines = store.at(FILE).read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError):
        return {}
    return dict(sorted(Counter(line for line in lines if line).items()))
