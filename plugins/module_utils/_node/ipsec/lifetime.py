# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From when a certificate is due for renewal: a third of its lifetime is left. The same rule holds everywhere."""

from __future__ import annotations

from datetime import datetime, timezone

FORMAT = "%Y-%m-%dT%H:%M:%SZ"
SHARE = 3  # _base/lifetime.py has the same rule, for who never sees a node


def moment(text: str) -> datetime:
    """A time as x509.py tells it."""
    return datetime.strptime(text, FORMAT).replace(tzinfo=timezone.utc)


def due_from(not_before: str, not_after: str) -> str:
    """The time from which a certificate is due for renewal."""
    begin, end = moment(not_before), moment(not_after)
    return (end - (end - begin) / SHARE).strftime(FORMAT)
