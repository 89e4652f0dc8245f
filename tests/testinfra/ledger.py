# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the VCC server remembers."""

from __future__ import annotations

import ipaddress
import sqlite3
from contextlib import closing
from pathlib import Path

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab

FILE = Path(_lab.STATE_DIR, "ledger.sqlite")


def version():
    """The format that it has."""
    with closing(sqlite3.connect(f"file:{FILE}?mode=ro", uri=True)) as ledger:
        return ledger.execute("SELECT version FROM schema_version").fetchone()[0]


def rows(table, file=FILE):
    """All rows of a table, as dictionaries."""
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as ledger:
        ledger.row_factory = sqlite3.Row
        # A first run that was refused leaves a ledger without tables.
        if not ledger.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            return []
        return [dict(row) for row in ledger.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]


def leases(vpn, organization="acme"):
    """{key: address} of a VPN: `vpn/payroll/site/edge-east/vm/vm3-east`: 100.64.0.2."""
    return {
        row["key"]: str(ipaddress.ip_address(bytes.fromhex(row["first"])[0 if row["family"] == 6 else -4 :]))
        for row in rows("leases")
        if (row["kind"], row["organization"]) == ("address", organization) and row["key"].startswith(f"vpn/{vpn}/")
    }


def contents():
    """{table: rows} of all that a plan changes."""
    return {table: rows(table) for table in ("leases", "vpns", "tunnels", "landscape", "documents", "generations")}
