# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RECOVER: which leases of the ledger cannot stay, as nodes have given their addresses to others."""

from __future__ import annotations

from collections.abc import Mapping

from .._base.lease import Lease


def clashes(claimed: Mapping[str, Lease], held: Mapping[str, Lease]) -> dict[str, str]:
    """The keys of ``held`` that have to go, each with the key that claims its addresses.

    What a node claims under the same key and prefix stays; so does what contains, or lies in, a block of its own. An
    address may lie in a block of another place in its VPN: its VM moved.
    """
    new = {key: lease for key, lease in claimed.items() if key not in held or held[key].prefix != lease.prefix}
    gone: dict[str, str] = {}
    for key, lease in sorted(new.items()):
        if key in held:
            gone[key] = key
        for other, old in held.items():
            kept = other in claimed and claimed[other].prefix == old.prefix
            if other == key or kept or not old.prefix.overlaps(lease.prefix) or _related(key, other):
                continue
            if not _may_lie_in(lease, old):
                gone[other] = key
    # What lies below one that goes, goes with it.
    return {key: why for key, why in gone.items() if not any(_below(key, other) for other in gone if other != key)}


def is_within(key: str, gone: str) -> bool:
    """Whether a key goes with one that goes."""
    return key == gone or _below(key, gone)


def is_same_vm(key: str, other: str) -> bool:
    """Whether two keys are of one VM in one VPN: it moved, and the node that is ahead knows where."""
    (here, vm), (there, same) = (one.rpartition("/vm/")[::2] for one in (key, other))
    return bool(here and vm == same) and here.split("/")[1] == there.split("/")[1]


def _may_lie_in(lease: Lease, block: Lease) -> bool:
    is_block = (lease.kind, block.kind) == ("address", "block") and block.key.count("/") > 1
    return is_block and lease.key.split("/")[1] == block.key.split("/")[1]


def _related(one: str, other: str) -> bool:
    return _below(one, other) or _below(other, one)


def _below(key: str, block: str) -> bool:
    """Whether a key is below a block's, whichever of its blocks it lies in."""
    return key.startswith(block.partition("#")[0] + "/")
