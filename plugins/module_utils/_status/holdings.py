# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""STATUS: what the ledger knows of an organization: its VPNs, and how full its pools are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .._base.lease import Lease
from .._base.prefix import Prefix
from .._plan.pool.lease_keys import is_vpn_block, vpn_of
from .agreed import agreed

if TYPE_CHECKING:
    from .._ledger.ledger import Transaction


def holdings(transaction: Transaction, organizations: Iterable[str], pools: Mapping[str, Any]) -> dict[str, Any]:
    """By organization ``{"generation": 4, "vpns": {name: …}, "pools": [...]}``; all organizations if none is named.

    A VPN has its `state` (docs/ledger.md), the number of addresses that are `leased`, and `of` how many its blocks
    have; `agreed`: see `agreed`; and whether its policy requires a `ppk`. ``pools``: the prefix of each pool, as in the
    inventory.
    """
    return {org: _of(transaction, org, pools) for org in [*organizations] or transaction.organizations()}


def _of(transaction: Transaction, org: str, pools: Mapping[str, Any]) -> dict[str, Any]:
    leases = transaction.leases(org)
    leased = Counter(vpn_of(key) for key, lease in leases.items() if lease.kind == "address")
    room: Counter[str] = Counter()
    for key, lease in leases.items():
        if is_vpn_block(key):
            room[vpn_of(key)] += lease.prefix.size
    return {
        "generation": transaction.generation(org),
        "vpns": {
            name: {
                "number": vpn.number,
                "state": vpn.state,
                "leased": leased[name],
                "of": room[name],
                **agreed(vpn.intent),
            }
            for name, vpn in transaction.vpns(org).items()
        },
        "pools": pool_usage(leases, pools),
    }


def pool_usage(leases: Mapping[str, Lease], pools: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One entry per pool of the inventory, or that VPNs have blocks of: how many of its addresses are in blocks.

    A pool that the inventory names no more has no `prefix` and no `size`; a VPN's own pool is named by its prefix.
    """
    blocks: dict[str, list[tuple[str, Prefix]]] = {str(name): [] for name in pools}
    for key, lease in leases.items():
        if is_vpn_block(key):
            blocks.setdefault(lease.pool, []).append((vpn_of(key), lease.prefix))
    found = []
    for name, held in sorted(blocks.items()):
        prefix = _prefix(pools.get(name, name))
        entry = {
            "pool": name,
            "vpns": len({vpn for vpn, _block in held}),
            "used": sum(block.size for _v, block in held),
        }
        found.append({**entry, **({"prefix": str(prefix), "size": prefix.size} if prefix else {})})
    return found


def _prefix(text: Any) -> Prefix | None:
    try:
        return Prefix.parse(str(text))
    except ValueError:
        return None
