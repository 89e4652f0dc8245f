# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our tunnel against the same tunnel made by hand: policies without interface, no firewall, same kernel."""

from __future__ import annotations

import json
import secrets
import statistics

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

SOURCE, DESTINATION = "vm3-west", "vm1-east"
ROUNDS, SECONDS = 4, 4
EAST, WEST = "10.99.1.1", "10.99.2.1"
OUTSIDE = {"edge-east": "203.0.113.2", "edge-west": "203.0.113.18"}
SPI = {"edge-east": "0x1001", "edge-west": "0x1002"}  # by sender
MSS = "1398"  # what our firewall makes of it
# To the other end, by machine.
WAY_WEST = {"vm1-east": "192.168.1.1", "vapp1-east": "10.10.0.1", "edge-east": "203.0.113.1", "edge-west": "10.10.0.13"}
WAY_EAST = {
    "vm3-west": "10.10.0.1",
    "edge-west": "203.0.113.17",
    "edge-east": "10.10.0.11",
    "vapp1-east": "192.168.1.11",
}
AGENT = "/usr/local/lib/intercloud-vpn/agent"


def ip(machine, words):
    vm.netns(machine, "ip", *words.split())


@pytest.fixture
def by_hand(addresses):
    """A second tunnel between the same edges, for other addresses of the same two machines."""
    ip("vm1-east", f"address add {EAST}/32 dev lo")
    ip("vm3-west", f"address add {WEST}/32 dev lo")
    for address, ways, ends in ((WEST, WAY_WEST, {"vm1-east": EAST}), (EAST, WAY_EAST, {"vm3-west": WEST})):
        for machine, gateway in ways.items():
            own = f" src {ends[machine]} advmss {MSS}" if machine in ends else ""
            ip(machine, f"route add {address} via {gateway}{own}")
    for source, destination in (EDGES, EDGES[::-1]):
        key, spi = f"0x{secrets.token_hex(36)}", SPI[source]
        ways = f"src {OUTSIDE[source]} dst {OUTSIDE[destination]}"
        inner = f"src {EAST} dst {WEST}" if source == "edge-east" else f"src {WEST} dst {EAST}"
        for edge, direction in ((source, "out"), (destination, "in"), (destination, "fwd")):
            if direction != "fwd":
                ip(edge, f"xfrm state add {ways} proto esp spi {spi} reqid 99 mode tunnel flag esn replay-window 1024 "
                         f"aead rfc4106(gcm(aes)) {key} 128")  # fmt: skip
            ip(edge, f"xfrm policy add {inner} dir {direction} tmpl {ways} proto esp reqid 99 mode tunnel")
    yield EAST
    for edge in EDGES:
        for source, destination in (EDGES, EDGES[::-1]):
            ip(edge, f"xfrm state delete src {OUTSIDE[source]} dst {OUTSIDE[destination]} proto esp spi {SPI[source]}")
        out, back = ((EAST, WEST), (WEST, EAST))[:: 1 if edge == "edge-east" else -1]
        ip(edge, f"xfrm policy delete src {out[0]} dst {out[1]} dir out")
        ip(edge, f"xfrm policy delete src {back[0]} dst {back[1]} dir in")
        ip(edge, f"xfrm policy delete src {back[0]} dst {back[1]} dir fwd")
    for address, ways in ((WEST, WAY_WEST), (EAST, WAY_EAST)):
        for machine in ways:
            ip(machine, f"route delete {address}")
    ip("vm1-east", f"address delete {EAST}/32 dev lo")
    ip("vm3-west", f"address delete {WEST}/32 dev lo")


def tcp(address, flows):
    """Mbit/s of TCP to an address of DESTINATION."""
    said = lab.sh(SOURCE, f"iperf3 -J -P {flows} -t {SECONDS} -O 1 -c {address}")
    return json.loads(said)["end"]["sum_received"]["bits_per_second"] / 1e6


def small_packets(address):
    """Thousands of UDP packets per second, of 64 octets, that arrive when as many are sent as the machine can send."""
    said = lab.sh(SOURCE, f"iperf3 -J -u -l 64 -b 0 -t {SECONDS} -O 1 -c {address}")
    received = json.loads(said)["end"]["sum"]
    return (received["packets"] - received["lost_packets"]) / received["seconds"] / 1e3


# What is measured, and how much of the other's it has to be. Our firewall judges each packet at both edges, and the
# tunnel made by hand has none: small packets make up for it by nothing.
LOADS = {
    "one flow, Mbit/s": (lambda address: tcp(address, 1), 0.97),
    "16 flows, Mbit/s": (lambda address: tcp(address, 16), 0.97),
    "small packets, thousands per second": (small_packets, 0.6),
}


@pytest.mark.parametrize("load", LOADS)
def test_our_tunnel_is_as_fast_as_one_made_by_hand(addresses, by_hand, say, load):
    """In turns, so that what else the machine does hits both; each begins as often as the other."""
    (rate, at_least), ours, hand = LOADS[load], [], []
    lab.sh(DESTINATION, "setsid iperf3 -s -D --pidfile /run/iperf3.pid")
    for edge in EDGES:
        lab.sh(edge, "systemctl stop intercloud-vpn.service")
    try:
        rate(addresses[DESTINATION])
        for turn in range(ROUNDS):
            for which in (ours, hand) if turn % 2 else (hand, ours):
                if which is ours:
                    which.append(rate(addresses[DESTINATION]))
                    continue
                for edge in EDGES:
                    lab.sh(edge, "nft delete table inet intercloud_vpn")
                which.append(rate(by_hand))
                for edge in EDGES:
                    lab.sh(edge, f"{AGENT} firewall")
    finally:
        lab.sh(DESTINATION, "kill $(cat /run/iperf3.pid)", check=False)
        for edge in EDGES:
            lab.sh(edge, f"{AGENT} firewall; systemctl start intercloud-vpn.service")
    ratio = statistics.median(mine / other for mine, other in zip(ours, hand))
    say(f"{load}: {statistics.median(ours):.1f}, by hand {statistics.median(hand):.1f}, ratio {ratio:.3f}: "
        f"{[round(mine / other, 2) for mine, other in zip(ours, hand)]}")  # fmt: skip
    assert ratio >= at_least
