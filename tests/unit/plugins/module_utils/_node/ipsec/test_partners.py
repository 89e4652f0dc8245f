# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Partners by name: which address charon is given, how long, and which ones never. The name server is a real one."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import charon, connections, partners
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.swanctl import Swanctl
from ansible_collections.intercloud.vpn.plugins.module_utils._node.names import query
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

NAME, TUNNEL = "vpn.partner.example", "edge-east--partner"
CONF = f"""connections {{
  {TUNNEL} {{
    remote_addrs = {NAME}
  }}
  other {{
    remote_addrs = 192.0.2.7
  }}
}}
"""
DOCUMENT = {
    "tunnels": [
        {"name": TUNNEL, "remote_address": NAME, "by_name": True, "local_address": "203.0.113.2"},
        {"name": "other", "remote_address": "192.0.2.7", "local_address": "203.0.113.2"},
    ],
    "routes": [
        {"prefix": "172.20.0.0/16", "tunnel": "orders"},
        {"prefix": "172.21.0.0/16", "via": "10.10.0.11"},
    ],
}


class Server:
    """Answers every question alike, once it is told how; until then, not at all."""

    def __init__(self, line: socket.socket) -> None:
        self.line, self.addresses, self.ttl, self.asked = line, list[str](), 30, 0
        self.silent = False

    def serve(self) -> None:
        while True:
            try:
                question, peer = self.line.recvfrom(512)
            except OSError:
                return
            self.asked += 1
            if self.silent:
                continue
            code = 0 if self.addresses else query.NXDOMAIN
            records = [
                b"\xc0\x0c" + struct.pack("!2HIH", query.A, 1, self.ttl, 4) + socket.inet_aton(one)
                for one in self.addresses
            ]
            head = question[:2] + struct.pack("!5H", 0x8180 | code, 1, len(records), 0, 0)
            self.line.sendto(head + question[12:] + b"".join(records), peer)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        monkeypatch.setattr(query, "PORT", line.getsockname()[1])
        monkeypatch.setattr(partners, "TIMEOUT", 0.1)
        found = Server(line)
        thread = threading.Thread(target=found.serve, daemon=True)
        thread.start()
        yield found


class Node:
    """The store of a node, its generation, and a clock of its own."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (root / "etc").mkdir()
        (root / "etc/resolv.conf").write_text("search example\nnameserver 127.0.0.1\n", encoding="utf-8")
        self.store, self.now = Store(str(root)), 1_000_000.0
        self.generation = Generation(DOCUMENT, {"swanctl.conf": CONF}, "xfrm")
        monkeypatch.setattr(time, "time", lambda: self.now)

    def ask(self, after: float = 0, down: bool = False) -> dict[str, Any]:
        """What is known some seconds later, noted."""
        self.now += after
        noted = partners.refreshed(self.generation, self.store, {TUNNEL} if down else set())
        partners.note(noted, self.store)
        return noted[NAME]

    @property
    def conf(self) -> str:
        return partners.filled(CONF, self.generation, partners.known(self.store))


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path, monkeypatch)


def led_to(conf: str) -> list[str]:
    return [line.split("=")[1].strip() for line in conf.splitlines() if "remote_addrs" in line]


def test_charon_is_given_the_address(server: Server, node: Node) -> None:
    server.addresses = ["198.51.100.9"]
    assert led_to(node.conf) == [partners.DUMMY, "192.0.2.7"]
    assert node.ask()["address"] == "198.51.100.9"
    assert led_to(node.conf) == ["198.51.100.9", "192.0.2.7"]


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        (f"remote_addrs = {NAME}", False),
        (f"remote_addrs = {NAME}  ", False),
        (f"remote_addrs = {NAME}, 198.51.100.9", True),
        (f"remote_addrs = 198.51.100.9,{NAME}", True),
        (f"remote_addrs={NAME}", True),
        (f"remote_addrs = other.{NAME}", False),
    ],
)
def test_a_template_that_leaves_charon_a_name_is_refused(node: Node, line: str, stays: bool) -> None:
    conf = CONF.replace(f"remote_addrs = {NAME}", line)
    generation = Generation(DOCUMENT, {"swanctl.conf": conf}, "xfrm")
    found = Swanctl(Context(generation, NOTHING, node.store, check=True)).problems()
    assert [f"remote_addrs = {NAME}: charon would ask" in text for text in found] == [True] * stays


def test_an_answer_holds_as_long_as_it_says(server: Server, node: Node) -> None:
    server.addresses, server.ttl = ["198.51.100.9"], 30
    node.ask()
    server.addresses = ["198.51.100.10"]
    assert node.ask(29)["address"] == "198.51.100.9"
    assert server.asked == 1
    found = node.ask(1)
    assert (found["address"], found["since"]) == ("198.51.100.10", node.now)


def test_a_tunnel_that_is_down_does_not_wait_for_that(server: Server, node: Node) -> None:
    server.addresses, server.ttl = ["198.51.100.9"], 86400
    node.ask()
    server.addresses = ["198.51.100.10"]
    assert node.ask(1, down=True)["address"] == "198.51.100.9"  # asked a second ago
    assert node.ask(1, down=True)["address"] == "198.51.100.10"


def test_it_is_known_when_to_ask_again(server: Server, node: Node) -> None:
    server.addresses, server.ttl = ["198.51.100.9"], 30
    node.ask()
    assert partners.soon(node.generation, node.store, set()) == 30
    assert partners.soon(node.generation, node.store, {TUNNEL}) == partners.LEAST
    server.silent = True
    node.ask(30)
    assert partners.soon(node.generation, node.store, set()) == partners.LEAST
    without = Generation({"tunnels": DOCUMENT["tunnels"][1:]}, {}, "xfrm")
    assert partners.soon(without, node.store, {"other"}) is None


def test_servers_that_do_not_answer_are_asked_less_and_less_often(server: Server, node: Node) -> None:
    """Each question keeps the node's lock for seconds: every five, nothing else would come to its turn."""
    server.addresses, server.ttl = ["198.51.100.9"], 30
    node.ask()
    server.silent = True
    node.ask(30)
    begun, server.asked = node.now, 0
    soon = set[float]()
    while node.now < begun + 600:
        node.ask(1, down=True)
        soon.add(partners.soon(node.generation, node.store, {TUNNEL}) or 0)
    assert 10 <= server.asked <= 15
    assert (min(soon), max(soon)) == (partners.LEAST, partners.RARELY)
    server.silent = False
    assert node.ask(partners.RARELY, down=True)["error"] == ""
    server.silent = True
    node.ask(2, down=True)
    server.silent = False
    assert node.ask(2, down=True)["error"] == ""  # one that did not answer once is asked soon


def test_one_of_several_addresses_stays(server: Server, node: Node) -> None:
    server.addresses = ["198.51.100.9"]
    node.ask()
    server.addresses = ["198.51.100.8", "198.51.100.9"]
    assert node.ask(60)["address"] == "198.51.100.9"
    server.addresses = ["198.51.100.8", "198.51.100.7"]
    assert node.ask(60)["address"] == "198.51.100.7"


@pytest.mark.parametrize("silent", [True, False])
def test_without_an_answer_an_address_is_used_for_an_hour_and_no_longer(
    server: Server, node: Node, silent: bool
) -> None:
    server.addresses, server.ttl = ["198.51.100.9"], 60
    since = node.ask()["since"]
    server.addresses, server.silent = [], silent
    found = node.ask(3600)
    assert (found["address"], found["since"]) == ("198.51.100.9", since)
    assert ("does not answer" if silent else "NXDOMAIN") in found["error"]
    assert led_to(node.conf)[0] == "198.51.100.9"
    assert node.ask(61)["address"] == "198.51.100.9"  # it is up
    assert node.ask(5, down=True)["address"] is None
    assert led_to(node.conf)[0] == partners.DUMMY
    server.addresses, server.silent = ["198.51.100.9"], False
    assert node.ask(10)["address"] == "198.51.100.9"
    assert node.ask(10)["error"] == ""


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("169.254.1.1", False),
        ("203.0.113.2", False),  # the edge's own
        ("192.0.2.7", False),  # another peer's
        ("172.20.3.4", False),  # would lead into a tunnel
        ("172.21.3.4", True),
        ("10.1.2.3", True),
    ],
)
def test_a_name_cannot_lead_anywhere(server: Server, node: Node, address: str, taken: bool) -> None:
    server.addresses = [address]
    found = node.ask()
    assert found["address"] == (address if taken else None)
    assert bool(found["error"]) is not taken


def test_a_clock_that_was_set_back_holds_up_no_question(server: Server, node: Node) -> None:
    server.addresses, server.ttl = ["198.51.100.9"], 3600
    node.ask()
    server.addresses = ["198.51.100.10"]
    assert node.ask(-86400)["address"] == "198.51.100.10"


def test_nothing_is_left_of_a_name_that_is_gone(server: Server, node: Node) -> None:
    server.addresses = ["198.51.100.9"]
    node.ask()
    assert partners.seen(node.generation, node.store)[TUNNEL]["address"] == "198.51.100.9"
    node.generation = Generation({"tunnels": DOCUMENT["tunnels"][1:]}, {}, "xfrm")
    partners.note(partners.refreshed(node.generation, node.store), node.store)
    assert not node.store.at(partners.NOTE).exists()
    assert partners.seen(node.generation, node.store) == {}


def test_a_tunnel_that_is_up_stays_up_while_no_server_answers(
    server: Server, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.addresses, server.ttl = ["198.51.100.9"], 60
    node.ask()
    done = charon_with(node, monkeypatch, "198.51.100.9")
    server.silent = True
    node.now += 3600 + 61
    # charon would end the IKE_SA of a connection that it loads with another address.
    assert partners.follow(node.generation, node.store, ()) == []
    assert done == []
    node.now += 5
    lost = f"{TUNNEL}: {NAME} is without an address now, and was 198.51.100.9"
    assert partners.follow(node.generation, node.store, {TUNNEL}) == [lost]
    assert led_to(node.store.at(charon.CONFIG).read_text(encoding="utf-8"))[0] == partners.DUMMY
    # Nor does what comes up in that moment end again.
    assert done == ["loaded"]
    server.addresses, server.silent = ["198.51.100.10"], False
    node.now += 10
    partners.follow(node.generation, node.store, ())
    assert done == ["loaded", "loaded", "ended 7"]


def charon_with(node: Node, monkeypatch: pytest.MonkeyPatch, remote: str) -> list[str]:
    """A charon with an IKE_SA to this address; what it was told, as it is told."""
    told = list[str]()

    class Told(contextlib.AbstractContextManager["Told"]):
        def __exit__(self, *_error: object) -> None:
            pass

        def ask(self, _command: str, options: dict[str, str]) -> None:
            told.append(f"ended {options['ike-id']}")

    sa = {"uniqueid": "7", "remote-host": remote}
    monkeypatch.setattr(connections, "answered", lambda names, **_kw: [(one, sa) for one in names if one == TUNNEL])
    monkeypatch.setattr(connections, "Vici", Told)
    monkeypatch.setattr(partners, "run", lambda *_words, **_kw: told.append("loaded"))
    path = node.store.at(charon.CONFIG)
    path.parent.mkdir(parents=True)
    path.write_text(node.conf, encoding="utf-8")
    return told


def test_a_commit_ends_what_leads_to_where_a_peer_was_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor what leads to a partner by name, which the agent follows."""
    monkeypatch.setattr(charon, "identity", lambda: (1, 1.0))
    store = Store(str(tmp_path))
    before, after = (
        {"stays": "192.0.2.1", "goes": "192.0.2.2", "named": "192.0.2.3"},
        {
            "stays": "192.0.2.1",
            "goes": "192.0.2.9",
            "named": NAME,
            "new": "192.0.2.4",
        },
    )
    have, want = (
        Generation(
            {
                "tunnels": [
                    {"name": name, "remote_address": at, **({"by_name": True} if at == NAME else {})}
                    for name, at in peers.items()
                ]
            }
        )
        for peers in (before, after)
    )
    assert Swanctl(Context(want, have, store))._moved() == {"goes": "192.0.2.9"}
    assert Swanctl(Context(have, want, store))._moved() == {"goes": "192.0.2.2", "named": "192.0.2.3"}
    assert Swanctl(Context(want, want, store))._moved() == {}
