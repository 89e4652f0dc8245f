# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: VMs and vApps that have another name now, and say so with ``vcc_formerly``: addresses stay.

The ledger is told first, in the plan's transaction. All that comes after knows the new name only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._base.names import NAME, NAME_RULE
from .._base.problems import Problems
from .._intent.organizations import is_concerned

if TYPE_CHECKING:
    from .._ledger.ledger import Transaction

Facts = Mapping[str, Any]
RENAMED = (["members"], ["vapp_edges"])
"""The groups of hosts that can say it. The name of an org edge is in its certificates and in its tunnels' names."""


def former_names(facts: Facts) -> list[str]:
    """The names that a host had before, as its facts say."""
    said = facts["vars"].get("vcc_formerly") or []
    return [str(name) for name in ([said] if isinstance(said, str) else said)]


def rename(
    transaction: Transaction, organizations: Sequence[str], hosts: Mapping[str, Facts], problems: Problems
) -> list[str]:
    """Have the ledger know hosts by their new names; returns a note for each.

    A name that the ledger does not know is none of its business: it stays in inventories long after the rename.
    """
    said = {host: names for host, facts in sorted(hosts.items()) if (names := former_names(facts))}
    wrong = len(problems)
    for path, message in _wrong(said, hosts):
        problems.add(path, message)
    if not said or len(problems) > wrong:
        return []
    notes = []
    for organization in organizations:
        known = transaction.hosts(organization)
        for host, names in said.items():
            for old in names if is_concerned(hosts[host], [organization]) else ():
                if old not in known:
                    continue
                path = f"hosts.{host}.vcc_formerly"
                if known[old] not in hosts[host]["kinds"]:
                    problems.add(path, f"in the ledger, {old} is of the group {known[old]}, which {host} is not in")
                elif host in known:
                    problems.add(path, f"the ledger knows {host} and {old}, each by itself; delete one of them first")
                else:
                    transaction.rename_host(organization, old, host)
                    known[host] = known.pop(old)
                    what = "its addresses" if "members" in hosts[host]["kinds"] else "the addresses of its VMs"
                    notes.append(f"{host} was {old}, and keeps {what}")
    return notes


def _wrong(said: Mapping[str, Sequence[str]], hosts: Mapping[str, Facts]) -> Iterator[tuple[str, str]]:
    """Each place that is wrong, and what would mend it."""
    claimed: dict[str, str] = {}
    for host, names in said.items():
        path = f"hosts.{host}.vcc_formerly"
        if hosts[host]["kinds"] not in RENAMED:
            yield path, "is said of VMs and vApp edges; leave it out"
        for old in names:
            if not NAME.fullmatch(old):
                yield path, f"{old!r} is no name of a host, which must be {NAME_RULE}"
            elif old in hosts:
                yield path, f"{old} is a host of this inventory, too; leave it out if that is another machine"
            elif claimed.setdefault(old, host) != host:
                yield path, f"{claimed[old]} was {old}, too; a host has one successor"
