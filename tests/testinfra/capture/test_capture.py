# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing of a VPN is in clear on the internet: while it is made, used, broken and removed. A leak would be seen."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import capture, lab, playbooks
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import PAYROLL

EDGES_PUBLIC = ("203.0.113.2", "203.0.113.18")
# Where a daemon is stopped, its kernel says so: port unreachable, with the head of what was sent there.
ENCRYPTED = "host {} and host {} and (udp port 500 or udp port 4500 or icmp[0:2] == 0x0303)".format(*EDGES_PUBLIC)
INNER = " or ".join(f"net {net}" for net in ("100.64.0.0/10", "10.10.0.0/24", "192.168.1.0/24", "fd10::/16"))
# In the payload of every packet that the tests send through the VPN.
SECRET = b"never in clear!!"
LEAK = """
import socket, struct, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("pub", 0))
inner = [socket.inet_aton(address) for address in sys.argv[1:3]]
packet = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 44, 1, 0, 64, 253, 0, *inner) + b"%s" + bytes(8)
wire.send(b"\\xff" * 6 + b"\\x02" + bytes(5) + b"\\x08\\x00" + packet)
"""


@pytest.fixture(scope="module")
def addresses():
    """Of the members; filled in by the story."""
    return {}


@pytest.fixture(scope="module")
def seen(addresses, tmp_path_factory):
    """The whole life of a VPN, as the internet saw it."""
    with capture.capturing(tmp_path_factory.mktemp("life") / "life.pcap") as life:
        playbooks.create(PAYROLL)
        addresses.update(playbooks.addresses())
        assert ping_with_secret(addresses, 20).received == 20
        assert lab.transfer("vm3-west", "vm1-east", addresses["vm1-east"], octets=1_000_000)
        for edge in ("edge-east", "edge-west"):
            lab.sh(edge, "systemctl stop strongswan")
            assert ping_with_secret(addresses, 20).received == 0
            lab.sh(edge, "systemctl start strongswan")
            lab.wait_for("answers again", lambda: ping_with_secret(addresses, 1).received, 60)
        # From the member's own address: what it sends once it has none is no longer of the VPN.
        with lab.pinging("vm3-west", addresses["vm1-east"], interval=0.05, own=addresses["vm3-west"]):
            playbooks.delete("payroll", verify=False)
    return life


def ping_with_secret(addresses, count):
    words = ["ping", "-n", "-q", f"-c{count}", "-i0.05", "-W1", "-p", SECRET.hex(), addresses["vm1-west"]]
    return lab.Pings().read(lab.netns("vm1-east", *words, check=False))


def test_the_edges_exchange_ike_and_esp_and_nothing_else(seen):
    assert len(seen.packets(f"{ENCRYPTED} and port 4500")) > 1000
    assert seen.packets(f"not ({ENCRYPTED}) and not host 127.0.0.1 and not ({capture.HOUSEKEEPING})") == []


def test_no_inner_address_and_no_payload_is_in_clear(seen):
    assert seen.packets(INNER) == []
    assert not seen.contains(SECRET)


def test_a_leak_would_have_been_seen(seen, addresses, tmp_path):
    """The same looks at the same place find one packet that gets out past routes and firewall."""
    with capture.capturing(tmp_path / "leak.pcap") as leak:
        words = (LEAK % SECRET.decode(), addresses["vm1-east"], addresses["vm1-west"])
        lab.netns("edge-east", sys.executable, "-c", *words)
    assert len(leak.packets(INNER)) == 1
    assert leak.contains(SECRET)
    assert leak.packets(f"not ({ENCRYPTED}) and not host 127.0.0.1 and not ({capture.HOUSEKEEPING})") != []
