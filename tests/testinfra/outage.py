# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long members get no answer while something happens, and whether their TCP connection lives through it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager

from ansible_collections.intercloud.vpn.tests.testinfra import lab

PAUSE = 0.01  # seconds between pings
ANSWER = re.compile(r"^\[([\d.]+)\] \d+ bytes from .* icmp_seq=(\d+) ", re.MULTILINE)

ECHO = """
import socket, sys
server = socket.create_server((sys.argv[1], 5202))
print("ready", flush=True)
client = server.accept()[0]
while data := client.recv(4096):
    client.sendall(data)
"""
TALK = """
import socket, sys, time
client = socket.create_connection((sys.argv[1], 5202), timeout=20)
file = client.makefile("rwb", buffering=0)
print("ready", flush=True)
end = time.monotonic() + float(sys.argv[2])
turn = 0
while time.monotonic() < end:
    turn += 1
    file.write(b"%d\\n" % turn)
    assert file.readline() == b"%d\\n" % turn
    time.sleep(0.02)
print(turn)
"""


class Watched:
    """When answers came, in seconds of the clock, and how many pings had none."""

    def __init__(self):
        self.answers, self.numbers = [], []

    @property
    def outage(self):
        """The longest time between two answers, less the time between two pings."""
        return max((two - one for one, two in zip(self.answers, self.answers[1:])), default=0.0) - PAUSE

    @property
    def lost(self):
        """Pings without an answer, before the last one that has one."""
        return max(self.numbers, default=0) - len({*self.numbers})

    def read(self, text):
        found = ANSWER.findall(text)
        self.answers = sorted(float(when) for when, _number in found)
        self.numbers = [int(number) for _when, number in found]

    def __str__(self):
        return (
            f"{1000 * max(self.outage, 0):.0f} ms without an answer, {self.lost} lost (load {os.getloadavg()[0]:.0f})"
        )


@contextmanager
def watching(source, address):
    """Ping 100 times a second while the block runs."""
    watched = Watched()
    words = ["ip", "netns", "exec", source, "ping", "-D", "-n", f"-i{PAUSE}", address]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            time.sleep(0.5)
            yield watched
            time.sleep(0.5)
        finally:
            process.terminate()
            watched.read(process.communicate(timeout=30)[0])
    assert watched.answers


@contextmanager
def talking(client, server, address, seconds):
    """A TCP connection that says something fifty times a second; it must not end before its time."""
    listener = lab.process(server, sys.executable, "-c", ECHO, address)
    try:
        assert listener.stdout.readline() == "ready\n"
        talker = lab.process(client, sys.executable, "-c", TALK, address, str(seconds))
        assert talker.stdout.readline() == "ready\n"
        yield
        said, _none = talker.communicate(timeout=seconds + 30)
        assert talker.returncode == 0, "the TCP connection ended"
        assert int(said) > 10
    finally:
        listener.kill()
