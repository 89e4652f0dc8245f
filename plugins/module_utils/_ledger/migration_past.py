# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A step to the next format of the ledger: it keeps what the intents of VPNs were. At first, that is the present."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from .sqlalchemy import sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_COLUMNS = ("organization", "vpn", "since", "until", "digest", "intent")


def past_intents(connection: Connection) -> None:
    """Make the table, with the intents of the newest generation in it."""
    collation = ' COLLATE "C"' if connection.dialect.name == "postgresql" else ""
    connection.execute(
        sa.text(
            f"CREATE TABLE past_intents (organization VARCHAR(255){collation} NOT NULL,"
            f" vpn VARCHAR(255){collation} NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,"
            f" digest VARCHAR(64){collation} NOT NULL, intent TEXT NOT NULL, PRIMARY KEY (organization, vpn, since))"
        )
    )
    vpns, numbers = (
        [dict(row._mapping) for row in connection.execute(sa.text(query))]
        for query in (
            "SELECT organization, name, state, intent FROM vpns ORDER BY organization, name",
            "SELECT organization, MAX(number) AS number FROM generations GROUP BY organization",
        )
    )
    rows = past_intents_of(vpns, numbers)
    if rows:
        names, values = ", ".join(_COLUMNS), ", ".join(f":{name}" for name in _COLUMNS)
        connection.execute(sa.text(f"INSERT INTO past_intents ({names}) VALUES ({values})"), rows)


def past_intents_of(
    vpns: Collection[Mapping[str, Any]], generations: Collection[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of the table, from those of the tables ``vpns`` and ``generations``."""
    newest: dict[str, int] = {}
    for row in generations:
        newest[row["organization"]] = max(newest.get(row["organization"], 0), int(row["number"]))
    return [
        {
            "organization": row["organization"],
            "vpn": row["name"],
            "since": newest[row["organization"]],
            "until": 0,
            "digest": hashlib.sha256(row["intent"].encode()).hexdigest(),
            "intent": base64.b64encode(zlib.compress(row["intent"].encode(), 9)).decode(),
        }
        for row in vpns
        if row["state"] == "active" and row["organization"] in newest
    ]
