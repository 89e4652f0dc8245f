# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge behind a NAT: it starts the tunnel, all of it is UDP 4500, and after a crash of either end it comes back."""

from __future__ import annotations

import sys
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import capture, lab, playbooks, ports, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL

# The one of the two that would not start the tunnel if it could be reached.
INSIDE, OUTSIDE = "edge-west", "edge-east"
INSIDE_ADDRESS, NAT_ADDRESS, OUTSIDE_ADDRESS = "192.0.2.18", "203.0.113.18", "203.0.113.2"
ONE_OF_EACH = {edge: [("edge-east--edge-west", ["payroll"])] for edge in EDGES}

# What `conntrack -F` does: NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE without a tuple.
FORGET = """
import socket, struct
netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
netlink.send(struct.pack("=IHHIIBBH", 20, 1 << 8 | 2, 5, 1, 0, 0, 0, 0))
raise SystemExit(struct.unpack("=i", netlink.recv(4096)[16:20])[0])
"""


@pytest.fixture(scope="module", autouse=True)
def seen(tmp_path_factory):
    """The lab rewired, the VPN created and used, as the wire of the edge outside saw it."""
    playbooks.run("lab_up", lab_nat=[INSIDE])
    with capture.capturing(tmp_path_factory.mktemp("wire") / "outside.pcap", OUTSIDE) as wire:
        playbooks.create(PAYROLL)
        addresses = playbooks.addresses()
        assert lab.transfer("vm1-west", "vm1-east", addresses["vm1-east"], octets=1_000_000)
    return wire


def all_answer(addresses):
    pairs = permutations(PAYROLL["members"], 2)
    return all(found.received for found in lab.reach(((one, addresses[two]) for one, two in pairs), count=1).values())


def sa_counts():
    """{edge: [(IKE_SA, its CHILD_SAs) …]}."""
    return {
        edge: [(sa.name, [child.name for child in sa.children]) for sa in strongswan.ike_sas(edge)] for edge in EDGES
    }


def test_nobody_outside_reaches_the_edge(addresses):
    assert lab.answers(INSIDE, OUTSIDE_ADDRESS)
    assert not lab.answers(OUTSIDE, INSIDE_ADDRESS)
    assert lab.sh(INSIDE, "bash -c '>/dev/tcp/127.0.0.1/22' && echo open") == "open\n"
    for address in (INSIDE_ADDRESS, NAT_ADDRESS):
        assert lab.sh(OUTSIDE, f"timeout 2 bash -c '>/dev/tcp/{address}/22' && echo open", check=False) == ""


def test_members_reach_each_other_without_loss_both_ways(addresses):
    pings = lab.reach(((one, addresses[two]) for one, two in permutations(PAYROLL["members"], 2)), count=10)
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)


def test_the_wire_shows_udp_4500_from_the_nats_address_and_a_port_of_its_choice(seen):
    esp = "udp and udp[8:4] != 0"
    inwards = seen.packets(f"src host {NAT_ADDRESS} and dst port 4500 and src portrange 20000-29999 and {esp}")
    outwards = seen.packets(f"dst host {NAT_ADDRESS} and src port 4500 and dst portrange 20000-29999 and {esp}")
    assert len(inwards) > 100
    assert len(outwards) > 50
    assert seen.packets(f"host {INSIDE_ADDRESS} or esp") == []


def test_the_edge_outside_never_tries_to_start(seen):
    """What begins on port 500 begins at the NAT."""
    assert seen.packets(f"src host {NAT_ADDRESS} and dst port 500") != []
    assert seen.packets(f"src host {OUTSIDE_ADDRESS} and dst host {NAT_ADDRESS} and dst port 500") == []


def test_verify_agrees_and_sees_the_encapsulation():
    (link,) = playbooks.result()["links"]
    assert playbooks.result()["findings"] == []
    assert link["encapsulated"] == dict.fromkeys(EDGES, True)
    assert sa_counts() == ONE_OF_EACH


def test_creating_again_changes_nothing():
    spis = strongswan.spis(*EDGES)
    assert playbooks.create(PAYROLL, verify=False).changed == frozenset()
    assert strongswan.spis(*EDGES) == spis


@pytest.mark.parametrize("edge", [OUTSIDE, pytest.param(INSIDE, marks=pytest.mark.thorough("the other end's"))])
def test_after_a_crash_of_the_daemon_packets_pass_again_within_20_seconds(addresses, edge, say):
    killed = lab.sh(edge, "pidof charon-systemd")
    lab.sh(edge, "kill -KILL $(pidof charon-systemd)")
    _answered, seconds = lab.wait_for("all members answer", lambda: all_answer(addresses), 20)
    say(f"charon of {edge} was killed; {seconds:.1f} s later all members answer")
    assert lab.sh(edge, "pidof charon-systemd") != killed
    lab.wait_for("one tunnel, one link", lambda: sa_counts() == ONE_OF_EACH, 30)


def test_a_nat_that_forgets_its_mappings_is_of_no_consequence(addresses, say):
    """As after its reboot: the edge behind it asks again, and the other end answers to the new port."""
    lab.netns(lab.INTERNET, sys.executable, "-c", FORGET)
    _answered, seconds = lab.wait_for("all members answer", lambda: all_answer(addresses), 20)
    say(f"the NAT has forgotten everything; {seconds:.1f} s later all members answer")
    lab.wait_for("one tunnel, one link", lambda: sa_counts() == ONE_OF_EACH, 30)


def test_members_behind_it_go_outside_by_the_nat(addresses):
    """Its device to the outside is that of the default route."""
    spis = strongswan.spis(*EDGES)
    playbooks.create({**PAYROLL, "outside": {"source": "masquerade", "members": ["vm1-west"]}}, verify=False)
    with ports.listening({OUTSIDE: ["tcp/80"]}):
        assert ports.ask("vm1-west", [(OUTSIDE_ADDRESS, "tcp/80")]) == {(OUTSIDE_ADDRESS, "tcp/80"): NAT_ADDRESS}
    assert lab.sh(INSIDE, "nft list set inet intercloud_vpn outside4").count('"pub"') == 1
    counted = lab.sh(INSIDE, "nft list counters table inet intercloud_vpn | grep -A2 _outside")
    assert int(counted.split("packets ")[1].split()[0]) > 0
    assert strongswan.spis(*EDGES) == spis
    assert all_answer(addresses)
