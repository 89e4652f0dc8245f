# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of the ledger, and how its database is opened. SQLAlchemy Core, 1.4 and 2.x alike."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._base.errors import LedgerError
from .migrations import STEPS, new_identity
from .sqlalchemy import sa

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

VERSION = 1 + len(STEPS)
BUSY_SECONDS = 30
# Any number does, as long as all controllers use the same.
_ADVISORY_LOCK = 0x76636301

metadata = sa.MetaData()


def _text(length: int) -> sa.String:
    # PostgreSQL sorts by the language of the database otherwise; a plan must not depend on that.
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


schema_version = sa.Table(
    "schema_version", metadata, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False)
)

# One row. The ledger is known by it: a copy has the same one, a ledger made anew another.
identity = sa.Table(
    "identity",
    metadata,
    sa.Column("ledger", _text(36), primary_key=True),
    sa.Column("created_at", _text(32), nullable=False),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("organization", _text(255), primary_key=True),
    sa.Column("key", _text(1024), primary_key=True),
    sa.Column("pool", _text(255), nullable=False),
    sa.Column("kind", _text(16), nullable=False),
    sa.Column("family", sa.SmallInteger, nullable=False),
    # 32 hexadecimal digits: an IPv6 address fits no integer column, and text of one width sorts like the numbers.
    sa.Column("first", _text(32), nullable=False),
    sa.Column("last", _text(32), nullable=False),
    sa.Column("created_at", _text(32), nullable=False),
    sa.CheckConstraint("kind IN ('block', 'address')", name="leases_kind"),
    sa.CheckConstraint("family IN (4, 6)", name="leases_family"),
    sa.CheckConstraint("first <= last", name="leases_order"),
    sa.CheckConstraint("kind = 'block' OR first = last", name="leases_address_is_one"),
)
# The last line of defence: even if the planner were wrong, no address is ever given out twice.
no_address_twice = sa.Index(
    "leases_no_address_twice", leases.c.organization, leases.c.family, leases.c.first, unique=True
)

vpns = sa.Table(
    "vpns",
    metadata,
    sa.Column("organization", _text(255), primary_key=True),
    sa.Column("name", _text(255), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False, unique=True),
    sa.Column("state", _text(16), nullable=False),
    sa.Column("intent", sa.Text, nullable=False),
    # JSON: the org edges that confirmed it, while it is planned.
    sa.Column("up_on", sa.Text, nullable=False, server_default="[]"),
    sa.CheckConstraint("number BETWEEN 1 AND 65535", name="vpns_number"),
    sa.CheckConstraint("state IN ('planned', 'active', 'deleting')", name="vpns_state"),
)

tunnels = sa.Table(
    "tunnels",
    metadata,
    sa.Column("organization", _text(255), primary_key=True),
    sa.Column("name", _text(255), primary_key=True),
    sa.Column("record", sa.Text, nullable=False),
)

landscape = sa.Table(
    "landscape",
    metadata,
    sa.Column("organization", _text(255), primary_key=True),
    sa.Column("host", _text(255), primary_key=True),
    sa.Column("facts", sa.Text, nullable=False),
)

generations = sa.Table(
    "generations",
    metadata,
    sa.Column("organization", _text(255), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("created_at", _text(32), nullable=False),
    sa.Column("created_by", _text(255), nullable=False),
    sa.Column("digest", _text(64), nullable=False),
    # Of the generation before it and of all of this row: no two generations ever have the same (chain.py).
    sa.Column("hash", _text(64), nullable=False, server_default=""),
)

# The generations in which a node's document changed: what the node may run now, and be brought forward from.
lineage = sa.Table(
    "lineage",
    metadata,
    sa.Column("organization", _text(255), primary_key=True),
    sa.Column("node", _text(255), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", _text(64), nullable=False),
)

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("organization", _text(255), primary_key=True),
    sa.Column("node", _text(255), primary_key=True),
    sa.Column("role", _text(32), nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("digest", _text(64), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["organization", "generation"], ["generations.organization", "generations.number"]),
)

# What the intents of VPNs were (past.py): from one generation on, and before another one; 0: it still is so.
past_intents = sa.Table(
    "past_intents",
    metadata,
    sa.Column("organization", _text(255), primary_key=True),
    sa.Column("vpn", _text(255), primary_key=True),
    sa.Column("since", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("until", sa.Integer, nullable=False),
    # Of the intent as it is in `vpns`; the intent itself is compressed.
    sa.Column("digest", _text(64), nullable=False),
    sa.Column("intent", sa.Text, nullable=False),
)

# What documents were compiled from, by site and VCC node: while a digest is the same, so are the documents.
inputs = sa.Table(
    "inputs",
    metadata,
    sa.Column("organization", _text(255), primary_key=True),
    sa.Column("place", _text(255), primary_key=True),
    sa.Column("digest", _text(64), nullable=False),
)

# The generation of its document that each node was seen to run. A negative one: it gave up all that this generation
# takes from it, and was not told the rest. A node that is behind concerns every run.
applied = sa.Table(
    "applied",
    metadata,
    sa.Column("organization", _text(255), primary_key=True),
    sa.Column("node", _text(255), primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", _text(32), nullable=False),
    sa.Column("organization", _text(255), nullable=False, index=True),
    sa.Column("who", _text(255), nullable=False),
    sa.Column("what", _text(64), nullable=False),
    sa.Column("subject", _text(1024), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)


def parse_url(text: str) -> URL:
    """The ledger's URL, with a ~ path of SQLite made absolute. LedgerError when it cannot be one."""
    try:
        url = sa.engine.make_url(text)
    except Exception as error:  # SQLAlchemy's and, for a bad port, Python's own
        # The text is not repeated: it may hold a password.
        raise LedgerError("the ledger's URL cannot be read: write sqlite:////absolute/path/ledger.sqlite3") from error
    if url.get_backend_name() in ("postgres", "postgresql"):
        return url.set(drivername=_postgresql(url.drivername))
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        path = Path(os.path.expandvars(url.database)).expanduser()
        if not path.is_absolute():
            raise LedgerError(f"the ledger {path} is relative: write sqlite:////absolute/path/ledger.sqlite3")
        _check_place(path)
        url = url.set(database=str(path))
    return url


def _postgresql(drivername: str) -> str:
    """SQLAlchemy's name for the database, which others call postgres, with the driver that is installed."""
    driver = drivername.partition("+")[2] or next(
        (name for name in ("psycopg2", "psycopg") if importlib.util.find_spec(name)), ""
    )
    return f"postgresql+{driver}" if driver else "postgresql"


def sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite URL; None for any other database and for one in memory."""
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        return Path(url.database)
    return None


def _nearest(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise LedgerError(f"the ledger {path} is a directory: name a file in it")
    nearest = _nearest(path)
    if nearest != path and not nearest.is_dir():
        raise LedgerError(f"the ledger {path} cannot be made: {nearest} is not a directory")


def check_writable(path: Path) -> None:
    """LedgerError when this user cannot write the ledger's file, or make it."""
    nearest = _nearest(path)
    for place in (nearest, path.parent if path.parent.exists() else nearest):  # SQLite's journals are beside the file
        if not os.access(place, os.R_OK | os.W_OK):
            raise LedgerError(f"the ledger {path} cannot be written: {place} is not writable for this user")


def make_file(path: Path) -> None:
    """Make the ledger's file (0600; SQLite gives its journals the same mode) and its directories (0700)."""
    try:
        missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise LedgerError(f"the ledger {path} cannot be made: {error.strerror}") from error


def open_engine(url: URL) -> Engine:
    """An engine whose transactions are safe to race; LedgerError when the driver is missing."""
    try:
        if url.get_backend_name() == "postgresql":
            # One connection for all transactions of a process, if it still lives.
            engine = sa.create_engine(url, pool_size=1, isolation_level="SERIALIZABLE")
            sa.event.listen(engine, "checkout", _lock_postgresql)
            sa.event.listen(engine, "checkin", _unlock_postgresql)
            return engine
        if url.get_backend_name() != "sqlite":
            return sa.create_engine(url, poolclass=sa.pool.NullPool, isolation_level="SERIALIZABLE")
        in_memory = sqlite_file(url) is None
        engine = sa.create_engine(
            url,
            # One connection per transaction: nothing is shared over fork(), no journal stays behind.
            poolclass=sa.pool.StaticPool if in_memory else sa.pool.NullPool,
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": not in_memory},
        )
    except (sa.exc.ArgumentError, ImportError, TypeError) as error:
        raise LedgerError(f"the ledger's database cannot be used: {error}") from error
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Python's sqlite3 would begin transactions by itself, later and deferred: two readers that both turn writers
    # then fail without waiting. We say BEGIN IMMEDIATE instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] == "delete":
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()


def _lock_postgresql(connection: Any, record: Any, proxy: Any) -> None:
    # One controller at a time, as with BEGIN IMMEDIATE. The lock is taken before the transaction begins, so that the
    # transaction sees all earlier changes. The lock is released after the transaction, or when the process ends.
    if record.info.setdefault("process", os.getpid()) != os.getpid():  # it came over fork(), and is the parent's
        record.dbapi_connection = proxy.dbapi_connection = None
        raise sa.exc.DisconnectionError("the connection belongs to another process")
    with contextlib.closing(connection.cursor()) as cursor:
        try:
            cursor.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
        except Exception as error:
            raise sa.exc.DisconnectionError("the connection no longer lives") from error
        cursor.execute(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})")
    connection.commit()


def _unlock_postgresql(connection: Any, record: Any) -> None:
    if connection is None:  # it broke
        return
    try:
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        connection.commit()
    except Exception as error:  # a connection that closes gives all locks back
        record.invalidate(error)


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def has_schema(connection: Connection) -> bool:
    """Whether a ledger was ever made here."""
    return bool(sa.inspect(connection).has_table(schema_version.name))


def ensure_schema(connection: Connection) -> None:
    """Make the tables where they are missing, and bring older ones up to date, in the transaction at hand.

    LedgerError when they are of the future, or of no format at all.
    """
    if not has_schema(connection):
        # Said here, of the dialect in use: to name one above loads it, in every process that only reads the tables.
        no_address_twice.dialect_options[connection.dialect.name]["where"] = leases.c.kind == "address"
        metadata.create_all(connection)
        connection.execute(schema_version.insert().values(version=VERSION))
        new_identity(connection)
        return
    found = connection.execute(sa.select(schema_version.c.version)).scalar()
    if found is None or found < 1:
        raise LedgerError(f"the ledger has format {found}, which never was: restore it from a backup (restore_ledger)")
    if found > VERSION:
        raise LedgerError(
            f"the ledger has format {found}, and this collection knows formats up to {VERSION}: "
            "update intercloud.vpn on this controller, or restore the backup of before its update (restore_ledger)"
        )
    for version in range(found, VERSION):
        STEPS[version - 1](connection)
        connection.execute(schema_version.update().values(version=version + 1))
