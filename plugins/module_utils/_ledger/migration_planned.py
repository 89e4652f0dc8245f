# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A step to the next format of the ledger: VPNs have the state `planned`, and note which edges confirmed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .sqlalchemy import sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_OLD = "organization, name, number, state, intent"


def vpns_can_be_planned(connection: Connection) -> None:
    """SQLite cannot change a constraint, so the table is made anew. Every plan held what is in it: that is active."""
    collation = ' COLLATE "C"' if connection.dialect.name == "postgresql" else ""
    rows = [dict(row._mapping) for row in connection.execute(sa.text(f"SELECT {_OLD} FROM vpns ORDER BY number"))]
    connection.execute(sa.text("DROP TABLE vpns"))
    connection.execute(
        sa.text(
            f"CREATE TABLE vpns (organization VARCHAR(255){collation} NOT NULL, name VARCHAR(255){collation} NOT NULL,"
            f" number INTEGER NOT NULL, state VARCHAR(16){collation} NOT NULL, intent TEXT NOT NULL,"
            " up_on TEXT DEFAULT '[]' NOT NULL, PRIMARY KEY (organization, name),"
            " CONSTRAINT vpns_number CHECK (number BETWEEN 1 AND 65535),"
            " CONSTRAINT vpns_state CHECK (state IN ('planned', 'active', 'deleting')), UNIQUE (number))"
        )
    )
    if rows:
        insert = f"INSERT INTO vpns ({_OLD}) VALUES (:organization, :name, :number, :state, :intent)"
        connection.execute(sa.text(insert), rows)
