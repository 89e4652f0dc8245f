# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a certificate is due for renewal, and when the renewal is late: both by the certificate's own lifetime."""

from __future__ import annotations

from datetime import datetime

DUE = 3  # a third of the lifetime is left; _node/ipsec/lifetime.py has the same rule
# A quarter is left. Of 397 days, a run once a month comes in time; of 30 days, the third daily run.
LATE = 4
# Days. Of shorter lifetimes, a third is hardly more than two daily runs.
SHORTEST = 7
LONGEST = 3650


def due_from(not_before: datetime, not_after: datetime) -> datetime:
    """The time from which a certificate is due for renewal."""
    return not_after - (not_after - not_before) / DUE


def is_late(not_before: datetime, not_after: datetime, now: datetime) -> bool:
    """Whether it should have been renewed by now."""
    return not_after - now < (not_after - not_before) / LATE
