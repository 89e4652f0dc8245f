# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine on a member's, or a gateway's, own wire that pretends to be it.

Everything but one thing: that a machine copies address *and* link-layer address (docs/senders.md).
"""

from __future__ import annotations

import sys
from contextlib import contextmanager

import pytest

from ansible_collections.intercloud.vpn.tests.attack import wire
from ansible_collections.intercloud.vpn.tests.testinfra import capture, lab

FAMILIES = (4, 6)
# Who attacks, and its device; whom it pretends to be, and its device; the gateway it sends to, and its device there.
BESIDE_A_MEMBER = ("vm2-east", "eth0", "vm1-east", "eth0", "vapp1-east", "vapp")
BESIDE_A_VAPP_EDGE = ("vm3-east", "eth0", "vapp1-east", "org", "edge-east", "org")
WIRES = [BESIDE_A_MEMBER, BESIDE_A_VAPP_EDGE]
NAMES = ["beside a member", "beside a vApp edge"]
COUNT = 50
BANNER = """
import socket, sys
try:
    print(socket.create_connection((sys.argv[1], 22), timeout=3).recv(40).decode().strip())
except OSError as error:
    print(f"({error})")
"""


def own(name, device, family):
    """The address that a machine has on a wire before there is any VPN."""
    interface = next(one for one in lab.machines()[name].interfaces if one.name == device)
    return next(text.partition("/")[0] for text in interface.addresses if (":" in text) == (family == 6))


def arrived(found, source):
    """How many of an attack's datagrams came by, or pieces of them."""
    return len(found.packets(f"src host {source} and ({'ip6' if ':' in source else 'ip'}) and not icmp and not icmp6"))


@contextmanager
def lying(attacker, device, about, to, to_device, family):
    """Tell a neighbour, 20 times a second, that an address is here."""
    here, there = wire.mac(attacker, device), wire.mac(to, to_device)
    lie = wire.is_at(about, here, own(to, to_device, family), there)
    with wire.repeating(attacker, device, [lie, wire.is_at(about, here, own(to, to_device, family))]):
        yield


@contextmanager
def having(attacker, device, address, destination, gateway):
    """Give a machine an address, and the route of those who have one."""
    family, bits = ("-6", 128) if ":" in address else ("-4", 32)
    extra = ["nodad"] if family == "-6" else []
    lab.netns(attacker, "ip", family, "addr", "add", f"{address}/{bits}", "dev", device, *extra)
    lab.netns(attacker, "ip", family, "route", "add", f"{destination}/{bits}", "via", gateway, "src", address)
    try:
        yield
    finally:
        lab.netns(attacker, "ip", family, "route", "del", f"{destination}/{bits}", check=False)
        lab.netns(attacker, "ip", family, "addr", "del", f"{address}/{bits}", "dev", device)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("where", WIRES, ids=NAMES)
def test_datagrams_with_a_members_source_do_not_arrive(addresses, family, where, tmp_path, say):
    attacker, device, _victim, _its, gateway, to = where
    source, destination = addresses[family]["vm1-east"], addresses[family]["vm1-west"]
    packet = wire.udp(source, destination, 4711, b"in another's name")
    frame = wire.ether(wire.mac(gateway, to), wire.mac(attacker, device), packet)
    with capture.capturing(tmp_path / "west.pcap", "vm1-west") as found:
        sent = wire.send(attacker, device, [frame], rounds=COUNT)
    say(f"sent {sent}, arrived {arrived(found, source)}")
    assert arrived(found, source) == 0


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("where", WIRES, ids=NAMES)
def test_in_fragments_neither(addresses, family, where, tmp_path, say):
    attacker, device, _victim, _its, gateway, to = where
    source, destination = addresses[family]["vm1-east"], addresses[family]["vm1-west"]
    pieces = wire.fragments(source, destination, 4711, b"in another's name" * 100)
    frames = [wire.ether(wire.mac(gateway, to), wire.mac(attacker, device), piece) for piece in pieces]
    with capture.capturing(tmp_path / "west.pcap", "vm1-west") as found:
        sent = wire.send(attacker, device, frames, rounds=COUNT // 5)
    say(f"sent {sent}, arrived {arrived(found, source)}")
    assert arrived(found, source) == 0


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("where", WIRES, ids=NAMES)
def test_lies_about_the_neighbour_bring_no_answer(addresses, family, where, say):
    """It takes the member's address and says that it is the neighbour: what is answered would come to it."""
    attacker, device, victim, its, gateway, to = where
    source, destination = addresses[family]["vm1-east"], addresses[family]["vm1-west"]
    with having(attacker, device, source, destination, own(gateway, to, family)), lying(
        attacker, device, own(victim, its, family), gateway, to, family
    ):  # fmt: skip
        seen = [lab.netns(attacker, sys.executable, "-c", BANNER, destination).strip() for _try in range(2)]
    say(f"the other cloud's sshd said {seen}")
    assert not any(text.startswith("SSH-") for text in seen)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("where", WIRES, ids=NAMES)
def test_lies_divert_nothing_and_cut_nobody_off(addresses, family, where, tmp_path, say):
    """To the gateway it says that it is the neighbour, and to the neighbour that it is the gateway."""
    attacker, device, victim, its, gateway, to = where
    source, destination = addresses[family]["vm1-east"], addresses[family]["vm1-west"]
    with (
        lying(attacker, device, own(victim, its, family), gateway, to, family),
        lying(attacker, device, own(gateway, to, family), victim, its, family),
        capture.capturing(tmp_path / "attacker.pcap", attacker) as found,
    ):
        pings = lab.ping("vm1-east", destination, count=20, interval=0.1)
    diverted = len(found.packets(f"host {source} or host {destination}"))
    say(f"pings {pings.sent}, lost {pings.lost}, seen by the attacker {diverted}")
    assert (pings.lost, diverted) == (0, 0)


def test_a_translated_member_is_bound_too(addresses, tmp_path, say):
    """Its packets have its private address: that of a VM on the vApp network."""
    destination = addresses[4]["vm1-east"]
    frame = wire.ether(
        wire.mac("vapp1-west", "vapp"),
        wire.mac("vm1-west", "eth0"),
        wire.udp(own("vm2-west", "eth0", 4), destination, 4711, b"in another's name"),
    )
    with capture.capturing(tmp_path / "east.pcap", "vm1-east") as found:
        sent = wire.send("vm1-west", "eth0", [frame], rounds=COUNT)
    seen = arrived(found, addresses[4]["vm2-west"])
    say(f"sent {sent}, arrived {seen}")
    assert seen == 0


def test_what_is_refused_so_is_counted(addresses):
    counted = lab.sh("vapp1-east", "nft list counter inet intercloud_vpn spoofed")
    assert "packets 0 " not in counted, counted


@pytest.mark.parametrize("family", FAMILIES)
def test_members_themselves_send_what_they_like(addresses, family):
    for source, destination in (("vm1-east", "vm1-west"), ("vm3-west", "vm1-east")):
        assert lab.ping(source, addresses[family][destination], count=5).lost == 0
        # Larger than the path takes: an IPv6 packet or two are lost until both ends know.
        assert lab.netns(source, "ping", "-n", "-q", "-c6", "-i0.2", "-s4000", addresses[family][destination])
        assert lab.transfer(source, destination, addresses[family][destination], 200_000)
