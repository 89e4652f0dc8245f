# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of a ledger in a file of its own: enough to bring some nodes to their documents, and to plan nothing."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from .ledger import Ledger
from .rows import Rows


def ledger_file(rows: Rows) -> bytes:
    """The octets of an SQLite ledger of these records."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "ledger.sqlite"
        Ledger(f"sqlite:///{path}").run(lambda transaction: transaction.load(rows))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")  # all in one file
        return path.read_bytes()
