# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host by another name, wherever the ledger has the old one. What is leased under it stays leased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .records import FACTS, canonical_json, read_json
from .schema import applied, documents, landscape, leases, lineage, vpns
from .sqlalchemy import sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_KINDS = ("vm", "vapp")  # as they are in the keys of leases
_OF_NODES = ((landscape, "host"), (documents, "node"), (lineage, "node"), (applied, "node"))


def rename_host(connection: Connection, org: str, old: str, new: str) -> None:
    """Rename a VM or a vApp edge; its documents say what they said, until the next plan."""
    found = connection.execute(sa.select(leases.c.key).where(leases.c.organization == org)).scalars().all()
    for key in found:
        other = renamed_key(key, old, new)
        if other != key:
            where = sa.and_(leases.c.organization == org, leases.c.key == key)
            connection.execute(leases.update().where(where).values(key=other))
    for row in connection.execute(sa.select(vpns).where(vpns.c.organization == org)).all():
        intent = read_json(row.intent, f"the VPN {row.name}")
        parts = {part: intent[part] for part in ("members", "ports") if old in intent.get(part, {})}
        if parts:
            known = {part: {new if vm == old else vm: one for vm, one in has.items()} for part, has in parts.items()}
            where = sa.and_(vpns.c.organization == org, vpns.c.name == row.name)
            connection.execute(vpns.update().where(where).values(intent=canonical_json({**intent, **known})))
    for row in connection.execute(sa.select(landscape).where(landscape.c.organization == org)).all():
        facts: dict[str, Any] = read_json(row.facts, f"{row.host} in landscape", FACTS)
        if facts["vars"].get("vcc_vapp") == old:
            text = canonical_json({**facts, "vars": {**facts["vars"], "vcc_vapp": new}})
            where = sa.and_(landscape.c.organization == org, landscape.c.host == row.host)
            connection.execute(landscape.update().where(where).values(facts=text))
    for table, column in _OF_NODES:
        where = sa.and_(table.c.organization == org, table.c[column] == old)
        connection.execute(table.update().where(where).values(**{column: new}))


def renamed_key(key: str, old: str, new: str) -> str:
    """The key of a lease with a VM's or a vApp's name replaced; a further block's number (`#2`) stays."""
    words = key.split("/")
    for place in range(2, len(words) - 1, 2):
        name, mark, number = words[place + 1].partition("#")
        if words[place] in _KINDS and name == old:
            words[place + 1] = f"{new}{mark}{number}"
    return "/".join(words)
