# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two partners at one edge, for real: one says what it should not. BIRD with our file, in networks of their own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.bgp import sessions
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import NAMESPACE, render
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.test_bgp import (
    BGP,
    NETWORKS,
    ORDERS,
    PARTNER,
)
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, changed, lab

pytestmark = [
    pytest.mark.skipif(not NAMESPACE or not shutil.which("bird"), reason="needs root and BIRD"),
    pytest.mark.thorough("test_bird.py, that BIRD takes the file, and test_templates.py the rules, without a partner"),
]
OURS, BANK_INSIDE = "vcchost-ours", {"ours": "169.254.30.2/30", "theirs": "169.254.30.1"}
ODD = {**NETWORKS[1], "network": "172.21.4.0/24"}
# Both partners have the same AS number, and one of them a prefix by way of somebody else's machine.
THEIRS = """\
log stderr all;
router id {peer};
protocol device {{ scan time 1; }}
protocol static {{ ipv4; {routes} }}
protocol bgp up {{
  local {peer} as 64512;
  neighbor {local} as 65000;
  connect delay time 1;
  ipv4 {{
    import all;
    export filter {{
      if source != RTS_STATIC then reject;
      bgp_community.add((64512, 7));
      if net = 172.21.4.0/24 then bgp_next_hop = 10.10.0.66;
      accept;
    }};
  }};
}}
"""
ASK = """\
import socket, sys
one = socket.socket()
one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
one.bind((sys.argv[1], 179))
one.settimeout(1)
sys.exit(0 if one.connect_ex((sys.argv[2], 22)) == 0 else 1)
"""
LISTEN = "import socket\none = socket.create_server(('0.0.0.0', 22))\nwhile True: one.accept()"


def sh(command: str, *, check: bool = True) -> str:
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def space(one: sessions.Session) -> str:
    return f"vcchost-{one.device[-4:]}"


def edge() -> Generation:
    vms = {f"vm-{name}": {"kinds": ["members"], "clouds": [name]} for name in ("partner", "bank")}
    bank = {**PARTNER, "clouds": ["bank"], "vcc_public_address": ["198.51.100.21"]}
    hosts = {"partner": {**PARTNER, "vcc_bgp": BGP}, "bank": {**bank, "vcc_bgp": {**BGP, "inside": BANK_INSIDE}}}
    star = {"topology": {"kind": "star", "hubs": ["edge-east"]}, "destinations": {"networks": [NETWORKS[0], ODD]}}
    orders = {**ORDERS, **star, "members": ["vm1-east", "vm-partner", "vm-bank"]}
    document = World(changed(lab(1), {**hosts, **vms})).plan(orders).documents["edge-east"]
    for tunnel in document["tunnels"]:
        tunnel["bgp"].update(bfd=False, md5=False)
    return Generation(document, {"secrets.json": json.dumps({})}, "xfrm")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, sessions.Session]]:
    place = tmp_path_factory.mktemp("hostile")
    generation = edge()
    ends = {one.tunnel.replace("edge-east", "").strip("-"): one for one in sessions.sessions(generation)}
    names = [OURS, *map(space, ends.values())]
    processes: list[subprocess.Popen[bytes]] = []

    def bird(name: str, text: str) -> None:
        (place / f"{name}.conf").write_text(text, encoding="utf-8")
        words = ["ip", "netns", "exec", name, "bird", "-f", "-c", f"{place}/{name}.conf", "-s", f"{place}/{name}.ctl"]
        processes.append(subprocess.Popen(words, stderr=subprocess.DEVNULL))

    def leave() -> None:
        for process in processes:
            process.kill()
            process.wait(10)
        for name in names:
            sh(f"ip netns delete {name}", check=False)

    leave()
    try:
        for name in names:
            sh(f"ip netns add {name} && ip -n {name} link set lo up")
        sh(f"ip -n {OURS} link add org type veth peer name out ")
        sh(f"ip -n {OURS} link set out up; ip -n {OURS} link set org up")
        sh(f"ip -n {OURS} address add 10.10.0.1/24 dev org")
        first, *_others = ends.values()
        sh(f"ip -n {OURS} address add {first.source}/32 dev lo")
        for one in ends.values():
            theirs = space(one)
            sh(f"ip -n {OURS} link add {one.device} type veth peer name wire netns {theirs}")
            sh(f"ip -n {OURS} link set {one.device} up && ip -n {theirs} link set wire up")
            sh(f"ip -n {OURS} address add {one.local}/{one.length} dev {one.device}")
            sh(f"ip -n {theirs} address add {one.peer}/{one.length} dev wire")
            routes = " ".join(f"route {prefix} unreachable;" for prefix in one.accept)
            bird(theirs, THEIRS.format(peer=one.peer, local=one.local, routes=routes))
        (place / "table.nft").write_text(render("org_edge", "nftables.nft.j2", generation.document, "xfrm"))
        sh(f"ip netns exec {OURS} nft -f {place}/table.nft")
        bird(OURS, sessions.config(generation))
        processes.append(subprocess.Popen(["ip", "netns", "exec", OURS, sys.executable, "-c", LISTEN]))
        ends["place"] = place  # type: ignore[assignment]
        yield ends
    finally:
        leave()


def routes() -> str:
    return sh(f"ip -n {OURS} route show table {sessions.TABLE}", check=False)


def wait(text: str, where: str, seconds: float = 20) -> str:
    deadline = time.monotonic() + seconds
    while text not in (found := sh(where, check=False)):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def test_what_one_partner_has_is_routed_although_the_other_is_told_of_it(fleet: dict[str, sessions.Session]) -> None:
    partner, bank = fleet["partner"], fleet["bank"]
    assert "172.20.0.0/22" in bank.announce and "172.20.0.0/22" in partner.accept
    table = f"ip -n {OURS} route show table {sessions.TABLE}"
    for one in (partner, bank):
        for prefix in one.accept:
            if prefix != "172.21.4.0/24":
                assert f"via {one.peer} dev {one.device}" in wait(prefix, table)
    heard = wait("172.20.0.0/22", f"birdc -s {fleet['place']}/{space(bank)}.ctl show route all protocol up")
    assert "BGP.as_path: 65000\n" in heard and "64512" not in heard.replace("BGP.as_path: 65000", "")


def test_a_partner_names_no_other_gateway(fleet: dict[str, sessions.Session]) -> None:
    """It would lead members' packets out of the tunnel, in clear, to a machine that is beside the edge."""
    wait("172.21.4.0/24", f"birdc -s {fleet['place']}/{OURS}.ctl show route filtered")
    assert "172.20.0.0/22" in routes() and "172.21.4.0" not in routes()


def test_no_service_is_open_to_a_partner_who_asks_from_bgps_port(fleet: dict[str, sessions.Session]) -> None:
    one = fleet["bank"]
    sh(f"birdc -s {fleet['place']}/{space(one)}.ctl down")  # the port is its
    words = ["ip", "netns", "exec", space(one), sys.executable, "-c", ASK, one.peer, one.local]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 1
    sh(f"ip netns exec {OURS} nft delete table inet intercloud_vpn")
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0  # so it was the firewall
