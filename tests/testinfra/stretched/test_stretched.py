# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One network over the clouds: its members are beside each other, with the addresses that they have; nobody else is.

The VMs on the lab's org networks have the same address everywhere, so two of the three get another one first.
"""

from __future__ import annotations

import json
import re
import sys
import time
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import capture, frames, inventories, lab, playbooks, snapshot

EDGES = ("edge-east", "edge-west", "edge-south")
MEMBERS = {"vm3-east": "10.10.0.13", "vm3-west": "10.10.0.23", "vm3-south": "10.10.0.33"}
SIX = {name: f"fd10:10::{address.rpartition('.')[2]}" for name, address in MEMBERS.items()}
OWN = {name: [MEMBERS[name], SIX[name]] for name in MEMBERS}
WEB = {"name": "web-tier", "stretch": ["edge-east", "edge-west"], "members": ["vm3-east", "vm3-west"]}
WIDER = {**WEB, "stretch": [*EDGES], "members": [*MEMBERS]}
PORT = 14789
INNER = "net 100.64.0.0/10 or net 10.10.0.0/24 or net 192.168.1.0/24 or net fd10::/16"
GATEWAY = "10.10.0.1"


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """Three clouds; the inventory that says the VMs' addresses."""
    playbooks.run("lab_up", lab_clouds=3)
    for name in ("vm3-west", "vm3-south"):
        lab.netns(name, "ip", "address", "flush", "dev", "eth0", "scope", "global")
        lab.netns(name, "ip", "address", "add", f"{MEMBERS[name]}/24", "dev", "eth0")
        lab.netns(name, "ip", "address", "add", f"{SIX[name]}/64", "dev", "eth0", "nodad")
        lab.netns(name, "ip", "route", "replace", "default", "via", GATEWAY)
    path = tmp_path_factory.mktemp("stretched") / "lab.sh"
    return inventories.placed(path, OWN)


@pytest.fixture(scope="module")
def before(ready):
    return snapshot.of_all([*EDGES, *MEMBERS])


@pytest.fixture(scope="module")
def two(before, ready):
    """What was predicted, and what came."""
    predicted = run("create_vpn", ready, [WEB], "--check", "-v")
    return predicted, run("create_vpn", ready, [WEB], "-v")


@pytest.fixture(scope="module")
def three(two, ready):
    """The third cloud comes in while the first two talk."""
    with lab.pinging("vm3-east", MEMBERS["vm3-west"]) as pings:
        done = run("create_vpn", ready, [WIDER])
    return done, pings


def run(playbook, inventory, networks, *arguments, **options):
    return playbooks.run(playbook, list(arguments), vpns=[], inventory=inventory, vcc_networks=networks, **options)


def silent(names):
    """Who does not answer whom, over IPv4 and IPv6."""
    asked = [(one, of[two]) for of in (MEMBERS, SIX) for one, two in permutations(names, 2)]
    return [pair for pair, pings in lab.reach(asked, count=3).items() if not pings.received]


def test_two_sites_are_one_network(two):
    assert playbooks.result()["findings"] == []
    assert silent(["vm3-east", "vm3-west"]) == []
    route = lab.netns("vm3-east", "ip", "route", "get", MEMBERS["vm3-west"])
    assert " via " not in route
    assert frames.mac("vm3-west") in lab.netns("vm3-east", "ip", "neigh", "show", MEMBERS["vm3-west"])


def test_the_run_was_predicted(two):
    predicted, done = two
    for edge in EDGES[:2]:
        for part in ("stretched networks", "frames"):
            assert predicted.actions[edge][part] == done.actions[edge][part] != []


def test_a_third_site_comes_in_and_the_others_lose_nothing(three):
    _done, pings = three
    assert pings.lost == 0, pings.text
    assert playbooks.result()["findings"] == []
    assert silent(MEMBERS) == []


def test_a_second_run_changes_nothing(three, ready):
    assert run("create_vpn", ready, [WIDER]).changed == frozenset()


@pytest.mark.parametrize("of", [MEMBERS, SIX], ids=["IPv4", "IPv6"])
def test_frames_of_full_size_pass_and_tcp_needs_no_fragments(three, of, tmp_path):
    for one, two in permutations(MEMBERS, 2):
        assert lab.ping(one, of[two], size=1500).received == 3
    with capture.capturing(tmp_path / "outside.pcap") as seen:
        assert lab.transfer("vm3-east", "vm3-south", of["vm3-south"], octets=4_000_000)
        assert lab.transfer("vm3-south", "vm3-west", of["vm3-west"], octets=4_000_000)
    assert seen.packets(INNER) == []
    assert seen.packets(f"udp port {PORT}") == []
    fragments = [line for line in seen.packets("ip[6:2] & 0x3fff != 0") if "203.0.113." in line]
    assert fragments == []


def test_who_has_an_address_is_answered_at_the_site_itself(three, tmp_path):
    """Neither ARP nor neighbour solicitations cross; a group frame of a member reaches the members of all sites."""
    for name in ("vm3-east", "vm3-west"):
        lab.netns(name, "ip", "neigh", "flush", "dev", "eth0")
    with capture.capturing(tmp_path / "west.pcap", "edge-west") as seen:
        assert silent(["vm3-east", "vm3-west"]) == []
    crossed = seen.packets(f"udp dst port {PORT} and udp[28:2] = {frames.ARP}")
    crossed += seen.packets(f"udp dst port {PORT} and udp[28:2] = {frames.IPV6} and udp[36] = 58 and udp[70] = 135")
    assert crossed == []


def group(name, text, port=5000):
    """A datagram to everybody on the network."""
    return frames.datagram(frames.mac(name), frames.EVERYBODY, MEMBERS[name], "10.10.0.255", port, text)


def test_broadcasts_of_members_reach_members(three):
    with (
        frames.listening("vm3-west") as west,
        frames.listening("vm3-south") as south,
        frames.listening("vm3-east") as own,
    ):
        frames.send("vm3-east", [group("vm3-east", b"hello, all of you")] * 3, gap=0.05)
    for found in (west, south):
        assert sum(b"hello, all of you" in one for one in found) == 3
    assert not any(b"hello, all of you" in one for one in own), "it came back: a loop"


def test_a_storm_is_bounded(three, say):
    begun = time.monotonic()
    with lab.pinging("vm3-east", MEMBERS["vm3-south"], interval=0.05) as pings, frames.listening("vm3-west") as found:
        frames.send("vm3-east", [group("vm3-east", b"storm")] * 20_000)
    seconds, arrived = time.monotonic() - begun, sum(b"storm" in one for one in found)
    say(f"of 20,000 broadcasts in {seconds:.1f} s, {arrived} arrived at another site")
    assert 0 < arrived <= 50 + 200 * seconds
    assert pings.received > 0


def test_each_site_has_its_own_gateway(three):
    """The gateways have the same address, and none of them is seen at another site."""
    gateways = {name: frames.mac(name.replace("vm3", "edge"), "org") for name in MEMBERS}
    with frames.listening("vm3-west") as found:
        for name in MEMBERS:
            lab.netns(name, "ip", "neigh", "flush", "dev", "eth0")
            assert lab.answers(name, GATEWAY)
            assert gateways[name] in lab.netns(name, "ip", "neigh", "show", GATEWAY)
        lab.netns("edge-east", "ping", "-c1", "-W1", "-b", "-I", "org", "10.10.0.255", check=False)
    assert frames.sources(found) & {gateways["vm3-east"], gateways["vm3-south"]} == set()


def test_what_does_not_cross(three):
    """DHCP, routers' advertisements, BPDU, LLDP, tagged frames, other protocols; frames in another's name."""
    own, far = frames.mac("vm3-east"), frames.mac("vm3-west")
    shown = lab.netns("vm3-east", "ip", "-6", "-o", "address", "show", "dev", "eth0", "scope", "link")
    local = shown.split()[3].split("/")[0]
    mark = b"must not arrive"
    tagged = frames.frame(own, frames.EVERYBODY, frames.VLAN, b"\x00\x07\x08\x00" + group("vm3-east", mark)[14:])
    sent = [
        frames.datagram(own, frames.EVERYBODY, "0.0.0.0", "255.255.255.255", 67, mark, sport=68),
        frames.datagram(own, frames.EVERYBODY, MEMBERS["vm3-east"], "255.255.255.255", 68, mark, sport=67),
        frames.datagram(own, far, MEMBERS["vm3-east"], MEMBERS["vm3-west"], 68, mark, sport=67),
        frames.advertisement(own, local),
        frames.claim(own, SIX["vm3-east"], SIX["vm3-west"], far, "fd10:10::1"),
        frames.claim(own, SIX["vm3-east"], "ff02::1", "33:33:00:00:00:01", SIX["vm3-south"]),
        frames.frame(own, "01:80:c2:00:00:00", 0x0027, b"\x42\x42\x03" + mark + bytes(30)),
        frames.frame(own, "01:80:c2:00:00:0e", 0x88CC, mark + bytes(30)),
        tagged,
        frames.frame(own, far, 0x88B5, mark + bytes(30)),
        frames.datagram(own, far, "10.10.0.99", MEMBERS["vm3-west"], 5000, mark),
        frames.datagram(own, frames.EVERYBODY, "10.10.0.99", "10.10.0.255", 5000, mark),
        frames.datagram(own, far, MEMBERS["vm3-south"], MEMBERS["vm3-west"], 5000, mark),
        frames.datagram("02:00:5e:00:00:99", far, MEMBERS["vm3-east"], MEMBERS["vm3-west"], 5000, mark),
        frames.arp(own, "10.10.0.99", MEMBERS["vm3-west"]),
    ]
    arrives = frames.datagram(own, far, MEMBERS["vm3-east"], MEMBERS["vm3-west"], 5000, b"this does")
    with frames.listening("vm3-west") as found:
        frames.send("vm3-east", [*sent, arrives], gap=0.02)
    assert any(b"this does" in one for one in found)
    assert [one for one in found if mark in one] == []
    spoken = [one for one in found if one[12:14] == b"\x86\xdd" and one[54:55] in (bytes([134]), bytes([136]))]
    assert [one for one in spoken if one[6:12] == frames.packed(own)] == []


def test_others_on_the_network_stay_at_their_site(three):
    """A machine of nobody's with an address of its own, and one that takes a member's."""
    with frames.stranger("east", "10.10.0.99") as name:
        with frames.listening("vm3-west") as found:
            assert lab.answers(name, MEMBERS["vm3-east"])
            assert not lab.answers(name, MEMBERS["vm3-west"])
            frames.send(name, [frames.datagram(frames.mac(name), frames.EVERYBODY, "10.10.0.99", "10.10.0.255", 5000)])
        assert frames.mac(name) not in frames.sources(found)
        assert not lab.answers("vm3-west", "10.10.0.99")


NOTED = ("astray", "astray6", "claimed")


def forget():
    """Who was seen where is remembered for ten minutes, and what a machine took for another's MAC is for a while."""
    for edge in EDGES:
        for name in NOTED:
            lab.netns(edge, "nft", "flush", "set", "netdev", "intercloud_vpn", f"n1_{name}")
    for name in MEMBERS:
        lab.netns(name, "ip", "neigh", "flush", "dev", "eth0")


def noted():
    """Who was seen where it does not belong, by edge and set."""
    shown = {
        (edge, name): lab.netns(edge, "nft", "list", "set", "netdev", "intercloud_vpn", f"n1_{name}")
        for edge in EDGES
        for name in NOTED
    }
    return {key: text for key, text in shown.items() if "elements" in text}


def frames_sent(edge):
    shown = lab.netns(edge, "nft", "-j", "list", "counter", "netdev", "intercloud_vpn", "n1_sent")
    return next(one["counter"]["packets"] for one in json.loads(shown)["nftables"] if "counter" in one)


def test_two_networks_that_are_one_wire_are_no_loop(three, say):
    """Without a guard, one ping became more than 100,000 frames a second, for ever."""
    with frames.cable("east", "west"):
        lab.ping("vm3-east", MEMBERS["vm3-south"], count=5)
        lab.ping("vm3-east", MEMBERS["vm3-west"], count=5)
        frames.send("vm3-east", [group("vm3-east", b"round and round")] * 5)
        first = frames_sent("edge-west")
        time.sleep(1)
        sent = frames_sent("edge-west") - first
    say(f"{sent} frames were sent in a second, when nobody had asked for any")
    assert sent < 50
    time.sleep(10)  # as long as members that were seen on a wire are refused from elsewhere
    forget()
    lab.wait_for("all is as before", lambda: silent(MEMBERS) == [], 30)


@pytest.mark.parametrize("of", [MEMBERS, SIX], ids=["IPv4", "IPv6"])
def test_two_machines_with_one_address_are_told(three, ready, of):
    """The second one gets its address from its own kernel, which asks for it first if it is one of IPv6."""
    address = of["vm3-east"]
    with frames.stranger("west", address) as name:
        if of is MEMBERS:
            frames.send(name, [frames.arp(frames.mac(name), address, "10.10.0.77")] * 3, gap=0.1)
        assert lab.answers("vm3-south", address)
        verified = run("verify_vpn", ready, [WIDER], succeeds=False)
        found = [one for one in playbooks.result()["findings"] if one["subject"] == "web-tier: vm3-east"]
        assert f"{address} ({frames.mac(name)}) at edge-west" in found[0]["seen"], verified.output[-2000:]
        said = f"{address} ({frames.mac(name)}) was seen here"
        log = "journalctl -u 'intercloud-vpn*' -o cat"
        lab.wait_for("the agent says so", lambda: said in lab.sh("edge-west", log), 60)
    forget()
    lab.wait_for("all is as before", lambda: silent(MEMBERS) == [], 30)


def test_neighbours_as_they_should_be_are_not_told(three):
    """Members that are new on their wire, and talk; the gateways, and link-local addresses that are the same at all
    sites."""
    forget()
    with frames.stranger("east", "fe80::1") as east, frames.stranger("west", "fe80::1") as west:
        for name in (east, west):
            frames.send(name, [frames.advertisement(frames.mac(name), "fe80::1")])
        for flags in ((), ("nodad",)):  # first, they ask whether somebody has their address; then, all is as it was
            for name in MEMBERS:
                lab.netns(name, "ip", "address", "del", f"{SIX[name]}/64", "dev", "eth0")
                lab.netns(name, "ip", "address", "add", f"{SIX[name]}/64", "dev", "eth0", *flags)
                assert lab.answers(name, GATEWAY)
            lab.wait_for("all members answer", lambda: silent(MEMBERS) == [], 30)
    assert noted() == {}


THROW = """
import socket, sys
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(bytes.fromhex(sys.argv[1]), (sys.argv[2], 14789))
"""


def test_frames_from_the_internet_are_not_taken(three):
    """As if from the other edge, to this edge's port for frames."""
    own, far = frames.mac("vm3-east"), frames.mac("vm3-west")
    inner = frames.datagram(own, far, MEMBERS["vm3-east"], MEMBERS["vm3-west"], PORT, b"forged")
    text = (b"\x08\x00\x00\x00\x00\x00\x01\x00" + inner).hex()
    with frames.listening("vm3-west") as found:
        for source, edge in ((lab.INTERNET, "203.0.113.18"), ("vm3-west", GATEWAY), ("vapp1-west", GATEWAY)):
            lab.netns(source, sys.executable, "-c", THROW, text, edge)
    assert not any(b"forged" in one for one in found)


@pytest.mark.parametrize(
    "harm",
    [
        "nft delete table netdev intercloud_vpn",
        "ip link delete vcl1",
        "ip link set vcl1 down",
        "bridge fdb show dev vcl1 | while read a _ b _; do bridge fdb del $a dev vcl1 dst $b self; done",
        "ip neigh flush dev vcl1 nud permanent",
        "nft flush ruleset",
        "ip link set org promisc off",
    ],
)
def test_the_agent_puts_it_back(three, harm, say):
    lab.sh("edge-west", harm)
    look = "ip -o link show vcl1; bridge fdb show dev vcl1; nft list table netdev intercloud_vpn; ip link show org"
    want = {frames.mac("vm3-east"), "n1_tunnel", "PROMISC"}

    def whole():
        shown = lab.netns("edge-west", "sh", "-c", look, check=False)
        return all(text in shown for text in want) and "UP" in shown.splitlines()[0] and silent(MEMBERS) == []

    seconds = lab.wait_for(f"all is back after {harm}", whole, 30)[1]
    say(f"{harm}: {seconds:.1f} s")


def test_a_reboot_of_an_edge_brings_it_back(three, ready):
    lab.labctl("reboot", "edge-west")
    lab.wait_for("all members answer", lambda: silent(MEMBERS) == [], 60)
    assert run("create_vpn", ready, [WIDER]).changed == frozenset()


TALK = """
import socket, sys, time
line = socket.create_connection((sys.argv[1], 5202), timeout=60)
print("ready", flush=True)
longest, number, end = 0.0, 0, time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    number, begun = number + 1, time.monotonic()
    line.sendall(b"%08d" % number)
    answer = line.recv(8, socket.MSG_WAITALL)
    if answer != b"%08d" % number:
        sys.exit("another answer")
    longest = max(longest, time.monotonic() - begun)
    time.sleep(0.02)
print(f"{number} {longest:.2f}")
"""
ECHO = """
import socket, sys
server = socket.create_server((sys.argv[1], 5202))
print("ready", flush=True)
line = server.accept()[0]
while data := line.recv(1 << 16):
    line.sendall(data)
"""


def test_a_vm_moves_with_its_address_and_its_connections(three, ready, tmp_path, say):
    """vm3-east is plugged into the wire of the west; only then is the inventory told, and then goes back."""
    there = inventories.placed(
        tmp_path / "west.sh", {name: [MEMBERS[name], SIX[name]] for name in MEMBERS}, {"vm3-east": "west"}
    )
    home, guest = "vm3-eth0", "guest-eth0"
    moves = ((there, "east", "west", home, guest), (ready, "west", "east", guest, home))
    for inventory, old, new, *ports in moves:
        with lab.process("vm3-south", sys.executable, "-c", ECHO, MEMBERS["vm3-south"]) as server:
            assert server.stdout.readline() == "ready\n"
            with lab.process("vm3-east", sys.executable, "-c", TALK, MEMBERS["vm3-south"], "45") as client:
                try:
                    assert client.stdout.readline() == "ready\n"
                    frames.plug(ports[0], old, new, ports[1])
                    run("create_vpn", inventory, [WIDER])
                    assert playbooks.result()["findings"] == []
                    assert silent(MEMBERS) == []
                    said = client.communicate(timeout=90)[0].split()
                finally:
                    client.kill()
                    server.kill()
        assert client.returncode == 0
        say(f"to the {new}: its connection carried {said[0]} messages, and waited {said[1]} s at most")
        assert lab.answers("vm3-east", GATEWAY)
        assert frames.mac(f"edge-{new}", "org") in lab.netns("vm3-east", "ip", "neigh", "show", GATEWAY)
        assert run("create_vpn", inventory, [WIDER]).changed == frozenset()


def test_over_openvpn_it_is_the_same(three, ready):
    run("delete_vpn", ready, [], vcc_delete=["web-tier"])
    run("create_vpn", ready, [{**WIDER, "tunnel": "ssl"}])
    assert playbooks.result()["findings"] == []
    assert lab.transfer("vm3-east", "vm3-west", MEMBERS["vm3-west"], octets=2_000_000)
    assert run("create_vpn", ready, [{**WIDER, "tunnel": "ssl"}]).changed == frozenset()


def test_deletion_leaves_no_trace(before, ready):
    run("delete_vpn", ready, [], vcc_delete=["web-tier"])
    assert not lab.answers("vm3-east", MEMBERS["vm3-west"])
    assert snapshot.differences(unnumbered(before), unnumbered(snapshot.of_all([*EDGES, *MEMBERS]))) == []


def unnumbered(found):
    """Without the numbers of wires' other ends: those that were plugged elsewhere, or rebooted, have others."""
    return {
        name: {what: {re.sub(r"@if\d+", "", line) for line in lines} for what, lines in subjects.items()}
        for name, subjects in found.items()
    }
