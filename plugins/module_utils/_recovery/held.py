# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RECOVER: what hosts say they hold, and what of it is believed: each speaks for itself, and VCC nodes for the ledger.

Any host that Ansible logs in to is asked. One that is not what it was may say anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._ledger.chain import LISTED
from .._plan.compile.records import ELSEWHERE, KEY

NEWEST = 1 << 30
"""No generation is above it: the ledger's next number has to fit its column."""
LENGTH = 60


@dataclass(frozen=True)
class Held:
    """A document that a node holds, and the ledger and hash of its generation (empty: of an earlier version).

    ``crl``: the revocations that an edge knows; empty for none.
    """

    document: Mapping[str, Any]
    ledger: str
    hash: str
    crl: str

    @property
    def node(self) -> str:
        """Whose it is."""
        return str(self.document["node"])

    @property
    def role(self) -> str:
        """What the node is."""
        return str(self.document["role"])

    @property
    def organization(self) -> str:
        """Whose the node is, or, of a shared VCC node, the slice."""
        return str(self.document["organization"])

    @property
    def generation(self) -> int:
        """Its number."""
        return int(self.document["generation"])

    @property
    def records(self) -> Mapping[str, Any]:
        """The ledger's own words, which VCC nodes keep."""
        return (self.document.get(KEY) or {}) if self.role == "vcc_node" else {}

    @property
    def vpns(self) -> set[str]:
        """The VPNs that it is told of."""
        told = {str(vpn["name"]) for vpn in self.document.get("vpns", [])}
        return told | set(self.records.get("vpns", {})) | self.elsewhere

    @property
    def elsewhere(self) -> set[str]:
        """The VPNs of its cloud that VCC nodes of other clouds keep."""
        return set(self.records.get(ELSEWHERE, {}))

    def is_known(self, lineage: Mapping[int, str], told: int) -> bool:
        """Whether the ledger knows that it told the node so. ``told``: the generation of the document it knows of."""
        if not self.hash:
            return self.generation <= told
        return lineage.get(self.generation, "")[:LISTED] == self.hash[:LISTED]


def believed(said: Iterable[Mapping[str, Any]], organizations: Collection[str] = ()) -> tuple[list[Held], list[str]]:
    """What hosts hold, and a note for each thing that is not theirs to say.

    ``said``: what `_node/recall.py` tells, a record per document, with what the inventory says of the host that told
    it: ``host``, its ``kinds`` (groups), and its ``owner``, empty where it serves all organizations.
    ``organizations``: those to recover; none stands for all.
    """
    held, notes = [], []
    for record in said:
        host, owner = str(record.get("host") or ""), str(record.get("owner") or "")
        document = record.get("document")
        about = document.get("organization") if isinstance(document, Mapping) else None
        # Slices of organizations that the run is not about are nobody's business here.
        if organizations and (owner or about) not in organizations:
            continue
        why = _not_its_own(document, host, record.get("kinds") or (), owner)
        if why:
            notes.append(f"{host or 'a host without a name'}: what it holds is not taken: {why}")
        else:
            texts = (str(record.get(name) or "") for name in ("ledger", "hash", "crl"))
            held.append(Held(document, *texts))  # type: ignore[arg-type]
    return held, notes


def _not_its_own(document: object, host: str, kinds: Collection[str], owner: str) -> str:
    """Why a host cannot hold this; empty if it can."""
    if not isinstance(document, Mapping):
        return "it is not a document"
    node, role, organization = (document.get(name) for name in ("node", "role", "organization"))
    if not host or node != host:
        return f"it is the document of {_short(node)}"
    if f"{role}s" not in kinds:
        return f"it is the document of a {_short(role)}, which the host is not"
    if not isinstance(organization, str) or (organization != owner if owner else role != "vcc_node"):
        return f"it is the document of the organization {_short(organization)}, which is not the host's"
    generation = document.get("generation")
    if not isinstance(generation, int) or not 0 < generation < NEWEST:
        return f"its generation is {_short(generation)}"
    return ""


def _short(value: object) -> str:
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= LENGTH else f"{text[:LENGTH]}…"
