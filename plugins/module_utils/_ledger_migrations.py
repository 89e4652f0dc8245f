# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that bring an older ledger to the format of today, in the transaction at hand: all of them, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from ._ledger_schema import vpns
from ._sqlalchemy import sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Step = Callable[["Connection"], None]


def migrations(found: int) -> list[Step]:
    """The steps from the format ``found`` to today's, in order."""
    return [step for version, steps in sorted(_STEPS.items()) if version > found for step in steps]


def _vpns_can_be_planned(connection: Connection) -> None:
    """Format 2: a VPN has the state `planned` until it comes up, and remembers which edges confirmed it.

    SQLite cannot change a constraint, so the table is made anew. What format 1 held was in every plan: it is active.
    """
    columns = ("organization", "name", "number", "state", "intent")
    old = sa.Table(vpns.name, sa.MetaData(), *(sa.Column(name) for name in columns))
    rows = [dict(zip(columns, row)) for row in connection.execute(sa.select(*old.c))]
    old.drop(connection)
    vpns.create(connection)
    if rows:
        connection.execute(vpns.insert(), rows)


_STEPS: dict[int, list[Step]] = {2: [_vpns_can_be_planned]}
