# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks after the DHCP server now and then: no event tells of one that was stopped."""

from __future__ import annotations

from ..document import Generation
from ..part import put_back
from ..state import Store
from . import server
from .dnsmasq import Dhcp


def serves(generation: Generation) -> bool:
    """Whether there is anything to look after."""
    return server.served(generation) is not None


def tend(generation: Generation, store: Store) -> list[str]:
    """Repair what differs; what was done, in words. The caller holds the store's lock."""
    return put_back([Dhcp], generation, store) if serves(generation) else []
