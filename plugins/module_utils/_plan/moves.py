# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: VMs that are at another place now, and keep their address in every VPN.

A lease is held under the name of a VM and its place. It goes with the VM to the new place, and the address stays. That
lies outside the new place's blocks, and is routed on its own from then on (compile/reach.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import NamedTuple

from .._base.lease import Lease
from .._intent.landscape.hosts import Vm
from .._intent.landscape.landscape import Landscape
from .._intent.vpn import Vpn
from .pool.lease_keys import vm_key


class Move(NamedTuple):
    """Of a member that was at another place: the keys of its lease there and here, and why."""

    name: str
    old_key: str
    new_key: str
    why: str


def moved(before: Vpn, after: Vpn) -> list[Move]:
    """The members that are in both states of a VPN, at another place."""
    return [_move(before, after, old, new) for old, new in _moved(before, after)]


def keeping(before: Vpn | None, after: Vpn, held: Mapping[str, Lease], landscape: Landscape) -> list[Move]:
    """Those who keep their address. ``held`` are the VPN's leases, ``landscape`` is today's.

    A place that only has another name is no move. Where a VPN leads to an external edge, others would have to be told
    of every address that comes or goes. Of whom nothing is known but a lease at another place, it is taken along, too.
    """
    if any(landscape.is_external(site) for site in after.sites):
        return []
    found, known = list[Move](), set[str]()
    if before is not None:
        known = {member.vm.name for member in before.members}
        pairs = [pair for pair in _moved(before, after) if not pair[0].external and not is_place(*pair, landscape)]
        found = [_move(before, after, old, new) for old, new in pairs]
    left = {m.vm.name: m.vm for m in after.members if m.vm.name not in known and lease_key(after, m.vm) not in held}
    there = _held_at(after.name, held, left) if left else {}
    for name, keys in sorted(there.items()):
        if len(keys) == 1 and all(map(landscape.in_inventory, places(keys[0]))):
            place = places(keys[0])[-1]
            found.append(Move(name, keys[0], lease_key(after, left[name]), f"it was leased at {place}"))
    return [move for move in found if move.old_key in held]


def _moved(before: Vpn, after: Vpn) -> list[tuple[Vm, Vm]]:
    were = {member.vm.name: member.vm for member in before.members}
    pairs = [(were[member.vm.name], member.vm) for member in after.members if member.vm.name in were]
    return [(old, new) for old, new in pairs if lease_key(before, old) != lease_key(after, new)]


def _move(before: Vpn, after: Vpn, old: Vm, new: Vm) -> Move:
    if old.cloud != new.cloud:
        why = f"moved from cloud {old.cloud} to cloud {new.cloud}"
    elif old.site != new.site:
        why = f"its edge was {old.site} and is {new.site} now"
    else:
        why = f"moved from {old.vapp or 'the org network'} to {new.vapp or 'the org network'}"
    return Move(new.name, lease_key(before, old), lease_key(after, new), why)


def _held_at(vpn: str, held: Mapping[str, Lease], names: Collection[str]) -> dict[str, list[str]]:
    """The keys of a VPN under which some VMs hold an address."""
    found: dict[str, list[str]] = {}
    for key, lease in held.items():
        name = key.rpartition("/")[2]
        if lease.kind == "address" and name in names and key.startswith(f"vpn/{vpn}/") and key.endswith(f"/vm/{name}"):
            found.setdefault(name, []).append(key)
    return found


def where_leased(vpn: Vpn, held: Mapping[str, Lease]) -> Vpn:
    """A VPN with its members where they hold their addresses. Those of one that is being deleted do not move along."""
    there = _held_at(vpn.name, held, {member.vm.name for member in vpn.members})
    members = [member for member in vpn.members if member.vm.name in there]
    at = [places(there[member.vm.name][0]) for member in members]
    vms = [replace(one.vm, site=place[0], vapp=place[1] if place[1:] else None) for one, place in zip(members, at)]
    return replace(vpn, members=tuple(replace(one, vm=vm) for one, vm in zip(members, vms)))


def places(key: str) -> list[str]:
    """The hosts in a member's key above it: its org edge, and its vApp edge, if it is behind one."""
    return key.split("/")[3:-2:2]


def lease_key(vpn: Vpn, vm: Vm) -> str:
    """The key of a member's address."""
    return vm_key(vpn.name, vm.site, vm.name, vm.vapp)


def is_place(old: Vm, new: Vm, landscape: Landscape) -> bool:
    """Whether two VMs are at the same place. Its vApp edge and org edge may have other names now."""
    places = [(old.site, new.site), (old.vapp, new.vapp)]
    return old.cloud == new.cloud and all(
        was == will or (was and will and not landscape.in_inventory(was)) for was, will in places
    )
