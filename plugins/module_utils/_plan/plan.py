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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._base.errors import IntentError
from .._base.names import check_nodes
from .._base.problems import Problems
from .._intent.intent import parse_intent, vpn_names
from .._intent.landscape.connections import check_connections
from .._intent.landscape.landscape import Landscape
from .._intent.organizations import organizations_of, restrict
from .._ledger.records import DELETING
from .came_up import left_out
from .check.public import check_public
from .concerned import concerned_nodes, named_hosts
from .losing import note_order
from .observed import compare
from .organization import OrganizationPlan
from .outcome import Plan
from .pool.lease_keys import sites_in
from .renamed_vpns import rename_vpns
from .renames import rename
from .renumber import check_addresses
from .rollback import EVENT as ROLLED_BACK
from .rollback import rolled_back
from .run_names import check_forgotten, mark_absent, mark_expected, mark_moving, only_vpn

if TYPE_CHECKING:
    from .._ledger.ledger import Transaction


@dataclass(frozen=True)
class Request:
    """What a run asks for.

    ``hosts``: the landscape's facts by host. ``matches``: the hosts that each text among the members stands for.
    ``intent``: ``{"pools", "vpns", "networks", "policies"}``; VPNs and stretched networks to create or change.
    ``absent``: names of VPNs to delete, as ``payroll`` or ``acme/payroll``. ``create_tunnels``: whether tunnels may be
    made that are not there yet.
    ``problems``: mistakes that were found before.
    ``organizations``: those that the run is about; none stands for all. ``expected``: names of VPNs that must be there,
    and are planned as they are stored. ``as_stored``: so are all others that have not come up. ``forget``: hosts that
    will never come back. ``allow_renumber``: whether members may get other addresses.
    ``observed``: what node_survey learned of the hosts that were asked; it changes no document. ``adopt``: names that
    machines give up now.
    ``absent_of``: ``{"vpns", "networks"}`` as in an intent, of which the only one counts as in ``absent``.
    ``expected_of``: the same, which count as in ``expected``.
    ``collisions``: the hosts that would be reached over the connection of another one.
    ``move``: the VMs that a run is about because they moved, None for a run that is not about any; ``to``: the cloud
    that they are in now, where that is said.
    ``answered``: the VPNs are what a survey was answered, and all of them are meant.
    ``generation``: the one whose VPNs are asked for again, 0 where the run did not say which; None for a run that is
    no rollback. ``only``: the only VPN of it; empty for all. ``agreed``: the VPNs that a rollback may delete, None for
    all that the generation did not have.
    """

    hosts: Mapping[str, Mapping[str, Any]]
    matches: Mapping[str, Sequence[str]]
    intent: Mapping[str, Any]
    absent: tuple[str, ...] = ()
    create_tunnels: bool = True
    organizations: tuple[str, ...] = ()
    problems: tuple[IntentError, ...] = ()
    expected: tuple[str, ...] = ()
    as_stored: bool = False
    forget: tuple[str, ...] = ()
    allow_renumber: bool = False
    observed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    adopt: tuple[str, ...] = ()
    collisions: tuple[Mapping[str, Any], ...] = ()
    absent_of: Mapping[str, Any] = field(default_factory=dict)
    expected_of: Mapping[str, Any] = field(default_factory=dict)
    move: tuple[str, ...] | None = None
    to: str | None = None
    generation: int | None = None
    only: str = ""
    agreed: tuple[str, ...] | None = None
    answered: bool = False

    @property
    def asking(self) -> bool:
        """Whether VPNs are named that come, change or go, or VMs whose VPNs they are."""
        named = self.intent.get("vpns") or self.intent.get("networks")
        return bool(named or self.absent or self.absent_of or self.move or self.generation is not None)


def make_plan(transaction: Transaction, request: Request) -> Plan:
    """Plan, and write leases, VPNs, tunnels and the new generation to the ledger.

    Raises IntentErrors with everything that is wrong, before anything was written.
    """
    plan, problems = Plan(), Problems()
    tenants, landscape, hosts = _read(transaction, request, plan, problems)
    for tenant in tenants:
        tenant.carve(problems, request.allow_renumber)
        check_addresses(tenant, plan, problems, request.allow_renumber)
    problems.raise_if_any()
    several = len(tenants) > 1  # they may use the same names
    for tenant in tenants:
        told, touched = len(plan.diff), len(plan.also_touched)
        plan.notes += left_out(tenant, f"{tenant.name}/" if several else "")
        tenant.compile(plan, problems, request.create_tunnels)
        if several:
            plan.diff[told:] = [f"{line[:2]}{tenant.name}: {line[2:]}" for line in plan.diff[told:]]
            plan.also_touched[touched:] = [f"{tenant.name}: {line}" for line in plan.also_touched[touched:]]
        if request.generation is not None and plan.changed:
            transaction.event(tenant.name, ROLLED_BACK, str(request.generation), {"vpns": _named(tenant)})
    compare(request, tenants, plan, problems)
    problems.raise_if_any()
    plan.deleting = [name for tenant in tenants for name in sorted(tenant.absent)]
    plan.to_note = bool(plan.changed_nodes) or any(tenant.behind() for tenant in tenants)
    plan.named = [f"{tenant.name}/{name}" for tenant in tenants for name in _named(tenant)]
    plan.concerned = concerned_nodes(tenants, landscape, plan, request)
    note_order(plan, tenants, request)
    plan.notes[:0] = problems.notes
    plan.members = _candidates(hosts, landscape)
    plan.changed_nodes = list(dict.fromkeys(plan.changed_nodes))  # a shared VCC node is told by each organization
    return plan


def find_concerned(transaction: Transaction, request: Request) -> set[str] | None:
    """The hosts of the VPNs that a run names; None for all.

    Raises IntentErrors with all that is wrong with the intent: no machine needs to be asked.
    """
    tenants, landscape, _hosts = _read(transaction, request, Plan(), Problems())
    return named_hosts(tenants, landscape, request.asking)


def _read(
    transaction: Transaction, request: Request, plan: Plan, problems: Problems
) -> tuple[list[OrganizationPlan], Landscape, Mapping[str, Mapping[str, Any]]]:
    """What is asked for, what the ledger knows of it, and where; and the hosts that the run is about."""
    problems.extend(request.problems)
    hosts, intent = restrict(
        request.hosts, request.matches, request.intent, request.organizations, problems, answered=request.answered
    )
    check_nodes(hosts, problems)
    check_connections(request.collisions, hosts, problems)
    organizations = organizations_of(hosts)
    rename(transaction, organizations, hosts, plan, problems)
    rename_vpns(transaction, hosts, request.matches, intent, plan, problems)
    remembered: dict[str, dict[str, Any]] = {}
    for organization in organizations:
        remembered.update(transaction.landscape(organization))
    landscape = Landscape(hosts, problems, remembered, lambda name: sites_in(transaction.leases(name)))
    tenants = [OrganizationPlan(name, transaction, landscape, problems) for name in organizations]
    kept = {(tenant.name, vpn): record.intent for tenant in tenants for vpn, record in tenant.stored.items()}
    going = {(tenant.name, vpn) for tenant in tenants for vpn, one in tenant.stored.items() if one.state == DELETING}
    asked = parse_intent(intent, request.matches, landscape, problems, kept, going)
    if request.generation is not None:
        asked += rolled_back(tenants, request.generation, request.only, request.agreed, landscape, plan, problems)
    # The run ends with these problems: what is stored of a VPN that is wrong would only say them once more.
    wrong = {*_names(intent.get("vpns")), *_names(intent.get("networks"))} if len(problems) else set()
    absent = [*request.absent, *only_vpn(request.absent_of, problems)]
    plan.notes += mark_absent(tenants, absent, asked, wrong, problems)
    mark_expected(tenants, [*request.expected, *vpn_names(request.expected_of, problems)], problems)
    if request.move is not None:
        mark_moving(tenants, request.move, request.to, landscape, problems)
    check_forgotten(tenants, request.forget, hosts, problems)
    for tenant in tenants if request.as_stored else ():
        tenant.expected |= set(tenant.stored)
    for tenant in tenants:
        tenant.ask([vpn for vpn in asked if vpn.organization == tenant.name], wrong)
    every = [vpn for tenant in tenants for vpn in tenant.wanted.values()]
    check_public(every, {tenant.name for tenant in tenants}, request.hosts, transaction, problems)
    for tenant in tenants if len(problems) else ():  # else once the new addresses are known
        check_addresses(tenant, plan, problems, request.allow_renumber)
    problems.raise_if_any()
    return tenants, landscape, hosts


def _named(tenant: OrganizationPlan) -> list[str]:
    """The VPNs that a run names, or whose members."""
    return sorted({*tenant.asked, *tenant.absent, *tenant.moving})


def _candidates(hosts: Mapping[str, Mapping[str, Any]], known: Landscape) -> list[dict[str, Any]]:
    """Every VM that could be a member and is described well enough to be probed: verify looks for leaks from them."""
    landscape = Landscape(hosts, Problems(), leased=known.leased)
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
