# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What planning costs, and how that grows: `make bench`. Numbers given as arguments are further sizes of the mesh.

Every line is one landscape, planned in a ledger file: first from nothing, then again without a change, then with one
member less. A mesh of n sites has n(n-1)/2 tunnels with two ends each, and every end is said in a document: no first
plan can grow slower. So the column to watch is the time per tunnel, per member where the sites stay, and per link where
VPNs share tunnels; it must not rise. Topologies with few tunnels still have a way between any two sites: there it is
the time per pair of sites.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, lab  # noqa: E402


@dataclass(frozen=True)
class Case:
    """``members`` VMs spread over ``sites``, in ``vpns`` VPNs that have no member in common."""

    sites: int
    members: int
    vpns: int = 1
    vapps: int = 1
    topology: str = "mesh"

    @property
    def tunnels(self) -> int:
        """A mesh has one per pair of sites, all others one less than sites."""
        return self.sites * (self.sites - 1) // 2 if self.topology == "mesh" else self.sites - 1

    def world(self, folder: Path) -> World:
        """The landscape. Half of a site's VMs are behind its vApps."""
        each = self.members // self.sites
        behind = each // 2 // self.vapps
        hosts = lab(self.sites, vapps=self.vapps, vms=behind, org_vms=each - behind * self.vapps)
        for facts in hosts.values() if each > 200 else ():  # more than a /24 holds
            if "org_edges" in facts["kinds"]:
                facts["vars"]["vcc_org_network"] = ["10.10.0.0/16", "fd10:10::/64"]
        return World(hosts, ledger=f"sqlite:///{folder}/{self}.sqlite")

    def intent(self, world: World) -> list[dict[str, object]]:
        """Every VPN has a part of each site's VMs."""
        vms = [name for name in world.hosts if name.startswith("vm")]
        return [
            {
                "name": f"vpn{number}",
                "pool": "internal",
                "members": vms[number :: self.vpns],
                "topology": self.topology,
            }
            for number in range(self.vpns)
        ]


SITES = [Case(10, 100), Case(25, 250), Case(50, 500), Case(100, 1000), Case(200, 2000)]
MEMBERS = [Case(10, 100), Case(10, 1000), Case(10, 5000, vapps=5), Case(10, 10000, vapps=10)]
VPNS = [Case(10, 1000, vpns=1), Case(10, 1000, vpns=10), Case(10, 1000, vpns=100), Case(10, 4000, vpns=400)]
TOPOLOGIES = [Case(sites, sites * 10, topology=kind) for kind in ("star", "chain", "tree") for sites in (50, 100, 200)]


def seconds(work: Callable[[], object]) -> float:
    """The processor time of a call: what else the machine does should not count."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def main() -> None:
    gc.disable()  # as the modules do
    sites = SITES + [Case(int(size), int(size) * 10) for size in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        measure(Case(2, 4), Path(folder))  # what is done but once should not count
        for title, cases, unit in (
            ("more sites, 10 members each", sites, "tunnel"),
            ("more members in 10 sites", MEMBERS, "member"),
            ("more VPNs in 10 sites", VPNS, "link"),
            ("star, chain, tree; 10 members each", TOPOLOGIES, "pair"),
        ):
            heads = (
                f"{'first, s':>11}{'again, s':>10}{'one less, s':>13}{'first, us/' + unit:>19}{'again, us/' + unit:>19}"
                f"{'ledger, MB':>12}"
            )
            print(f"\n{title}\n{'sites':>6}{'members':>9}{'VPNs':>6}{'tunnels':>9}{'links':>8}{heads}")
            for case in cases:
                report(case, Path(folder), unit)


def measure(case: Case, folder: Path) -> tuple[float, float, float, float]:
    """Processor seconds from nothing, without a change, with one member less; megabytes of the ledger."""
    world = case.world(folder)
    intent = case.intent(world)
    first = seconds(lambda: world.plan(*intent))
    again = seconds(lambda: world.plan(*intent))
    *others, last = intent
    less = seconds(lambda: world.plan(*others, {**last, "members": last["members"][:-1]}))
    gc.collect()
    return first, again, less, sum(file.stat().st_size for file in folder.glob(f"{case}.sqlite*")) / 1e6


def report(case: Case, folder: Path, unit: str) -> None:
    """Measure one case and print its line."""
    first, again, less, size = measure(case, folder)
    links = case.tunnels * case.vpns
    pairs = case.sites * (case.sites - 1) // 2
    count = {"tunnel": case.tunnels, "member": case.members, "link": links, "pair": pairs}[unit]
    print(f"{case.sites:>6}{case.members:>9}{case.vpns:>6}{case.tunnels:>9}{links:>8}", end="")
    print(f"{first:>11.2f}{again:>10.2f}{less:>13.2f}", end="")
    print(f"{first / count * 1e6:>19.0f}{again / count * 1e6:>19.0f}{size:>12.1f}", flush=True)


if __name__ == "__main__":
    main()
