# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what a cloud's own run has to know beside the documents of its hosts, so that it tells nobody too early.

An org edge goes on guarding what somebody may still send there, and a member waits for its edge: also where the other
one is in another cloud, or in no inventory any more. Their documents go along. They are not among the run's hosts, so
that it waits for them as for hosts that do not answer.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from .._base.problems import Problems
from .._intent.landscape.landscape import Landscape
from .compile.lanes import twin_in
from .organization import OrganizationPlan
from .stored import stored_homes

if TYPE_CHECKING:
    from .._ledger.ledger import Transaction

SENDING = {"member", "vapp_edge"}


def nodes_of_part(transaction: Transaction, organization: str, hosts: Collection[str]) -> set[str]:
    """The nodes of an organization whose documents a run for these hosts needs."""
    known = transaction.landscape(organization)
    tenant = OrganizationPlan(organization, transaction, Landscape({}, Problems(), known), Problems())
    places = stored_homes(tenant)
    own = {node for node in tenant.records if node in hosts}
    sending = {node for node, record in tenant.records.items() if record.role in SENDING}
    edges = {edge for node in sending & own for edge in places.get(node, ())} & tenant.records.keys()
    edges |= {twin_in(tenant.records[edge].packed) for edge in edges}
    before = transaction.lineages(organization)
    others = {
        node
        for node in sending - own
        if abs(tenant.seen.get(node, 0)) != tenant.records[node].generation and len(before.get(node, ())) != 1
    }  # whose document is its first has never sent anything
    return own | (edges & tenant.records.keys()) | others
