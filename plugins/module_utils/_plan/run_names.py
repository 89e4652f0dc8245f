# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the names that a run gives beside its intent. An unknown one is a mistake, never a name for nothing.

What the ledger remembers as deleted or forgotten is known: doing that once more changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .._base.problems import Problems, did_you_mean
from .._intent.intent import vpn_names
from .._intent.landscape.landscape import Landscape
from .._intent.paths import DELETE, MOVE, TO
from .._intent.vpn import Vpn
from .._ledger.records import DELETING, vms_in
from .renames import EVENT as RENAMED

if TYPE_CHECKING:
    from .organization import OrganizationPlan

_FORGOTTEN = ("document dropped", "host dropped", RENAMED)


def mark_absent(
    tenants: Sequence[OrganizationPlan],
    absent: Iterable[str],
    asked: Sequence[Vpn],
    wrong: Collection[str],
    problems: Problems,
) -> list[str]:
    """Have each organization delete its VPNs of ``absent``, ``payroll`` or ``acme/payroll``. Returns notes.

    ``wrong`` are names of VPNs in an intent with mistakes, which are told already.
    """
    notes = []
    for text in absent:
        organization, name = _split(text)
        owners = [owner for owner in _named(tenants, organization) if name in owner.stored]
        if any(vpn.name == name and organization in (None, vpn.organization) for vpn in asked):
            problems.add(DELETE, f"{name} cannot be created and deleted in the same run")
        elif len(owners) > 1:
            which = ", ".join(f"{owner.name}/{name}" for owner in owners)
            problems.add(DELETE, f"{name} is a VPN of several organizations; say which: {which}")
        elif owners:
            owners[0].absent.add(name)
        elif any(owner.happened(("vpn dropped",), name) for owner in _named(tenants, organization)):
            notes.append(f"{text} was deleted before: there is nothing to delete")
        elif name not in wrong:
            problems.add(DELETE, _no_vpn(text, tenants))
    return notes


def only_vpn(named: Mapping[str, object], problems: Problems) -> list[str]:
    """The name of an intent's one VPN or network, which is the one to delete where a run does not say which.

    ``named``: ``{"vpns", "networks"}``. One without either does not ask for any.
    """
    names = vpn_names(named, problems)
    if named and len(names) != 1 and not len(problems):
        where = "vcc_vpns and vcc_networks name" if named.get("networks") else "vcc_vpns names"
        told = f"; {where} {len(names)}{': ' if names else ''}{', '.join(names)}"
        problems.add(DELETE, f"must say which VPN to delete, for example -e vcc_delete=payroll{told}")
    return names


def mark_expected(tenants: Sequence[OrganizationPlan], expected: Iterable[str], problems: Problems) -> None:
    """Have each organization plan its VPNs of ``expected`` as they are stored."""
    for text in expected:
        organization, name = _split(text)
        owners = [owner for owner in _named(tenants, organization) if name in _there(owner)]
        for owner in owners:
            owner.expected.add(name)
        if not owners:
            known = {vpn for tenant in tenants for vpn in _there(tenant)}
            problems.add("vcc_vpns", f"there is no VPN {text}{did_you_mean(text, known)} (create_vpn creates it)")


def mark_moving(
    tenants: Sequence[OrganizationPlan], move: Iterable[str], to: str | None, landscape: Landscape, problems: Problems
) -> None:
    """Note the VPNs of the VMs that a run is about because they moved, to the cloud ``to`` if that is said."""
    names = list(move)
    if not names:
        problems.add(MOVE, "must name the VMs that moved, for example -e vcc_move=vm1-east")
    for name in names:
        of = {tenant.name: _members_of(tenant, name) for tenant in tenants}
        known = {vm for tenant in tenants for record in tenant.stored.values() for vm in vms_in(record.intent)}
        if not any(of.values()):
            problems.add(MOVE, f"no VPN of the ledger has the member {name}{did_you_mean(name, known)}")
        elif to is not None and landscape.clouds_of(name) != [to]:
            place = ", ".join(landscape.clouds_of(name)) or "none"
            problems.add(
                TO,
                f"the inventory has {name} in the cloud {place}, not in {to}: change its place in the inventory (its "
                f"group cloud_{to}, vcc_vapp, vcc_address), and run this again",
            )
        for tenant in tenants:
            tenant.moving |= of[tenant.name]


def _members_of(tenant: OrganizationPlan, vm: str) -> set[str]:
    """The VPNs that a VM is a member of."""
    return {name for name in _there(tenant) if vm in vms_in(tenant.stored[name].intent)}


def check_forgotten(
    tenants: Sequence[OrganizationPlan], forget: Iterable[str], hosts: Collection[str], problems: Problems
) -> None:
    """Note names of hosts to forget that neither the ledger nor the inventory knows."""
    known = {*hosts, *(name for tenant in tenants for name in tenant.known_hosts())}
    for name in forget:
        if name not in known and not any(tenant.happened(_FORGOTTEN, name) for tenant in tenants):
            problems.add("vcc_forget", f"there is no host {name} in the ledger or inventory{did_you_mean(name, known)}")


def _split(text: str) -> tuple[str | None, str]:
    """The organization, if the text says it, and the VPN."""
    organization, slash, name = text.partition("/")
    return (organization, name) if slash else (None, text)


def _named(tenants: Iterable[OrganizationPlan], organization: str | None) -> list[OrganizationPlan]:
    return [tenant for tenant in tenants if organization in (None, tenant.name)]


def _there(tenant: OrganizationPlan) -> set[str]:
    """The VPNs that are not being deleted."""
    return {name for name, record in tenant.stored.items() if record.state != DELETING}


def _no_vpn(text: str, tenants: Sequence[OrganizationPlan]) -> str:
    known = {f"{tenant.name}/{vpn}" if "/" in text else vpn for tenant in tenants for vpn in tenant.stored}
    return f"there is no VPN {text}{did_you_mean(text, known)}"
