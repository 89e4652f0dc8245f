# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of a ledger as plain rows, and back: for backups, and for plans that may not write where the ledger is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from .._base.errors import LedgerError
from .lineage import in_parts
from .migrations import rows_of_today
from .schema import VERSION, metadata, schema_version
from .sqlalchemy import sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

OF_NODES = ("applied", "documents", "lineage")
FOR_PLANNERS = ("events", "inputs", "past_intents", "tunnels")
Rows = dict[str, list[dict[str, Any]]]
"""Table -> its rows, each column by name."""


def dump(connection: Connection) -> Rows:
    """All rows of a ledger of this format."""
    return {
        table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
        for table in metadata.sorted_tables
    }


def dump_part(connection: Connection, nodes: Mapping[str, Collection[str]]) -> Rows:
    """The rows of some organizations, without what is told nodes that are not among theirs in ``nodes``, and without
    what only a planner needs. It is the same ledger still."""
    found: Rows = {}
    for table in metadata.sorted_tables:
        if table.name in FOR_PLANNERS:
            queries = []
        elif "organization" not in table.c:
            queries = [sa.select(table)]
        else:
            queries = [
                sa.select(table).where(table.c.organization == organization, *where)
                for organization in sorted(nodes)
                for where in _of_nodes(table, nodes[organization])
            ]
        found[table.name] = [dict(row) for query in queries for row in connection.execute(query).mappings()]
    return found


def _of_nodes(table: sa.Table, nodes: Collection[str]) -> list[list[Any]]:
    """Conditions that together give what a table has of these nodes; or all of it, where it is not about nodes."""
    if table.name not in OF_NODES:
        return [[]]
    return [[table.c.node.in_(some)] for some in in_parts(sorted(nodes))]


def load(connection: Connection, rows: Mapping[str, list[dict[str, Any]]]) -> None:
    """Replace all rows of a ledger. LedgerError unless their format is this one or one of the two before."""
    rows = rows_of_today(dict(rows))
    versions = [row.get("version") for row in rows.get(schema_version.name, [])]
    if versions != [VERSION]:
        raise LedgerError(f"these are records of format {versions[0] if versions else None}, not {VERSION}")
    for table in reversed(metadata.sorted_tables):
        connection.execute(table.delete())
    for table in metadata.sorted_tables:
        if rows.get(table.name):
            connection.execute(table.insert(), rows[table.name])
    if connection.dialect.name == "postgresql":
        # Events go on where they ended: a sequence does not notice numbers that were given by hand.
        connection.execute(
            sa.text(
                "SELECT setval(pg_get_serial_sequence('events', 'id'), (SELECT COALESCE(MAX(id), 0) + 1 FROM events),"
                " false)"
            )
        )
