# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: what is leased, which VPNs there are, which plan each node was given, and who changed what.

SQLite by default (`sqlite:////var/lib/intercloud/ledger.sqlite3`), PostgreSQL by URL when controllers share it.
All work happens in transactions that one process at a time can hold; a process killed at any moment leaves what
was committed, and nothing of what was not. Private keys are never in here.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Callable, TypeVar

from .._base.errors import LedgerError
from .reading import check_file, copy_of_file, copy_of_server, empty_engine, reading_engine
from .records import DocumentRecord, EventRecord, VpnRecord, canonical_json, digest_of, text_of
from .renaming import Names
from .schema import check_writable, ensure_schema, has_schema, make_file, open_engine, parse_url, sqlite_file
from .sqlalchemy import sa
from .transaction import Transaction

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

__all__ = [
    "DocumentRecord",
    "EventRecord",
    "Ledger",
    "Names",
    "Transaction",
    "VpnRecord",
    "canonical_json",
    "digest_of",
    "text_of",
]

T = TypeVar("T")

_ATTEMPTS = 8
_GIVE_UP_SECONDS = 60.0
# PostgreSQL: serialization failure, deadlock, lock not available.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONFLICTS = {"40001", "40P01", "55P03"}


class Ledger:
    """A ledger by its URL. Nothing is opened or made before the first `run`.

    Raises LedgerError when the URL cannot be read.
    """

    def __init__(self, url: str) -> None:
        self._url = parse_url(url)
        self._file = sqlite_file(self._url)
        self._engine = open_engine(self._url)
        self._has_schema = False
        self._sound = False

    @property
    def exists(self) -> bool:
        """Whether there is a ledger already. One that was begun to be made, and is empty, is none."""
        if self._file is not None:
            return self._file.exists() and self._file.stat().st_size > 0
        try:
            shared = self._url.get_backend_name() == "postgresql"
            engine = reading_engine(self._url) if shared else self._engine  # without waiting for who writes
            with engine.connect() as connection:
                return has_schema(connection)
        except sa.exc.DBAPIError as error:
            raise LedgerError(f"the ledger {self} cannot be used: {error.orig}") from error

    @property
    def files(self) -> list[Path]:
        """The files that an SQLite ledger consists of, whether they are there or not; of a server, none."""
        return [] if self._file is None else [Path(f"{self._file}{end}") for end in ("", "-wal", "-shm", "-journal")]

    def set_aside(self, name: str) -> Path | None:
        """Rename a file that cannot be used; returns its new name. Nothing is done to a server."""
        for path in self.files:
            if path.exists():
                path.rename(f"{path}.{name}")
        self._sound = self._has_schema = False
        return None if self._file is None else Path(f"{self._file}.{name}")

    def run(self, work: Callable[[Transaction], T], *, dry_run: bool = False, who: str = "") -> T:
        """Call `work` in one transaction and commit it; what it raises rolls everything back.

        On a conflict with another process the transaction is rolled back and `work` is called again: it must not
        have effects of its own. A `dry_run` works on a copy: it only reads the ledger, and does not make one that does
        not exist yet. `who` is noted in every event. Raises LedgerError when the ledger is damaged, cannot be written,
        stays locked, refuses a record, or is of a newer format.
        """
        engine = self._copy() if dry_run else self._engine
        if self._file is not None and not dry_run:
            check_writable(self._file)
            if not self._file.exists():
                make_file(self._file)
            elif not self._sound and self.exists:
                check_file(self._file)
            self._sound = True
        started = time.monotonic()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._once(engine, work, dry_run, who)
            except sa.exc.IntegrityError as error:
                raise LedgerError(f"the ledger refuses a record: {error.orig}") from error
            except sa.exc.DBAPIError as error:
                if not _is_conflict(error):
                    raise LedgerError(f"the ledger {self} cannot be used: {error.orig}") from error
                if attempt == _ATTEMPTS or time.monotonic() - started > _GIVE_UP_SECONDS:
                    raise LedgerError(
                        f"the ledger {self} stays locked: another run holds it; try again when that is done"
                    ) from error
                # Jitter, so that those who met once do not meet again.
                time.sleep(random.uniform(0.5, 1.0) * min(1.0, 0.02 * 2**attempt))
        raise AssertionError("unreachable")

    def _copy(self) -> Engine:
        if self._file is not None:
            return copy_of_file(self._file) if self.exists else empty_engine()
        if self._url.get_backend_name() != "postgresql":
            return self._engine
        try:
            return copy_of_server(self._url) or self._engine
        except sa.exc.DBAPIError as error:
            raise LedgerError(f"the ledger {self} cannot be read: {error.orig}") from error

    def _once(self, engine: Engine, work: Callable[[Transaction], T], dry_run: bool, who: str) -> T:
        with engine.connect() as connection:
            transaction = connection.begin()
            try:
                if not self._has_schema or engine is not self._engine:
                    ensure_schema(connection)
                result = work(Transaction(connection, who))
            except BaseException:
                transaction.rollback()
                raise
            if dry_run:
                transaction.rollback()
            else:
                transaction.commit()
                self._has_schema = True
            return result

    def __str__(self) -> str:
        return self._url.render_as_string(hide_password=True)


def _is_conflict(error: sa.exc.DBAPIError) -> bool:
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    text = str(error.orig)
    return code in _CONFLICTS or "database is locked" in text or "database table is locked" in text
