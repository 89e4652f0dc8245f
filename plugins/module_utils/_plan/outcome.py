# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what planning comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._ledger.records import DocumentRecord, canonical_json, digest_of
from .compile.documents import Document


class Documents(Mapping[str, Document]):
    """The documents by name, each read when it is asked for: of a large plan, a run needs few."""

    def __init__(self) -> None:
        self._records: dict[str, DocumentRecord] = {}

    def add(self, name: str, record: DocumentRecord) -> None:
        """One more; it takes the place of another of its name."""
        self._records[name] = record

    def record(self, name: str) -> DocumentRecord:
        """What the ledger says of a document, without reading it."""
        return self._records[name]

    def __getitem__(self, name: str) -> Document:
        return self._records[name].document

    def __contains__(self, name: object) -> bool:
        return name in self._records  # without reading it

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


@dataclass
class Plan:
    """``documents`` hold every node of the organizations concerned, changed or not, by name.

    A VCC node that is not one organization's own has one for each, as ``acme/node-east``. ``coming`` are the VPNs that
    the run names and that have not come up yet. ``losing_documents`` are what nodes that lose something are told
    first; those ``gaining`` are told the rest later. ``releasing``: org edges that stop guarding a VPN, each with who
    of those may still send there. ``awaiting``: org edges that do not guard yet what others get to send, each with who
    these are; they are told after it. ``yielding``: org edges that give members away, each with all that is told
    before; what they are told first, if anything, is among the ``losing_documents``. ``concerned``: the names of the
    documents that this run tells. ``to_note``: whether the ledger is to note what nodes run. ``named``: the VPNs that
    the run names, ``acme/payroll``. ``deleting``: the names of the VPNs that it deletes.
    """

    documents: Documents = field(default_factory=Documents)
    vpns: list[dict[str, Any]] = field(default_factory=list)
    generations: dict[str, int] = field(default_factory=dict)
    diff: list[str] = field(default_factory=list)
    changed_nodes: list[str] = field(default_factory=list)
    new_tunnels: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    members: list[dict[str, Any]] = field(default_factory=list)
    changed: bool = False
    unsettled: bool = False
    to_note: bool = False
    deleting: list[str] = field(default_factory=list)
    leaving: list[str] = field(default_factory=list)
    losing: list[str] = field(default_factory=list)
    gaining: list[str] = field(default_factory=list)
    releasing: dict[str, list[str]] = field(default_factory=dict)
    awaiting: dict[str, list[str]] = field(default_factory=dict)
    yielding: dict[str, list[str]] = field(default_factory=dict)
    losing_documents: dict[str, Document] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)
    concerned: list[str] = field(default_factory=list)
    coming: list[str] = field(default_factory=list)
    also_touched: list[str] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """What tells whether two plans change the same: the difference, and all of each document that changes. The
        difference does not say everything, such as rules of a policy.
        """
        nodes = {*self.changed_nodes}
        names = sorted(name for name in self.documents if name.rpartition("/")[2] in nodes)
        return digest_of(canonical_json([self.diff, [[name, self.documents.record(name).digest] for name in names]]))
