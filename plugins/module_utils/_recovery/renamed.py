# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RECOVER: VPNs that got another name, which the ledger, or a node that no run reached since, does not know yet.

A VPN keeps its number and its block when it gets another name: by both it is known again. A VPN that no node has by its
old name may have been deleted, and its number and block may be another one's now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .._base.lease import Lease
from .._ledger.records import VpnRecord
from .._plan.pool.lease_keys import vpn_key
from .held import Held

_What = tuple[int, str]  # number, block


def renamed_vpns(
    ahead: Sequence[Held], held: Iterable[Held], stored: Mapping[str, VpnRecord], leases: Mapping[str, Lease]
) -> dict[str, str]:
    """Old names that nodes still have, each with the newest one. ``held``: what all nodes have, ``ahead``: those that
    the ledger is to learn from. ``stored`` and ``leases`` are what the ledger has."""
    known = {
        (record.number, str(leases[vpn_key(name)].prefix)): name
        for name, record in stored.items()
        if vpn_key(name) in leases
    }
    names: dict[_What, set[str]] = {what: {name} for what, name in known.items()}
    newest: dict[_What, str] = {}
    for one in sorted(ahead, key=lambda held: (held.generation, held.node)):
        blocks = one.records.get("leases", {})
        for name, vpn in one.records.get("vpns", {}).items():
            if vpn_key(name) in blocks:
                what = int(vpn["number"]), str(blocks[vpn_key(name)]["prefix"])
                names.setdefault(what, set()).add(str(name))
                newest[what] = str(name)
    used = {name for one in held for name in one.vpns}
    # A name that two VPNs have had says nothing.
    several = {name for what in names for name in names[what] if sum(name in some for some in names.values()) > 1}
    return {
        name: new
        for what, new in newest.items()
        for name in sorted(names[what])
        if name != new and name in used and not {name, new} & several
    }


def key_now(key: str, renamed: Mapping[str, str]) -> str:
    """The key of a lease by the name that its VPN has now."""
    start, *rest = key.split("/")
    if start != "vpn" or not rest:
        return key
    name, mark, number = rest[0].partition("#")
    return "/".join([start, f"{renamed.get(name, name)}{mark}{number}", *rest[1:]])
