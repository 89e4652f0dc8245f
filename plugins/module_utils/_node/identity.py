# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who this machine was told to be, and which generation of which ledger it runs: by that it refuses what is not for it.

The lineage of a generation (its ledger and hash) is one of the generation's files, so that it goes and comes back with
it. `identity.json` repeats both for people, and for when the generation cannot be read.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .document import Document, Generation
from .system import files

if TYPE_CHECKING:
    from .state import Store

FILE = "lineage.json"
"""The generation's file with its `ledger`, and its hash in the chain of that."""
IDENTITY = "identity.json"
LEFT = "/run/intercloud-vpn.left"
"""Which generation took the last of ours away. Gone with the next boot, and so are the runs that it is for."""
ORGANIZATIONS = "organizations"  # where a VCC node keeps its slices, below the state directory


@dataclass(frozen=True)
class Identity:
    """`chain` is the generation's hash. It and `ledger` are empty when the generation came from no ledger, or from one
    of an older version."""

    node: str
    organization: str
    ledger: str = ""
    generation: int = 0
    chain: str = ""


def stored(lineage: Mapping[str, Any] | None) -> dict[str, str]:
    """The generation's file that says where it comes from; none without a lineage."""
    if not lineage:
        return {}
    return {FILE: json.dumps({"ledger": str(lineage["ledger"]), "chain": str(lineage["hash"])}, sort_keys=True)}


def identity_of(document: Document, lineage: str) -> Identity:
    """Out of a document, and the text of its file FILE."""
    known = _parsed(lineage)
    return Identity(
        str(document.get("node", "")),
        str(document.get("organization", "")),
        str(known.get("ledger", "")),
        int(document.get("generation") or 0),
        str(known.get("chain", "")),
    )


def of(store: Store) -> Identity | None:
    """Of an edge, vApp edge or member; None when it holds nothing of ours."""
    current = store.current()
    if current is not None:
        return identity_of(current.document, current.files.get(FILE, ""))
    known = _parsed(files.read(store.state / IDENTITY))
    if not known.get("node"):
        return None
    return Identity(**{key: known[key] for key in asdict(Identity("", "")) if key in known})


def note(generation: Generation, store: Store) -> None:
    """Write `identity.json`, if it says something else."""
    if stale(generation, store):
        files.write(store.state / IDENTITY, _text(generation), 0o600)


def stale(generation: Generation, store: Store) -> bool:
    """Whether `identity.json` does not say what a generation says."""
    return files.read(store.state / IDENTITY) != _text(generation)


def _text(generation: Generation) -> str:
    known = identity_of(generation.document, generation.files.get(FILE, ""))
    return json.dumps(asdict(known), sort_keys=True) + "\n"


def is_new(store: Store) -> bool:
    """Whether this machine holds nothing of ours, and so takes whatever it is told."""
    return of(store) is None and not _slices(store)


def stranger(document: Document, store: Store, adopt: Collection[str] = ()) -> str:
    """Why a document is not for this machine; empty if it is.

    `adopt` are names that machines had and give up now: `edge-west`, or `acme/edge-west`.
    """
    node, organization = str(document.get("node")), str(document.get("organization"))
    known = of(store)
    slices = _slices(store)
    if known:
        here = [(known.node, known.organization)]
    elif organization in slices:
        here = [(slices[organization], organization)]
    else:  # a VCC node of other organizations: only its name is the same for all of them
        here = [] if node in slices.values() else [(name, organization) for name in slices.values()]
    for name, owner in here:
        if (name, owner) == (node, organization) or {name, f"{owner}/{name}"} & set(adopt):
            continue
        if name != node:
            return (
                f"this machine is {name} ({owner}), and the document is for {node} ({organization}): two inventory "
                "names lead to one machine. The usual cause is the same ansible_host behind two jump hosts, which "
                "share one SSH connection: give each its own ansible_control_path (docs/own_fleet.md). If the machine "
                f"was renamed on purpose, say so: vcc_formerly: {name} of a VM or an edge, which then keeps its "
                f"addresses; -e vcc_adopt={name} of a VCC node"
            )
        return (
            f"this machine is {name} of organization {owner}, and the document is of organization {organization}. "
            f"If the machine changes hands on purpose, run with -e vcc_adopt={owner}/{name}"
        )
    return ""


def descends(number: int, lineage: Mapping[str, Any] | None, known: Identity | None) -> str:
    """Why a generation may not follow the one that is `known` here; empty if it may.

    `number` and `lineage` are the new one's. A generation that comes from no ledger has no lineage: of that only the
    number is compared.
    """
    if known is None:
        return ""
    theirs = str((lineage or {}).get("ledger", ""))
    if theirs and known.chain and not _listed(known, lineage or {}):
        if known.ledger != theirs:
            why = (
                f"this node runs generation {known.generation} of the ledger {known.ledger}, and the plan is of the "
                f"ledger {theirs}, which does not know it: a new ledger was made, or two are in use"
            )
        elif known.generation > number:
            why = (
                f"this plan's generation is {number}, and the node runs {known.generation}: another run was here "
                "meanwhile, so run this one again; or the ledger is an older copy, which does not know that generation"
            )
        else:
            why = (
                f"generation {number} of this plan does not descend from the node's, {known.generation}: the ledger is "
                "an older copy, and has given the same numbers to other plans"
            )
        return (
            f"{why}. Run recover_ledger, which reads back what the nodes hold; or, with vcc_allow_older=true, the node "
            "takes what this ledger says"
        )
    if known.generation > number:
        return (
            f"this plan's generation is {number}, and the node runs {known.generation}: another run was here "
            "meanwhile, so run this one again; or the ledger is an older copy: run recover_ledger, or go back to it "
            "with vcc_allow_older=true"
        )
    return ""


def note_left(document: Document, lineage: Mapping[str, Any] | None, store: Store) -> None:
    """A generation takes the last of ours away, and with it all that says which one it was."""
    known = {"ledger": str((lineage or {}).get("ledger", "")), "generation": int(document.get("generation") or 0)}
    files.write(store.at(LEFT), json.dumps(known) + "\n", 0o600)


def left_later(number: int, lineage: Mapping[str, Any] | None, store: Store) -> str:
    """Why a generation comes too late on a machine that holds nothing of ours: a later one took that away."""
    known = _parsed(files.read(store.at(LEFT)))
    later = int(known.get("generation") or 0)
    if not known.get("ledger") or known["ledger"] != str((lineage or {}).get("ledger", "")) or later <= number:
        return ""
    return (
        f"this plan's generation is {number}, and {later} has taken all from the node: another run was here meanwhile, "
        "so run this one again"
    )


def _listed(known: Identity, lineage: Mapping[str, Any]) -> bool:
    digits = str((lineage.get("ancestors") or {}).get(str(known.generation), ""))
    return bool(digits) and known.chain.startswith(digits)


def _slices(store: Store) -> dict[str, str]:
    """The names that a VCC node's slices are for, by organization."""
    paths = sorted((store.state / ORGANIZATIONS).glob("*/document.json"))
    found = {path.parent.name: str(_parsed(files.read(path)).get("node") or "") for path in paths}
    return {organization: node for organization, node in found.items() if node}


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
