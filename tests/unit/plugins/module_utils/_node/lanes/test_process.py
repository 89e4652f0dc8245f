# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that says hello, between network namespaces: an edge, and a pair of edges at the other end.

Devices are wires, not tunnels: what leads over which of them, and whom the edge believes, is the same.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

NAMESPACE = subprocess.run(["unshare", "-n", "-m", "ip", "-V"], capture_output=True, check=False).returncode == 0
pytestmark = pytest.mark.skipif(not NAMESPACE, reason="needs root and ip")

OWN, ZERO, ONE, STRANGER = "100.64.0.65", "100.64.0.2", "100.64.0.3", "100.64.0.9"
LINK = {"vpn": "payroll", "number": 7, "local_ts": ["100.64.0.64/26"], "remote_ts": ["100.64.0.0/26"]}


def tunnel(peer: str, address: str, **more: Any) -> dict[str, Any]:
    hello = {"vpn": "payroll", "from": OWN, "to": address}
    return {"name": f"{peer}--edge-west", "peer": peer, "site": "edge-east", "hello": hello, "links": [LINK], **more}


DOCUMENT: dict[str, Any] = {
    "node": "edge-west",
    "organization": "acme",
    "role": "org_edge",
    "generation": 4,
    "vpns": [{"name": "payroll", "number": 7, "family": 4, "blocks": ["100.64.0.0/24"], "mtu": 1400}],
    "addresses": [{"address": f"{OWN}/32", "device": "lo"}],
    "tunnels": [tunnel("edge-east", ZERO), tunnel("edge-east-2", ONE, lane=1)],
    "routes": [
        {"prefix": "100.64.0.0/26", "tunnel": "payroll", "source": OWN, "site": "edge-east"},
        {"prefix": f"{ZERO}/32", "tunnel": "payroll", "source": OWN, "lane": 0},
        {"prefix": f"{ONE}/32", "tunnel": "payroll", "source": OWN, "lane": 1},
    ],
}

# An edge at the other end. stdin: "1" or "0" for whether it is master from now on; argv: own address, the peer's, and
# the one that it sends by, where that is another.
PEER = """
import select, sys, time
from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes.hello import Line, Said, encode
line, said = Line(sys.argv[1], sys.argv[2], "wire"), sys.argv[3]
while True:
    if select.select([sys.stdin], [], [], 0.1)[0]:
        said = sys.stdin.readline().strip()
        if not said:
            break
    line.receive()
    line.send(encode(Said(said == "1")), False)
"""

SCRIPT = """
import json, os, subprocess, sys, time
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import ip, routes
from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes import noted, process
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.journal import Journal
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

root, peer, document = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
OWN, ZERO, ONE, STRANGER = sys.argv[4:8]


def sh(text):
    subprocess.run(text, shell=True, check=True)


sh("mount -t sysfs none /sys && mount -t tmpfs none /run && mkdir /run/netns")
sh(f"ip link set lo up && ip addr add {OWN}/32 dev lo")
peers = {}


def start(name, address, said):
    peers[name] = subprocess.Popen(
        ["ip", "netns", "exec", name, sys.executable, "-c", peer, address, OWN, said], stdin=subprocess.PIPE, text=True
    )


def say(name, said):
    peers[name].stdin.write(f"{said}\\n")
    peers[name].stdin.flush()


for name, device, address, said in (("zero", "vcc7", ZERO, "1"), ("one", "vcc7b", ONE, "0")):
    sh(f"ip netns add {name} && ip link add {device} type veth peer name wire netns {name} && ip link set {device} up")
    sh(f"ip -n {name} link set lo up && ip -n {name} link set wire up && ip -n {name} addr add {address}/32 dev lo")
    sh(f"ip -n {name} addr add {STRANGER}/32 dev lo && ip -n {name} route add {OWN}/32 dev wire src {address}")
    start(name, address, said)

store = Store(root)
generation = Generation(document, {}, "xfrm")
store.save(generation)
store.point(generation)
routes.Routes(Context(generation, generation, store)).build()
greeter = process.Greeter(store, Journal())
ended = [0.0]


def live(seconds):
    until = time.monotonic() + seconds
    process.run(greeter, lambda: time.monotonic() > until)
    route = next(one for one in routes.loaded() if one.prefix == "100.64.0.0/26")
    found = noted.read(store.at(noted.FILE))["sites"]["edge-east"]
    drift = [change.action for change in routes.Routes(Context(generation, generation, store)).changes()]
    return {"device": route.device, "lane": found["lane"], "alive": found["alive"], "drift": drift}


found = {"first": live(1.5)}
say("zero", "0")
say("one", "1")
found["moved"] = live(1.0)
store.at(noted.FILE).write_text("{")
routes.Routes(Context(generation, generation, store)).build()  # the agent leads by what it can read
found["damaged"] = live(1.2)
say("one", "0")  # now none is master: who says so would be taken
start("zero", STRANGER, "1")  # a second one beside the first, by an address that is not the peer's
found["stranger"] = live(1.2)
say("one", "1")
peers["one"].kill()  # its kernel answers on
found["killed"] = live(1.2)
sh("ip -n one link set wire down")
found["cut"] = live(0.8)
print(json.dumps(found))
greeter.close()
for one in peers.values():
    one.kill()
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("edge")
    words = ["unshare", "-n", "-m", sys.executable, "-c", SCRIPT, str(root), PEER, json.dumps(DOCUMENT)]
    done = subprocess.run(
        [*words, OWN, ZERO, ONE, STRANGER],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": os.environ["PATH"]},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_packets_go_to_the_edge_that_holds_the_gateway_address(found: dict[str, Any]) -> None:
    assert found["first"] == {"device": "vcc7", "lane": 0, "alive": [0, 1], "drift": []}
    assert found["moved"] == {"device": "vcc7b", "lane": 1, "alive": [0, 1], "drift": []}


def test_a_note_that_was_lost_is_written_again_and_routes_are_put_back(found: dict[str, Any]) -> None:
    assert found["damaged"] == found["moved"]


def test_a_stranger_is_not_believed(found: dict[str, Any]) -> None:
    """It says that it is master, by the tunnel of the first edge. No edge does."""
    assert found["stranger"] == found["moved"]


def test_a_process_that_dies_moves_no_traffic(found: dict[str, Any]) -> None:
    assert found["killed"] == found["moved"]


def test_a_lane_that_is_cut_is_left(found: dict[str, Any]) -> None:
    assert found["cut"] == {"device": "vcc7", "lane": 0, "alive": [0], "drift": []}


def test_a_turn_that_takes_long_is_no_silence_of_others(tmp_path: Path) -> None:
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes import process
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.journal import Journal
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

    turns: list[float] = []

    class Slow(process.Greeter):
        def turn(self, now: float, late: float = 0.0) -> None:
            turns.append(late)
            time.sleep(0.4 if len(turns) == 1 else 0.0)  # as when `ip` waits for the kernel

    process.run(Slow(Store(str(tmp_path)), Journal()), lambda: len(turns) >= 2)
    assert turns[0] < process.HANG < 0.3 < turns[1]


def test_leads_that_do_not_come_up_are_tried_less_and_less_often(tmp_path: Path) -> None:
    """Each attempt makes those of other VPNs anew."""
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes import process, switch
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.journal import Journal
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

    greeter = process.Greeter(Store(str(tmp_path)), Journal())

    def after(*wrong: str) -> float:
        job: Future[switch.Led] = Future()
        job.set_result(switch.Led(frozenset(), list(wrong)))
        greeter._leading["edge-east"] = job
        greeter._finish(100.0)
        return greeter._to_lead.pop("edge-east", 100.0) - 100.0

    assert [after("payroll!1: no") for _each in range(6)] == [1.0, 2.0, 4.0, 8.0, 16.0, 16.0]
    assert [after(), after("payroll!1: no")] == [0.0, 1.0]


@pytest.mark.parametrize("tunnel", ["first", "second"])
def test_a_link_that_comes_while_leads_are_made_does_not_keep_the_packets(tmp_path: Path, tunnel: str) -> None:
    """Of the lane that is not in use. The last link to come carries (libipsec)."""
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes import process, switch
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes.choice import Choice
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes.hello import Line
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes.sites import Greeting
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.journal import Journal
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

    class Charon:
        def news(self) -> list[dict[str, Any]]:
            return [{"up": "yes", tunnel: {"child-sas": {"payroll-3": {"name": "payroll"}}}}]

    greeter = process.Greeter(Store(str(tmp_path)), Journal())
    for lane, name in enumerate(("first", "second")):
        one = Greeting(name, name, "edge-east", lane, OWN, ZERO, "ipsec0")
        greeter.lines[name] = one, Line(one.source, one.peer, one.device)
    greeter.choices["edge-east"] = Choice([0, 1], 1, 0.0)
    greeter._leading["edge-east"] = Future[switch.Led]()
    greeter._vici = Charon()  # type: ignore[assignment]
    greeter._follow()
    assert [*greeter._to_lead] == (["edge-east"] if tunnel == "first" else [])


def test_what_a_lane_carried_before_the_other_led_is_no_stray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are ten seconds old when they are looked at."""
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes import process, switch
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes.choice import Choice
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.journal import Journal
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

    carried = {0: 0, 1: 0}

    def job(_do: Any, *_given: Any) -> Future[dict[int, int]]:
        done: Future[dict[int, int]] = Future()
        done.set_result(dict(carried))
        return done

    greeter = process.Greeter(Store(str(tmp_path)), Journal())
    greeter.choices["edge-east"] = Choice([0, 1], 0, 0.0)
    monkeypatch.setattr(greeter, "_job", job)
    greeter._count(0.0)
    carried[1] = 20  # until lane 0 leads
    led: Future[switch.Led] = Future()
    led.set_result(switch.Led(frozenset(), []))
    greeter._leading["edge-east"] = led
    greeter._finish(1.0)
    for now in (10.0, 20.0, 30.0):
        greeter._count(now)
    assert not greeter._to_lead
    carried[1] += process.STRAY + 1
    for now in (40.0, 50.0):
        greeter._count(now)
    assert greeter._to_lead


def test_what_is_noted_is_read_with_care(tmp_path: Path) -> None:
    from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes import noted

    for text in ("", "[]", '{"sites": [1]}', '{"sites": {"a": {"lane": "x"}, "b": 7}}'):
        (tmp_path / "note").write_text(text)
        assert noted.lanes(tmp_path / "note") == {}
    (tmp_path / "note").write_text(noted.text({"sites": {"a": {"lane": 1}, "b": {"lane": 2}}}))
    assert noted.lanes(tmp_path / "note") == {"a": 1}
