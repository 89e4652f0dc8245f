# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames as they are on a wire; and wires: strangers that are plugged in, machines that are plugged in elsewhere."""

from __future__ import annotations

import json
import socket
import struct
import sys
from contextlib import contextmanager

from ansible_collections.intercloud.vpn.tests.testinfra import lab

EVERYBODY = "ff:ff:ff:ff:ff:ff"
IPV4, ARP, IPV6, VLAN = 0x0800, 0x0806, 0x86DD, 0x8100
ROUTER_ADVERTISEMENT = 134

SEND = """
import json, socket, sys, time
line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
line.bind((sys.argv[1], 0))
frames, gap = [bytes.fromhex(text) for text in json.loads(sys.stdin.readline())], float(sys.argv[2])
for frame in frames:
    line.send(frame)
    if gap:
        time.sleep(gap)
"""
LISTEN = """
import socket, sys
line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
line.bind((sys.argv[1], 0))
line.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)
print("ready", flush=True)
while True:
    frame, where = line.recvfrom(2048)
    if where[2] != 4:  # not what this machine sends
        print(frame.hex(), flush=True)
"""


def mac(machine, device="eth0"):
    """A machine's link-layer address."""
    return json.loads(lab.netns(machine, "ip", "-j", "link", "show", device))[0]["address"]


def packed(text):
    """A link-layer address as octets."""
    return bytes.fromhex(text.replace(":", ""))


def frame(source, destination, kind, payload):
    """An Ethernet frame."""
    return packed(destination) + packed(source) + struct.pack("!H", kind) + payload


def arp(source, address, asked):
    """A question for a link-layer address."""
    own, zero = packed(source), bytes(6)
    body = struct.pack("!HHBBH", 1, IPV4, 6, 4, 1) + own + socket.inet_aton(address) + zero + socket.inet_aton(asked)
    return frame(source, EVERYBODY, ARP, body)


def datagram(source, destination, address, to, port, text=b"", sport=4000):
    """UDP in IPv4 in a frame."""
    udp = struct.pack("!HHHH", sport, port, 8 + len(text), 0) + text
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton(address), socket.inet_aton(to)
    )
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return frame(source, destination, IPV4, head + udp)


def advertisement(source, address):
    """What a router says of itself (RFC 4861, 4.2)."""
    body = struct.pack("!BBHBBHII", ROUTER_ADVERTISEMENT, 0, 0, 64, 0, 1800, 0, 0)
    return discovery(source, "33:33:00:00:00:01", address, "ff02::1", body)


def claim(source, address, to, destination, claimed, hops=255):
    """A neighbour advertisement that says where an address is (RFC 4861, 4.4), to one machine."""
    about = socket.inet_pton(socket.AF_INET6, claimed)
    body = struct.pack("!BBHI", 136, 0, 0, 0x20000000) + about + b"\x02\x01" + packed(source)
    return discovery(source, destination, address, to, body, hops)


def solicitation(source, address, asked, hops=255):
    """Who has an address? (RFC 4861, 4.3.) From the address `::`: may the sender have it? (RFC 4862, 5.4.2.)"""
    about = socket.inet_pton(socket.AF_INET6, asked)
    option = b"" if address == "::" else b"\x01\x01" + packed(source)
    body = struct.pack("!BBHI", 135, 0, 0, 0) + about + option
    group = f"ff02::1:ff{about[13]:02x}:{about[14]:02x}{about[15]:02x}"
    return discovery(source, f"33:33:ff:{about[13:].hex(':')}", address, group, body, hops)


def discovery(source, destination, address, to, body, hops=255):
    """A message of ICMPv6 in a frame; `body` without its checksum."""
    own, there = (socket.inet_pton(socket.AF_INET6, text) for text in (address, to))
    pseudo = own + there + struct.pack("!IxxxB", len(body), 58)
    body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
    return frame(source, destination, IPV6, struct.pack("!IHBB", 6 << 28, len(body), 58, hops) + own + there + body)


def checksum(data):
    """RFC 1071."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def send(machine, frames, device="eth0", gap=0.0):
    """Put frames on a machine's wire."""
    with lab.process(machine, sys.executable, "-c", SEND, device, str(gap)) as sender:
        sender.communicate(json.dumps([one.hex() for one in frames]) + "\n", timeout=60)
        assert sender.returncode == 0


@contextmanager
def listening(machine, device="eth0"):
    """The frames that reach a machine while the block runs, those for others among them; filled in at the end."""
    found = []
    with lab.process(machine, sys.executable, "-c", LISTEN, device) as listener:
        try:
            assert listener.stdout.readline() == "ready\n"
            yield found
            lab.netns(machine, "sleep", "0.7")
        finally:
            listener.terminate()
            found += [bytes.fromhex(line) for line in listener.communicate()[0].splitlines() if len(line) % 2 == 0]


def sources(found):
    """The link-layer addresses that frames are from."""
    return {one[6:12].hex(":") for one in found}


@contextmanager
def stranger(cloud, address):
    """A machine of nobody's on a cloud's org network, as long as the block runs; its name."""
    name, peer = f"x-{cloud}", "x-org"
    lab.run("ip", "netns", "add", name)
    try:
        lab.run(
            "ip", "link", "add", "eth0", "netns", name, "type", "veth", "peer", "name", peer, "netns", f"cloud-{cloud}"
        )
        lab.run("ip", "-n", f"cloud-{cloud}", "link", "set", peer, "master", "org", "up")
        lab.run("ip", "-n", name, "link", "set", "lo", "up")
        lab.run("ip", "-n", name, "link", "set", "eth0", "up")
        length = 64 if ":" in address else 24
        lab.run("ip", "-n", name, "address", "add", f"{address}/{length}", "dev", "eth0")
        yield name
    finally:
        lab.run("ip", "netns", "delete", name)


@contextmanager
def cable(one, other):
    """A wire between the org networks of two clouds, as long as the block runs."""
    words = ("link", "add", "x-wire", "netns", f"cloud-{one}", "type", "veth", "peer", "name", "x-wire")
    lab.run("ip", *words, "netns", f"cloud-{other}")
    try:
        for cloud in (one, other):
            lab.run("ip", "-n", f"cloud-{cloud}", "link", "set", "x-wire", "master", "org", "up")
        yield
    finally:
        lab.run("ip", "-n", f"cloud-{one}", "link", "delete", "x-wire")


def plug(port, old, new, there):
    """Plug the wire of a machine that ends in a port of one cloud's org network into another cloud's, where that port
    has another name."""
    lab.run("ip", "-n", f"cloud-{old}", "link", "set", port, "netns", f"cloud-{new}", "name", there)
    lab.run("ip", "-n", f"cloud-{new}", "link", "set", there, "master", "org", "up")
