# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the internet: errors about packets that it never saw, packets that are nobody's, and what it gets to see."""

from __future__ import annotations

import json
import os
import struct
import time

import pytest

from ansible_collections.intercloud.vpn.tests.attack import wire
from ansible_collections.intercloud.vpn.tests.testinfra import capture, lab, strongswan

FAMILIES = (4, 6)
OUTSIDE = {4: "203.0.113.1", 6: "2001:db8::1"}
LIE = {4: 600, 6: 1280}  # the smallest MTU that a sender takes, nearly
EDGES = ("edge-east", "edge-west")


def mtu(source, destination):
    """What a machine takes the path to be able to carry."""
    (route,) = json.loads(lab.netns(source, "ip", "-j", "route", "get", destination))
    return next((entry["mtu"] for entry in route.get("metrics", []) if "mtu" in entry), None)


def pretended(source, destination, identifier):
    """The errors that somebody could make up about a ping that is under way, knowing its identifier."""
    family = 6 if ":" in source else 4
    found = []
    for number in range(1, 4):
        rest = struct.pack("!HH", identifier, number) + bytes(56)
        quoted = (
            wire.icmp6(source, destination, 128, rest) if family == 6 else wire.icmp4(source, destination, 8, 0, rest)
        )
        found.append(wire.too_big(OUTSIDE[family], source, LIE[family], quoted))
        found.append(wire.too_big(destination, source, LIE[family], quoted))  # as if its own peer had said it
    return found


def lie_about(addresses, family, attacker, device, gateway, to):
    """Send such errors while vm1-east pings; the MTU before, after, and how many errors reached the member."""
    source, destination = addresses[family]["vm1-east"], addresses[family]["vm1-west"]
    identifier = 4711
    words = ["ping", "-n", "-q", "-e", str(identifier), "-i0.2", "-c10", destination]
    for name in ("vm1-east", "vapp1-east", "edge-east"):  # what an attack before this one may have brought about
        lab.netns(name, "ip", "-4", "route", "flush", "cache")
        lab.netns(name, "ip", "-6", "route", "flush", "cache")
    before = mtu("vm1-east", destination)
    with lab.process("vm1-east", *words) as ping:
        time.sleep(0.6)
        lies = pretended(source, destination, identifier)
        frames = [wire.ether(wire.mac(gateway, to), wire.mac(attacker, device), lie) for lie in lies]
        wire.send(attacker, device, frames, rounds=3)
        ping.communicate(timeout=20)
    return before, mtu("vm1-east", destination)


@pytest.mark.parametrize("family", FAMILIES)
def test_packet_too_big_from_the_internet_is_not_believed(addresses, family, say):
    before, after = lie_about(addresses, family, "internet", "edge-east", "edge-east", "pub")
    say(f"path MTU before {before}, after {after}")
    assert after == before


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "where", [("vm3-east", "eth0", "edge-east", "org"), ("vm2-east", "eth0", "vapp1-east", "vapp")], ids=["org", "vApp"]
)
def test_nor_from_a_non_member_beside_a_gateway(addresses, family, where, say):
    before, after = lie_about(addresses, family, *where)
    say(f"path MTU before {before}, after {after}")
    assert after == before


def test_packets_of_an_unknown_sa_disturb_nothing(addresses, say):
    """Garbage for UDP 4500 and as ESP, in the other edge's name, with SPIs that may even be right."""
    before = strongswan.spis(*EDGES)
    here, there = "203.0.113.2", "203.0.113.18"
    payloads = [os.urandom(4) + struct.pack("!I", number) + os.urandom(64) for number in range(1, 400)]
    known = [bytes.fromhex(spi.zfill(8)) for spis in before["edge-east"].values() for spi in spis if len(spi) <= 8]
    payloads += [spi + struct.pack("!I", 1) + os.urandom(64) for spi in known for _try in range(20)]
    packets = [wire.udp(there, here, 4500, payload, source_port=4500) for payload in payloads]
    packets += [wire.ip(there, here, wire.ESP, payload) for payload in payloads]
    # IKE for an SA that nobody has, and one that begins.
    packets += [wire.udp(there, here, 500, os.urandom(28) + bytes(100), source_port=500) for _try in range(100)]
    frames = [wire.ether(wire.mac("edge-east", "pub"), wire.mac("internet", "edge-east"), one) for one in packets]
    with lab.pinging("vm1-east", addresses[4]["vm1-west"], interval=0.02) as pings:
        sent = wire.send("internet", "edge-east", frames, pause=0.001, rounds=3)
    say(f"sent {sent}; pings {pings.sent}, lost {pings.lost}")
    assert pings.lost == 0, pings.text
    assert strongswan.spis(*EDGES) == before


@pytest.mark.parametrize("family", FAMILIES)
def test_packets_with_a_members_address_do_not_come_in(addresses, family, tmp_path, say):
    source, destination = addresses[family]["vm1-west"], addresses[family]["vm1-east"]
    packet = wire.udp(source, destination, 4711, b"from outside")
    frame = wire.ether(wire.mac("edge-east", "pub"), wire.mac("internet", "edge-east"), packet)
    with capture.capturing(tmp_path / "east.pcap", "vm1-east") as found:
        sent = wire.send("internet", "edge-east", [frame], rounds=50)
    came = len(found.packets(f"src host {source} and udp"))
    say(f"sent {sent}, arrived {came}")
    assert came == 0


ROUTES_GONE = "ip -4 route flush proto 155; ip -6 route flush proto 155"
AGENT = "intercloud-vpn.service"  # would have them back within two seconds


@pytest.mark.parametrize("gateway", ["edge-west", "vapp1-west", "edge-east", "vapp1-east"])
@pytest.mark.parametrize("family", FAMILIES)
def test_without_routes_nothing_leaves_in_clear(addresses, gateway, family, tmp_path, say):
    """What comes out of the tunnel has to leave towards the member; a default route is no way to it."""
    members = addresses[family]
    inside = " or ".join(f"net {net}" for net in (("100.64.0.0/10",) if family == 4 else ("fd64:5::/48",)))
    pairs = [("vm1-east", "vm1-west"), ("vm1-east", "vm3-west"), ("vm3-west", "vm1-east"), ("vm1-west", "vm1-east")]
    lab.sh(gateway, f"systemctl stop {AGENT}")
    try:
        with capture.capturing(tmp_path / "internet.pcap") as found:
            lab.sh(gateway, ROUTES_GONE)
            pings = lab.reach([(source, members[to]) for source, to in pairs], count=60, interval=0.01)
    finally:
        lab.sh(gateway, f"systemctl start {AGENT}")
    clear = found.packets(f"({inside}) and not ({capture.HOUSEKEEPING})")
    say(f"sent {sum(one.sent for one in pings.values())}, unencrypted on the internet {len(clear)}")
    assert clear == []
    lab.wait_for("the way back", lambda: lab.answers("vm1-east", members["vm1-west"], count=1), 30)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("edge", "device"), [("edge-west", "org"), ("edge-east", "ipsec0")], ids=["far", "near"])
def test_the_path_itself_is_believed(addresses, family, edge, device, say):
    """A gateway whose next link is narrower says so, and the member sends smaller packets at once."""
    destination = addresses[family]["vm1-west"]
    before = json.loads(lab.netns(edge, "ip", "-j", "link", "show", "dev", device))[0]["mtu"]
    for name in ("vm1-east", "vapp1-east", "edge-east"):
        lab.netns(name, "ip", f"-{family}", "route", "flush", "cache")
    lab.netns(edge, "ip", "link", "set", device, "mtu", "1330")
    try:
        lab.ping("vm1-east", destination, size=1390)
        learned = mtu("vm1-east", destination)
    finally:
        lab.netns(edge, "ip", "link", "set", device, "mtu", str(before))
        for name in ("vm1-east", "vapp1-east", "edge-east"):
            lab.netns(name, "ip", f"-{family}", "route", "flush", "cache")
    say(f"path MTU {learned}")
    assert learned == 1330
