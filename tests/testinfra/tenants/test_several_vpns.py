# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM in several VPNs has an address in each and is no way from one to the other; and networks that overlap meet."""

from __future__ import annotations

import re
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import capture, lab, playbooks

# vm1 is in both, in either cloud, on one wire with vm2, which is in one of them.
SALES = {"name": "sales", "pool": "internal", "members": ["vm1-east", "vm1-west", "vm2-east"]}
AUDIT = {"name": "audit", "pool": "internal", "members": ["vm1-east", "vm1-west", "vm2-west"]}
BOTH = ("vm1-east", "vm1-west")
VM1 = "192.168.1.11"  # its private address, in both clouds
MARK = b"by way of a VM.."
NOT_OURS = "not host 127.0.0.1"  # the capture's own end


@pytest.fixture(
    scope="module",
    params=["address", pytest.param("nat", marks=pytest.mark.thorough("all with addresses of their own"))],
)
def addresses(request):
    """{VPN: {member: its address}}, with all members in one mode."""
    playbooks.create(*({**vpn, "mode": request.param} for vpn in (SALES, AUDIT)), verify=False)
    yield {name: playbooks.addresses(name) for name in ("sales", "audit")}
    playbooks.delete("acme/sales", "acme/audit", verify=False)


def ping_marked(source, address):
    words = ["ping", "-n", "-q", "-c3", "-i0.1", "-W1", "-p", MARK.hex(), address]
    return lab.Pings(sent=3).read(lab.netns(source, *words, check=False))


def sources(packets):
    return {re.search(r"IP (\S+) > ", line)[1] for line in packets}


def test_a_vm_in_two_vpns_has_an_address_in_each_and_uses_the_right_one(addresses, tmp_path):
    for vpn, peer in (("sales", "vm2-east"), ("audit", "vm2-west"), ("sales", "vm1-west"), ("audit", "vm1-west")):
        target = addresses[vpn][peer]
        with capture.capturing(tmp_path / f"{vpn}-{peer}.pcap", peer) as seen:
            assert ping_marked("vm1-east", target).lost == 0
        assert sources(seen.packets(f"icmp[icmptype] = icmp-echo and {NOT_OURS}")) == {addresses[vpn]["vm1-east"]}
    assert addresses["sales"]["vm1-east"] != addresses["audit"]["vm1-east"]


def test_and_reaches_all_of_both_while_others_reach_their_own(addresses):
    for vpn in (SALES, AUDIT):
        own = addresses[vpn["name"]]
        pings = lab.reach((one, own[two]) for one, two in permutations(vpn["members"], 2))
        assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)


@pytest.mark.parametrize(
    ("source", "vpn", "target", "via", "gateway"),
    [
        ("vm2-east", "audit", "vm2-west", "vm1-east", "vapp1-east"),
        ("vm2-west", "sales", "vm2-east", "vm1-west", "vapp1-west"),
        ("vm2-east", "audit", "vm1-west", "vm1-east", "vapp1-east"),
    ],
)
def test_it_is_no_way_from_one_to_the_other_even_if_it_forwards(addresses, tmp_path, source, vpn, target, via, gateway):
    """A neighbour sends it packets for its other VPN, and it passes them on. They end at the gateway."""
    address = addresses[vpn][target]
    lab.sh(via, "sysctl -qw net.ipv4.ip_forward=1")
    lab.netns(source, "ip", "route", "add", f"{address}/32", "via", VM1)
    try:
        with (
            capture.capturing(tmp_path / "gateway.pcap", gateway) as near,
            capture.capturing(tmp_path / "edge.pcap", gateway.replace("vapp1", "edge")) as edge,
            capture.capturing(tmp_path / "target.pcap", target) as far,
        ):
            assert ping_marked(source, address).received == 0
    finally:
        lab.netns(source, "ip", "route", "del", f"{address}/32")
        lab.sh(via, "sysctl -qw net.ipv4.ip_forward=0")
    assert near.contains(MARK)  # it was passed on
    assert not edge.contains(MARK)
    assert not far.contains(MARK)


def test_networks_that_overlap_meet_at_vpn_addresses_whatever_the_modes():
    """vm1 has the same private address in both clouds, and so has vm3; both ends translated, or one."""
    modes = {"vm1-east": "nat", "vm1-west": "nat", "vm3-east": "nat", "vm3-west": "address", "vm2-east": "address"}
    private = {vm: lab.machines()[vm].variables["vcc_address"] for vm in modes}
    assert private["vm1-east"] == private["vm1-west"]
    assert private["vm3-east"] == private["vm3-west"]
    vpn = {"name": "overlap", "pool": "internal", "members": [{"name": vm, "mode": mode} for vm, mode in modes.items()]}
    playbooks.create(vpn, verify=False)
    own = playbooks.addresses("overlap")
    pings = lab.reach((one, own[two]) for one, two in permutations(modes, 2))
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)
    for one, two in (("vm1-east", "vm1-west"), ("vm3-east", "vm3-west"), ("vm3-west", "vm3-east")):
        assert lab.transfer(one, two, own[two], octets=500_000, listen="::" if modes[two] == "nat" else None)
