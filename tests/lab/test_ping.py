# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests count as lost is lost: an answer that is late on a busy machine is not."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab

NAMESPACE = "pinged"
# A machine on a TUN device (linux/if_tun.h) that answers one ping so many seconds late, or never.
ANSWERS = """
import fcntl, os, struct, subprocess, sys, threading
device = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(device, 0x400454CA, struct.pack("16sH", b"pinged", 0x1001))  # TUNSETIFF: IFF_TUN, IFF_NO_PI
for words in ("address add 192.0.2.1/24 dev pinged", "link set pinged up"):
    subprocess.run(["ip", *words.split()], check=True)
print("ready", flush=True)
seen, number, late = 0, int(sys.argv[1]), float(sys.argv[2])
while True:
    packet = bytearray(os.read(device, 2000))
    if packet[0] >> 4 != 4 or packet[9] != 1 or packet[20] != 8:
        continue
    seen += 1
    packet[12:16], packet[16:20], packet[20] = packet[16:20], packet[12:16], 0
    total = int.from_bytes(packet[22:24], "big") + 0x800
    packet[22:24] = ((total & 0xFFFF) + (total >> 16)).to_bytes(2, "big")
    if seen != number:
        os.write(device, bytes(packet))
    elif late:
        threading.Timer(late, os.write, (device, bytes(packet))).start()
"""


@contextmanager
def answering(number, late):
    lab.run("ip", "netns", "add", NAMESPACE)
    words = ["ip", "netns", "exec", NAMESPACE, sys.executable, "-c", ANSWERS, str(number), str(late)]
    try:
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout.readline() == "ready\n"
                yield
            finally:
                process.kill()
    finally:
        lab.run("ip", "netns", "del", NAMESPACE)


@pytest.mark.parametrize(("number", "late", "lost"), [(10, 0.4, 0), (4, 0.4, 0), (10, 0, 1), (4, 0, 1)])
def test_only_an_answer_that_never_comes_is_lost(number, late, lost):
    with answering(number, late):
        assert lab.ping(NAMESPACE, "192.0.2.2", count=10).lost == lost
