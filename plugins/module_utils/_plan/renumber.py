# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: nobody is renumbered by accident. Addresses are leased to names and places.

A member whose VM moved keeps its address. One whose vApp or edge has another name, or that has another name itself,
gets another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._base.lease import Lease
from .._base.problems import Problems, some
from .._intent.landscape.hosts import Vm
from .._intent.landscape.landscape import Landscape
from .._intent.vpn import Vpn
from .._ledger.records import ACTIVE
from .moves import is_place, keeping, lease_key, moved
from .outcome import Plan
from .pool.lease_keys import server_key

if TYPE_CHECKING:
    from .organization import OrganizationPlan

_HINT = (
    "restore the names and places in the inventory, set vcc_formerly for what was only renamed, or allow it with -e "
    "vcc_allow_renumber=true"
)
_ANOTHER = "another address"
_MOST = 20


@dataclass(frozen=True)
class Renumbering:
    """Who gets another address, the keys of both leases, and why."""

    name: str
    old_key: str
    new_key: str
    why: str

    def text(self, held: Mapping[str, Lease], leases: Mapping[str, Lease]) -> str:
        """As people read it. Without the lease that is still to be taken, its address is not known."""
        new = leases.get(self.new_key)
        after = _ANOTHER if new is None else new.prefix.address()
        return f"{self.name}: {held[self.old_key].prefix.address()} \u2192 {after} ({self.why})"


def check_addresses(tenant: OrganizationPlan, plan: Plan, problems: Problems, allowed: bool) -> None:
    """Refuse or note whoever gets another address in an organization's VPNs that came up."""
    for name, vpn in sorted(tenant.wanted.items()):
        before = tenant.before.get(name)
        if before is None or tenant.stored[name].state != ACTIVE:
            continue
        found = renumbered(before, vpn, tenant.held, tenant.landscape, allowed)
        text = some([one.text(tenant.held, tenant.leases) for one in found], _MOST)
        if found and allowed:
            plan.notes.append(f"{name} renumbers {text}")
        elif found:
            path = f"{vpn.path}.members" if name in tenant.asked else vpn.path
            problems.add(path, f"would renumber {text}; {_HINT}")


def renumbered(
    before: Vpn, after: Vpn, held: Mapping[str, Lease], landscape: Landscape, allowed: bool = False
) -> list[Renumbering]:
    """What changes its address between two states of a VPN. ``held`` are its leases, ``landscape`` is today's.

    ``allowed``: whether it may; who moves then gets an address of its new place's.
    """
    keep = set() if allowed else {one.new_key for one in keeping(before, after, held, landscape)}
    moves = [
        Renumbering(one.name, one.old_key, one.new_key, one.why)
        for one in moved(before, after)
        if one.new_key not in keep
    ]
    found = [*moves, *_renamed(before, after, landscape), *_servers(before, after, landscape)]
    return [one for one in found if one.old_key in held]


def _renamed(before: Vpn, after: Vpn, landscape: Landscape) -> Iterator[Renumbering]:
    """Members that are gone from VPN and inventory, where another one has their address on the same network.

    Behind an external edge addresses need not be known: there, the only one that comes is the only one that is gone.
    """
    now = {member.vm.name for member in after.members}
    then = {member.vm.name for member in before.members}
    gone = [one.vm for one in before.members if one.vm.name not in now and not landscape.in_inventory(one.vm.name)]
    come = [one.vm for one in after.members if one.vm.name not in then]
    for new in come:
        old = [one for one in gone if _is_same(one, new, landscape)]
        if not old and new.external and sum(one.site == new.site for one in come) == 1:
            here = [one for one in gone if one.external and is_place(one, new, landscape)]
            old = here if len(here) == 1 and not (here[0].addresses and new.addresses) else []
        if old:
            yield Renumbering(old[0].name, lease_key(before, old[0]), lease_key(after, new), f"renamed to {new.name}")


def _is_same(old: Vm, new: Vm, landscape: Landscape) -> bool:
    """Whether one VM may be the other by another name."""
    return is_place(old, new, landscape) and bool(set(old.addresses.items()) & set(new.addresses.items()))


def _servers(before: Vpn, after: Vpn, landscape: Landscape) -> Iterator[Renumbering]:
    """Servers that are behind another edge, and those at an address that another name had; so may their edge have."""
    were = {server.name: server for server in before.destinations.servers}
    at = {(server.behind, server.address): server for server in before.destinations.servers}
    moved = {key[1]: server for key, server in at.items() if not landscape.in_inventory(key[0])}
    for new in after.destinations.servers:
        old = were.get(new.name) or at.get((new.behind, new.address)) or moved.get(new.address)
        if old is None or (old.name, old.behind) == (new.name, new.behind):
            continue
        keys = [server_key(vpn.name, one.behind, one.name) for vpn, one in ((before, old), (after, new))]
        renamed, away = f"renamed to {new.name}", f"was behind {old.behind}, is behind {new.behind}"
        yield Renumbering(old.name, keys[0], keys[1], away if old.name == new.name else renamed)
