# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: nobody is renumbered by accident. Addresses are leased to names and places, so both have to stay.

A member whose VM moved, whose vApp or edge has another name, or that has another name itself gets another address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._landscape import Landscape
from ._landscape_hosts import Vm
from ._leases import Lease, server_key, vm_key
from ._ledger_records import ACTIVE
from ._plan_outcome import Plan
from ._problems import Problems, some
from ._vpn import Vpn

if TYPE_CHECKING:
    from ._plan_organization import OrganizationPlan

_HINT = "keep the names and places of the inventory, or allow it with -e vcc_allow_renumber=true"
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
        found = renumbered(before, vpn, tenant.held, tenant.landscape)
        text = some([one.text(tenant.held, tenant.leases) for one in found], _MOST)
        if found and allowed:
            plan.notes.append(f"{name} renumbers {text}")
        elif found:
            path = f"{vpn.path}.members" if name in tenant.asked else vpn.path
            problems.add(path, f"would renumber {text}; {_HINT}")


def renumbered(before: Vpn, after: Vpn, held: Mapping[str, Lease], landscape: Landscape) -> list[Renumbering]:
    """What changes its address between two states of a VPN. ``held`` are its leases, ``landscape`` is today's."""
    found = [*_moved(before, after), *_renamed(before, after, landscape), *_servers(before, after)]
    return [one for one in found if one.old_key in held]


def _moved(before: Vpn, after: Vpn) -> Iterator[Renumbering]:
    """Members that are in both, at another place."""
    were = {member.vm.name: member.vm for member in before.members}
    for member in after.members:
        old, new = were.get(member.vm.name), member.vm
        if old is not None and _key(before, old) != _key(after, new):
            yield Renumbering(new.name, _key(before, old), _key(after, new), _why(old, new))


def _renamed(before: Vpn, after: Vpn, landscape: Landscape) -> Iterator[Renumbering]:
    """Members that are gone from VPN and inventory, where another one has their address on the same network."""
    now = {member.vm.name for member in after.members}
    then = {member.vm.name for member in before.members}
    gone = [one.vm for one in before.members if one.vm.name not in now and not landscape.in_inventory(one.vm.name)]
    for new in (member.vm for member in after.members if member.vm.name not in then):
        for old in gone:
            if _is_same(old, new, landscape):
                yield Renumbering(old.name, _key(before, old), _key(after, new), f"renamed to {new.name}")
                break


def _is_same(old: Vm, new: Vm, landscape: Landscape) -> bool:
    """Whether one VM may be the other by another name. So may its vApp edge and org edge."""
    places = [(old.site, new.site), (old.vapp, new.vapp)]
    shared = set(old.addresses.items()) & set(new.addresses.items())
    return (
        old.cloud == new.cloud
        and bool(shared)
        and all(was == will or (was and will and not landscape.in_inventory(was)) for was, will in places)
    )


def _servers(before: Vpn, after: Vpn) -> Iterator[Renumbering]:
    were = {server.name: server.behind for server in before.destinations.servers}
    for server in after.destinations.servers:
        was = were.get(server.name, server.behind)
        if was != server.behind:
            keys = (server_key(before.name, was, server.name), server_key(after.name, server.behind, server.name))
            yield Renumbering(server.name, *keys, f"was behind {was}, is behind {server.behind}")


def _key(vpn: Vpn, vm: Vm) -> str:
    return vm_key(vpn.name, vm.site, vm.name, vm.vapp)


def _why(old: Vm, new: Vm) -> str:
    if old.cloud != new.cloud:
        return f"moved from cloud {old.cloud} to cloud {new.cloud}"
    if old.site != new.site:
        return f"its edge was {old.site}, is {new.site}"
    return f"moved from {old.vapp or 'the org network'} to {new.vapp or 'the org network'}"
