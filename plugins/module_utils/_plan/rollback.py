# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what a rollback asks for: the VPNs as they were in a generation. It is planned like any other run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .._base.problems import Problems, did_you_mean
from .._intent.landscape.landscape import Landscape
from .._intent.paths import GENERATION, ONLY, ORGANIZATION
from .._intent.vpn import Vpn, vpn_from_record
from .._ledger.records import DELETING

if TYPE_CHECKING:
    from .organization import OrganizationPlan
    from .outcome import Plan

EVENT = "rolled back"


def rolled_back(
    tenants: Sequence[OrganizationPlan],
    generation: int,
    only: str,
    agreed: Sequence[str] | None,
    landscape: Landscape,
    plan: Plan,
    problems: Problems,
) -> list[Vpn]:
    """The VPNs of ``generation``, or the VPN ``only`` of it, under their names of today.

    Those that came later are deleted. One that is not among ``agreed`` is a mistake: another run created it after this
    one asked what it may delete. Generation 0 is none: the run did not say which.
    """
    if len(tenants) != 1:
        names = ", ".join(tenant.name for tenant in tenants)
        problems.add(ORGANIZATION, f"must say whose generation it is: each organization has its own ({names})")
        return []
    tenant = tenants[0]
    known = tenant.transaction.past_generations(tenant.name)
    if generation not in known:
        said = (
            f"there is no generation {generation} to go back to"
            if generation
            else "must name a generation, for example -e vcc_generation=12"
        )
        can = f"{tenant.name} can go back to {ranges(known)}" if known else f"{tenant.name} has none yet"
        problems.add(GENERATION, f"{said}; {can} (history_vpn shows what they changed)")
        return []
    intents = tenant.transaction.intents_at(tenant.name, generation)
    if only and only not in {*intents, *tenant.stored}:
        hint = did_you_mean(only, {*intents, *tenant.stored})
        problems.add(ONLY, f"there is no VPN {only}, and generation {generation} had none{hint}")
        return []
    found = []
    for name, intent in sorted(intents.items()):
        if only in ("", name):
            vpn = vpn_from_record(name, tenant.name, intent, landscape, problems, f"{GENERATION}.{name}")
            found += [] if vpn is None else [vpn]
    later = tenant.transaction.had_later(tenant.name, generation)
    going = {name for name, record in tenant.stored.items() if record.state == DELETING}
    absent = {name for name in tenant.stored if name in (later | going) - intents.keys() and only in ("", name)}
    for name in sorted(() if agreed is None else absent - going - {*agreed}):
        problems.add(
            GENERATION,
            f"generation {generation} had no VPN {name}, which was created while this run was planned: run it again",
        )
    tenant.absent |= absent
    plan.notes += _returning(tenant, [vpn.name for vpn in found])
    return found


def _returning(tenant: OrganizationPlan, names: Sequence[str]) -> Iterator[str]:
    """What is to be known of VPNs that were deleted since."""
    for name in names:
        if name not in tenant.stored:
            yield f"{name} was deleted since, and its addresses were released: its members get new addresses"
        elif tenant.stored[name].state == DELETING:
            yield f"{name} is being deleted, and still holds its addresses: its members get the same addresses again"


def ranges(numbers: Sequence[int]) -> str:
    """1-3, 5: numbers that are sorted."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(f"{low}-{high}" if low < high else str(low) for low, high in found)
