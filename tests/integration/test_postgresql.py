# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger that several controllers share, in a real PostgreSQL: safe to race, to kill, and to pull the plug of."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import LedgerError
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger, Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.schema import VERSION
from ansible_collections.intercloud.vpn.plugins.module_utils._recovery.backup import content_of
from ansible_collections.intercloud.vpn.plugins.module_utils._recovery.restore import restore
from ansible_collections.intercloud.vpn.tests.integration.test_wrong_intents import RIGHT, Run
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ledger.children import (
    INTENT,
    allocate,
    race,
    write_and_be_killed,
)
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, bodies

UNIT = Path(__file__).resolve().parents[1] / "unit/plugins/module_utils"
PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)
# From 15 on, a database can sort by a language without one of the system's locales.
pytestmark = pytest.mark.skipif(
    PROGRAMS is None or int(PROGRAMS.parent.name) < 15, reason="needs PostgreSQL 15: apt-get install postgresql"
)


class Server:
    """A PostgreSQL of its own, which listens on a socket in its directory only."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.url = f"postgresql+psycopg://postgres@/postgres?host={home}"

    def run(self, program: str, *words: str) -> None:
        """PostgreSQL refuses to run as root."""
        become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        done = subprocess.run(
            [*become, f"{PROGRAMS}/{program}", "-D", f"{self.home}/data", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
            cwd="/", check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout

    def start(self) -> None:
        self.run("pg_ctl", "start", "-w", "-l", f"{self.home}/log", "-o", f"-k {self.home} -c listen_addresses=''")

    def stop(self, how: str) -> None:
        self.run("pg_ctl", "stop", "-w", "-m", how)


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """One that is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="vcc-postgresql-", dir="/tmp"))  # the path of a socket has to be short
    if os.geteuid() == 0:
        shutil.chown(home, "postgres")
    made = Server(home)
    try:
        sorting = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en")
        made.run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", *sorting)
        made.start()
        yield made
        made.stop("fast")
    finally:
        shutil.rmtree(home)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as made:
        yield made


def test_controllers_at_once_never_get_the_same_address(server: Server) -> None:
    ended, given = race(server.url, 12)
    assert ended == [0] * 12
    assert len(given) == len(set(given)) == 12


def test_who_asks_again_gets_the_same_and_nothing_is_written(server: Server) -> None:
    before = Ledger(server.url).run(lambda t: (t.leases("acme"), t.events("acme")))
    assert allocate(server.url, 3) == {key: str(v.prefix) for key, v in before[0].items() if "vm3" in key.split("/")}
    assert Ledger(server.url).run(lambda t: (t.leases("acme"), t.events("acme"))) == before


def test_names_are_sorted_as_everywhere_else(server: Server) -> None:
    """A database sorts by a language; a plan must not depend on it."""
    names = ["Zeta", "alpha", "_a", "é", "a-b", "ab"]
    Ledger(server.url).run(lambda t: [t.put_vpn("sorted", name, INTENT) for name in names])
    assert list(Ledger(server.url).run(lambda t: t.vpns("sorted"))) == sorted(names)


def test_a_dry_run_and_a_failure_leave_nothing(server: Server) -> None:
    def work(transaction: Transaction) -> None:
        transaction.put_vpn("nobody", "payroll", INTENT)
        raise RuntimeError("half way")

    ledger = Ledger(server.url)
    ledger.run(lambda t: t.put_vpn("nobody", "payroll", INTENT), dry_run=True)
    with pytest.raises(RuntimeError, match="half way"):
        ledger.run(work)
    assert ledger.run(lambda t: (t.vpns("nobody"), t.events("nobody"))) == ({}, [])


def test_a_controller_killed_at_any_moment_loses_nothing_and_stops_nobody(server: Server) -> None:
    acknowledged = write_and_be_killed(server.url, "umbra", runs=8, step=0.0031)
    leases, tunnels = Ledger(server.url).run(lambda t: (t.leases("umbra"), t.tunnels("umbra")))
    assert len(acknowledged) >= 8
    assert set(acknowledged) <= set(tunnels)
    # Never half of a transaction.
    assert {key.rsplit("/", 1)[1] for key in leases if "/vm/" in key} == set(tunnels)


def test_the_server_loses_power_and_nothing_that_was_promised(server: Server) -> None:
    before = Ledger(server.url).run(lambda t: (t.leases("acme"), t.tunnels("umbra")))
    server.stop("immediate")
    with pytest.raises(LedgerError) as caught:
        Ledger(server.url).run(lambda t: None)
    assert "ledger" in str(caught.value)
    server.start()
    assert Ledger(server.url).run(lambda t: (t.leases("acme"), t.tunnels("umbra"))) == before


def test_what_one_controller_plans_the_other_one_knows(server: Server, tmp_path: Path) -> None:
    """Each with files of its own; only the ledger is shared."""
    seen = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        url = server.url.replace("postgres@", "postgres:hidden@")
        run = Run(folder, f"{RIGHT}\nvcc_ledger: {url}", "-vvv", "--diff")
        assert "hidden" not in run.output
        assert json.loads(run.seen.read_text())["changed"] == (name == "one"), run.output
        leases = Ledger(server.url).run(lambda t: t.leases("acme"))
        seen.append({key: str(lease.prefix) for key, lease in leases.items() if key.startswith("vpn/payroll/")})
    assert {key.rpartition("/")[2] for key in seen[0]} >= {"vm1-east", "vm1-west"}
    assert seen[0] == seen[1]


# Identity, formats, rights, backups


def database(server: Server, name: str) -> str:
    """The URL of a database of its own."""
    engine = sa.create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.url.replace("/postgres?", f"/{name}?")


def execute(url: str, *statements: str) -> list[list[tuple[object, ...]]]:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        found = [connection.exec_driver_sql(statement) for statement in statements]
        rows = [[tuple(row) for row in one] if one.returns_rows else [] for one in found]
    engine.dispose()
    return rows


def first_version(url: str) -> None:
    """A ledger as the first version made it in PostgreSQL, with what its SQLite has in the unit tests."""
    lines = (UNIT / "_ledger/ledger_v1.sql").read_text().split(";\n")
    tables = [line for line in lines if "CREATE" in line]
    first = [line for line in tables if "schema_version" in line or "TABLE generations" in line]
    rest = [line for line in tables if line not in first]
    kinds = [
        re.sub(r"(VARCHAR\(\d+\))", r'\1 COLLATE "C"', line).replace("id INTEGER NOT NULL", "id SERIAL NOT NULL")
        for line in [*first, *rest]
    ]
    rows = [line for line in lines if "INSERT INTO" in line]
    order = sorted(rows, key=lambda line: "generations" not in line and "schema_version" not in line)
    escaped = [re.sub(r"%", "%%", line) for line in order]
    execute(url, *kinds, *escaped, "SELECT setval('events_id_seq', (SELECT max(id) FROM events))")


def test_a_ledger_of_the_first_version_becomes_todays(server: Server) -> None:
    url = database(server, "first")
    first_version(url)
    before = execute(url, "SELECT * FROM leases ORDER BY 1, 2")
    ended, given = race(url, 6)
    assert ended == [0] * 6
    assert len(given) == len(set(given)) == 6
    assert set(before[0]) <= set(execute(url, "SELECT * FROM leases")[0])
    assert execute(url, "SELECT version FROM schema_version") == [[(VERSION,)]]
    assert len(execute(url, "SELECT * FROM identity")[0]) == 1
    lineage = Ledger(url).run(lambda t: t.lineage("acme"))
    assert set(lineage["edge-east"]["ancestors"]) == {"2"}
    assert len(lineage["edge-east"]["hash"]) == 64


def test_a_plan_needs_no_more_than_reading(server: Server) -> None:
    url = database(server, "reading")
    world = World(ledger=url)
    world.plan(PAYROLL)
    execute(
        url, "CREATE ROLE reader LOGIN", "GRANT USAGE ON SCHEMA public TO reader",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
    )  # fmt: skip
    reader = World(ledger=url.replace("postgres@", "reader@"))
    more = {**PAYROLL, "members": [*PAYROLL["members"], "vm3-east"]}
    planned = reader.ask({"vpns": [more]}, dry_run=True)
    assert planned.generations == {"acme": 2}
    assert not reader.ask({"vpns": [PAYROLL]}, dry_run=True).changed
    with pytest.raises(LedgerError, match="permission denied"):
        reader.plan(more)
    assert world.plan(more).documents == planned.documents


def test_a_rollback_takes_the_intents_of_a_generation(server: Server) -> None:
    world = World(ledger=database(server, "rollback"))
    first = world.plan(PAYROLL)
    world.plan({**PAYROLL, "members": [*PAYROLL["members"], "vm2-west"]})
    predicted = world.ask({}, generation=1, dry_run=True)
    plan = world.ask({}, generation=1)
    assert predicted.diff == plan.diff and plan.generations == {"acme": 3}
    assert bodies(plan)["edge-west"] == bodies(first)["edge-west"]


def test_a_look_waits_for_nobody(server: Server) -> None:
    """A run that holds the ledger does not keep plan_vpn away."""
    url = database(server, "waiting")
    World(ledger=url).plan(PAYROLL)
    plans = []

    def work(transaction: Transaction) -> None:
        transaction.put_vpn("acme", "half", INTENT)
        plans.append(World(ledger=url).ask({"vpns": [PAYROLL]}, dry_run=True))

    Ledger(url).run(work)
    assert not plans[0].changed


def test_a_backup_goes_from_one_kind_of_database_to_the_other(server: Server, tmp_path: Path) -> None:
    url, file = database(server, "backup"), f"sqlite:///{tmp_path}/ledger.sqlite"
    World(ledger=url).plan(PAYROLL)
    assert Ledger(url).exists and not Ledger(file).exists
    for there, back in ((url, file), (file, url)):
        (tmp_path / "state").mkdir(exist_ok=True)
        ledger = Ledger(there)
        backup = content_of(ledger.run(lambda t: t.dump()), tmp_path / "state", "now")
        restore(json.loads(json.dumps(backup)), back, str(tmp_path / "state"))
        assert not World(ledger=back).plan().changed
        assert Ledger(back).run(lambda t: t.ledger_id()) == Ledger(there).run(lambda t: t.ledger_id())
        more = "vm3-east" if back == file else "vm2-east"
        World(ledger=back).plan({**PAYROLL, "members": [*PAYROLL["members"], more]})
    assert Ledger(url).run(lambda t: t.generation("acme")) == 3
    assert Ledger(url).run(lambda t: t.events("acme"))[0].what == "generation opened"


def test_a_ledger_that_does_not_exist_is_no_ledger(server: Server) -> None:
    assert not Ledger(database(server, "empty")).exists
