# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: VMs that are at another place now, and keep their address in every VPN.

A lease is held under the name of a VM and its place. It goes with the VM to the new place, and the address stays. That
lies outside the new place's blocks, and is routed on its own from then on (compile/reach.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .._base.lease import Lease
from .._intent.landscape.hosts import Vm
from .._intent.landscape.landscape import Landscape
from .._intent.vpn import Vpn
from .pool.lease_keys import vm_key


class Move(NamedTuple):
    """Of a member that was at another place: where it was and is, and the keys of its lease there."""

    old: Vm
    new: Vm
    old_key: str
    new_key: str

    @property
    def why(self) -> str:
        """In words."""
        if self.old.cloud != self.new.cloud:
            return f"moved from cloud {self.old.cloud} to cloud {self.new.cloud}"
        if self.old.site != self.new.site:
            return f"its edge was {self.old.site}, is {self.new.site}"
        return f"moved from {self.old.vapp or 'the org network'} to {self.new.vapp or 'the org network'}"


def moved(before: Vpn, after: Vpn) -> list[Move]:
    """The members that are in both states of a VPN, at another place."""
    were = {member.vm.name: member.vm for member in before.members}
    pairs = [(were[member.vm.name], member.vm) for member in after.members if member.vm.name in were]
    keys = [(old, new, lease_key(before, old), lease_key(after, new)) for old, new in pairs]
    return [Move(*each) for each in keys if each[2] != each[3]]


def keeping(before: Vpn, after: Vpn, held: Mapping[str, Lease], landscape: Landscape) -> list[Move]:
    """Those who keep their address. ``held`` are the VPN's leases, ``landscape`` is today's.

    A place that only has another name is no move. Where a VPN leads to an external edge, others would have to be told
    of every address that comes or goes.
    """
    if any(landscape.is_external(site) for site in after.sites):
        return []
    return [
        move
        for move in moved(before, after)
        if move.old_key in held and not move.old.external and not is_place(move.old, move.new, landscape)
    ]


def lease_key(vpn: Vpn, vm: Vm) -> str:
    """The key of a member's address."""
    return vm_key(vpn.name, vm.site, vm.name, vm.vapp)


def is_place(old: Vm, new: Vm, landscape: Landscape) -> bool:
    """Whether two VMs are at the same place. Its vApp edge and org edge may have other names now."""
    places = [(old.site, new.site), (old.vapp, new.vapp)]
    return old.cloud == new.cloud and all(
        was == will or (was and will and not landscape.in_inventory(was)) for was, will in places
    )
