# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one format of the ledger to the next, in place and in one transaction.

STEPS[0] leads from format 1 to 2, and so on: a change of the tables in `schema.py` adds a step at the end. A
step says what it does in SQL of its own time, as the tables of today may be others.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .chain import chain_hash
from .migration_past import past_intents, past_intents_of
from .migration_planned import vpns_can_be_planned
from .records import digest_of, text_of
from .sqlalchemy import sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from .rows import Rows


def new_identity(connection: Connection) -> str:
    """Give the ledger the name by which nodes know it."""
    ledger = str(uuid.uuid4())
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    _run(connection, "INSERT INTO identity (ledger, created_at) VALUES (:ledger, :now)", ledger=ledger, now=now)
    return ledger


def _identity_and_chain(connection: Connection) -> None:
    """2 to 3: the ledger has an identity, generations are chained, nodes have a lineage."""
    collation = ' COLLATE "C"' if connection.dialect.name == "postgresql" else ""
    for statement in (
        f"CREATE TABLE identity (ledger VARCHAR(36){collation} NOT NULL PRIMARY KEY,"
        f" created_at VARCHAR(32){collation} NOT NULL)",
        f"ALTER TABLE generations ADD COLUMN hash VARCHAR(64){collation} NOT NULL DEFAULT ''",
        f"CREATE TABLE lineage (organization VARCHAR(255){collation} NOT NULL, node VARCHAR(255){collation} NOT NULL,"
        f" number INTEGER NOT NULL, hash VARCHAR(64){collation} NOT NULL, PRIMARY KEY (organization, node, number))",
    ):
        _run(connection, statement)
    ledger = new_identity(connection)
    previous: dict[str, str] = {}
    for row in _run(connection, "SELECT * FROM generations ORDER BY organization, number").all():
        organization = row.organization
        previous[organization] = chain_hash(ledger, previous.get(organization, ""), dict(row._mapping))
        _run(
            connection,
            "UPDATE generations SET hash = :hash WHERE organization = :organization AND number = :number",
            hash=previous[organization], organization=organization, number=row.number,
        )  # fmt: skip
    _run(
        connection,
        "INSERT INTO lineage (organization, node, number, hash)"
        " SELECT d.organization, d.node, d.generation, g.hash FROM documents d JOIN generations g"
        " ON g.organization = d.organization AND g.number = d.generation",
    )


def _inputs_and_applied(connection: Connection) -> None:
    """3 to 4: what documents were compiled from is noted, and what nodes were seen to run.

    Of the first nothing is known, so that the next plan compiles all. Every node is taken to run its document.
    """
    collation = ' COLLATE "C"' if connection.dialect.name == "postgresql" else ""
    _run(
        connection,
        f"CREATE TABLE inputs (organization VARCHAR(255){collation} NOT NULL, place VARCHAR(255){collation} NOT NULL,"
        f" digest VARCHAR(64){collation} NOT NULL, PRIMARY KEY (organization, place))",
    )
    _run(
        connection,
        f"CREATE TABLE applied (organization VARCHAR(255){collation} NOT NULL, node VARCHAR(255){collation} NOT NULL,"
        " generation INTEGER NOT NULL, PRIMARY KEY (organization, node))",
    )
    _run(
        connection,
        "INSERT INTO applied (organization, node, generation) SELECT organization, node, generation FROM documents",
    )


def _packed_documents(connection: Connection) -> None:
    """4 to 5: documents are packed (packing.py), without their generation, and so have other digests."""
    update = "UPDATE documents SET document = :document, digest = :digest WHERE organization = :org AND node = :node"
    for row in _run(connection, "SELECT organization, node FROM documents ORDER BY organization, node").all():
        key = {"org": row.organization, "node": row.node}
        found = _run(connection, "SELECT document FROM documents WHERE organization = :org AND node = :node", **key)
        text = _packed(found.scalar())
        _run(connection, update, document=text, digest=digest_of(text), **key)


def _packed(text: str) -> str:
    """A document as it is kept today. A damaged one stays as it is: who reads it says so."""
    try:
        return text_of(json.loads(text))
    except (AttributeError, LookupError, TypeError, ValueError):
        return text


def rows_of_today(rows: Rows) -> Rows:
    """The records of a backup of one of the two formats before this one."""
    versions = [row.get("version") for row in rows.get("schema_version", [])]
    if versions == [4]:
        told = [{**row, "document": _packed(row["document"])} for row in rows.get("documents", [])]
        packed = [{**row, "digest": digest_of(row["document"])} for row in told]
        rows, versions = {**rows, "documents": packed}, [5]
    if versions == [5]:
        known = past_intents_of(rows.get("vpns", []), rows.get("generations", []))
        rows = {**rows, "past_intents": known, "schema_version": [{"version": 6}]}
    return rows


def _run(connection: Connection, statement: str, **values: object) -> Any:
    return connection.execute(sa.text(statement), values)


STEPS: tuple[Callable[[Connection], None], ...] = (
    vpns_can_be_planned,
    _identity_and_chain,
    _inputs_and_applied,
    _packed_documents,
    past_intents,
)
