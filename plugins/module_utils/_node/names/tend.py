# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks after names now and then: no event tells of a server that was stopped, or of settings that were taken back."""

from __future__ import annotations

from ..document import Generation
from ..part import put_back
from ..state import Store
from .dnsmasq import Names
from .hosts import Hosts
from .resolved import Resolver


def has_names(generation: Generation) -> bool:
    """Whether there is anything to look after."""
    return bool(generation.listed("names")) or any(vpn.get("names") for vpn in generation.listed("vpns"))


def tend(generation: Generation, store: Store) -> list[str]:
    """Repair what differs; what was done, in words. The caller holds the store's lock."""
    return put_back((Names, Resolver, Hosts), generation, store) if has_names(generation) else []
