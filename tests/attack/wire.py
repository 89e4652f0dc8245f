# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that no honest machine sends: made here, and put on a machine's wire as they are."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import struct
import subprocess
import sys

from ansible_collections.intercloud.vpn.tests.testinfra import lab

ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
ICMP, TCP, UDP, ICMPV6, ESP, FRAGMENT = 1, 6, 17, 58, 50, 44
BROADCAST = "ff:ff:ff:ff:ff:ff"

# Its input: frames, each a line of hexadecimal digits. Arguments: device, seconds between two, rounds (0: for ever).
SENDER = """
import socket, sys, time
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((sys.argv[1], 0))
pause, rounds = float(sys.argv[2]), int(sys.argv[3])
frames = [bytes.fromhex(line) for line in sys.stdin if line.strip()]
sent = 0
while rounds == 0 or sent < rounds * len(frames):
    wire.send(frames[sent % len(frames)])
    sent += 1
    if pause:
        time.sleep(pause)
print(sent)
"""


def send(name, device, frames, pause=0.002, rounds=1):
    """Send frames from a machine's device; how many were sent."""
    words = ["ip", "netns", "exec", name, sys.executable, "-c", SENDER, device, str(pause), str(rounds)]
    text = "".join(f"{frame.hex()}\n" for frame in frames)
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=True, timeout=120)
    return int(done.stdout)


@contextlib.contextmanager
def repeating(name, device, frames, pause=0.05):
    """Send frames again and again while the block runs."""
    words = ["ip", "netns", "exec", name, sys.executable, "-c", SENDER, device, str(pause), "0"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, text=True) as sender:
        sender.stdin.write("".join(f"{frame.hex()}\n" for frame in frames))
        sender.stdin.close()
        try:
            yield
        finally:
            sender.kill()


def mac(name, device):
    """The link-layer address of a machine's device."""
    return json.loads(lab.netns(name, "ip", "-j", "link", "show", "dev", device))[0]["address"]


def ether(destination, source, payload):
    """A frame around an ARP, IPv4 or IPv6 packet."""
    kind = {0x0: ARP, 0x4: IPV4, 0x6: IPV6}[payload[0] >> 4]
    return _mac(destination) + _mac(source) + struct.pack("!H", kind) + payload


def ip(source, destination, protocol, payload, identification=0, fragment=0, hops=64):
    """An IPv4 or IPv6 packet. `fragment`: IPv4's flags and offset as one number."""
    src, dst = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if src.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops) + src.packed + dst.packed + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), identification, fragment, hops, protocol, 0)
    head += src.packed + dst.packed
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(source, destination, port, data, source_port=40000):
    """A UDP datagram in its packet."""
    head = struct.pack("!HHHH", source_port, port, 8 + len(data), 0)
    return ip(source, destination, UDP, head[:6] + _sum(source, destination, UDP, head + data) + data)


def fragments(source, destination, port, data, size=512, identification=77):
    """The same in fragments."""
    whole = udp(source, destination, port, data)
    six = ":" in source
    payload = whole[40 if six else 20 :]
    pieces = [payload[start : start + size] for start in range(0, len(payload), size)]
    found = []
    for number, piece in enumerate(pieces):
        more, offset = number < len(pieces) - 1, number * size
        if six:
            head = struct.pack("!BBHI", UDP, 0, offset | more, identification)
            found.append(ip(source, destination, FRAGMENT, head + piece))
        else:
            found.append(ip(source, destination, UDP, piece, identification, (0x2000 if more else 0) | offset // 8))
    return found


def too_big(source, destination, mtu, quoted):
    """A router's ICMP error that a packet does not fit: `quoted` is the packet."""
    if ":" in source:
        return icmp6(source, destination, 2, struct.pack("!I", mtu) + quoted[:1000])
    return icmp4(source, destination, 3, 4, struct.pack("!HH", 0, mtu) + quoted[:508])


def icmp4(source, destination, kind, code, rest):
    """An ICMP message."""
    head = struct.pack("!BBH", kind, code, 0)
    return ip(source, destination, ICMP, head[:2] + struct.pack("!H", checksum(head + rest)) + rest)


def icmp6(source, destination, kind, rest, hops=64):
    """An ICMPv6 message."""
    head = struct.pack("!BBH", kind, 0, 0)
    message = head[:2] + _sum(source, destination, ICMPV6, head + rest) + rest
    return ip(source, destination, ICMPV6, message, hops=hops)


def is_at(address, where, to_address, to_mac=BROADCAST):
    """A lie: that an address is at a link-layer address (an ARP reply, or an unasked neighbour advertisement)."""
    own = ipaddress.ip_address(address).packed
    if ":" in address:
        rest = struct.pack("!I", 0x60000000) + own + bytes((2, 1)) + _mac(where)  # solicited, override
        return ether(to_mac, where, icmp6(address, to_address, 136, rest, hops=255))
    body = struct.pack("!HHBBH", 1, IPV4, 6, 4, 2)
    body += _mac(where) + own + _mac(to_mac if to_mac != BROADCAST else where) + ipaddress.ip_address(to_address).packed
    return _mac(to_mac) + _mac(where) + struct.pack("!H", ARP) + body


def router_advertisement(source_mac, prefix):
    """A rogue router: the default route, and a prefix that is said to be on the link, for address and route alike."""
    octets = [int(octet, 16) for octet in source_mac.split(":")]
    local = bytes((octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]))
    source = str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + local))
    network = ipaddress.ip_network(prefix)
    rest = struct.pack("!BBHII", 64, 0x08, 1800, 0, 0)  # a high preference
    rest += bytes((1, 1)) + _mac(source_mac)
    rest += struct.pack("!BBBBIII", 3, 4, network.prefixlen, 0xC0, 86400, 14400, 0) + network.network_address.packed
    rest += struct.pack("!BBBBI", 24, 3, network.prefixlen, 0x08, 1800) + network.network_address.packed
    return ether("33:33:00:00:00:01", source_mac, icmp6(source, "ff02::1", 134, rest, hops=255))


def checksum(data):
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _sum(source, destination, protocol, payload):
    src, dst = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if src.version == 6:
        pseudo = src.packed + dst.packed + struct.pack("!II", len(payload), protocol)
    else:
        pseudo = src.packed + dst.packed + struct.pack("!HH", protocol, len(payload))
    return struct.pack("!H", checksum(pseudo + payload) or 0xFFFF)


def _mac(text):
    return bytes.fromhex(text.replace(":", ""))
