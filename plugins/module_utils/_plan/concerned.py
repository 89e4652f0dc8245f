# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: whom a run concerns. A plan is of the whole fleet; what a run asks, tells and proves is about these hosts.

Those are the hosts of the VPNs that the run creates, changes or deletes, and whoever's document differs from the one
before. A run that names no VPN concerns everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .._intent.vpn import Vpn
from .pool.lease_keys import hosts_of

if TYPE_CHECKING:
    from .._intent.landscape.landscape import Landscape
    from .organization import OrganizationPlan
    from .outcome import Plan


def named_hosts(tenants: Sequence[OrganizationPlan], landscape: Landscape, asking: bool) -> set[str] | None:
    """The hosts of the VPNs that the run names, as they were and as they will be; None if it names none.

    ``asking``: whether it names any. One that is to be deleted may be gone already.
    """
    if not asking:
        return None
    found: set[str] = set()
    for tenant in tenants:
        hosts: set[str] = set()
        for name in (*tenant.asked, *tenant.absent):
            hosts |= hosts_of(tenant.held, name)
            hosts.update(*(_hosts(vpn) for vpn in (tenant.before.get(name), tenant.wanted.get(name)) if vpn))
        clouds = {cloud for edge, cloud in landscape.edges_of(tenant.name).items() if edge in hosts}
        clouds |= {str(record.document["cloud"]) for node, record in tenant.records.items() if node in hosts}
        hosts |= {node for node, cloud in landscape.nodes(tenant.name).items() if cloud in clouds}
        found |= hosts
    return found


def concerned_nodes(tenants: Sequence[OrganizationPlan], landscape: Landscape, plan: Plan, asking: bool) -> list[str]:
    """The names of the plan's documents that are of hosts concerned."""
    named = named_hosts(tenants, landscape, asking)
    if named is None:
        return sorted(plan.documents)
    told = named | {*plan.changed_nodes}
    return sorted(name for name in plan.documents if plan.documents.record(name).node in told)


def _hosts(vpn: Vpn) -> Iterable[str]:
    yield from vpn.sites
    for member in vpn.members:
        yield from filter(None, (member.vm.name, member.vm.vapp))
