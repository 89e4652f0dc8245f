# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one format of the ledger to the next, in place and in one transaction.

STEPS[0] leads from format 1 to 2, and so on: a change of the tables in `_ledger_schema.py` adds a step at the end. A
step says what it does in SQL of its own time, as the tables of today may be others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ._ledger_planned import vpns_can_be_planned

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

STEPS: tuple[Callable[[Connection], None], ...] = (vpns_can_be_planned,)
