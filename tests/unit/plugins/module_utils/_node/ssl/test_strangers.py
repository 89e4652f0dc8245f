# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What strangers can do to the OpenVPN server over TCP: the firewall of the template, in two network namespaces.

The server is one of Python's that closes what the other end closes. Clients connect from addresses of their own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import nftables
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import NAMESPACE, render

FLOOD = Path(__file__).parents[5] / "testinfra/flood.py"
SERVER = {4: "203.0.113.2", 6: "2001:db8:1::2"}
PEER = {4: "203.0.113.18", 6: "2001:db8:1::18"}
STRANGER = {4: "192.0.2.{}", 6: "2001:db8:2:{}::1"}  # an address (IPv6: a network) for each number
OTHERS = range(1, 20)

# argv: the server, flood.py, the clients' addresses. stdin: the firewall, then a line of JSON per step.
SCRIPT = r"""
import json, socket, subprocess, sys, time
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import run

server, flood, *clients = sys.argv[1:]
family, length, more = (socket.AF_INET6, 64, ["nodad"]) if ":" in server else (socket.AF_INET, 24, [])
other = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep 60"], stdout=subprocess.PIPE)
other.stdout.readline()
there = ["nsenter", "-t", str(other.pid), "-n"]
try:
    run("ip", "link", "add", "s", "type", "veth", "peer", "name", "c", "netns", str(other.pid))
    run("ip", "link", "set", "s", "up")
    run(*there, "ip", "link", "set", "c", "up")
    for address in clients:
        run(*there, "ip", "addr", "add", f"{address}/{length}", "dev", "c", *more)
    run("ip", "addr", "add", f"{server}/{length}", "dev", "s", *more)
    mac = json.loads(run(*there, "ip", "-j", "link", "show", "c"))[0]["address"]
    run("ip", "neigh", "replace", clients[0], "lladdr", mac, "dev", "s", "nud", "permanent")
    run("ip", "route", "add", "default", "via", clients[0])
    mac = json.loads(run("ip", "-j", "link", "show", "s"))[0]["address"]
    run(*there, "ip", "neigh", "replace", server, "lladdr", mac, "dev", "c", "nud", "permanent")
    run(*there, "ip", "route", "replace", server, "dev", "c")
    run("nft", "-f", "-", stdin=json.loads(sys.stdin.readline()))
    listening = socket.create_server((server, 443), family=family, backlog=4096)
    listening.setblocking(False)
    held, hands = [], []

    def accepted():
        time.sleep(0.2)
        before = len(held)
        try:
            while True:
                held.append(listening.accept()[0])
        except BlockingIOError:
            return len(held) - before

    for line in sys.stdin:
        what, *words = json.loads(line)
        if what == "connect":
            code = (
                "import socket, sys; a, s, n = sys.argv[1:]\n"
                "held = [socket.create_connection((s, 443), 2, (a, 0)) for _ in range(int(n))]\n"
                "print(len(held), flush=True); sys.stdin.readline()"
            )
            words = [*there, sys.executable, "-c", code, words[0], server, str(words[1])]
            hand = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            hand.stdout.readline()
            hands.append(hand)
            print(json.dumps(accepted()), flush=True)
        elif what == "reuse":  # one port, by a client that breaks off each time
            code = (
                "import socket, struct, sys; a, s, n = sys.argv[1:]\n"
                "for _ in range(int(n)):\n"
                "    one = socket.socket(socket.AF_INET6 if ':' in s else socket.AF_INET); one.settimeout(0.2)\n"
                "    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); one.bind((a, 40000))\n"
                "    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n"
                "    try: one.connect((s, 443)); one.send(b'x')\n"
                "    except OSError: pass\n"
                "    one.close()\n"
            )
            run(*there, sys.executable, "-c", code, words[0], server, str(words[1]))
            print(json.dumps(accepted()), flush=True)
        elif what == "flood":
            run(*there, sys.executable, flood, "syn", server, "443", *map(str, words))
            print(json.dumps(accepted()), flush=True)
        elif what == "end":  # of both sides; which one is the first, is told
            for which in words[0], {"client": "server", "server": "client"}[words[0]]:
                if which == "server":
                    [one.close() for one in held]
                else:
                    [hand.communicate("") for hand in hands]
                time.sleep(0.1)
            held, hands = [], []
            time.sleep(words[1])
            print("null", flush=True)
        elif what == "table":
            print(run("nft", "-j", "-s", "list", "table", "inet", "t").strip(), flush=True)
finally:
    other.kill()
"""


def firewall(document: dict[str, Any], family: int) -> str:
    (tunnel,) = document["tunnels"]
    tunnel.update(local_address=SERVER[family], remote_address=PEER[family], initiator=False)
    tunnel["ssl"] = {"ports": {"udp": 1194, "tcp": 443}, "silence": 60}
    return f"table inet t {{\n{render('org_edge', 'ssl_servers.nft.j2', document, 'none')}\n}}\n"


def run_steps(text: str, family: int, *steps: tuple[Any, ...]) -> list[Any]:
    """What came of each step: of `connect` and `flood`, how many connections the server got."""
    clients = [PEER[family], *(STRANGER[family].format(number) for number in OTHERS)]
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", SCRIPT, SERVER[family], str(FLOOD), *clients],
        input="\n".join(json.dumps(line) for line in (text, *steps)),
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


pytestmark = pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")


@pytest.mark.parametrize("family", [4, 6])
def test_syns_of_false_addresses_take_no_place(document: dict[str, Any], family: int) -> None:
    stranger, flood = STRANGER[family].format(1), ("flood", 600, 1)
    found = run_steps(firewall(document, family), family, flood, ("connect", stranger, 1), ("connect", PEER[family], 1))
    assert found == [0, 1, 1]


@pytest.mark.parametrize(("family", "first"), [(4, "server"), (6, "client")])
def test_connections_are_held_to_a_number(document: dict[str, Any], family: int, first: str) -> None:
    """From one address, and in all, until they end, whoever is the first to close. Those of peers are not counted."""
    text, others = firewall(document, family), [STRANGER[family].format(one) for one in OTHERS]
    *full, late, later = others  # what was dropped is sent again, and counts, so that the last one has not tried before
    steps = (*(("connect", one, 20) for one in full), ("connect", late, 1), ("connect", PEER[family], 40), ("table",))
    *held, none, peers, table, _ended, again = run_steps(
        text, family, *steps, ("end", first, 3), ("connect", later, 20)
    )
    assert all(16 <= number <= 20 for number in held[:4]), "16, and what a few seconds bring"
    assert (sum(held), none, peers) == (256, 0, 40)
    assert nftables.canonical(json.dumps(table)) == nftables.canonical(_scratch(text)), "what it counts is not a drift"
    assert again >= 16


@pytest.mark.parametrize("family", [4, 6])
def test_a_connection_from_the_same_port_is_a_new_one(document: dict[str, Any], family: int) -> None:
    stranger, other = STRANGER[family].format(1), STRANGER[family].format(2)
    steps = ("reuse", stranger, 60), ("connect", other, 20), ("connect", PEER[family], 40)
    reused, *others = run_steps(firewall(document, family), family, *steps)
    assert 16 <= reused <= 24, "16, and what some seconds bring"
    assert others == [16, 40]


def _scratch(text: str) -> str:
    script = "nft -f - && nft -j -s list table inet t"
    done = subprocess.run(["unshare", "-n", "sh", "-c", script], input=text, capture_output=True, text=True, check=True)
    return done.stdout
