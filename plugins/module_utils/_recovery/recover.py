# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RECOVER: the ledger learns from the nodes what it was told to them and does not know any more.

Only what a node runs and the ledger does not know counts: of anything else the ledger knows the end of the story. Where
both claim an address, the node has it: somebody answers to it there. Afterwards the ledger knows each of these nodes'
generations, so that its next plan descends from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .._base.errors import LedgerError
from .._ledger.records import ACTIVE, DOCUMENT, INTENT, misshapen, text_of
from .._plan.renamed_vpns import EVENT as RENAMED
from .claims import Claims, claims_of
from .conflicts import clashes, is_same_vm, is_within
from .held import Held, believed
from .renamed import key_now, renamed_vpns

if TYPE_CHECKING:
    from .._ledger.ledger import Transaction


@dataclass
class Recovery:
    """``lines``: the differences, ``+`` what the ledger learns, ``-`` what it gives up, ``~`` what it corrects.
    ``notes``: what it cannot tell."""

    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    generations: dict[str, int] = field(default_factory=dict)


def recover(transaction: Transaction, said: Iterable[Mapping[str, Any]], organizations: Sequence[str] = ()) -> Recovery:
    """Bring the ledger to where the nodes are. LedgerError, and nothing is written, when nodes contradict each other.

    ``said``: what nodes hold, as :func:`believed` is told it. ``organizations``: those to recover; none stands for all.
    """
    by_organization: dict[str, list[Held]] = {name: [] for name in organizations or transaction.organizations()}
    held, notes = believed(said, organizations)
    recovery, wrong = Recovery(notes=notes), []
    for one in held:
        why = _misshapen(one)
        if why:
            recovery.notes.append(f"{one.node}: what it holds is not taken: {why}")
        else:
            by_organization.setdefault(one.organization, []).append(one)
    for name, nodes in sorted(by_organization.items()):
        told = _Organization(name, transaction, nodes, recovery)
        wrong += told.problems
        if not wrong:
            told.write()
    if wrong:
        raise LedgerError("nothing was recovered: " + "; ".join(wrong))
    return recovery


def _misshapen(one: Held) -> str:
    """Why a document cannot be read, or kept; empty if it can."""
    wrong = misshapen(one.document, DOCUMENT)
    if wrong:
        return f"it {wrong}"
    try:
        intents = {str(name): misshapen(vpn["intent"], INTENT) for name, vpn in one.records.get("vpns", {}).items()}
        broken = [f"{name} {wrong}" for name, wrong in intents.items() if wrong]
        if broken:
            return "; ".join(broken)
        claims_of([one], {}, {})
        _tunnels([one])
        text_of(one.document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return f"it is not a document of this version ({type(error).__name__}: {error})"
    return ""


def _tunnels(held: Iterable[Held]) -> dict[str, dict[str, Any]]:
    """The tunnels that edges have, by name."""
    found: dict[str, dict[str, Any]] = {}
    for one in held:
        for tunnel in one.document.get("tunnels", []) if one.role == "org_edge" else []:
            edges = sorted((one.node, str(tunnel["peer"])))
            found[str(tunnel["name"])] = {"edges": edges, "kind": str(tunnel.get("kind", "ipsec"))}
    return found


class _Organization:
    """What is recovered of one organization: found out first, written then."""

    def __init__(self, name: str, transaction: Transaction, held: Sequence[Held], recovery: Recovery) -> None:
        self.name, self.transaction, self.recovery = name, transaction, recovery
        stored, leases = transaction.vpns(name), transaction.leases(name)
        known, documents = transaction.lineages(name), transaction.documents(name)
        told = {node: record.generation for node, record in documents.items()}
        self.ahead = [one for one in held if not one.is_known(known.get(one.node, {}), told.get(one.node, 0))]
        now = self.renamed = renamed_vpns(self.ahead, held, stored, leases)
        self.stored = {now.get(vpn, vpn): record for vpn, record in stored.items()}
        keys = {key: key_now(key, now) for key in leases}
        self.leases = {keys[key]: replace(lease, key=keys[key]) for key, lease in leases.items()}
        silent = sorted(set(documents) - {one.node for one in held})
        if silent:
            recovery.notes.append(
                f"{name}: {', '.join(silent)} did not answer, or had nothing: what they hold is not known"
            )
        pools = {str(vpn.intent["pool"]): str(vpn.intent["pool_prefix"]) for vpn in self.stored.values()}
        self.claims: Claims = claims_of(self.ahead, self.leases, pools, now)
        used = {now.get(vpn, vpn) for one in held for vpn in one.vpns} | set(self.claims.vpns)
        self.problems = [f"{name}: {problem}" for problem in self.claims.problems]
        whole = {now.get(vpn, vpn) for one in held for vpn in one.records.get("vpns", {})}
        for vpn in sorted({now.get(vpn, vpn) for one in self.ahead for vpn in one.elsewhere} - whole):
            self.problems.append(
                f"{name}: {vpn} is kept in other clouds than those whose VCC nodes answered: run this again when one "
                "of the others can be reached"
            )
        self.given_up = clashes(self.claims.leases, self.leases)
        self._find_disputes([one for one in held if one not in self.ahead])
        self._find_orphans(used)

    def _find_disputes(self, others: Sequence[Held]) -> None:
        """Addresses that nodes of the ledger as it is have, and nodes that are ahead of it as well."""
        for one in others:
            for key in (key_now(known, self.renamed) for known in one.records.get("leases", {})):
                why = next((why for gone, why in self.given_up.items() if is_within(key, gone)), None)
                if why is not None and key in self.leases and not is_same_vm(key, why):
                    self.problems.append(
                        f"{self.name}: {self.leases[key].prefix} is {key} for {one.node}, and {why} for another node: "
                        "take one of the two out of its VPN, with vcc_allow_older=true"
                    )

    def _find_orphans(self, used: set[str]) -> None:
        """VPNs that only the ledger has, and that lose their blocks or their number to one that nodes have."""
        numbers = {vpn["number"]: vpn_name for vpn_name, vpn in self.claims.vpns.items()}
        lost = {key.split("/")[1].partition("#")[0] for key in self.given_up if key.count("/") == 1}
        lost |= {vpn for vpn, record in self.stored.items() if numbers.get(record.number, vpn) != vpn}
        self.orphans = sorted(vpn for vpn in lost if vpn in self.stored and vpn not in self.claims.vpns)
        for vpn in self.orphans:
            if vpn in used:
                self.problems.append(
                    f"{self.name}: {vpn} has its number or block from this ledger, and nodes have another VPN there"
                )
        for vpn, record in sorted(self.stored.items()):
            if self.ahead and record.state == ACTIVE and vpn not in used and vpn not in self.orphans:
                self.recovery.notes.append(
                    f"{self.name}: no node that answered has {vpn}: create_vpn makes it again, delete_vpn forgets it"
                )

    def write(self) -> None:
        """Write what was found out."""
        if not self.ahead:
            return
        say = self.recovery.lines.append
        newest = f"the ledger's newest is {self.transaction.generation(self.name)}"
        for one in self.ahead:
            say(f"~ {one.node}: runs generation {one.generation}, which is unknown here; {newest}")
        for old in sorted(self.renamed.keys() & self.transaction.vpns(self.name).keys()):
            self.transaction.rename_vpn(self.name, old, self.renamed[old])
            self.transaction.event(self.name, RENAMED, old, {"now": self.renamed[old]})
            say(f"~ vpn {self.renamed[old]}: was {old}")
        for vpn in self.orphans:
            self.transaction.release(self.name, f"vpn/{vpn}")
            self.transaction.drop_vpn(self.name, vpn)
            say(f"- vpn {vpn}: no node has it, and its number or addresses are another's")
        for key, claimant in sorted(self.given_up.items()):
            for lease in self.transaction.release(self.name, key):
                say(f"- lease {lease.key} {lease.prefix}: {claimant} has it")
        held = self.transaction.leases(self.name)
        new = [lease for key, lease in sorted(self.claims.leases.items()) if key not in held]
        self.transaction.add_leases(self.name, new)
        self.recovery.lines += [f"+ lease {lease.key} {lease.prefix}" for lease in new]
        for vpn, record in sorted(self.claims.vpns.items()):
            self.recovery.lines += self.transaction.import_vpn(self.name, vpn, record["number"], record["intent"])
        self._write_tunnels()
        self.recovery.notes += [f"{self.name}: {note}" for note in self.claims.notes]
        self.recovery.generations[self.name] = self.transaction.adopt(
            self.name, {one.node: (one.document, one.hash) for one in self.ahead}
        )

    def _write_tunnels(self) -> None:
        known = self.transaction.tunnels(self.name)
        missing = {name: record for name, record in sorted(_tunnels(self.ahead).items()) if name not in known}
        self.transaction.put_tunnels(self.name, missing)
        self.recovery.lines += [f"+ tunnel {name}" for name in missing]
