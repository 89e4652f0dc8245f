# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ledgers of earlier formats: the change to today's is all or nothing, whatever stops it, and a dry run makes none."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ansible_collections.intercloud.vpn.plugins.module_utils._ledger import schema
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger

HERE = Path(__file__).parent


class Killed(BaseException):
    """No `except Exception` stops it."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of the first format."""
    path = tmp_path / "vpn.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript((HERE / "ledger_v1.sql").read_text())
    return path


def dump(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [*connection.iterdump()]


@contextlib.contextmanager
def killed_at(step: int) -> Iterator[list[str]]:
    """Whoever sends this statement to a database, counted from the transaction's begin, gets no further."""
    sent: list[str] = []

    def before(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)
        if len(sent) > step:
            raise Killed

    sa.event.listen(sa.Engine, "before_cursor_execute", before)
    try:
        yield sent
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", before)


def test_a_change_of_format_that_is_stopped_leaves_the_old_one(path: Path) -> None:
    old, stopped = dump(path), 0
    while True:
        with killed_at(stopped) as sent, contextlib.suppress(Killed):
            Ledger(f"sqlite:///{path}").run(lambda _t: None)
            break
        assert dump(path) == old, sent[-1]
        stopped += 1
    assert stopped > 20
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [(schema.VERSION,)]


def test_a_run_that_fails_after_the_change_leaves_the_old_format(path: Path) -> None:
    """The change is part of the run's transaction: a plan that is refused changes no format."""
    old = dump(path)

    def refused(_transaction: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        Ledger(f"sqlite:///{path}").run(refused)
    assert dump(path) == old


def test_a_dry_run_changes_no_format_and_needs_no_right_to_write(path: Path) -> None:
    old = path.read_bytes()
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        known = Ledger(f"sqlite:///{path}").run(lambda t: [*t.vpns("acme")], dry_run=True)
    finally:
        path.parent.chmod(0o700)
    assert known and path.read_bytes() == old
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
