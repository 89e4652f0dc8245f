# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN, for a run that plans nothing: what the ledger holds, to be brought to the nodes.

Such a run may know a part of the fleet only, like a slice of a job. Nothing here reads what the inventory says of VPNs
or hosts, and nothing is written: it takes no address, and forgets no host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base.problems import Problems
from .._intent.landscape.landscape import Landscape
from .._intent.organizations import organizations_of, restrict
from .._intent.vpn import vpn_from_record
from .._ledger.records import DELETING, PLANNED
from .came_up import vpns_in
from .compile.organization import lease_vpns
from .compile.sites import homes
from .losing import note_order
from .observed import compare
from .organization import OrganizationPlan
from .outcome import Plan
from .settle import is_empty

if TYPE_CHECKING:
    from .._ledger.ledger import Transaction
    from .plan import Request


def stored_plan(transaction: Transaction, request: Request) -> Plan:
    """The documents as they are, and in which order nodes are told.

    IntentErrors where the machines that were asked contradict them.
    """
    plan, problems = Plan(), Problems()
    hosts, _intent = restrict(request.hosts, {}, {}, request.organizations, problems)
    tenants = [
        OrganizationPlan(name, transaction, Landscape(hosts, Problems(), transaction.landscape(name)), Problems())
        for name in organizations_of(hosts)
    ]
    for tenant in tenants:
        _recall(tenant, plan)
    compare(request, tenants, plan, problems)
    problems.raise_if_any()
    plan.notes += problems.notes
    plan.to_note = any(tenant.behind() for tenant in tenants)
    plan.concerned = sorted(
        name for name in plan.documents if plan.documents.record(name).node not in {*request.forget}
    )
    note_order(plan, tenants, request)
    return plan


def stored_homes(tenant: OrganizationPlan) -> dict[str, set[str]]:
    """The sites that each node of the VPNs is at, by what the ledger holds."""
    vpns = [
        vpn_from_record(name, tenant.name, record.intent, tenant.past, Problems())
        for name, record in tenant.stored.items()
    ]
    return homes(lease_vpns(filter(None, vpns), tenant.numbers, tenant.held, tenant.past))


def _recall(tenant: OrganizationPlan, plan: Plan) -> None:
    """Add an organization's documents to the plan."""
    tenant.homes = tenant.places = stored_homes(tenant)
    plan.generations[tenant.name] = tenant.transaction.generation(tenant.name)
    for node, record in tenant.records.items():
        if record.role == "vcc_node" and not tenant.landscape.belongs_to(node, tenant.name):
            plan.documents.add(f"{tenant.name}/{node}", record)
        else:
            plan.documents.add(node, record)
    told = {vpn for one in tenant.records.values() if one.role == "org_edge" for vpn in vpns_in(one.packed)}
    plan.coming += [name for name, vpn in tenant.stored.items() if vpn.state == PLANNED and name in told]
    plan.unsettled |= any(vpn.state == DELETING for vpn in tenant.stored.values())
    plan.unsettled |= any(is_empty(record, tenant.name) for record in tenant.records.values())
