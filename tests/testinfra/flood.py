# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What strangers do to an OpenVPN server: spoofed first packets and SYNs, and TCP connections that say nothing.

Runs as a program, in the network of the lab's internet: `flood.py spoof|syn|hold ADDRESS PORT NUMBER SECONDS`. NUMBER
is kbit/s, SYNs per second, or connections. It prints how much it sent, or how many connections the server ended.
"""

from __future__ import annotations

import os
import random
import resource
import select
import socket
import struct
import sys
import time
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def spoof(address, port, kbit, seconds):
    """Hard resets of OpenVPN clients (P_CONTROL_HARD_RESET_CLIENT_V2) from addresses that are nobody's."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    end = due = time.monotonic()
    end += seconds
    sent = 0
    while time.monotonic() < end:
        data = bytes([7 << 3]) + os.urandom(8) + bytes(5)
        udp = struct.pack("!HHHH", random.randrange(1024, 65536), port, 8 + len(data), 0) + data
        source = bytes([198, random.choice((18, 19)), random.randrange(256), random.randrange(1, 255)])
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0)
        packet = head + source + socket.inet_aton(address) + udp
        raw.sendto(packet, (address, 0))
        sent += 1
        due += len(packet) * 8 / (kbit * 1000)
        time.sleep(max(0.0, due - time.monotonic()))
    return sent


def syn(address, port, rate, seconds):
    """SYNs from addresses that are nobody's, of either family."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    to, start = socket.inet_pton(family, address), time.monotonic()
    for sent in range(rate * seconds):
        ports = struct.pack("!HH", random.randrange(1024, 65536), port)
        tcp = ports + os.urandom(4) + struct.pack("!IBBHHH", 0, 5 << 4, 2, 64240, 0, 0)
        if family == socket.AF_INET6:
            source = socket.inet_pton(family, "2001:2::")[:6] + os.urandom(10)
            head = struct.pack("!IHBB", 6 << 28, len(tcp), socket.IPPROTO_TCP, 64) + source + to
        else:
            source = bytes([198, random.choice((18, 19)), random.randrange(256), random.randrange(1, 255)])
            head = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, socket.IPPROTO_TCP, 0) + source + to
        check = _checksum(source + to + struct.pack("!II", socket.IPPROTO_TCP, len(tcp)) + tcp)
        raw.sendto(head + tcp[:16] + struct.pack("!H", check) + tcp[18:], (address, 0))
        time.sleep(max(0.0, start + sent / rate - time.monotonic()))
    return rate * seconds


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def hold(address, port, number, seconds):
    """So many TCP connections, made again when the server ends them."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * number + 100, 2 * number + 100))
    end, ended, held, poll = time.monotonic() + seconds, 0, {}, select.poll()
    while time.monotonic() < end:
        while len(held) < number:
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((address, port))
            held[one.fileno()] = one
            poll.register(one, select.POLLIN | select.POLLHUP | select.POLLERR)
        for handle, _event in poll.poll(20):
            poll.unregister(handle)
            held.pop(handle).close()
            ended += 1
    return ended


@contextmanager
def going_on(kind, address, port, number, seconds):
    """The flood runs while the block does, or until the seconds are over."""
    from ansible_collections.intercloud.vpn.tests.testinfra import lab

    words = [sys.executable, str(_ROOT / "tests/testinfra/flood.py"), kind, address, *map(str, (port, number, seconds))]
    with lab.process(lab.INTERNET, *words) as process:
        try:
            time.sleep(3)  # what a server allows itself in ten seconds is used up by then
            assert process.poll() is None
            yield
            assert process.poll() is None, "the flood was over before the block"
        finally:
            process.terminate()


if __name__ == "__main__":
    what, where, *numbers = sys.argv[1:]
    print({"spoof": spoof, "syn": syn, "hold": hold}[what](where, *map(int, numbers)))
