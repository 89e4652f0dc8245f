# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at a ledger without the right to write it: whether it is sound, and a copy in memory to plan in.

A plan writes, and rolls back what it wrote. A dry run does so in a copy, and asks nothing of the database but reading.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from .._base.errors import LedgerError
from .rows import dump, load
from .schema import BUSY_SECONDS, VERSION, ensure_schema, has_schema, open_engine, schema_version
from .sqlalchemy import sa

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine


def empty_engine() -> Engine:
    """A ledger in memory."""
    return open_engine(sa.engine.make_url("sqlite://"))


def reading_engine(url: URL) -> Engine:
    """A database server's, without the lock of those who write."""
    return sa.create_engine(url, poolclass=sa.pool.NullPool, isolation_level="REPEATABLE READ")


def copy_of_file(path: Path) -> Engine:
    """A copy in memory of a ledger in a file. LedgerError when the file cannot be read, or is damaged."""
    engine = empty_engine()
    with _opened(path) as source:
        _check(source, path)
        connection = engine.raw_connection()
        try:
            source.backup(connection.driver_connection)  # type: ignore[arg-type]
        finally:
            connection.close()
    return engine


def copy_of_server(url: URL) -> Engine | None:
    """The same of a database server; None when its ledger is of an older format, which has to be read in place."""
    engine = empty_engine()
    with reading_engine(url).connect() as connection:
        connection.execute(sa.text("SET TRANSACTION READ ONLY"))
        if not has_schema(connection):
            return engine
        if connection.execute(sa.select(schema_version.c.version)).scalar() != VERSION:
            return None
        rows = dump(connection)
    with engine.begin() as copy:
        ensure_schema(copy)
        load(copy, rows)
    return engine


def check_file(path: Path) -> None:
    """LedgerError when the file is damaged, or is no ledger. It reads all of the file, and takes no lock for long."""
    with _opened(path) as connection:
        _check(connection, path)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    try:
        # The first mistake says enough: what is to be done is the same for one and for many.
        found = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        found = (str(error),)
    if found != ("ok",):
        what = str(found[0]).splitlines()[-1]
        raise LedgerError(f"the ledger {path} is damaged ({what}): restore it from a backup with restore_ledger")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, for reading only."""
    if not os.access(path, os.R_OK):
        raise LedgerError(f"the ledger {path} cannot be read: it is not readable for this user")
    name = f"file:{quote(str(path))}"
    # A file in WAL mode wants a journal beside it, and who closes it last removes that: as long as he may write. Where
    # no journal can be made and none is there, no one writes the file now.
    journal = Path(f"{path}-wal")
    if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
        name += "?mode=rw"
    elif journal.exists() and journal.stat().st_size:
        name += "?mode=ro"
    else:
        name += "?mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(name, uri=True, timeout=BUSY_SECONDS)
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        raise LedgerError(f"the ledger {path} cannot be opened: {error}") from error
    try:
        yield connection
    except sqlite3.Error as error:
        raise LedgerError(f"the ledger {path} cannot be read: {error}") from error
    finally:
        connection.close()
