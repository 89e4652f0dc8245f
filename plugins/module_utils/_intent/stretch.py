# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: a stretched network: the networks of two or more sites as one broadcast domain, for some of their VMs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .landscape.hosts import End, Vm
from .landscape.landscape import Landscape


@dataclass(frozen=True)
class Stretch:
    """``ends``: what is stretched, one network per site, by site. ``members``: the VMs in the broadcast domain, by
    name."""

    ends: tuple[End, ...]
    members: tuple[Vm, ...]

    @cached_property
    def sites(self) -> tuple[str, ...]:
        """The org edges of the sites, sorted."""
        return tuple(end.site for end in self.ends)

    @cached_property
    def vapps(self) -> dict[str, str]:
        """The vApp edges among the ends, by site."""
        return {end.site: end.vapp for end in self.ends if end.vapp}

    def end(self, site: str) -> End:
        """The one at a site."""
        return next(end for end in self.ends if end.site == site)

    def end_of(self, vm: Vm) -> End | None:
        """The one that a VM is on; None if it is on none of them."""
        return next((end for end in self.ends if end.has(vm)), None)

    def at(self, site: str) -> list[Vm]:
        """The members at a site."""
        return [vm for vm in self.members if self.end(site).has(vm)]

    def record(self) -> dict[str, Any]:
        """As plain data, as the ledger keeps it."""
        return {
            "sites": list(self.sites),
            "members": [vm.name for vm in self.members],
            **({"vapps": self.vapps} if self.vapps else {}),
        }


def where(vm: Vm) -> str:
    """Where a VM is, in words."""
    return f"behind the vApp {vm.vapp}" if vm.vapp else f"at {vm.site}"


def stretch_from_record(record: Mapping[str, Any] | None, landscape: Landscape, path: str) -> Stretch | None:
    """The inverse of :meth:`Stretch.record`. A VM that the landscape no longer describes is noted there."""
    if record is None:
        return None
    vms = [landscape.vm(name, path) for name in record["members"]]
    vapps = record.get("vapps", {})
    ends = tuple(End(site, vapps.get(site)) for site in record["sites"])
    return Stretch(ends, tuple(vm for vm in vms if vm is not None))
