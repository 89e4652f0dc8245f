# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks after BIRD now and then: no event tells of a daemon that was stopped."""

from __future__ import annotations

from ..document import Generation
from ..part import put_back
from ..state import Store
from .bird import Bgp
from .inside import Inside
from .sessions import sessions


def speaks(generation: Generation) -> bool:
    """Whether there is anything to look after."""
    return bool(sessions(generation))


def tend(generation: Generation, store: Store) -> list[str]:
    """Repair what differs; what was done, in words. The caller holds the store's lock."""
    return put_back([Inside, Bgp], generation, store) if speaks(generation) else []
