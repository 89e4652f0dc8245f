# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Full-size packets pass whole: IPv4 and IPv6 inside, IPv4 and IPv6 outside, on links of 1500 and of 1400 octets."""

from __future__ import annotations

import json
import re

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

# (source, destination) by VPN: behind a vApp edge, and on the org network.
PAIRS = {"payroll": ("vm1-east", "vm3-west"), "six": ("vm2-east", "vm2-west")}
FRAGMENTS = "ip[6:2] & 0x3fff != 0 or (ip6 and ip6[6] == 44)"
# A header more than need be for a NAT that may come (8), and what is lost to the cipher's alignment (3).
SLACK = 8 + 3


def wires(mtu):
    for edge in EDGES:
        vm.netns(edge, "ip", "link", "set", "pub", "mtu", str(mtu))
        vm.netns(lab.INTERNET, "ip", "link", "set", edge, "mtu", str(mtu))


def outside(family, mtu):
    """An inventory beside the lab's, in which the edges have this outside."""
    file = vm.SCRATCH / f"outside-{family}-{mtu}.yml"
    public = {
        name: machine.variables["vcc_public_address"] for name, machine in lab.machines().items() if name in EDGES
    }
    hosts = {
        edge: {"vcc_public_address": [a for a in addresses if (":" in a) == (family == 6)], "vcc_underlay_mtu": mtu}
        for edge, addresses in public.items()
    }
    file.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    return file


def test_a_bottleneck_nobody_declared_is_found(addresses):
    """A router on the way takes 1300 octets only, and says so: path MTU discovery passes through the tunnel."""
    source, destination = PAIRS["payroll"]
    edge = f"edge-{destination.rpartition('-')[2]}"
    vm.netns(lab.INTERNET, "ip", "link", "set", edge, "mtu", "1300")  # in the direction of what is sent
    try:
        octets, _seconds = vm.transfer(source, destination, addresses[destination], 200_000)
    finally:
        wires(1500)
    assert octets == 200_000


@pytest.fixture(scope="module")
def two_clouds(addresses):
    """The VPNs with a member in the third cloud make place for another."""
    there = {row["name"] for row in ledger.rows("vpns")}
    surplus = there - {"payroll", vm.SIX["name"]}
    if surplus:
        playbooks.delete(*sorted(surplus), verify=False)
    if vm.SIX["name"] not in there:
        playbooks.create(vm.SIX, verify=False, arguments=("--limit", "cloud_east:cloud_west"))


@pytest.fixture(
    scope="module", params=[(4, 1500), (4, 1400), (6, 1400), (6, 1500)], ids="outside-IPv{0[0]}-{0[1]}".format
)
def link(two_clouds, request):
    """The first one is the lab's own."""
    family, mtu = request.param
    wires(mtu)
    if request.param != (4, 1500):
        playbooks.create(verify=False, arguments=("-i", str(outside(family, mtu)), "--limit", "org_edges"))
    for name in {*EDGES, *(name for pair in PAIRS.values() for name in pair)}:
        for version in "46":  # what was too large on the link before is remembered for ten minutes
            vm.netns(name, "ip", f"-{version}", "route", "flush", "cache")
    vm.settle()
    return request.param


@pytest.mark.parametrize("vpn", PAIRS)
def test_full_size_packets_pass_whole(link, vpn):
    family, mtu = link
    source, destination = PAIRS[vpn]
    target = playbooks.addresses(vpn)[destination]
    device = vm.netns("edge-east", "ip", "-o", "link", "show", f"vcc{vm.number(vpn)}")
    largest = int(re.search(r" mtu (\d+) ", device)[1])
    with vm.capturing(f"mtu-{family}-{mtu}-{vpn}") as seen:
        octets, _seconds = vm.transfer(source, destination, target, 400_000)
        pings = lab.ping(source, target, count=2, size=largest)
        too_large = lab.ping(source, target, count=2, size=largest + 1)
    assert octets == 400_000
    assert pings.lost == 0
    assert too_large.received == 0
    assert seen.packets(FRAGMENTS) == []
    assert len(seen.packets(f"{'ip' if family == 4 else 'ip6'} proto 50")) > 100
    assert seen.packets(f"greater {mtu + vm.COOKED + 1}") == []
    assert len(seen.packets(f"greater {mtu + vm.COOKED - SLACK}")) > 100
