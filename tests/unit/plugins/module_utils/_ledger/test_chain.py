# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger has an identity and chains its generations; older formats become today's; damage is said."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import LedgerError
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger import lineage as _lineage
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.chain import chain_hash
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger, Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.schema import VERSION
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ledger.children import CHILDREN, race
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    addresses,
    changed,
    lab,
)

HERE = Path(__file__).parent
ROOT = HERE.parents[4]


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def rows(path: Path, query: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def old(path: Path) -> Path:
    """A ledger as the first version made it: payroll, and a member that came to it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript((HERE / "ledger_v1.sql").read_text())
    return path


def world(path: Path) -> World:
    return World(ledger=f"sqlite:///{path}")


def tells_only_more(plan: Plan) -> bool:
    """Whether nothing comes or goes. Documents of today say more than those of the first version."""
    return plan.new_tunnels == [] and all(line.startswith("~ ") for line in plan.diff)


def member(name: str) -> dict[str, Any]:
    return {**PAYROLL, "members": [*PAYROLL["members"], name]}


# The chain


def test_a_node_is_told_the_generations_that_its_own_document_descends_from(path: Path) -> None:
    one = world(path)
    one.plan(PAYROLL)
    first = one.ledger.run(lambda t: t.lineage("acme"))
    one.plan(member("vm3-east"))
    second = one.ledger.run(lambda t: t.lineage("acme"))
    digits = first["edge-east"]["hash"][:16]
    assert first["edge-east"]["ancestors"] == {"1": digits}
    assert second["edge-east"]["ancestors"] == {"1": digits, "2": second["edge-east"]["hash"][:16]}
    assert second["edge-east"]["generation"] == 2
    assert second["vm1-east"] == first["vm1-east"]  # nothing changed for it
    assert first["edge-east"]["ledger"] == one.ledger.run(lambda t: t.ledger_id())


def test_every_hash_has_all_that_came_before_in_it(path: Path) -> None:
    one = world(path)
    for name in ("vm3-east", "vm2-east", "vm2-west"):
        one.plan(member(name))
    ledger = one.ledger.run(lambda t: t.ledger_id())
    names = ("organization", "number", "created_at", "created_by", "digest", "hash")
    previous = ""
    for row in rows(path, f"SELECT {', '.join(names)} FROM generations ORDER BY number"):
        generation = dict(zip(names, row))
        assert generation["hash"] == chain_hash(ledger, previous, generation)
        previous = generation["hash"]


def test_the_same_plan_of_a_restored_ledger_is_another_generation(path: Path, tmp_path: Path) -> None:
    world(path).plan(PAYROLL)
    shutil.copy(path, tmp_path / "backup")
    hashes = []
    for _turn in range(2):
        shutil.copy(tmp_path / "backup", path)
        one = world(path)
        assert one.plan(member("vm3-east")).generations == {"acme": 2}
        hashes.append(one.ledger.run(lambda t: t.lineage("acme"))["edge-east"]["hash"])
    assert hashes[0] != hashes[1]


def test_documents_and_their_digests_know_nothing_of_it(path: Path, tmp_path: Path) -> None:
    """Or a plan would differ from ledger to ledger, and under --limit."""
    plans = [world(place).plan(PAYROLL) for place in (path, tmp_path / "other")]
    assert plans[0].documents == plans[1].documents
    assert "hash" not in str(plans[0].documents)
    assert not world(path).plan(PAYROLL).changed


def test_a_long_lineage_loses_its_oldest_part(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lineage, "KEPT", 3)
    ledger = Ledger(f"sqlite:///{path}")
    for number in range(6):
        documents = {"a": {"role": "member", "x": number}, "b": {"role": "member", "x": number // 2}}
        ledger.run(lambda t, documents=documents: t.put_documents("acme", documents))  # type: ignore[misc]
    known = ledger.run(lambda t: t.lineages("acme"))
    assert {node: sorted(numbers) for node, numbers in known.items()} == {"a": [4, 5, 6], "b": [1, 3, 5]}


# Formats


def test_a_ledger_of_the_first_version_becomes_todays_and_keeps_all(path: Path) -> None:
    tables = ("leases", "vpns", "tunnels", "landscape", "events")
    old(path)
    told = {node: json.loads(text) for node, text in rows(path, "SELECT node, document FROM documents")}
    columns = {table: ", ".join(row[1] for row in rows(path, f"PRAGMA table_info({table})")) for table in tables}
    before = {table: rows(path, f"SELECT {columns[table]} FROM {table}") for table in tables}
    ledger = Ledger(f"sqlite:///{path}")
    lineage = ledger.run(lambda t: t.lineage("acme"))
    assert {table: rows(path, f"SELECT {columns[table]} FROM {table}") for table in tables} == before
    assert {node: one.document for node, one in ledger.run(lambda t: t.documents("acme")).items()} == told
    assert rows(path, "SELECT version FROM schema_version") == [(VERSION,)]
    assert set(lineage["edge-east"]["ancestors"]) == {"2"}
    assert set(lineage["vm1-east"]["ancestors"]) == {"1"}
    assert all(len(one["hash"]) == 64 for one in lineage.values())
    # What is compiled may be told in other words by now; who has which address may not differ.
    plan = world(path).plan(member("vm2-east"))
    assert [line for line in plan.diff if line[0] in "+-"] == []
    assert plan.generations["acme"] >= 2


def test_a_dry_run_migrates_nothing(path: Path) -> None:
    old(path)
    plan = world(path).ask({"vpns": [member("vm2-east")]}, dry_run=True)
    assert [line for line in plan.diff if line[0] in "+-"] == []
    assert rows(path, "SELECT version FROM schema_version") == [(1,)]


def test_a_migrated_ledger_has_the_tables_of_a_new_one(path: Path, tmp_path: Path) -> None:
    for url in (old(path), tmp_path / "new"):
        Ledger(f"sqlite:///{url}").run(lambda t: None)
    columns = 'SELECT m.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master m, pragma_table_info(m.name) c'
    query = f"{columns} WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
    assert rows(path, query) == rows(tmp_path / "new", query)


def test_controllers_that_migrate_at_once_agree_on_the_identity(path: Path) -> None:
    ended, given = race(f"sqlite:///{old(path)}", 8)
    assert ended == [0] * 8
    assert len(given) == len(set(given)) == 8
    assert len(rows(path, "SELECT * FROM identity")) == 1


@pytest.mark.parametrize(("version", "words"), [(99, "update intercloud.vpn"), (0, "never was.*restore_ledger")])
def test_other_formats_are_left_alone(path: Path, version: int, words: str) -> None:
    old(path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE schema_version SET version = ?", (version,))
    for dry_run in (True, False):
        with pytest.raises(LedgerError, match=words):
            Ledger(f"sqlite:///{path}").run(lambda t: None, dry_run=dry_run)


# Damage


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(8192, len(content), 4096):
        content[place : place + 200] = b"\xff" * 200
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:9000])


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("damage", [spoil, cut])
def test_a_damaged_file_is_named_before_anything_is_done_with_it(path: Path, damage: Any, dry_run: bool) -> None:
    world(path).plan(PAYROLL)
    damage(path)
    was = path.read_bytes()
    with pytest.raises(LedgerError, match=rf"{path} is damaged \(.+\): restore it from a backup with restore_ledger"):
        world(path).ask({"vpns": [PAYROLL]}, dry_run=dry_run)
    assert path.read_bytes() == was


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE vpns SET intent = '{'", "the VPN payroll is not JSON"),
        ("UPDATE documents SET document = 'x' WHERE node = 'edge-east'", "the document of edge-east is not JSON"),
        ("UPDATE landscape SET facts = '' WHERE host = 'vm1-east'", "vm1-east in landscape is not JSON"),
        ("UPDATE vpns SET intent = '[]'", "the VPN payroll is not a record"),
        ("UPDATE vpns SET intent = '{}'", r"the VPN payroll is not a whole record \(pool, pool_prefix, members,"),
        ("UPDATE vpns SET up_on = '{}'", "the VPN payroll is not a list"),
        (
            "UPDATE documents SET document = '{}' WHERE node = 'edge-east'",
            "the document of edge-east is not a whole record",
        ),
        ("UPDATE documents SET document = json_set(document, '$.vpns', json('[7]'))", r"the document .* \(vpns\)"),
        ("UPDATE landscape SET facts = '{}' WHERE host = 'vm1-east'", "vm1-east in landscape is not a whole record"),
        ("UPDATE tunnels SET record = '[]'", "edge-east--edge-west in tunnels is not a record"),
        ("DELETE FROM identity", "it has no identity"),
    ],
)
def test_a_damaged_record_is_named(path: Path, statement: str, what: str) -> None:
    world(path).plan(PAYROLL)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
    with pytest.raises(LedgerError, match=f"the ledger is damaged: {what}.*restore_ledger"):
        # These are read when they are asked for.
        world(path).ledger.run(lambda t: [t.tunnels("acme"), *(one.document for one in t.documents("acme").values())])
        world(path).plan(member("vm3-east"))


def as_format_4(path: Path) -> None:
    """As an earlier release left it: documents whole, with their generation."""
    told = Ledger(f"sqlite:///{path}").run(lambda t: [one.document for one in t.documents("acme").values()])
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for document in told:
            connection.execute(
                "UPDATE documents SET document = ? WHERE node = ?", (json.dumps(document), document["node"])
            )
        connection.execute("UPDATE documents SET digest = 'of format 4'")
        connection.execute("DROP TABLE past_intents")
        connection.execute("UPDATE schema_version SET version = 4")


def as_format_5(path: Path) -> None:
    """As an earlier release left it: without what intents were."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TABLE past_intents")
        connection.execute("UPDATE schema_version SET version = 5")


def test_a_ledger_of_format_5_knows_the_present_only(path: Path) -> None:
    world(path).plan(PAYROLL)
    world(path).plan({**PAYROLL, "members": ["vm1-east", "vm1-west"]})
    whole = world(path).dump()
    as_format_5(path)
    assert world(path).plan().changed_nodes == []
    now = world(path).dump()
    assert {key: rows for key, rows in now.items() if key != "past_intents"} == {
        key: rows for key, rows in whole.items() if key != "past_intents"
    }
    assert now["past_intents"] == [row for row in whole["past_intents"] if row[3] == 0]
    plan = world(path).plan(PAYROLL)
    assert world(path).ask({}, generation=2).generations == {"acme": plan.generations["acme"] + 1}


def test_a_backup_of_format_5_can_be_restored(path: Path, tmp_path: Path) -> None:
    world(path).plan(PAYROLL)
    rows_of_6 = Ledger(f"sqlite:///{path}").run(lambda t: t.dump())
    of_5 = {**rows_of_6, "schema_version": [{"version": 5}]}
    del of_5["past_intents"]
    other = Ledger(f"sqlite:///{tmp_path}/other.sqlite")
    other.run(lambda t: t.load(of_5))
    assert other.run(lambda t: t.dump()["past_intents"]) == rows_of_6["past_intents"]


def test_a_ledger_of_format_4_goes_on_as_if_nothing_were(path: Path) -> None:
    world(path).plan(PAYROLL)
    as_format_4(path)
    plan = world(path).plan(PAYROLL)
    assert (plan.changed_nodes, plan.generations) == ([], {"acme": 1})


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"tunnels": [1, 2, 3, 4, 5, 6, 7, 8]}'])
def test_a_document_that_was_damaged_before_is_named_after(path: Path, text: str) -> None:
    world(path).plan(PAYROLL)
    as_format_4(path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE documents SET document = ? WHERE node = 'edge-east'", (text,))
    with pytest.raises(LedgerError, match=r"the ledger is damaged: the document of edge-east is .*restore_ledger"):
        world(path).ledger.run(lambda t: t.documents("acme")["edge-east"].document)


def told(transaction: Transaction) -> dict[str, Any]:
    """The documents by node."""
    return {node: one.document for node, one in transaction.documents("acme").items()}


def test_a_backup_of_format_4_can_be_restored(path: Path, tmp_path: Path) -> None:
    world(path).plan(PAYROLL)
    ledger = Ledger(f"sqlite:///{path}")
    before, rows_of_5 = ledger.run(told), ledger.run(lambda t: t.dump())
    documents = [{**row, "document": json.dumps(before[row["node"]])} for row in rows_of_5["documents"]]
    del rows_of_5["past_intents"]
    of_4 = {**rows_of_5, "documents": documents, "schema_version": [{"version": 4}]}
    other = Ledger(f"sqlite:///{tmp_path}/other.sqlite")
    other.run(lambda t: t.load(of_4))
    assert other.run(told) == before
    assert other.run(lambda t: t.dump()["documents"]) == rows_of_5["documents"]


# Without the right to write


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's rights")
@pytest.mark.parametrize("writer", [False, True])
def test_a_plan_needs_no_right_to_write(tmp_path: Path, writer: bool) -> None:
    """Also beside one who writes, and without leaving a file."""
    folder = Path("/tmp") / f"vcc-{tmp_path.name}-{os.getpid()}"  # who is nobody does not get into pytest's own
    folder.mkdir(mode=0o755)
    path = folder / "ledger.sqlite"
    try:
        world(path).plan(PAYROLL)
        path.chmod(0o644)
        with contextlib.closing(sqlite3.connect(path)) as busy:
            if writer:
                busy.execute("CREATE TABLE other (x)")
                busy.commit()
            before = sorted(folder.iterdir())
            worker = CHILDREN.Process(target=_plan_as_nobody, args=(path,))
            worker.start()
            worker.join(60)
            assert worker.exitcode == 0
            assert sorted(folder.iterdir()) == before
    finally:
        shutil.rmtree(folder)


def _plan_as_nobody(path: Path) -> None:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    one = world(path)
    plan = one.ask({"vpns": [member("vm3-east")]}, dry_run=True)
    assert plan.changed and plan.generations == {"acme": 2}
    assert not one.ask({"vpns": [PAYROLL]}, dry_run=True).changed
    with pytest.raises(LedgerError, match=r"cannot be written: .* is not writable for this user"):
        one.plan(PAYROLL)


def test_what_may_not_be_read_is_said() -> None:
    """A process of its own: the rights of this one are not to be given away."""
    if os.geteuid() != 0:
        pytest.skip("takes another user's rights")
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); import conftest\n"
        "from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger\n"
        "os.setuid(65534)\n"
        "try: Ledger('sqlite:////etc/shadow').run(print, dry_run=True)\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "tests/unit")], capture_output=True, text=True, check=False, timeout=60
    )
    assert "the ledger /etc/shadow cannot be read" in done.stdout, done.stderr


def test_a_look_leaves_no_file_behind(path: Path) -> None:
    world(path).plan(PAYROLL)
    world(path).ask({}, dry_run=True)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_two_ledgers_of_one_backup_give_an_address_twice(path: Path, tmp_path: Path) -> None:
    """What the chain is for: nothing in two plans but their hashes tells the nodes that one of them is not theirs."""
    hosts = changed(lab(), {"vm4-east": {"kinds": ["members"], "clouds": ["east"], "vcc_address": ["10.10.0.77"]}})
    World(hosts, f"sqlite:///{path}").plan(PAYROLL)
    shutil.copy(path, tmp_path / "backup")
    first = World(hosts, f"sqlite:///{path}").plan(member("vm3-east"))
    second = World(hosts, f"sqlite:///{tmp_path}/backup").plan(member("vm4-east"))
    assert addresses(first, "payroll")["vm3-east"] == addresses(second, "payroll")["vm4-east"]
    assert first.generations == second.generations
