# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: VMs, vApps and org edges that have another name now, and say so with ``vcc_formerly``: addresses stay.

The ledger is told first, in the plan's transaction. All that comes after knows the new name only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._base.names import NAME, NAME_RULE
from .._base.problems import Problems
from .._intent.landscape.external import is_external
from .._intent.landscape.facts import organization_of
from .._intent.organizations import is_concerned
from .tunnel.kinds import KINDS

if TYPE_CHECKING:
    from .._ledger.ledger import Names, Transaction
    from .outcome import Plan

Facts = Mapping[str, Any]
RENAMED = (["members"], ["vapp_edges"], ["org_edges"])
"""The groups of hosts that can say it. An org edge's certificate and tunnels follow."""
EVENT = "host renamed"


def former_names(facts: Facts) -> list[str]:
    """The names that a host had before, as its facts say. What is no name is among them, for the checks to refuse."""
    said = facts["vars"].get("vcc_formerly")
    if said is None:
        return []
    names = said if isinstance(said, (list, tuple)) else [said]
    # YAML's bare yes, and an entry that is missing, are no names, although their texts could be.
    texts = [f"({name})" if name is None or isinstance(name, bool) else name for name in names]
    return [name if isinstance(name, str) else repr(name) for name in texts]


def rename(
    transaction: Transaction,
    organizations: Sequence[str],
    hosts: Mapping[str, Facts],
    plan: Plan,
    problems: Problems,
) -> None:
    """Have the ledger know hosts by their new names.

    A name that the ledger does not know is none of its business: it stays in inventories long after the rename.
    """
    said = {host: names for host, facts in sorted(hosts.items()) if (names := former_names(facts))}
    wrong = len(problems)
    for path, message in _wrong(said, hosts):
        problems.add(path, message)
    if not said or len(problems) > wrong:
        return
    for organization in organizations:
        here = {host: names for host, names in said.items() if is_concerned(hosts[host], [organization])}
        wanted = {*here, *(old for names in here.values() for old in names)}
        known = transaction.names(organization, wanted, lambda kind, pair: KINDS[kind].tunnel_name(pair))
        for host, old in ((host, old) for host, names in here.items() for old in names):
            if problem := _both(known, hosts[host], old, host):
                problems.add(f"hosts.{host}.vcc_formerly", problem)
            elif _rename(known, old, host):
                transaction.event(organization, EVENT, old, {"now": host})
                plan.notes.append(f"{host} was {old}")
                plan.changed = True


def _both(known: Names, facts: Facts, old: str, new: str) -> str:
    """Why one cannot be the other; empty if it can."""
    group, used, both = known.group(old), known.used(old), known.used(new)
    if group is not None and group not in facts["kinds"]:
        return f"the ledger has {old} in the group {group}, and {new} is not in that group"
    if used and both:
        return (
            f"the ledger has {old} in {', '.join(sorted(used))} and {new} in {', '.join(sorted(both))}: two machines. "
            f"Take {old} out of its VPNs first, or remove vcc_formerly"
        )
    external = sorted(filter(known.is_external, known.peers(old))) if group == "org_edges" else []
    if external:
        return (
            f"{old} has a tunnel to {', '.join(external)}, which is external: its administrator would have to change "
            "whom it accepts, and the key. Keep the name, or delete the VPNs with that tunnel first"
        )
    return ""


def _rename(known: Names, old: str, new: str) -> bool:
    """Whether that changed anything."""
    return known.rename_in_past(old, new) if known.group(old) is None else known.rename(old, new)


def _wrong(said: Mapping[str, Sequence[str]], hosts: Mapping[str, Facts]) -> Iterator[tuple[str, str]]:
    """Each place that is wrong, and what would mend it."""
    claimed: dict[tuple[str, str], str] = {}
    for host, names in said.items():
        owner = organization_of(hosts[host])
        path = f"hosts.{host}.vcc_formerly"
        if hosts[host]["kinds"] not in RENAMED:
            yield path, "is for VMs, vApp edges and org edges only; remove it"
        elif is_external(hosts[host]["vars"]):
            yield path, "is not for an external edge: its tunnels and its key have its name; keep the name"
        for old in names:
            if not NAME.fullmatch(old):
                yield path, f"{old!r} cannot be the name of a host, which must be {NAME_RULE}"
            elif old == host:
                yield path, f"{old} is its name now; remove it"
            elif old in hosts and organization_of(hosts[old]) == owner:
                yield path, f"{old} is also a host of this inventory; remove it if that is another machine"
            elif claimed.setdefault((owner, old), host) != host:
                yield path, f"{claimed[owner, old]} was {old}, too; only one host can have been {old}"
