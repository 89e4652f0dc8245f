# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: whom a run concerns. A plan is of the whole fleet; what a run asks and tells is about these hosts.

Those are the hosts of the VPNs that the run creates, changes or deletes, whoever's document differs from the one
before, and whoever an earlier run did not bring to its document. A run that names no VPN concerns everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .._intent.vpn import Vpn
from .served import to_ask

if TYPE_CHECKING:
    from .._intent.landscape.landscape import Landscape
    from .organization import OrganizationPlan
    from .outcome import Plan
    from .plan import Request


def named_hosts(tenants: Sequence[OrganizationPlan], landscape: Landscape, asking: bool) -> set[str] | None:
    """The hosts of the VPNs that the run names, as they were and as they will be, and those that are behind.

    None if it names no VPN. ``asking``: whether it names any. One that is to be deleted may be gone already.
    """
    if not asking:
        return None
    found: set[str] = set()
    for tenant in tenants:
        hosts = tenant.behind()
        for name in (*tenant.asked, *tenant.absent, *tenant.moving):
            hosts |= tenant.hosts_held.get(name, set())
            for vpn, known in ((tenant.before.get(name), tenant.past), (tenant.wanted.get(name), landscape)):
                if vpn is not None:
                    hosts.update(_hosts(vpn), *map(known.edges_at, vpn.sites))
        clouds = {cloud for edge, cloud in landscape.edges_of(tenant.name).items() if edge in hosts}
        for node in hosts & tenant.records.keys():  # after a recovery, only the document says where it was
            clouds |= {*(tenant.past.clouds_of(node) or [str(tenant.records[node].packed["cloud"])])}
        hosts |= {node for node, cloud in landscape.nodes(tenant.name).items() if cloud in clouds}
        hosts |= to_ask(hosts, landscape)
        found |= hosts
    return found


def concerned_nodes(
    tenants: Sequence[OrganizationPlan], landscape: Landscape, plan: Plan, request: Request
) -> list[str]:
    """The names of the plan's documents that are of hosts concerned. Nobody waits for those that never come back."""
    named = named_hosts(tenants, landscape, request.asking)
    hosts = {name: plan.documents.record(name).node for name in plan.documents}
    told = ({*hosts.values()} if named is None else named | {*plan.changed_nodes}) - {*request.forget}
    return sorted(name for name, host in hosts.items() if host in told)


def _hosts(vpn: Vpn) -> Iterable[str]:
    yield from vpn.sites
    if vpn.stretch:
        yield from (vm.name for vm in vpn.stretch.members)
        yield from vpn.stretch.vapps.values()
    for member in vpn.members:
        yield from filter(None, (member.vm.name, member.vm.vapp))
