# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what the machines say (node_survey), held against what the ledger and the inventory say of them.

Facts of machines change no document: a plan is the same byte for byte whichever machines answer. They refuse a plan, or
add notes to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._ledger_records import DocumentRecord
from ._plan_outcome import Plan
from ._problems import Problems

if TYPE_CHECKING:
    from ._plan import Request
    from ._plan_organization import OrganizationPlan

Facts = Mapping[str, Any]

FACTS = (
    *("silent", "node", "organization", "ledger", "chain", "generation", "slices", "python", "devices", "own"),
    *("routes", "boot", "time"),
)
"""What is kept of the facts that node_survey returns."""


def compare(request: Request, tenants: Sequence[OrganizationPlan], plan: Plan, problems: Problems) -> None:
    """Note which machines are behind, ahead or silent."""
    for tenant in tenants:
        for node, record in sorted(tenant.records.items()):
            facts = request.observed.get(node)
            if facts is not None:
                plan.notes += _standing(tenant, record, facts)


def _standing(tenant: OrganizationPlan, record: DocumentRecord, facts: Facts) -> Iterable[str]:
    """Where a machine is on the way to what the ledger says, if not there."""
    node, due = record.node, record.generation
    if "silent" in facts:
        return [f"{node} did not answer: {facts['silent']}"]
    runs = generation(facts, record.role, tenant.name)
    if runs > due:
        return [
            f"{node} runs generation {runs}, and the ledger knows {due} for it: the ledger is older than the machine, "
            "as after a restore from a backup; see recover_ledger"
        ]
    if runs == due or not told(record):
        return []
    if runs == 0 and not facts.get("node"):
        return [f"{node} has no record of a VPN, the plan is {due}: it is a new machine, or no run has reached it yet"]
    return [f"{node} runs generation {runs}, the plan is {due}: create_vpn brings it there"]


def generation(facts: Facts, role: str, organization: str) -> int:
    """The generation that a machine runs, as an organization counts them."""
    if role == "vcc_node":
        return int((facts.get("slices") or {}).get(organization) or 0)
    return int(facts.get("generation") or 0) if facts.get("organization") in ("", organization) else 0


def told(record: DocumentRecord) -> bool:
    """Whether a node is told anything but to remove everything."""
    document = record.document
    return any(document.get(key) for key in ("sysctls", "addresses", "routes", "vpns", "tunnels", "slice"))
