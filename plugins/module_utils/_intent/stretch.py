# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: a stretched network: the org network of two or more sites as one broadcast domain, for some of its VMs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .landscape.hosts import Vm
from .landscape.landscape import Landscape


@dataclass(frozen=True)
class Stretch:
    """``sites``: the org edges, sorted. ``members``: the VMs that are in the broadcast domain, by name."""

    sites: tuple[str, ...]
    members: tuple[Vm, ...]

    def at(self, site: str) -> list[Vm]:
        """The members at a site."""
        return [vm for vm in self.members if vm.site == site]

    def record(self) -> dict[str, Any]:
        """As plain data, as the ledger keeps it."""
        return {"sites": list(self.sites), "members": [vm.name for vm in self.members]}


def stretch_from_record(record: Mapping[str, Any] | None, landscape: Landscape, path: str) -> Stretch | None:
    """The inverse of :meth:`Stretch.record`. A VM that the landscape no longer describes is noted there."""
    if record is None:
        return None
    vms = [landscape.vm(name, path) for name in record["members"]]
    return Stretch(tuple(record["sites"]), tuple(vm for vm in vms if vm is not None))
