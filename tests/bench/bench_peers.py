# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the configuration of a mesh costs here and in other collections: `make bench PEER_LSR=... PEER_WG=...`.

PEER_LSR names a checkout of github.com/linux-system-roles/vpn, PEER_WG one of
github.com/githubixx/ansible-role-wireguard. Numbers given as arguments are other sizes of the mesh.

Every side is a run of `ansible-playbook` on this machine, in an inventory of as many sites, with the same ansible.cfg.
It computes and writes, for every site, the configuration of its tunnels to all others. No package, key, service or
network is touched. sides.py says what that takes of each role. Ours is measured twice:

- ours: the plan from an empty ledger, then one task that renders what edge_commit would send to all edges, with
  edge_commit's own code, and writes the files.
- ours by module: the plan, then a task per edge. It does what edge_commit does, with one call of a module, which only
  writes the files. The peers write theirs by modules, too, one call or several per file.

The sides take turns, and every other round runs in reverse order. The table shows medians of processor time, children
included, and of wall clock. A size that has taken LIMIT seconds gets no further round.
"""

from __future__ import annotations

import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".collections"))

import ansible.release  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.playbook.task import Task  # noqa: E402
from ansible.template import Templar  # noqa: E402

from ansible_collections.intercloud.vpn.tests.bench import sides  # noqa: E402
from ansible_collections.intercloud.vpn.tests.bench.plugins import bench_render  # noqa: E402
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World  # noqa: E402

ROUNDS = 3
LIMIT = int(os.environ.get("PEER_SECONDS", "900"))
OUTPUT = Path(os.environ.get("PEER_JSON", ROOT / "build/bench_peers.json"))
# Where the checkout is; its repository; the side; sizes of the mesh; required: at so many sites, so many times faster.
PEERS = (
    ("PEER_LSR", "linux-system-roles/vpn", sides.system_roles, (5, 10, 20), (20, 100)),
    ("PEER_WG", "githubixx/ansible-role-wireguard", sides.wireguard, (20, 50, 100), (100, 20)),
)
Run = dict[str, float]


def run(side: sides.Side, sites: int) -> Run:
    """Seconds of the processor, and of the clock, that a side takes from nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        side.prepare(folder, sites)
        command, environment = sides.command(folder)
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        files = [file.read_text(encoding="utf-8") for file in (folder / "out").rglob("*") if file.is_file()]
    ends = sum(text.count(side.end) for text in files)
    assert ends == sites * (sites - 1), f"{side.name}: {ends} ends of tunnels instead of {sites * (sites - 1)}"
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu": cpu, "wall": wall, "bytes": sum(map(len, files))}


def rounds(compared: Sequence[sides.Side], sites: int) -> dict[str, list[Run]]:
    """The runs of each side."""
    found: dict[str, list[Run]] = {side.name: [] for side in compared}
    begun = time.monotonic()
    for number in range(ROUNDS):
        if time.monotonic() - begun > LIMIT:
            break
        for side in compared if number % 2 == 0 else reversed(compared):
            found[side.name].append(run(side, sites))
    return found


def inside(sites: int) -> Run:
    """Processor seconds of our plan and of our rendering in this process, which has imported everything."""
    hosts = sides.landscape(sites)
    with tempfile.TemporaryDirectory() as name:
        world = World(hosts, ledger=f"sqlite:///{name}/ledger.sqlite")
        loader, begun = DataLoader(), time.process_time()
        documents = dict(world.plan(sides.intent(hosts)).documents)
        planned = time.process_time()
        action = bench_render.ActionModule(Task(), None, None, loader, Templar(loader), None)
        for host, document in documents.items():
            if "org_edges" in hosts[host]["kinds"]:
                bench_render.write(Path(name, host), action._files(sides.COMMIT, document, {}))
        return {"plan": planned - begun, "render": time.process_time() - planned}


def median(runs: Sequence[Run], key: str) -> float:
    """Of what was measured."""
    return statistics.median(one[key] for one in runs)


def compare(name: str, side: sides.Side, sizes: Sequence[int], required: tuple[int, int]) -> dict[str, Any]:
    """Print a peer's table, a line per size and side; returns all that was measured."""
    compared = (sides.ours(), sides.ours(by_module=True), side)
    print(f"\n{name}: at {required[0]} sites ours has to be {required[1]} times faster")
    heads = f"{'CPU, s':>9}{'wall, s':>9}{'KB':>8}{'x CPU':>8}{'x wall':>8}{'growth':>8}"
    print(f"{'sites':>6}{'tunnels':>9}{'runs':>6}  {'side':34}{heads}")
    found: dict[int, dict[str, list[Run]]] = {}
    for sites in sizes:
        runs = rounds(compared, sites)
        for one, mine in runs.items():
            cpu, wall = median(mine, "cpu"), median(mine, "wall")
            print(f"{sites:>6}{sites * (sites - 1) // 2:>9}{len(mine):>6}  {one:34}{cpu:>9.1f}{wall:>9.1f}", end="")
            print(f"{median(mine, 'bytes') / 1e3:>8.0f}", end="")
            print(f"{median(runs[side.name], 'cpu') / cpu:>8.1f}{median(runs[side.name], 'wall') / wall:>8.1f}", end="")
            if found:  # the power of the number of sites that processor time grows with
                last, before = list(found.items())[-1]
                grown = math.log(cpu / median(before[one], "cpu")) / math.log(sites / last)
                print(f"{grown:>8.2f}", end="")
            print(flush=True)
        found[sites] = runs
    return {"required": {"sites": required[0], "times": required[1]}, "sizes": found}


def version(checkout: Path) -> str:
    """The checkout's commit, after the last tag."""
    command = ["git", "-C", str(checkout), "describe", "--tags", "--always", "--long", "--abbrev=40"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def main() -> None:
    given = tuple(int(word) for word in sys.argv[1:])
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "ansible": ansible.release.__version__}
    found: dict[str, Any] = {"machine": machine, "peers": {}}
    for variable, name, prepared, sizes, required in PEERS:
        if not os.environ.get(variable):
            print(f"{name}: not compared. git clone https://github.com/{name}, then make bench {variable}=<the clone>")
            continue
        checkout = Path(os.environ[variable]).resolve()
        measured = compare(name, prepared(checkout), given or sizes, required)
        found["peers"][name] = {"version": version(checkout), **measured}
    if not found["peers"]:
        return
    print(f"\nours in one process, without the start of ansible-playbook\n{'sites':>6}{'plan, s':>9}{'render, s':>11}")
    inside(2)  # what is done but once should not count
    found["inside"] = {}
    for sites in sorted({size for peer in found["peers"].values() for size in peer["sizes"]}):
        found["inside"][sites] = own = inside(sites)
        print(f"{sites:>6}{own['plan']:>9.2f}{own['render']:>11.2f}", flush=True)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(found, indent=1) + "\n")
    print(f"\nAll runs: {OUTPUT}")


if __name__ == "__main__":
    main()
