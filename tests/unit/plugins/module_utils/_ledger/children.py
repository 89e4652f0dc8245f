# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers that use one ledger at once, and that are killed: processes, whatever database the ledger is in."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from multiprocessing.connection import Connection
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._base.lease import Lease
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import Prefix
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger, Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.allocate import SiteDemand, carve_vpn

POOL = Prefix.parse("100.64.0.0/10")
# Children that share nothing with pytest, not even open files: what another controller would be.
CHILDREN = multiprocessing.get_context("fork")

INTENT = {"pool": "a", "pool_prefix": "100.64.0.0/10", "members": {}, "topology": {}, "tunnel": "ipsec", "policy": {}}
FACTS: dict[str, Any] = {"kinds": [], "clouds": [], "vars": {}}


def take(transaction: Transaction, org: str, vpn: str, vms: tuple[str, ...]) -> dict[str, Lease]:
    """What a plan does: carve what is missing, lease it."""
    sites = [SiteDemand("edge-east", vms)]
    transaction.add_leases(org, carve_vpn(vpn, "internal", POOL, sites, transaction.leases(org)))
    return transaction.leases(org)


def allocate(url: str, number: int) -> dict[str, str]:
    """What a controller leases for a VM of its own, by key."""
    leased = Ledger(url).run(lambda t: take(t, "acme", f"vpn{number % 4}", (f"vm{number}",)), who=str(number))
    return {key: str(value.prefix) for key, value in leased.items() if f"vm{number}" in key.split("/")}


def race(url: str, count: int) -> tuple[list[int | None], list[str]]:
    """So many controllers allocate at once: how they ended, and the prefixes that they were given."""
    pipes = [CHILDREN.Pipe(duplex=False) for _child in range(count)]
    workers = [
        CHILDREN.Process(target=_allocate_and_tell, args=(url, number, pipe[1])) for number, pipe in enumerate(pipes)
    ]
    for worker in workers:
        worker.start()
    answers = [pipe[0].recv() for pipe in pipes if pipe[0].poll(60)]
    for worker in workers:
        worker.join(60)
    return [worker.exitcode for worker in workers], [prefix for answer in answers for prefix in answer.values()]


def write_and_be_killed(url: str, org: str, runs: int, step: float) -> list[str]:
    """So many controllers write until each is killed, `step` seconds later than the one before it: what was committed.

    Each transaction is a VM's lease and a tunnel of its name.
    """
    acknowledged: list[str] = []
    for run in range(runs):
        receive, send = CHILDREN.Pipe(duplex=False)
        worker = CHILDREN.Process(target=_write_until_killed, args=(url, org, run, send))
        worker.start()
        send.close()
        assert receive.poll(30)
        time.sleep(run * step)  # a different moment of the transaction each time
        assert worker.pid
        os.kill(worker.pid, signal.SIGKILL)
        with contextlib.suppress(EOFError):
            while True:
                acknowledged.append(receive.recv())
        worker.join()
    return acknowledged


def _allocate_and_tell(url: str, number: int, answer: Connection) -> None:
    answer.send(allocate(url, number))


def _write_until_killed(url: str, org: str, run: int, acknowledge: Connection) -> None:
    ledger = Ledger(url)
    for number in range(100_000):
        name = f"{run}-{number}"
        ledger.run(lambda t, name=name: take(t, org, "payroll", (name,)) and t.put_tunnel(org, name, {}))  # type: ignore[misc]
        acknowledge.send(name)
