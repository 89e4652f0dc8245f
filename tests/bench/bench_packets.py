# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edge's firewall costs per packet, by how many VPNs the edge has: `tests/bench/bench_packets.py`. Needs root.

The edge is that of the fault tests (faults/world.py): namespaces, real firewall, no tunnel. A member's packets go to
another site, into a device that nobody reads. They are sent straight to the edge's own device, and the sender's system
call lasts until the kernel is through with them: so its time is that of forwarding. The difference to the same packets
without the table is the firewall's. Numbers given as arguments are other numbers of VPNs.
"""

from __future__ import annotations

import ipaddress
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.intercloud.vpn.tests.faults import landscape  # noqa: E402
from ansible_collections.intercloud.vpn.tests.faults.world import World, _packet, apart  # noqa: E402

PACKETS = 20000  # in one round
ROUNDS = 7  # of which the median counts
POOL = int(ipaddress.ip_address("100.64.0.0"))


def vpn(number: int) -> dict[str, Any]:
    """One of many; the member is in the last one."""
    first = POOL + number * 64

    def address(offset: int) -> str:
        return str(ipaddress.ip_address(first + offset))

    return {
        **landscape.PAYROLL,
        "name": f"vpn{number}",
        "number": number,
        "blocks": [f"{address(0)}/26"],
        "local": [address(17)],
        "nat": [],
        "remote": [f"{address(32)}/27"],
        "edge_address": address(1),
    }


def generation(vpns: int) -> Any:
    """An edge with so many VPNs."""
    every = [vpn(number) for number in range(1, vpns + 1)]
    return landscape._generation(
        1,
        {
            "sysctls": {"net.ipv4.ip_forward": "1"},
            "addresses": [{"address": f"{one['edge_address']}/32", "device": "lo"} for one in every],
            "routes": [route for one in every for route in landscape._routes(one, "192.168.1.11")],
            "vpns": every,
        },
    )


def sent(world: World, source: str, destination: str) -> float:
    """Microseconds per packet that is sent to the edge and forwarded by it."""
    line, frame = world._lines["orgx"], _packet("02:00:00:00:00:01", source, destination)
    rounds = []
    for _round in range(ROUNDS):
        begun = time.perf_counter()
        for _packet_number in range(PACKETS):
            line.send(frame)
        rounds.append((time.perf_counter() - begun) / PACKETS * 1e6)
    return statistics.median(rounds)


def forwarded(world: World) -> int:
    """Packets that have left into the tunnel's device, dropped ones included."""
    statistic = Path("/sys/class/net/ipsec0/statistics")
    return sum(int((statistic / name).read_text()) for name in ("tx_packets", "tx_dropped"))


def measure(vpns: int) -> Any:
    """With the table, and without it, in a world of its own."""

    def run(world: World) -> tuple[float, float]:
        subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)  # of this network namespace
        outcome = world.step(landscape.commit(generation(vpns), 0))
        assert not outcome.error, outcome.trace
        last = vpn(vpns)
        source, destination = last["local"][0], str(ipaddress.ip_network(last["remote"][0])[3])
        before = forwarded(world)
        having = sent(world, source, destination)
        passed = forwarded(world) - before
        assert passed > 0.99 * PACKETS * ROUNDS, f"{passed} were forwarded"
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        return having, sent(world, source, destination)

    return apart(run)


def main() -> None:
    print(f"{'VPNs':>6}{'with, us':>10}{'without, us':>13}{'the table, us':>15}")
    for vpns in [int(word) for word in sys.argv[1:]] or [1, 10, 100, 1000]:
        having, lacking = measure(vpns)
        print(f"{vpns:>6}{having:>10.2f}{lacking:>13.2f}{having - lacking:>15.2f}", flush=True)


if __name__ == "__main__":
    main()
