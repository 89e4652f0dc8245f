# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for confirmation on a node: which generation, where the node goes back to, and when.

A deadline belongs to a generation. It is a file beside the generations, so that it survives whoever wrote it. The agent
looks at it (resident/convergence.py) and rolls back when it is over. The deadline is a time of CLOCK_BOOTTIME, which no
clock setting moves. A reboot ends it: a node that boots unconfirmed rolls back at once.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ..system import files

if TYPE_CHECKING:
    from .running import Stored

FILE = "unconfirmed"


@dataclass(frozen=True)
class Pending:
    """`generation` and `fallback` are names; "" is: nothing of ours. `deadline`: CLOCK_BOOTTIME, seconds.

    `undoing`: a rollback has begun and is not complete. It is tried again until it is.
    """

    generation: str
    fallback: str
    deadline: float
    seconds: float
    undoing: bool = False

    @property
    def left(self) -> float:
        """Seconds until the node rolls back."""
        left = self.deadline - now()
        # More than was given: the file is of an earlier boot.
        return 0.0 if self.undoing or left > self.seconds else max(0.0, left)


def now() -> float:
    """Seconds since boot, suspended time included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read(store: Stored) -> Pending | None:
    """What is pending; None if everything is confirmed.

    A file that cannot be read rolls nothing back: what it says about the way back cannot be trusted.
    """
    text = files.read(store.state / FILE)
    if not text:
        return None
    try:
        found = json.loads(text)
        return Pending(
            str(found["generation"]),
            str(found["fallback"]),
            float(found["deadline"]),
            float(found["seconds"]),
            bool(found["undoing"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def write(store: Stored, pending: Pending) -> None:
    """From now on the node returns to the fallback unless somebody confirms before the deadline."""
    files.write(store.state / FILE, json.dumps(asdict(pending), sort_keys=True), 0o600)


def arm(store: Stored, generation: str, fallback: str, seconds: float) -> None:
    """Give a generation so many seconds to be confirmed."""
    write(store, Pending(generation, fallback, now() + seconds, seconds))


def forget(store: Stored) -> None:
    """The current generation is confirmed."""
    files.remove(store.state / FILE)
