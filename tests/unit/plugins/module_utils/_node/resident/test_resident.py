# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resident agent, with a real kernel in a network namespace: whatever is lost is there again in time."""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.generation import pending
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import netlink
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident import refusal
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.journal import Journal
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import NAMESPACE, render

needs_a_kernel = pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
FIREWALL_SECONDS, OTHER_SECONDS = 1.0, 2.0
SLACK = 3.0  # times as long: other tests run beside this one

AGENT = """
import sys
sys.path[:] = {path!r}
from ansible_collections.intercloud.vpn.plugins.module_utils._node import state
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident import resident
resident.run(state.Store({root!r}))
"""


def vapp(document: dict[str, Any]) -> Generation:
    """A vApp edge's generation: addresses, routes, a firewall and settings, and no tunnel of its own."""
    content = {
        **document,
        "role": "vapp_edge",
        "tunnels": [],
        "addresses": [
            {"address": "100.64.0.1/32", "device": "inside"},
            {"address": "fd00:1::1/128", "device": "inside"},
        ],
        "routes": [{"prefix": "100.64.0.17/32", "via": "192.168.1.11"}, document["routes"][2]],
        "sysctls": {"net.ipv4.ip_forward": "1"},
    }
    files = {
        "nftables.nft": render("vapp_edge", "nftables.nft.j2", content, "none"),
        "neighbours.json": '{"192.168.1.11": "02:00:00:00:00:0b"}',
    }
    return Generation(content, files, "none")


class Node:
    """A network namespace with a device, and the agent in it."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.holder = subprocess.Popen(["unshare", "-n", "-m", "sleep", "infinity"])
        deadline = time.monotonic() + 10
        while self.sh("readlink /proc/self/ns/net") == subprocess.check_output(
            ["readlink", "/proc/self/ns/net"], text=True
        ):
            assert time.monotonic() < deadline
        # The settings that the agent sets are those of the namespace, where a test's node looks for them.
        self.sh(f"mkdir -p {root}/proc/sys && mount -t proc proc {root}/proc")
        self.sh(
            "ip link set lo up; ip link add inside type veth peer name far; ip link set far up; ip link set inside up"
        )
        self.sh("ip addr add 192.168.1.1/24 dev inside")
        self.agent: subprocess.Popen[str] | None = None

    def enter(self, *words: str) -> list[str]:
        return ["nsenter", "-t", str(self.holder.pid), "-n", "-m", *words]

    def sh(self, script: str) -> str:
        return subprocess.run(
            self.enter("sh", "-c", script), capture_output=True, text=True, check=False, timeout=30
        ).stdout

    def start(self) -> None:
        words = self.enter(sys.executable, "-c", AGENT.format(path=sys.path, root=self.root))
        self.agent = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def stop(self) -> str:
        assert self.agent is not None
        self.agent.send_signal(signal.SIGTERM)
        return self.agent.communicate(timeout=20)[0]

    def until(self, holds: Callable[[], bool], seconds: float) -> float:
        begun = time.monotonic()
        while not holds():
            assert time.monotonic() - begun < seconds * SLACK, self.stop()
            time.sleep(0.02)
        return time.monotonic() - begun

    def has(self, what: str) -> bool:
        return what in self.sh(
            "ip -4 route; ip -6 route; ip addr; ip neigh show nud permanent; sysctl net.ipv4.ip_forward; "
            "nft list table inet intercloud_vpn"
        )


@pytest.fixture
def node(store: Store, document: dict[str, Any]) -> Iterator[Node]:
    generation = vapp(document)
    store.save(generation)
    store.point(generation)
    made = Node(str(store.root))
    try:
        made.start()
        made.until(lambda: all(made.has(text) for text in WHOLE), 10)
        yield made
    finally:
        if made.agent is not None:
            made.agent.kill()
            made.agent.wait()
        made.sh(f"umount {store.root}/proc")
        made.holder.kill()
        made.holder.wait()


ROUTE = "100.64.0.17 via 192.168.1.11 dev inside proto 155"
BLACKHOLE = "blackhole 100.64.0.0/24 proto 155 metric 9999"
FORWARDING = "net.ipv4.ip_forward = 1"
NEIGHBOUR = "192.168.1.11 dev inside lladdr 02:00:00:00:00:0b PERMANENT"
WHOLE = (ROUTE, BLACKHOLE, "100.64.0.1/32", "fd00:1::1/128", FORWARDING, "chain forward", NEIGHBOUR)
LOSSES = {
    "the firewall": ("nft flush ruleset", "chain forward", FIREWALL_SECONDS),
    "a chain's rules": ("nft flush chain inet intercloud_vpn members", "fib saddr . iif", OTHER_SECONDS),
    "a blackhole route": ("ip route flush proto 155", BLACKHOLE, FIREWALL_SECONDS),
    "a route": ("ip route del 100.64.0.17", ROUTE, OTHER_SECONDS),
    "an address": ("ip addr del 100.64.0.1/32 dev inside", "100.64.0.1/32", OTHER_SECONDS),
    "a setting": ("sysctl -w net.ipv4.ip_forward=0", FORWARDING, OTHER_SECONDS),
    "a device that went down": ("ip link set inside down; ip link set inside up", ROUTE, OTHER_SECONDS),
}


@needs_a_kernel
@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_lost_comes_back(node: Node, loss: str) -> None:
    command, sign, seconds = LOSSES[loss]
    node.sh(f"{command} >/dev/null")
    took = node.until(lambda: node.has(sign) and all(node.has(text) for text in WHOLE), seconds)
    said = node.stop()
    assert said.count("<4>lost: ") >= 1, said
    print(f"measured: {loss} was there again after {took:.2f} s")


@needs_a_kernel
def test_a_network_that_comes_late_is_configured(node: Node) -> None:
    node.sh("ip link del inside")
    node.until(lambda: not node.has(ROUTE), 2)
    node.sh("ip link add inside type veth peer name far; ip link set far up; ip link set inside up")
    node.sh("ip addr add 192.168.1.1/24 dev inside")
    node.until(lambda: all(node.has(text) for text in WHOLE), OTHER_SECONDS)


@needs_a_kernel
def test_the_firewall_waits_for_nothing(node: Node, store: Store) -> None:
    """Not for the node's lock, and not for a disk that is full."""
    with store.lock():
        node.sh("nft flush ruleset; ip route flush proto 155")
        node.until(lambda: node.has("chain forward") and node.has(BLACKHOLE), FIREWALL_SECONDS)
        assert not node.has(ROUTE)
    node.until(lambda: node.has(ROUTE), OTHER_SECONDS)


def test_who_only_looks_is_no_commit(store: Store, document: dict[str, Any]) -> None:
    """The agent's own workers hold the lock for a moment, and nothing may wait for that or take it for a commit."""
    generation = vapp(document)
    store.save(generation)
    store.point(generation)
    with store.lock():
        assert (store.busy(), store.committing(), store.leading()[0]) == (True, False, generation.name)
        with store.aiming(""):
            assert (store.committing(), store.leading()[0]) == (True, "")
    assert not store.committing()


def test_what_was_put_back_beside_a_commit_that_takes_all_away_goes_again(
    store: Store, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn that began before the commit knows an older generation."""
    generation = vapp(document)
    led, done = [(generation.name, generation), ("", NOTHING)], list[str]()
    monkeypatch.setattr(Store, "leading", lambda _store, _otherwise=None: led.pop(0))
    monkeypatch.setattr(refusal.Nftables, "gone", lambda _table: True)
    monkeypatch.setattr(refusal.Nftables, "put_back", lambda _table: done.append("put back"))
    monkeypatch.setattr(refusal.Nftables, "clear", lambda _table: done.append("deleted"))
    monkeypatch.setattr(refusal.Guards, "changes", lambda _guards: [])
    worker = refusal.Refusal(store, Journal())
    worker.turn()
    assert (done, led) == (["put back", "deleted"], [])


@needs_a_kernel
def test_what_a_commit_removes_on_purpose_stays_away(node: Node, store: Store) -> None:
    with store.lock(), store.aiming(""):
        node.sh("nft flush ruleset")
        time.sleep(2.5)
        assert not node.has("chain forward")
    node.until(lambda: node.has("chain forward"), OTHER_SECONDS)


@needs_a_kernel
def test_a_generation_that_nobody_confirms_is_rolled_back(node: Node, store: Store, document: dict[str, Any]) -> None:
    old = store.named("current")
    more = vapp({**document, "generation": 4})
    more.document["routes"].append({"prefix": "100.64.0.18/32", "via": "192.168.1.11"})
    store.save(more)
    pending.arm(store, more.name, old, 1.0)
    store.point(more)
    node.until(lambda: store.pending is None and store.named("current") == old, 4)
    assert not node.has("100.64.0.18 via")
    assert "was not confirmed in time" in node.stop()


@needs_a_kernel
def test_a_killed_rollback_is_tried_again(node: Node, store: Store, document: dict[str, Any]) -> None:
    old = store.named("current")
    more = vapp({**document, "generation": 4})
    store.save(more)
    store.point(more)
    pending.write(store, pending.Pending(more.name, old, 0, 0, undoing=True))
    node.until(lambda: store.pending is None and store.named("current") == old, 4)


def test_a_file_that_cannot_be_read_rolls_nothing_back(store: Store) -> None:
    pending.arm(store, "1-a", "", 60)
    for text in ("", "{", "null", '{"generation": "1-a"}', "[1]"):
        (store.state / pending.FILE).write_text(text)
        assert store.pending is None


def test_a_deadline_of_an_earlier_boot_is_over(store: Store) -> None:
    pending.write(store, pending.Pending("2-b", "1-a", pending.now() + 1e6, 60))
    assert store.pending is not None and store.pending.left == 0


def _message(kind: int, body: bytes) -> bytes:
    return struct.pack("=LHHLL", 16 + len(body), kind, 0, 0, 0) + body + bytes(-len(body) % 4)


def _route(protocol: int) -> bytes:
    return bytes([2, 32, 0, 0, 254, protocol, 0, 1, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("data", "ours"),
    [
        (_message(25, _route(155)), True),
        (_message(25, _route(186)), False),  # BGP's
        (_message(24, _route(186)) + _message(25, _route(155)), True),
        (_message(16, bytes(16)), True),  # a link
        (_message(10 << 8 | 2, b"\0\0\0\0\x14\0\1\0intercloud_vpn\0"), True),
        (_message(10 << 8 | 2, b"\0\0\0\0\x0c\0\1\0filter\0\0"), False),
        (b"\0" * 16, False),
        (b"", False),
    ],
)
def test_only_what_may_concern_us_is_looked_at(data: bytes, ours: bool) -> None:
    assert netlink.concerns_us(data) is ours


@pytest.mark.parametrize(
    ("kind", "device", "ours"),
    [(29, "vcl1", True), (28, "vcl1", False), (29, "eth0", False), (29, None, False)],
)
def test_what_a_stretched_network_forwards_by_is_missed_at_once(
    kind: int, device: str | None, ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neighbours of other devices come and go all the time."""

    def name(index: int) -> str:
        if device is None:
            raise OSError("no such device")
        assert index == 7
        return device

    monkeypatch.setattr(netlink.socket, "if_indextoname", name)
    assert netlink.concerns_us(_message(kind, struct.pack("=B3xiHBB", 7, 7, 0xC0, 2, 0))) is ours
