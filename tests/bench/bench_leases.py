# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leases cost, and how that grows: `make bench`. Numbers given as arguments are other numbers of leases.

First, in one transaction, addresses are carved out of a pool for the members of ten VPNs in ten sites each, and are
written to a ledger file; each size in a process of its own, for the memory. Then one more is leased in a transaction of
its own, again and again. Last, 16 controllers lease one by one in a PostgreSQL, which has as many leases before as the
last size but one; left out where there is no PostgreSQL (`apt-get install postgresql`).
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.intercloud.vpn.plugins.module_utils._base.lease import Lease  # noqa: E402
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import Prefix  # noqa: E402
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger, Transaction  # noqa: E402
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.allocate import carve_vpn  # noqa: E402
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.lease_keys import SiteDemand  # noqa: E402
from ansible_collections.intercloud.vpn.tests.integration.test_postgresql import PROGRAMS, running  # noqa: E402

POOL = Prefix.parse("10.0.0.0/8")
VPNS = SITES = 10
MORE = 50  # leases, one by one
WRITERS, EACH = 16, 50


def fill(transaction: Transaction, members: int) -> int:
    """Lease so many addresses, as a plan does it. Returns how many leases that makes, blocks included."""
    blocks: dict[str, Lease] = {}
    count = 0
    for vpn in range(VPNS):
        each = members // VPNS // SITES
        sites = [SiteDemand(f"edge{site}", tuple(f"vm{vm}-{site}" for vm in range(each))) for site in range(SITES)]
        new = carve_vpn(f"vpn{vpn}", "internal", POOL, sites, blocks)
        blocks.update((lease.key, lease) for lease in new if lease.kind == "block" and lease.key.count("/") == 1)
        transaction.add_leases("acme", new)
        count += len(new)
    return count


def more(url: str, name: str, times: int) -> list[float]:
    """Seconds of each of so many transactions, each of which takes one more address."""
    ledger, first = Ledger(url), Prefix.parse("192.168.0.0/16").first + hash_of(name)
    taken = []
    for number in range(times):
        lease = Lease(f"vpn/more/site/{name}/vm/{number}", Prefix(4, first + number, 32), "address", "internal")
        begun = time.perf_counter()
        ledger.run(lambda transaction, lease=lease: transaction.add_leases("acme", [lease]))  # type: ignore[misc]
        taken.append(time.perf_counter() - begun)
    return taken


def hash_of(name: str) -> int:
    """Where a writer's addresses begin."""
    return int(name.removeprefix("writer") or 0) * 1000


def apart(work: Callable[[], Any]) -> Any:
    """What a function returns in a process of its own, and the memory that it took at most, in MB."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_measured, (work,))


def _measured(work: Any) -> Any:
    name, arguments = work
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = globals()[name](*arguments)
    return result, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3


def filled(url: str, members: int) -> tuple[int, float]:
    """Leases and processor seconds."""
    begun = time.process_time()
    count = Ledger(url).run(lambda transaction: fill(transaction, members))
    return count, time.process_time() - begun


def main() -> None:
    """Print a line per size, and one for the writers."""
    sizes = [int(word) for word in sys.argv[1:]] or [1000, 10_000, 100_000, 1_000_000]
    print(f"{'leases':>9}{'s':>8}{'us/lease':>10}{'MB more':>9}{'one more, ms':>14}")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/ledger.sqlite"
            (count, seconds), memory = apart(("filled", (url, size)))
            one = statistics.median(more(url, "writer0", MORE)) * 1e3
            print(f"{count:>9}{seconds:>8.2f}{seconds / count * 1e6:>10.0f}{memory:>9.0f}{one:>14.2f}", flush=True)
    if PROGRAMS is not None:
        with running() as server:
            count, _seconds = filled(server.url, sizes[-2:][0])
            with multiprocessing.get_context("spawn").Pool(WRITERS) as pool:
                names = [f"writer{number}" for number in range(WRITERS)]
                pool.starmap(more, [(server.url, name, 1) for name in names], chunksize=1)  # its imports do not count
                begun = time.perf_counter()
                pool.starmap(more, [(server.url, name, EACH + 1) for name in names], chunksize=1)  # one is there
                taken = time.perf_counter() - begun
            print(f"PostgreSQL, {count} leases: {WRITERS} writers take {WRITERS * EACH / taken:.0f} leases per second")


if __name__ == "__main__":
    main()
