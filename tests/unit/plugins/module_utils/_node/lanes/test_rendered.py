# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edge renders for tunnels to a pair: the kernel takes it, and packets that come by either lane pass."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import bridge, connections, differing, leads
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import routes
from ansible_collections.intercloud.vpn.plugins.module_utils._node.metrics.metrics import Seen, metrics

NAMESPACE = (
    subprocess.run(["unshare", "-n", "-m", "nft", "--version"], capture_output=True, check=False).returncode == 0
)
TESTS = Path(__file__).parents[4]
TEMPLATES = TESTS.parents[1] / "roles/org_edge/templates"
PLAN = json.loads((TESTS / "golden/pair/plan.json").read_text())["documents"]
WEST = PLAN["edge-west"]


def render(name: str, document: dict[str, Any], backend: str) -> str:
    loader = jinja2.FileSystemLoader([TEMPLATES, TEMPLATES / "gateway"])
    environment = jinja2.Environment(
        loader=loader, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined, autoescape=False
    )
    environment.filters["flatten"] = lambda nested: [
        x for one in nested for x in (one if isinstance(one, list) else [one])
    ]
    known = leads.by_tunnel(document["tunnels"], backend)
    return environment.get_template(name).render(document=document, backend=backend, trap=False, leads=known)


@pytest.mark.parametrize("node", ["edge-east", "edge-east-2", "edge-west"])
@pytest.mark.parametrize("backend", ["xfrm", "libipsec"])
def test_charon_is_told_what_the_document_says(node: str, backend: str) -> None:
    found = differing.layout(render("swanctl.conf.j2", PLAN[node], backend))
    assert found is not None
    shown = {}
    for tunnel, section in found.connections.items():
        children = bridge.parsed(section)[tunnel]["children"]
        shown[tunnel] = {
            "children": {
                name: {"local-ts": leads.printed(one["local_ts"]), "remote-ts": leads.printed(one["remote_ts"])}
                for name, one in children.items()
            }
        }
        ids = {int(one.get("if_id_in", 0)) >> 16 for one in children.values()}
        second = node == "edge-west" and tunnel.startswith("edge-east-2") and backend == "xfrm"
        assert ids == ({1} if second else {0})
        started = {name for name, one in children.items() if one["start_action"] != "none"}
        assert not [name for name in started if leads.MARK in name]
    assert connections.parse(shown) == connections.shape(Generation(PLAN[node], {}, backend))


def test_routes_follow_the_lane_in_use() -> None:
    generation = Generation(WEST, {}, "xfrm")
    taken = {
        lane: {one.prefix: one.device for one in routes.wanted(generation, {}, {"edge-east": lane}) if one.device}
        for lane in (0, 1)
    }
    assert taken[0]["100.64.0.0/26"] == "vcc1" and taken[1]["100.64.0.0/26"] == "vcc1b"
    assert taken[1]["100.64.1.0/26"] == "vcc2b"  # every VPN's
    for found in taken.values():  # hellos keep to their lane
        assert (found["100.64.0.2/32"], found["100.64.0.3/32"]) == ("vcc1", "vcc1b")
    devices = {one.device for one in routes.wanted(Generation(WEST, {}, "libipsec"), {}, {"edge-east": 1})}
    assert devices == {"", "ipsec0"}


# argv: the firewall, then commands. stdin: the Python that says hello
FIREWALL = """
import json, subprocess, sys


def sh(text, **more):
    return subprocess.run(text, shell=True, **more).returncode


sh("mount -t tmpfs none /run && mkdir /run/netns && ip link set lo up && ip addr add 100.64.0.65/32 dev lo")
sh("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0")
for name, device in (("zero", "vcc1"), ("one", "vcc1b")):
    sh(f"ip netns add {name} && ip link add {device} type veth peer name wire netns {name} && ip link set {device} up")
    sh(f"ip -n {name} link set lo up && ip -n {name} link set wire up")
    for address in sys.argv[2:]:
        sh(f"ip -n {name} addr add {address}/32 dev lo")
    sh(f"ip -n {name} route add 100.64.0.65/32 dev wire")
sh("ip route add 100.64.0.0/26 dev vcc1 && ip route add 100.64.0.3/32 dev vcc1b && ip route add 100.64.0.2/32 dev vcc1")
sh("ip link set vcc1 address 02:00:00:00:00:01; nft -f -", input=sys.argv[1].encode(), check=True)


def counted(name):
    said = subprocess.run(["nft", "-j", "list", "counter", "inet", "intercloud_vpn", name], capture_output=True)
    return json.loads(said.stdout)["nftables"][1]["counter"]["packets"]


def spoofed(command):
    before = counted("spoofed"), counted("refused")
    sh(f"{command} >/dev/null 2>&1")
    return [counted("spoofed") - before[0], counted("refused") - before[1]]


def ping(name, source):
    return spoofed(f"ip netns exec {name} ping -c 1 -W 0.2 -I {source} 100.64.0.65")


def hello(name, source, port=14790):
    send = f"import socket; s = socket.socket(2, 2); s.bind(('{source}', 0)); s.sendto(b'x', ('100.64.0.65', {port}))"
    return spoofed(f'ip netns exec {name} {sys.executable} -c "{send}"')


print(json.dumps({
    "in use": ping("zero", "100.64.0.17"),
    "other lane": ping("one", "100.64.0.17"),
    "own member's": ping("one", "100.64.0.66"),
    "peer": hello("one", "100.64.0.3"),
    "member": hello("one", "100.64.0.17"),
    "other port": hello("one", "100.64.0.3", 14791),
}))
"""


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
def test_either_edge_of_a_pair_may_send_what_lives_at_its_site() -> None:
    text = render("nftables.nft.j2", WEST, "xfrm")
    done = subprocess.run(
        ["unshare", "-n", "-m", sys.executable, "-c", FIREWALL, text, "100.64.0.17", "100.64.0.66", "100.64.0.3"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    spoofed, refused, passed = [1, 0], [0, 1], [0, 0]
    assert json.loads(done.stdout) == {
        "in use": passed,
        "other lane": passed,
        "own member's": spoofed,
        "peer": passed,
        "member": refused,
        "other port": refused,
    }


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
@pytest.mark.parametrize("node", ["edge-east", "edge-east-2", "edge-west"])
@pytest.mark.parametrize("backend", ["xfrm", "libipsec"])
def test_the_kernel_takes_the_firewall(node: str, backend: str) -> None:
    text = render("nftables.nft.j2", PLAN[node], backend)
    done = subprocess.run(["unshare", "-n", "nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_metrics_tell_which_edge_packets_go_to() -> None:
    noted = {"master": None, "sites": {"edge-east": {"lane": 1, "alive": [1], "since": 7.0}}}
    said = metrics(Seen(generation=Generation(WEST, {}, "libipsec"), lanes=noted)).splitlines()
    assert [line for line in said if line.startswith("intercloud_vpn_lane")] == [
        'intercloud_vpn_lane_alive{site="edge-east",edge="edge-east"} 0',
        'intercloud_vpn_lane_alive{site="edge-east",edge="edge-east-2"} 1',
        'intercloud_vpn_lane_in_use{site="edge-east",edge="edge-east"} 0',
        'intercloud_vpn_lane_in_use{site="edge-east",edge="edge-east-2"} 1',
    ]
    assert not [line for line in said if "gateway_held" in line]
    east = metrics(Seen(generation=Generation(PLAN["edge-east"], {}, "libipsec"), lanes={"master": True})).splitlines()
    assert "intercloud_vpn_gateway_held 1" in east


# argv: the firewall. Prints how many adverts of each sender came to the edge's own address, and how many were spoofed.
ADVERTS = """
import json, socket, subprocess, sys


def sh(text, **more):
    return subprocess.run(text, shell=True, check=True, **more)


sh("mount -t tmpfs none /run && mkdir /run/netns && sysctl -qw net.ipv4.conf.all.rp_filter=0")
for name, address, other in (("org", "10.10.0.2/24", "10.10.0.3/24"), ("pub", "203.0.113.2/28", "203.0.113.3/28")):
    sh(f"ip netns add {name} && ip link add {name} type veth peer name wire netns {name} && ip link set {name} up")
    sh(f"ip addr add {address} dev {name} && ip -n {name} link set wire up && ip -n {name} addr add {other} dev wire")
sh("ip -n org addr add 10.10.0.99/24 dev wire; ip -n pub addr add 10.10.0.3/32 dev wire")
sh("ip -n pub route add 10.10.0.2/32 dev wire; nft -f -", input=sys.argv[1].encode())
sh("ip addr add fd10:10::2/64 dev org nodad; ip -n org addr add fd10:10::3/64 dev wire nodad")
sh("ip -n org addr add fd10:10::99/64 dev wire nodad; sleep 2")  # neighbour discovery is asleep for so long
SEND = "import socket, sys; s = socket.socket(10 if ':' in sys.argv[1] else 2, 3, 112);" \
    "sys.argv[3:] and s.setsockopt(0, 2, int(sys.argv[3]));" \
    "s.bind((sys.argv[1], 0)); s.sendto(b'1234567890ab', (sys.argv[2], 0))"


def advert(name, source, ttl=""):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    arrived = socket.socket(family, socket.SOCK_RAW, 112)
    arrived.settimeout(0.3)
    own = "fd10:10::2" if ":" in source else "10.10.0.2"
    sh(f'ip netns exec {name} {sys.executable} -c "{SEND}" {source} {own} {ttl}')
    try:
        arrived.recv(256)
    except TimeoutError:
        return False
    return True


found = {
    "twin": advert("org", "10.10.0.3", 255),
    "twin by IPv6": advert("org", "fd10:10::3"),
    "other machine": advert("org", "10.10.0.99", 255),
    "other machine by IPv6": advert("org", "fd10:10::99"),
    "through a router": advert("org", "10.10.0.3", 254),
    "twin's address, from the internet": advert("pub", "10.10.0.3", 255),
}
said = subprocess.run(["nft", "-j", "list", "counter", "inet", "intercloud_vpn", "spoofed"], capture_output=True)
print(json.dumps([found, json.loads(said.stdout)["nftables"][1]["counter"]["packets"]]))
"""


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
def test_nobody_but_the_twin_takes_the_gateway_address() -> None:
    """VRRP has no authentication: an advert of anybody would have the edge give the gateway address up."""
    text = render("nftables.nft.j2", PLAN["edge-east"], "libipsec")
    done = subprocess.run(
        ["unshare", "-n", "-m", sys.executable, "-c", ADVERTS, text],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    arrived, spoofed = json.loads(done.stdout)
    assert [who for who, came in arrived.items() if came] == ["twin", "twin by IPv6"]
    assert spoofed == 4
