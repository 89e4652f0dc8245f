# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's identity, its chain of generations, and each node's part in it.

What a transaction of the ledger is made on: events, and how records are read and written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .._base.errors import LedgerError
from .chain import KEPT, chain_hash, lineage_of
from .records import canonical_json, digest_of, text_of
from .schema import applied, documents, events, generations, identity, inputs, lineage, past_intents
from .sqlalchemy import sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_AT_ONCE = 500  # values in a condition: SQLite before 3.32 takes 999 variables (its limits.html)


class Generations:
    """The part of a transaction that opens generations, and knows which one follows which."""

    def __init__(self, connection: Connection, who: str) -> None:
        self._connection = connection
        self._who = who

    def ledger_id(self) -> str:
        """By which nodes know this ledger."""
        found = self._connection.execute(sa.select(identity.c.ledger)).scalars().all()
        if len(found) != 1:
            raise LedgerError("the ledger is damaged: it has no identity: restore it from a backup with restore_ledger")
        return str(found[0])

    def generation(self, org: str) -> int:
        """The number of the organization's newest generation, 0 before the first."""
        newest = sa.select(sa.func.max(generations.c.number)).where(generations.c.organization == org)
        return int(self._connection.execute(newest).scalar() or 0)

    def newest(self) -> dict[str, int]:
        """The newest generation of each organization, also of one that has nothing else left."""
        columns = sa.select(generations.c.organization, sa.func.max(generations.c.number).label("number"))
        rows = self._connection.execute(columns.group_by(generations.c.organization))
        return {row.organization: int(row.number) for row in rows}

    def lineages(self, org: str) -> dict[str, dict[int, str]]:
        """The generations in which each node's document changed: node -> number -> hash. Of nodes of the past, too."""
        columns = sa.select(lineage.c.node, lineage.c.number, lineage.c.hash)
        found: dict[str, dict[int, str]] = {}
        for node, number, text in self._connection.execute(columns.where(lineage.c.organization == org)):
            found.setdefault(node, {})[number] = text
        return found

    def lineage(self, org: str) -> dict[str, dict[str, Any]]:
        """What travels beside each node's document, by node (see `lineage_of`)."""
        columns = sa.select(documents.c.node, documents.c.generation).where(documents.c.organization == org)
        ledger, known = self.ledger_id(), self.lineages(org)
        return {
            row.node: lineage_of(ledger, row.generation, known.get(row.node, {}))
            for row in self._connection.execute(columns)
        }

    def adopt(self, org: str, found: Mapping[str, tuple[Mapping[str, Any], str]]) -> int:
        """Take what nodes hold for what they were told: node -> (document, hash of its generation).

        Opens a generation with a number above all of theirs, which no node is given: the next plan is above it.
        Returns its number.
        """
        numbers = {node: int(document["generation"]) for node, (document, _hash) in found.items()}
        have = set(
            self._connection.execute(sa.select(generations.c.number).where(generations.c.organization == org)).scalars()
        )
        missing = sorted(set(numbers.values()) - have)
        for number in missing:
            self._open(org, number, "")
        number = max([self.generation(org), *numbers.values()]) + 1
        told = {node: [numbers[node], text] for node, (_document, text) in sorted(found.items())}
        self._open(org, number, hashlib.sha256(canonical_json(told).encode()).hexdigest())
        self._delete_documents(org, found)
        # What the intents were in generations that only nodes know of is not known.
        self._connection.execute(past_intents.delete().where(past_intents.c.organization == org))
        self._connection.execute(inputs.delete().where(inputs.c.organization == org))  # what they have is not ours
        for node, number_of in numbers.items():  # what a node holds is what it was told, whatever is noted here
            self._connection.execute(lineage.delete().where(_of(org, node), lineage.c.number == number_of))
        self._insert(
            documents,
            [
                {
                    "organization": org,
                    "node": node,
                    "role": str(document["role"]),
                    "generation": numbers[node],
                    "digest": digest_of(text_of(document)),
                    "document": text_of(document),
                }
                for node, (document, _hash) in sorted(found.items())
            ],
        )
        self._note_lineage(org, {node: (numbers[node], text) for node, (_document, text) in found.items()})
        self._drop_applied(org, numbers)
        self._insert(
            applied, [{"organization": org, "node": node, "generation": number} for node, number in numbers.items()]
        )
        self.event(org, "generation recovered", str(number), {"recovers": told})
        return number

    def event(self, org: str, what: str, subject: str, detail: Mapping[str, Any] | None = None) -> None:
        """Log one change. `detail` must hold no secrets."""
        self._log(org, what, {subject: detail or {}})

    # Inside

    def _newest_hash(self, org: str) -> str:
        newest = sa.select(generations.c.hash).where(generations.c.organization == org)
        return str(self._connection.execute(newest.order_by(generations.c.number.desc()).limit(1)).scalar() or "")

    def _open(self, org: str, number: int, digest: str) -> str:
        """Open a generation; returns its hash."""
        row = {"organization": org, "number": number, "created_at": now(), "created_by": self._who, "digest": digest}
        row["hash"] = chain_hash(self.ledger_id(), self._newest_hash(org), row)
        self._insert(generations, [row])
        return str(row["hash"])

    def _note_lineage(self, org: str, found: Mapping[str, tuple[int, str]]) -> None:
        """Note that nodes were told something in a generation, and forget what is too long ago to be of use."""
        rows = [{"organization": org, "node": node, "number": n, "hash": text} for node, (n, text) in found.items()]
        self._insert(lineage, rows)
        count = sa.select(lineage.c.node).where(lineage.c.organization == org).group_by(lineage.c.node)
        many = self._connection.execute(count.having(sa.func.count() > KEPT)).scalars().all()
        numbers: dict[str, list[int]] = {}
        for some in in_parts(sorted(many)):
            query = sa.select(lineage.c.node, lineage.c.number).where(lineage.c.organization == org)
            for node, number in self._connection.execute(query.where(lineage.c.node.in_(some))):
                numbers.setdefault(node, []).append(number)
        old = [
            {"of": node, "which": number}
            for node, every in numbers.items()
            for number in sorted(every, reverse=True)[KEPT:]
        ]
        if old:
            of, which = lineage.c.node == sa.bindparam("of"), lineage.c.number == sa.bindparam("which")
            self._connection.execute(lineage.delete().where(lineage.c.organization == org, of, which), old)

    def _insert(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(table.insert(), rows)

    def _log(self, org: str, what: str, subjects: Mapping[str, Mapping[str, Any]]) -> None:
        base = {"at": now(), "organization": org, "who": self._who, "what": what}
        rows = [{**base, "subject": key, "detail": canonical_json(detail)} for key, detail in subjects.items()]
        self._insert(events, rows)

    def _drop_applied(self, org: str, nodes: Iterable[str]) -> None:
        self._delete_of(applied, org, nodes)

    def _delete_documents(self, org: str, nodes: Iterable[str]) -> None:
        self._delete_of(documents, org, nodes)

    def _delete_of(self, table: sa.Table, org: str, nodes: Iterable[str]) -> None:
        """Delete the rows of nodes."""
        for some in in_parts(sorted(nodes)):
            self._connection.execute(table.delete().where(table.c.organization == org, table.c.node.in_(some)))


def in_parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many at a time as a condition takes."""
    return (values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE))


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _of(org: str, node: str) -> Any:
    return sa.and_(lineage.c.organization == org, lineage.c.node == node)
