# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger that several controllers share, in a real PostgreSQL: safe to race, to kill, and to pull the plug of."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._errors import LedgerError
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger import Ledger, Transaction
from ansible_collections.intercloud.vpn.tests.integration.test_wrong_intents import RIGHT, Run
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.ledger_children import (
    allocate,
    race,
    write_and_be_killed,
)

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


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
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
    Ledger(server.url).run(lambda t: [t.put_vpn("sorted", name, {}) for name in names])
    assert list(Ledger(server.url).run(lambda t: t.vpns("sorted"))) == sorted(names)


def test_a_dry_run_and_a_failure_leave_nothing(server: Server) -> None:
    def work(transaction: Transaction) -> None:
        transaction.put_vpn("nobody", "payroll", {})
        raise RuntimeError("half way")

    ledger = Ledger(server.url)
    ledger.run(lambda t: t.put_vpn("nobody", "payroll", {}), dry_run=True)
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
