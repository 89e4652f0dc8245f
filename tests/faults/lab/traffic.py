# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What members send all the time, and what the internet sees of it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager

from ansible_collections.intercloud.vpn.tests.testinfra import capture, lab, playbooks

SENDERS = ("vm1-east", "vm2-east", "vm1-west", "vm2-west", "vm3-west")
NETS = ("100.64.0.0/10", "10.99.0.0/16", "10.10.0.0/24", "192.168.1.0/24", "fd10::/16")
INNER = " or ".join(f"net {net}" for net in NETS)
ESP = "udp port 4500 and udp[8:4] != 0"
SECRET = b"never in clear!!"
# From each address of a VPN that the machine has, to each other one: what it sends once it has none is of no VPN.
SEND = """
import socket, sys, time
vpns = [line.split() for line in sys.argv[1:]]
while True:
    for addresses in vpns:
        for own in addresses:
            try:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                    sender.bind((own, 0))
                    for other in addresses:
                        if other != own:
                            sender.sendto(b"%s", (other, 9))
            except OSError:
                pass
    time.sleep(0.05)
"""


class Book:
    """Every address that members of a VPN were seen to have."""

    def __init__(self):
        self.vpns = {}

    def read(self, names):
        for name in names:
            self.vpns.setdefault(name, set()).update(playbooks.addresses(name).values())

    def words(self):
        return [" ".join(sorted(addresses)) for addresses in self.vpns.values()]


@contextmanager
def watched(book, file):
    """Members send, and the internet is recorded; gives the Capture, which is finished at the end of the block."""
    script = SEND % SECRET.decode()
    senders = []
    with capture.capturing(file) as found:
        try:
            for name in SENDERS:
                words = ["ip", "netns", "exec", name, sys.executable, "-c", script, *book.words()]
                senders.append(subprocess.Popen(words, stdin=subprocess.DEVNULL))
            yield found
        finally:
            for sender in senders:
                sender.kill()
                sender.wait(10)


def unencrypted(found):
    """Packets of members, or about them, that were seen as they are."""
    clear = found.packets(INNER)
    return [*clear, *(["their content"] if not clear and found.contains(SECRET) else [])]


def answer(vpns):
    """Whether each member of each VPN answers each other one."""
    pairs = []
    for vpn in vpns:
        addresses = playbooks.addresses(vpn["name"])
        pairs += [(one, to, own) for one, own in addresses.items() for to in addresses.values() if to != own]
    return all(lab.at_once(lambda pair: lab.answers(pair[0], pair[1], count=1, own=pair[2]), pairs))
