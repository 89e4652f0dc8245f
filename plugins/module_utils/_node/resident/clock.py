# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the machine's clock was set back."""

from __future__ import annotations

import time


class Clock:
    """Compares the time of day with the time since boot, which cannot be set (CLOCK_BOOTTIME, clock_gettime(2))."""

    def __init__(self) -> None:
        self._ahead = self._now()

    @staticmethod
    def _now() -> float:
        """The time of day at boot. Both clocks are read again if the machine stalled between the two readings."""
        while True:
            before, day = time.clock_gettime(time.CLOCK_BOOTTIME), time.time()
            if time.clock_gettime(time.CLOCK_BOOTTIME) - before < 1:
                return day - before

    def set_back(self) -> float:
        """By how many seconds since the last look; less than 0 where it was set forward."""
        before, self._ahead = self._ahead, self._now()
        return before - self._ahead
