# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: from an intent and a landscape to documents, in one ledger transaction.

Create upserts and delete removes: the plan is always of all VPNs the ledger knows in the organizations concerned, so
nothing vanishes because a run did not mention it. All checks come before the first write, and a write that fails
rolls everything back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._connections import check_connections
from ._intent import parse_intent
from ._landscape import Landscape
from ._plan_organization import OrganizationPlan
from ._plan_outcome import Plan
from ._problems import Problems
from ._tenants import organizations_of, restrict
from ._vpn import Vpn

if TYPE_CHECKING:
    from ._ledger import Transaction


@dataclass(frozen=True)
class Request:
    """What a run asks for.

    ``hosts``: the landscape's facts by host. ``matches``: the hosts that each text among the members stands for.
    ``intent``: ``{"pools", "vpns", "policies"}``; VPNs to create or change. ``absent``: names of VPNs to delete, as
    ``payroll`` or ``acme/payroll``. ``create_tunnels``: whether tunnels may be made that are not there yet.
    ``organizations``: those that the run is about; none stands for all. ``collisions``: the hosts that would be reached
    over the connection of another one.
    """

    hosts: Mapping[str, Mapping[str, Any]]
    matches: Mapping[str, Sequence[str]]
    intent: Mapping[str, Any]
    absent: tuple[str, ...] = ()
    create_tunnels: bool = True
    organizations: tuple[str, ...] = ()
    collisions: tuple[Mapping[str, Any], ...] = ()


def make_plan(transaction: Transaction, request: Request) -> Plan:
    """Plan, and write leases, VPNs, tunnels and the new generation to the ledger.

    Raises IntentErrors with everything that is wrong, before anything was written.
    """
    problems = Problems()
    hosts, intent = restrict(request.hosts, request.matches, request.intent, request.organizations, problems)
    check_connections(request.collisions, hosts, problems)
    organizations = organizations_of(hosts)
    remembered: dict[str, dict[str, Any]] = {}
    for organization in organizations:
        remembered.update(transaction.landscape(organization))
    landscape = Landscape(hosts, problems, remembered)
    plan = Plan()
    tenants = [OrganizationPlan(name, transaction, landscape, problems) for name in organizations]
    kept = {(tenant.name, vpn): record.intent for tenant in tenants for vpn, record in tenant.stored.items()}
    asked = parse_intent(intent, request.matches, landscape, problems, kept)
    _mark_absent(tenants, request.absent, asked, plan, problems)
    # The run ends with these problems: what is stored of a VPN that is wrong would only say them once more.
    wrong = _names(intent.get("vpns")) if len(problems) else set()
    for tenant in tenants:
        tenant.ask([vpn for vpn in asked if vpn.organization == tenant.name], wrong)
    problems.raise_if_any()
    for tenant in tenants:
        tenant.carve(problems)
    problems.raise_if_any()
    for tenant in tenants:
        told = len(plan.diff)
        tenant.compile(plan, problems, request.create_tunnels)
        if len(tenants) > 1:  # they may use the same names
            plan.diff[told:] = [f"{line[:2]}{tenant.name}: {line[2:]}" for line in plan.diff[told:]]
    problems.raise_if_any()
    plan.members = _candidates(hosts)
    plan.changed_nodes = list(dict.fromkeys(plan.changed_nodes))  # a shared VCC node is told by each organization
    return plan


def _candidates(hosts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every VM that could be a member and is described well enough to be probed: verify looks for leaks from them."""
    landscape = Landscape(hosts, Problems())
    vms = [landscape.vm(name, "") for name in landscape.of_kind("members")]
    return [
        {
            "name": vm.name,
            "organization": vm.organization,
            "cloud": vm.cloud,
            "site": vm.site,
            "vapp": vm.vapp,
            "addresses": list(vm.addresses.values()),
        }
        for vm in vms
        if vm is not None and not vm.external
    ]


def _names(vpns: object) -> set[str]:
    """The names of the VPNs of an intent, right or wrong."""
    entries = vpns if isinstance(vpns, (list, tuple)) else []
    return {str(entry.get("name")) for entry in entries if isinstance(entry, Mapping)}


def _mark_absent(
    tenants: Sequence[OrganizationPlan], absent: Sequence[str], asked: Sequence[Vpn], plan: Plan, problems: Problems
) -> None:
    for text in absent:
        *organization, name = text.split("/", 1)
        owners = [tenant for tenant in tenants if name in tenant.stored and organization in ([], [tenant.name])]
        if any(vpn.name == name and organization in ([], [vpn.organization]) for vpn in asked):
            problems.add("delete", f"{name} cannot be created and deleted in the same run")
        elif len(owners) > 1:
            which = ", ".join(f"{owner.name}/{name}" for owner in owners)
            problems.add("delete", f"{name} is a VPN of several organizations; say which: {which}")
        elif owners:
            owners[0].absent.add(name)
        else:
            plan.notes.append(f"{text}: there is no such VPN, so nothing to delete")
