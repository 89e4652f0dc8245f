# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger that several controllers share, in a real PostgreSQL: safe to race, to kill, and to pull the plug of."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._errors import LedgerError
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger import Ledger, Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._pool import Lease, SiteDemand, carve_vpn
from ansible_collections.intercloud.vpn.plugins.module_utils._prefix import Prefix
from ansible_collections.intercloud.vpn.tests.integration.test_wrong_intents import RIGHT, Run

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)
pytestmark = pytest.mark.skipif(PROGRAMS is None, reason="needs PostgreSQL: apt-get install postgresql")
POOL = Prefix.parse("100.64.0.0/10")
CHILDREN = multiprocessing.get_context("fork")


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
        made.run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
        made.start()
        yield made
        made.stop("fast")
    finally:
        shutil.rmtree(home)


def allocate(url: str, number: int) -> dict[str, str]:
    """What a controller does: carve what is missing of a VPN, lease it. The lease of its VM."""

    def work(transaction: Transaction) -> dict[str, Lease]:
        sites = [SiteDemand("edge-east", (f"vm{number}",))]
        vpn = f"vpn{number % 4}"
        transaction.add_leases("acme", carve_vpn(vpn, "internal", POOL, sites, transaction.leases("acme")))
        return transaction.leases("acme")

    leased = Ledger(url).run(work, who=str(number))
    return {key: str(lease.prefix) for key, lease in leased.items() if f"vm{number}" in key.split("/")}


def allocate_and_tell(url: str, number: int, answer: Connection) -> None:
    answer.send(allocate(url, number))


def write_until_killed(url: str, run: int, acknowledge: Connection) -> None:
    ledger = Ledger(url)
    for number in range(100_000):
        name = f"{run}-{number}"

        block = Lease(name, Prefix.parse(f"10.{run}.{number}.0/24"), "block", "p")

        def work(transaction: Transaction, name: str = name, block: Lease = block) -> None:
            transaction.put_tunnel("umbra", name, {})
            transaction.add_leases("umbra", [block])

        ledger.run(work)
        acknowledge.send(name)


def test_controllers_at_once_never_get_the_same_address(server: Server) -> None:
    pipes = [CHILDREN.Pipe(duplex=False) for _child in range(12)]
    workers = [
        CHILDREN.Process(target=allocate_and_tell, args=(server.url, number, pipe[1]))
        for number, pipe in enumerate(pipes)
    ]
    for worker in workers:
        worker.start()
    answers = [pipe[0].recv() for pipe in pipes if pipe[0].poll(60)]
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 12
    given = [prefix for answer in answers for prefix in answer.values()]
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
    acknowledged: list[str] = []
    for run in range(8):
        receive, send = CHILDREN.Pipe(duplex=False)
        worker = CHILDREN.Process(target=write_until_killed, args=(server.url, run, send))
        worker.start()
        send.close()
        assert receive.poll(30)
        time.sleep(run * 0.0031)  # a different moment of the transaction each time
        assert worker.pid
        os.kill(worker.pid, signal.SIGKILL)
        with contextlib.suppress(EOFError):
            while True:
                acknowledged.append(receive.recv())
        worker.join()
    leases, tunnels = Ledger(server.url).run(lambda t: (t.leases("umbra"), t.tunnels("umbra")))
    assert len(acknowledged) >= 8
    assert set(acknowledged) <= set(tunnels)
    assert set(leases) == set(tunnels)  # never half of a transaction


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
