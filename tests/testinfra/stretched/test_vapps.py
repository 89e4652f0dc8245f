# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two vApp networks and an org network as one: the vApp edges carry the frames, their org edges pass them on.

In the lab, all vApp networks are the same, and so are their VMs' addresses; the third cloud's org network becomes such
a network first. What is said in test_stretched.py of frames that do not cross is as true here: the table is the same.
"""

from __future__ import annotations

import re
import sys
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import capture, frames, inventories, lab, playbooks, snapshot

VAPPS = ("vapp1-east", "vapp1-west")
CARRYING = (*VAPPS, "edge-south")
MEMBERS = {"vm1-east": "192.168.1.11", "vm1-west": "192.168.1.21", "vm3-south": "192.168.1.33"}
SIX = {name: f"fd10:1::{address.rpartition('.')[2]}" for name, address in MEMBERS.items()}
OWN = {name: [MEMBERS[name], SIX[name]] for name in MEMBERS}
APP = {"name": "app-tier", "stretch": [*CARRYING], "members": [*MEMBERS]}
# In which two of the members are, one of them translated by its vApp edge.
BESIDE = {"name": "beside", "pool": "internal", "members": ["vm1-east", {"name": "vm1-west", "mode": "nat"}]}
GATEWAY = "192.168.1.1"
# The whole file: what a vApp edge does for frames is what an org edge does in test_stretched.py.
pytestmark = pytest.mark.thorough("test_stretched.py, with org edges")
PORT = 14789
INNER = "net 100.64.0.0/10 or net 10.10.0.0/24 or net 192.168.1.0/24 or net fd10::/16"
ALL = (*CARRYING, "edge-east", "edge-west", *MEMBERS)


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """Three clouds; the inventory that says what is elsewhere."""
    playbooks.run("lab_up", lab_clouds=3)
    # It would answer for the gateway's address, which it has on another network.
    lab.netns("vapp1-south", "ip", "address", "flush", "dev", "vapp", "scope", "global")
    for address in (f"{GATEWAY}/24", "fd10:1::1/64"):
        lab.netns("edge-south", "ip", "address", "replace", address, "dev", "org", "nodad")
    for name in ("vm1-west", "vm3-south"):
        lab.netns(name, "ip", "address", "flush", "dev", "eth0", "scope", "global")
        lab.netns(name, "ip", "address", "add", f"{MEMBERS[name]}/24", "dev", "eth0")
        lab.netns(name, "ip", "address", "add", f"{SIX[name]}/64", "dev", "eth0", "nodad")
        lab.netns(name, "ip", "route", "replace", "default", "via", GATEWAY)
    path = inventories.placed(tmp_path_factory.mktemp("vapps") / "lab.sh", OWN)
    south = {"vcc_org_address": [GATEWAY, "fd10:1::1"], "vcc_org_network": ["192.168.1.0/24", "fd10:1::/64"]}
    return inventories.told(path, edge_south=south, vapp1_east={"vcc_dhcp": True})


@pytest.fixture(scope="module")
def before(ready):
    return snapshot.of_all(ALL)


@pytest.fixture(scope="module")
def one(before, ready):
    """What was predicted, and what came."""
    predicted = run("create_vpn", ready, "--check", "-v")
    return predicted, run("create_vpn", ready, "-v")


def run(playbook, inventory, *arguments, **options):
    given = {"vpns": [BESIDE], "vcc_networks": [APP], **options}
    return playbooks.run(playbook, list(arguments), inventory=inventory, **given)


def silent():
    """Who does not answer whom, over IPv4 and IPv6."""
    asked = [(one, of[two]) for of in (MEMBERS, SIX) for one, two in permutations(MEMBERS, 2)]
    return [pair for pair, pings in lab.reach(asked, count=3).items() if not pings.received]


def device(vapp):
    """The network's own on an edge, and the address that its frames are sent from."""
    shown = lab.netns(vapp, "ip", "-d", "-o", "link", "show", "type", "vxlan")
    return re.search(r"(vcl\d+)", shown)[1], re.search(r"local (\S+)", shown)[1]


def test_three_networks_are_one(one):
    assert playbooks.result()["findings"] == []
    assert silent() == []
    assert " via " not in lab.netns("vm1-east", "ip", "route", "get", MEMBERS["vm1-west"])
    assert frames.mac("vm1-west") in lab.netns("vm1-east", "ip", "neigh", "show", MEMBERS["vm1-west"])
    assert lab.answers("vm1-east", playbooks.addresses("beside")["vm1-west"])


def test_the_run_was_predicted(one):
    predicted, done = one
    for edge in CARRYING:
        for part in ("stretched networks", "frames"):
            assert predicted.actions[edge][part] == done.actions[edge][part] != []


def test_frames_of_full_size_pass_and_nothing_leaves_unencrypted(one, tmp_path):
    with capture.capturing(tmp_path / "outside.pcap") as seen:
        for of in (MEMBERS, SIX):
            assert lab.transfer("vm1-east", "vm1-west", of["vm1-west"], octets=4_000_000)
            assert lab.transfer("vm3-south", "vm1-west", of["vm1-west"], octets=4_000_000)
    assert [line for line in seen.packets("ip[6:2] & 0x3fff != 0") if "203.0.113." in line] == []
    with capture.capturing(tmp_path / "large.pcap") as large:
        for of in (MEMBERS, SIX):
            for one_, two in permutations(MEMBERS, 2):
                assert lab.ping(one_, of[two], count=5, size=1500).received >= 4
    for found in (seen, large):
        assert found.packets(f"{INNER} or udp port {PORT}") == []


def test_what_is_for_all_arrives_once_and_gateways_stay(one):
    text = b"hello, all of you"
    frame = frames.datagram(frames.mac("vm1-east"), frames.EVERYBODY, MEMBERS["vm1-east"], "192.168.1.255", 5000, text)
    gateways = {
        name: frames.mac(edge, "org" if edge == "edge-south" else "vapp") for name, edge in zip(MEMBERS, CARRYING)
    }
    with frames.listening("vm1-west") as west, frames.listening("vm3-south") as south:
        frames.send("vm1-east", [frame] * 3, gap=0.05)
        for name in MEMBERS:
            lab.netns(name, "ip", "neigh", "flush", "dev", "eth0")
            assert lab.answers(name, GATEWAY)
            assert gateways[name] in lab.netns(name, "ip", "neigh", "show", GATEWAY)
    for found in (west, south):
        assert sum(text in one_ for one_ in found) == 3
    assert frames.sources(west) & {gateways["vm1-east"], gateways["vm3-south"]} == set()
    assert frames.sources(south) & {gateways["vm1-east"], gateways["vm1-west"]} == set()


def test_dhcp_stays_at_its_site(one):
    """vapp1-east serves its own VM, as it would without the network."""
    own = frames.mac("vm1-east")
    asks = b"\x01\x01\x06\x00" + b"\x12\x34\x56\x78" + bytes(20) + frames.packed(own) + bytes(202)
    asks += b"\x63\x82\x53\x63" + b"\x35\x01\x01\xff"  # DHCPDISCOVER (RFC 2131)
    discover = frames.datagram(own, frames.EVERYBODY, "0.0.0.0", "255.255.255.255", 67, asks, sport=68)
    with frames.listening("vm1-east") as here, frames.listening("vm1-west") as there:
        frames.send("vm1-east", [discover])
    assert any(one_[34:38] == b"\x00\x43\x00\x44" for one_ in here), "nobody offers an address"
    assert not any(one_[34:36] in (b"\x00\x43", b"\x00\x44") for one_ in there)


THROW = """
import socket, sys
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(bytes.fromhex(sys.argv[1]), (sys.argv[2], 14789))
"""


def test_others_get_nothing_across(one):
    """A VM beside a member, and who sends to the port for frames; nor a vApp edge anything but frames."""
    assert not lab.answers("vm2-east", MEMBERS["vm1-west"])
    (name, own), (_name, peer) = map(device, VAPPS)
    ends = [frames.mac("vm1-east"), frames.mac("vm1-west"), MEMBERS["vm1-east"], MEMBERS["vm1-west"], 5000]
    forged = frames.datagram(*ends, b"forged")
    head = b"\x08\x00\x00\x00" + int(name[3:]).to_bytes(3, "big") + b"\x00"
    outer = [frames.mac("vapp1-east", "org"), frames.mac("edge-east", "org"), own, peer]
    with frames.listening("vm1-west") as found, frames.listening("vapp1-west", "org") as there:
        for source, to in (("vm3-west", "10.10.0.11"), ("vm3-west", peer), ("vm2-west", GATEWAY), ("edge-west", peer)):
            lab.netns(source, sys.executable, "-c", THROW, (head + forged).hex(), to)
        frames.send("vm2-east", [frames.datagram(frames.mac("vm2-east"), *ends[1:], b"forged")])
        # What a vApp edge that is taken over sends, beside its own firewall.
        spied = [frames.datagram(*outer, port, b"spied", sport=PORT) for port in (PORT, 5000)]
        frames.send("vapp1-east", spied, "org")
        frames.send("vapp1-east", [frames.datagram(*outer, PORT, head + frames.datagram(*ends, b"arrives"))], "org")
    assert not any(b"forged" in one_ for one_ in found)
    assert not any(b"spied" in one_ for one_ in there)
    assert any(b"arrives" in one_ for one_ in found), "nothing arrives at all"


@pytest.mark.parametrize(
    "harm",
    [
        "nft delete table netdev intercloud_vpn",
        "ip link delete {device}",
        "ip address delete {own}/32 dev lo",
        "nft flush ruleset",
        "ip link set vapp promisc off",
    ],
)
def test_the_agent_of_a_vapp_edge_puts_it_back(one, harm, say):
    name, own = device("vapp1-west")
    lab.sh("vapp1-west", harm.format(device=name, own=own))
    look = f"ip -o link show {name}; ip -o addr show lo; nft list table netdev intercloud_vpn; ip link show vapp"
    want = {own, f"n{name[3:]}_tunnel", "PROMISC"}

    def whole():
        shown = lab.netns("vapp1-west", "sh", "-c", look, check=False)
        return all(text in shown for text in want) and "UP" in shown.splitlines()[0] and silent() == []

    say(f"{harm}: {lab.wait_for(f'all is back after {harm}', whole, 30)[1]:.1f} s")


def test_a_reboot_of_a_vapp_edge_brings_it_back_and_a_second_run_changes_nothing(one, ready):
    lab.labctl("reboot", "vapp1-west")
    lab.wait_for("all members answer", lambda: silent() == [], 60)
    assert run("create_vpn", ready).changed == frozenset()


def test_deletion_leaves_no_trace(before, ready):
    run("delete_vpn", ready, vpns=[], vcc_networks=[], vcc_delete=["app-tier", "beside"])
    assert not lab.answers("vm1-east", MEMBERS["vm1-west"])
    assert snapshot.differences(unnumbered(before), unnumbered(snapshot.of_all(ALL))) == []


def unnumbered(found):
    """Without the numbers of wires' other ends: those that were rebooted have others."""
    return {
        name: {what: {re.sub(r"@if\d+", "", line) for line in lines} for what, lines in subjects.items()}
        for name, subjects in found.items()
    }
