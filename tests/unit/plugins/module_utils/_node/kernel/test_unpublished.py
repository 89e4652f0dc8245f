# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port that is published no longer is closed, for connections that are open, too: an edge, a client of the internet
and a member on the org network, in network namespaces."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import NAMESPACE, render

MEMBER = "192.168.1.12"
SHOP: dict[str, Any] = {"at": "203.0.113.2", "members": []}

NETWORKS = """
import ctypes, json, os, socket, subprocess, sys

def run(*commands):
    for words in commands:
        subprocess.run(words.split(), check=True)

def enter(name):
    there = os.open(f"/run/netns/{name}", os.O_RDONLY) if name else home
    assert ctypes.CDLL(None).setns(there, 0x40000000) == 0

def load(text):
    subprocess.run(["nft", "-f", "-"], input=HEAD + text, text=True, check=True)

HEAD = "table inet intercloud_vpn\\ndelete table inet intercloud_vpn\\n"
home = os.open("/proc/self/ns/net", os.O_RDONLY)
run("mount -t tmpfs none /run", "ip netns add client", "ip netns add member", "sysctl -qw net.ipv4.ip_forward=1",
    "ip link add pub type veth peer name eth0 netns client", "ip link add org type veth peer name eth0 netns member",
    "ip addr add 203.0.113.2/24 dev pub", "ip addr add 192.168.1.1/24 dev org",
    "ip link set pub up", "ip link set org up", "ip route add 198.51.100.0/24 via 203.0.113.1", "ip link set lo up")
for name, address, more, gateway in (("client", "203.0.113.1/24", "198.51.100.7/32", "203.0.113.2"),
                                     ("member", "192.168.1.12/24", "127.0.0.2/32", "192.168.1.1")):
    for rest in ("link set lo up", f"addr add {address} dev eth0", f"addr add {more} dev lo", "link set eth0 up",
                 f"route add default via {gateway}"):
        run(f"ip -n {name} {rest}")
"""
SCRIPT = """
before, after = json.load(sys.stdin)
load(before)

def sockets(kind):
    enter("member")
    server = socket.socket(socket.AF_INET, kind)
    server.bind(("0.0.0.0", 5353))
    enter("client")
    client = socket.socket(socket.AF_INET, kind)
    client.bind(("198.51.100.7", 0))
    enter(None)
    for one in (server, client):
        one.settimeout(0.6)
    return server, client

def passes(sender, receiver):
    try:
        sender.send(b"x")
        return receiver.recv(1) == b"x"
    except OSError:
        return False

server, client = sockets(socket.SOCK_DGRAM)
client.connect(("203.0.113.2", 53))
client.send(b"x")
server.connect(server.recvfrom(1)[1])
listener, caller = sockets(socket.SOCK_STREAM)
listener.listen()
caller.connect(("203.0.113.2", 53))
answerer = listener.accept()[0]
answerer.settimeout(1)
pairs = (client, server), (server, client), (caller, answerer), (answerer, caller)
found = [[passes(*pair) for pair in pairs]]
load(after)
print(json.dumps([*found, [passes(*pair) for pair in pairs]]))
"""


def firewall(document: dict[str, Any], outside: dict[str, Any]) -> str:
    one = copy.deepcopy(document)
    if outside:
        one["vpns"][0]["outside"] = outside
    text = render("org_edge", "nftables.nft.j2", {**one, "role": "org_edge"}, "xfrm")
    return f'{text}\nadd element inet intercloud_vpn outside4 {{ "pub" }}\n' if outside else text


def published(port: int = 5353, source: str = "198.51.100.0/24") -> dict[str, Any]:
    """The port, of UDP and of TCP."""
    common = {"address": "203.0.113.2", "to": MEMBER, "from": [source]}
    return {"published": [{**common, "port": f"{kind}/53", "to_port": f"{kind}/{port}"} for kind in ("udp", "tcp")]}


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
@pytest.mark.parametrize(
    ("members", "after"),
    [
        ([], {"published": []}),
        ([MEMBER], {"published": []}),
        ([MEMBER], published(port=99)),
        ([MEMBER], published(source="192.0.2.7")),
        ([MEMBER], {}),
    ],
    ids=["stays inside", "goes outside", "to another port", "from others", "no outside"],
)
def test_an_open_connection_ends_with_what_it_was_published_by(
    document: dict[str, Any], members: list[str], after: dict[str, Any]
) -> None:
    later = {**SHOP, "members": members, **after} if after else {}
    texts = [firewall(document, {**SHOP, "members": members, **published()}), firewall(document, later)]
    done = subprocess.run(
        ["unshare", "-n", "-m", sys.executable, "-c", NETWORKS + SCRIPT],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == [[True] * 4, [False] * 4]
