# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger is transactional, safe to race and to kill, idempotent by key, and writes only what changes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import LedgerError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.lease import Lease
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import Prefix
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import (
    Ledger,
    Transaction,
    digest_of,
    text_of,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.schema import leases as leases_table
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile.documents import empty_document
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ledger.children import (
    FACTS,
    INTENT,
    race,
    take,
    write_and_be_killed,
)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "ledger.sqlite3"


@pytest.fixture(name="ledger")
def _ledger(path: Path) -> Ledger:
    return Ledger(f"sqlite:///{path}")


def lease(key: str, prefix: str, kind: str = "block") -> Lease:
    return Lease(key, Prefix.parse(prefix), kind, "internal")


# Leases


@pytest.mark.parametrize("prefix", ["10.0.0.0/8", "0.0.0.0/0", "255.255.255.255/32", "::/0", "fd00::/64", "::1/128"])
def test_a_lease_comes_back_as_it_went_in(ledger: Ledger, prefix: str) -> None:
    ledger.run(lambda t: t.add_leases("acme", [lease("k", prefix)]))
    assert ledger.run(lambda t: t.leases("acme")) == {"k": lease("k", prefix)}
    assert ledger.run(lambda t: t.leases("other")) == {}


def test_the_same_key_again_is_the_same_lease_and_no_event(ledger: Ledger) -> None:
    first = ledger.run(lambda t: take(t, "acme", "payroll", ("vm1",)))
    logged = ledger.run(lambda t: t.events("acme"))
    assert ledger.run(lambda t: take(t, "acme", "payroll", ("vm1",))) == first
    ledger.run(lambda t: t.add_leases("acme", first.values()))
    assert ledger.run(lambda t: t.events("acme")) == logged


def test_a_key_never_gets_another_prefix(ledger: Ledger) -> None:
    ledger.run(lambda t: t.add_leases("acme", [lease("k", "10.0.0.0/24")]))
    with pytest.raises(LedgerError, match=r"k holds 10\.0\.0\.0/24: it cannot be given 10\.0\.1\.0/24 as well"):
        ledger.run(lambda t: t.add_leases("acme", [lease("k", "10.0.1.0/24")]))


def test_taking_one_more_lease_reads_no_other(ledger: Ledger) -> None:
    """A lease costs the same in a ledger of any size: what a statement gives back is counted, and not the time."""
    ledger.run(lambda transaction: transaction.add_leases("acme", many(range(3000))))
    statements: list[str] = []

    def one_more(transaction: Transaction) -> None:
        connection = transaction._connection
        sa.event.listen(connection, "before_cursor_execute", lambda *given: statements.append(f"{given[2]} {given[3]}"))
        transaction.add_leases("acme", many(range(2990, 3001)))

    ledger.run(one_more)
    assert len(statements) <= 4
    assert [text for text in statements if "SELECT" in text and "vpn/" not in text] == []
    assert len(ledger.run(lambda transaction: transaction.leases("acme"))) == 3001


def many(numbers: range) -> list[Lease]:
    return [lease(f"vpn/payroll/site/east/vm/m{n}", f"100.{64 + (n >> 8)}.0.{n & 255}/32", "address") for n in numbers]


def test_the_database_refuses_an_address_twice_even_if_the_code_is_wrong(ledger: Ledger, path: Path) -> None:
    ledger.run(lambda t: t.add_leases("acme", [lease("a", "10.0.0.1/32", "address")]))
    with pytest.raises(LedgerError, match="refuses a record"):
        ledger.run(lambda t: t.add_leases("acme", [lease("b", "10.0.0.1/32", "address")]))
    engine = sa.create_engine(f"sqlite:///{path}")
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        row = connection.execute(sa.select(leases_table)).mappings().one()
        connection.execute(leases_table.insert().values({**row, "key": "b"}))
    engine.dispose()
    ledger.run(lambda t: t.add_leases("other", [lease("a", "10.0.0.1/32", "address")]))


def test_release_takes_the_key_its_further_blocks_and_all_below(ledger: Ledger) -> None:
    keys = ["vpn/a", "vpn/a#2", "vpn/a/site/s", "vpn/a/site/s#2", "vpn/a/site/s/vm/x"]
    others = ["vpn/A/site/s", "vpn/a_", "vpn/a_/site/s", "vpn/ab", "vpn/b"]
    every = [lease(key, f"10.{n}.0.0/16") for n, key in enumerate(keys + others)]
    ledger.run(lambda t: t.add_leases("acme", every))
    assert [released.key for released in ledger.run(lambda t: t.release("acme", "vpn/a"))] == keys
    assert sorted(ledger.run(lambda t: t.leases("acme"))) == others
    assert ledger.run(lambda t: t.release("acme", "vpn/a")) == []


# VPNs, tunnels, landscape


def test_a_vpn_gets_the_smallest_free_number_of_the_whole_ledger(ledger: Ledger) -> None:
    def work(t: Transaction) -> list[int]:
        numbers = [t.put_vpn(org, name, INTENT).number for org, name in [("a", "x"), ("b", "x"), ("a", "y")]]
        t.drop_vpn("b", "x")
        return [*numbers, t.put_vpn("c", "z", INTENT).number, t.put_vpn("a", "x", {**INTENT, "changed": True}).number]

    assert ledger.run(work) == [1, 2, 3, 2, 1]
    assert ledger.run(lambda t: t.organizations()) == ["a", "c"]


def test_every_change_is_one_event_and_no_change_is_none(ledger: Ledger) -> None:
    def work(t: Transaction) -> None:
        t.put_vpn("acme", "payroll", {**INTENT, "psk": "hidden"})
        t.put_vpn("acme", "payroll", {**INTENT, "psk": "secret"}, "deleting")
        t.put_tunnel("acme", "a--b", {"auth": "psk"})
        t.put_tunnel("acme", "a--b", {"auth": "pubkey"})
        t.put_landscape("acme", "edge-a", {"x": 1})
        t.drop_tunnel("acme", "a--b")
        t.drop_landscape("acme", "edge-a")
        t.drop_vpn("acme", "payroll")

    ledger.run(work, who="alice")
    events = ledger.run(lambda t: t.events("acme"))
    assert [(event.who, event.what, event.subject) for event in reversed(events)] == [
        ("alice", "vpn created", "payroll"),
        ("alice", "vpn changed", "payroll"),
        ("alice", "tunnel added", "a--b"),
        ("alice", "tunnel changed", "a--b"),
        ("alice", "host added", "edge-a"),
        ("alice", "tunnel dropped", "a--b"),
        ("alice", "host dropped", "edge-a"),
        ("alice", "vpn dropped", "payroll"),
    ]
    assert "secret" not in str(events) and "hidden" not in str(events)

    def idle(t: Transaction) -> None:
        for _again in range(2):
            t.put_vpn("acme", "p", {**INTENT, "b": 1, "a": 2})
            t.put_vpn("acme", "p", {"a": 2, "b": 1, **INTENT})
            t.put_tunnel("acme", "t", {"a": [1]})
            t.put_landscape("acme", "h", FACTS)
        for drop in (t.drop_vpn, t.drop_tunnel, t.drop_landscape):
            drop("acme", "unknown")
        t.drop_documents("acme", ["unknown"])

    ledger.run(idle)
    assert len(ledger.run(lambda t: t.events("acme"))) == len(events) + 3
    assert ledger.run(lambda t: (t.tunnels("acme"), t.landscape("acme"))) == ({"t": {"a": [1]}}, {"h": FACTS})


# Documents


def test_a_generation_opens_only_when_a_document_differs(ledger: Ledger) -> None:
    east = empty_document("east", "org_edge", "acme", "east")
    west = {**empty_document("west", "org_edge", "acme", "west"), "routes": [{"prefix": "10.0.0.0/8"}]}
    assert ledger.run(lambda t: t.put_documents("acme", {})) == 0
    assert ledger.run(lambda t: t.put_documents("acme", {"east": east, "west": west})) == 1
    assert ledger.run(lambda t: t.put_documents("acme", {"west": west, "east": {**east, "generation": 9}})) == 1
    assert ledger.run(lambda t: t.put_documents("acme", {"east": {**east, "mtu": 1400}, "west": west})) == 2
    stored = ledger.run(lambda t: t.documents("acme"))
    assert {node: record.generation for node, record in stored.items()} == {"east": 2, "west": 1}
    assert stored["east"].document == {**east, "mtu": 1400, "generation": 2}
    assert stored["west"].digest == digest_of(text_of(west)) == digest_of(text_of(stored["west"].document))
    ledger.run(lambda t: t.drop_documents("acme", ["east", "nowhere"]))
    assert list(ledger.run(lambda t: t.documents("acme"))) == ["west"]
    assert ledger.run(lambda t: (t.generation("acme"), t.generation("other"))) == (2, 0)


# Transactions


def test_a_dry_run_changes_nothing_and_makes_no_file(ledger: Ledger, path: Path) -> None:
    def work(t: Transaction) -> dict[str, Lease]:
        t.put_vpn("acme", "payroll", INTENT)
        return take(t, "acme", "payroll", ("vm1",))

    planned = ledger.run(work, dry_run=True)
    assert planned and not path.parent.exists()
    ledger.run(lambda t: None)
    assert ledger.run(work, dry_run=True) == planned
    assert ledger.run(lambda t: (t.leases("acme"), t.vpns("acme"), t.events("acme"))) == ({}, {}, [])
    assert ledger.run(work) == planned


def test_what_fails_is_rolled_back_whole(ledger: Ledger) -> None:
    def work(t: Transaction) -> None:
        t.put_vpn("acme", "payroll", INTENT)
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        ledger.run(work)
    assert ledger.run(lambda t: (t.vpns("acme"), t.events("acme"))) == ({}, [])


def test_twenty_processes_at_once_never_get_the_same_address(ledger: Ledger, path: Path) -> None:
    ended, given = race(f"sqlite:///{path}", 20)
    assert ended == [0] * 20
    assert len(given) == len(set(given)) == 20
    held = ledger.run(lambda t: t.leases("acme"))
    assert set(given) <= {str(value.prefix) for value in held.values()}


def test_a_process_killed_at_any_moment_loses_nothing_committed(ledger: Ledger, path: Path) -> None:
    acknowledged = write_and_be_killed(f"sqlite:///{path}", "acme", runs=20, step=0.0023)
    leased, tunnels = ledger.run(lambda t: (t.leases("acme"), t.tunnels("acme")))
    assert len(acknowledged) >= 20
    assert set(acknowledged) <= set(tunnels)
    # Nothing half done: both records of a transaction are there, or neither.
    assert {key.rsplit("/", 1)[1] for key in leased if "/vm/" in key} == set(tunnels)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# Files and URLs


def test_only_the_owner_may_read_it(ledger: Ledger, path: Path) -> None:
    before = os.umask(0)
    try:
        ledger.run(lambda t: None)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_ledger_of_the_future_is_left_alone(ledger: Ledger, path: Path) -> None:
    ledger.run(lambda t: None)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE schema_version SET version = 99")
        connection.commit()
    with pytest.raises(LedgerError, match=r"format 99.*update intercloud\.vpn"):
        Ledger(f"sqlite:///{path}").run(lambda t: None)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("ledger.sqlite3", "cannot be read: write sqlite:////absolute"),
        ("postgresql://vcc:hidden@host:port/x", "cannot be read"),
        ("nosuch://vcc:hidden@host/x", "cannot be used"),
        ("sqlite:////etc", "is a directory"),
        ("sqlite:////etc/passwd/ledger", "is not a directory"),
    ],
)
def test_a_bad_url_is_explained_without_its_password(url: str, complaint: str) -> None:
    with pytest.raises(LedgerError, match=complaint) as caught:
        Ledger(url)
    assert "hidden" not in str(caught.value)


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("not a database, but a text of some length\n" * 50)
    with pytest.raises(LedgerError, match="not a database"):
        Ledger(f"sqlite:///{other}").run(lambda t: None)


def test_a_ledger_in_memory_serves_tests() -> None:
    ledger = Ledger("sqlite://")
    ledger.run(lambda t: t.put_vpn("acme", "payroll", INTENT))
    assert list(ledger.run(lambda t: t.vpns("acme"))) == ["payroll"]
