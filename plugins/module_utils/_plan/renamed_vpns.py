# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: VPNs and stretched networks that have another name now, and say so with ``formerly``: addresses stay.

As with hosts (renames.py), the ledger is told first. All that comes after knows the new name only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .._base.problems import Problems
from .._intent.organizations import OTHERS, organizations_named
from .._intent.paths import of_network, of_vpn
from .._intent.vpn import parse_name

if TYPE_CHECKING:
    from .._ledger.ledger import Transaction
    from .outcome import Plan

EVENT = "vpn renamed"


class Said(NamedTuple):
    """One that says what it was called. ``organization`` is empty where that is not clear, which is told elsewhere."""

    path: str
    stretched: bool
    organization: str
    name: str
    formerly: tuple[str, ...]


def rename_vpns(
    transaction: Transaction,
    hosts: Mapping[str, Mapping[str, Any]],
    matches: Mapping[str, Sequence[str]],
    intent: Mapping[str, Any],
    plan: Plan,
    problems: Problems,
) -> None:
    """Have the ledger know VPNs by their new names. A name that it does not know is none of its business."""
    wrong = len(problems)
    entries = list(_entries(hosts, matches, intent, problems))
    for path, message in _wrong(entries):
        problems.add(path, message)
    for one in entries if len(problems) == wrong else ():
        stored = transaction.vpns(one.organization) if one.organization and one.formerly else {}
        for old in (old for old in one.formerly if old in stored):
            if one.name in stored:
                problems.add(
                    f"{one.path}.formerly",
                    f"the ledger has both {old} and {one.name}: two VPNs. Delete one first, or remove formerly",
                )
            elif bool(stored[old].intent.get("stretch")) != one.stretched:
                what = "a VPN with members" if one.stretched else "a stretched network"
                problems.add(f"{one.path}.formerly", f"the ledger has {old} as {what}, which cannot get this name")
            else:
                transaction.rename_vpn(one.organization, old, one.name)
                transaction.event(one.organization, EVENT, old, {"now": one.name})
                stored = transaction.vpns(one.organization)
                plan.notes.append(f"{one.name} was {old}")
                plan.changed = True


def _entries(
    hosts: Mapping[str, Mapping[str, Any]],
    matches: Mapping[str, Sequence[str]],
    intent: Mapping[str, Any],
    problems: Problems,
) -> Iterator[Said]:
    for key, place in (("vpns", of_vpn), ("networks", of_network)):
        entries = intent.get(key)
        for index, raw in enumerate(entries if isinstance(entries, (list, tuple)) else ()):
            if raw is OTHERS or not isinstance(raw, Mapping) or not isinstance(raw.get("name"), str):
                continue
            said = raw.get("formerly")
            texts = said if isinstance(said, (list, tuple)) else [] if said is None else [said]
            names = [parse_name(text, f"{place(index)}.formerly", problems) for text in texts]
            owners = organizations_named(raw, hosts, matches)
            owner = owners[0] if len(owners) == 1 else ""
            old = tuple(name for name in names if name is not None)
            yield Said(place(index), key == "networks", owner, str(raw["name"]), old)


def _wrong(entries: Sequence[Said]) -> Iterator[tuple[str, str]]:
    """Each place that is wrong, with its remedy."""
    now = {(one.organization, one.name): one.path for one in entries}
    claimed: dict[tuple[str, str], str] = {}
    for one in entries:
        for old in one.formerly:
            key = one.organization, old
            if old == one.name:
                yield f"{one.path}.formerly", f"{old} is its name now; remove it"
            elif key in now:
                yield (
                    f"{one.path}.formerly",
                    f"{old} is also the name of {now[key]}; remove it if that is another VPN",
                )
            elif claimed.setdefault(key, one.name) != one.name:
                yield f"{one.path}.formerly", f"{claimed[key]} was {old}, too; only one VPN can have been {old}"
