# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two tls-crypt keys of an edge, while one takes the place of the other: who restarts, and which key is on disk."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import rotate
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl import (
    key_change,
    openvpn,
    processes,
    sessions,
    tls_crypt,
    user,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import systemd
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.ssl.test_processes import (
    NAME,
    SSL,
    rendered,
    waiting,
)

OLD, NEW = "ab" * 256, "cd" * 256
STATES = (OLD, f"{OLD}\nalso 2 {NEW}", f"{NEW}\ngeneration 2\nalso 1 {OLD}", f"{NEW}\ngeneration 2")
ALONE, HELD, USED, DONE = STATES
SERVER, CLIENT = f"{processes.HOME}/server-udp.key", f"{processes.HOME}/{NAME}.key"


class Daemons:
    """What systemd is asked for; a process that starts notes what it reads."""

    def __init__(self, store: Store) -> None:
        self.store, self.asked = store, list[str]()

    def systemctl(self, *words: str) -> None:
        if words[0] in ("start", "restart"):
            name = words[-1].partition("@")[2].removesuffix(".service")
            self.asked.append(name)
            self.start(name)

    def start(self, name: str) -> None:
        paths = [f"{processes.HOME}/{name}.conf", *openvpn_credentials(), f"{processes.HOME}/{name}.key"]
        lines = [f"{hashlib.sha256(self.read(path)).hexdigest()}  {path}\n" for path in paths]
        place = self.store.at(f"{processes.SOCKETS}/{name}.loaded")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(lines), encoding="utf-8")

    def read(self, path: str) -> bytes:
        real = self.store.at(path)
        return real.read_bytes() if real.exists() else b""


def openvpn_credentials() -> list[str]:
    return [openvpn._certificates.CERTIFICATE, openvpn._certificates.AUTHORITY]


@pytest.fixture
def daemons(store: Store, monkeypatch: pytest.MonkeyPatch) -> Daemons:
    found = Daemons(store)
    monkeypatch.setattr(systemd, "systemctl", found.systemctl)
    monkeypatch.setattr(
        systemd, "alive", lambda unit: store.at(f"{processes.SOCKETS}/{unit.partition('@')[2][:-8]}.loaded").exists()
    )
    monkeypatch.setattr(openvpn.Openvpn, "_enabled", lambda *_args: True)
    monkeypatch.setattr(user, "make", lambda _store: None)
    monkeypatch.setattr(user, "missing", lambda _store: False)
    monkeypatch.setattr(sessions, "of", lambda *_args: [])
    return found


def generation(document: dict[str, Any], text: str) -> Generation:
    keys = {tunnel["name"]: text for tunnel in document["tunnels"]}
    return Generation(document, {**rendered(document), tls_crypt.FILE: json.dumps(keys)}, "none")


@pytest.fixture
def client(document: dict[str, Any]) -> dict[str, Any]:
    (tunnel,) = document["tunnels"]
    del tunnel["ike"], tunnel["links"][0]["esp"]
    tunnel.update(kind="ssl", name=NAME, initiator=True, ssl={**SSL, "tls_crypt": "edge-west"})
    return document


@pytest.fixture
def server(client: dict[str, Any]) -> dict[str, Any]:
    waiting(client, "edge-west", "edge-south")
    return client


def converge(want: Generation, have: Generation, store: Store) -> None:
    part = openvpn.Openvpn(Context(want, have, store))
    part.build()
    assert openvpn.Openvpn(Context(want, want, store)).changes() == []


def on_disk(store: Store, path: str) -> str:
    return {tls_crypt.file(OLD): "old", tls_crypt.file(NEW): "new"}[store.at(path).read_text(encoding="utf-8")]


def numbers(want: Generation, store: Store) -> dict[str, int]:
    return key_change.in_use(want, store)


def test_a_server_restarts_once_when_the_run_confirms(server: dict[str, Any], store: Store, daemons: Daemons) -> None:
    """Until all clients have both keys, it has the old one, whatever the generation says."""
    seen, have = [], NOTHING
    for text in STATES:
        want = generation(server, text)
        converge(want, have, store)
        seen.append((sorted(daemons.asked), on_disk(store, SERVER), key_change.pending(want, store)))
        daemons.asked.clear()
        have = want
        if text == USED:
            assert numbers(want, store) == {"edge-west--ssl": 1, "edge-south--ssl": 1}
            assert key_change.switch(want, store) == ["edge-south--ssl", "edge-west--ssl"]
            assert (sorted(daemons.asked), on_disk(store, SERVER)) == (["server-tcp", "server-udp"], "new")
            assert numbers(want, store) == {"edge-west--ssl": 2, "edge-south--ssl": 2}
            assert openvpn.Openvpn(Context(want, want, store)).changes() == []
            assert key_change.switch(want, store) == []
            daemons.asked.clear()
    both = ["edge-south--ssl", "edge-west--ssl"]
    servers = ["server-tcp", "server-udp"]
    assert seen == [(servers, "old", []), ([], "old", []), ([], "old", both), ([], "new", [])]
    assert store.at(SERVER).stat().st_mode & 0o777 == 0o600


def test_a_client_has_the_new_key_on_disk_and_its_session_stays(
    client: dict[str, Any], store: Store, daemons: Daemons
) -> None:
    seen, have = [], NOTHING
    for text in STATES:
        want = generation(client, text)
        converge(want, have, store)
        seen.append((daemons.asked.copy(), on_disk(store, CLIENT)))
        daemons.asked.clear()
        have = want
        if text == USED:
            daemons.start(NAME)  # its server ends the session, and it starts anew
    assert seen == [([NAME], "old"), ([], "old"), ([], "new"), ([], "new")]
    assert numbers(generation(client, DONE), store) == {NAME: 2}


def test_a_client_that_still_has_the_old_key_when_it_goes_starts_anew(
    client: dict[str, Any], store: Store, daemons: Daemons
) -> None:
    have = NOTHING
    for text in STATES:
        want = generation(client, text)
        converge(want, have, store)
        have = want
    assert daemons.asked == [NAME, NAME]


@pytest.mark.parametrize("step", range(5))
def test_a_server_that_is_killed_while_it_changes_keys_is_repaired(
    server: dict[str, Any], store: Store, daemons: Daemons, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    have = NOTHING
    for text in (ALONE, HELD, USED):
        want = generation(server, text)
        converge(want, have, store)
        have = want
    left = [step]

    def dying(real: Any) -> Any:
        def call(*given: Any) -> Any:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return real(*given)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(key_change.files, "write", dying(key_change.files.write))
        patched.setattr(systemd, "systemctl", dying(daemons.systemctl))
        try:
            key_change.switch(want, store)
            assert step == 4
        except KeyboardInterrupt:
            pass
    converge(want, want, store)  # the agent
    for name in ("server-udp", "server-tcp"):  # what runs is what is on disk, which is one of both
        noted = store.at(f"{processes.SOCKETS}/{name}.loaded").read_text(encoding="utf-8")
        assert hashlib.sha256(daemons.read(f"{processes.HOME}/{name}.key")).hexdigest() in noted
    key_change.switch(want, store)
    assert key_change.pending(want, store) == [] and on_disk(store, SERVER) == "new"


@contextmanager
def answering(key: str, transport: str) -> Iterator[int]:
    """A server that answers to first packets in this key, as OpenVPN does, and to no others; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(5)
        if transport == "tcp":
            line.listen()

        def serve() -> None:
            try:
                while True:
                    if transport == "udp":
                        packet, peer = line.recvfrom(1024)
                        if fits(packet, key):
                            line.sendto(bytes([8 << 3]) + bytes(50), peer)
                    else:
                        connection, _peer = line.accept()
                        with connection:
                            (length,) = struct.unpack("!H", connection.recv(2))
                            if fits(connection.recv(length), key):
                                connection.sendall(struct.pack("!H", 51) + bytes([8 << 3]) + bytes(50))
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        yield line.getsockname()[1]


def fits(packet: bytes, key: str) -> bool:
    clear, tag = packet[:17], packet[17:49]
    return hmac.compare_digest(hmac.new(bytes.fromhex(key)[192:224], clear + bytes(5), "sha256").digest(), tag)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(("server_has", "client_has", "restarted"), [
    (NEW, ALONE, True), (OLD, USED, True), (OLD, ALONE, False), (NEW, USED, False), ("ef" * 256, ALONE, False),
])  # fmt: skip
def test_a_client_without_a_session_takes_the_key_that_its_server_answers_to(
    client: dict[str, Any],
    store: Store,
    daemons: Daemons,
    monkeypatch: pytest.MonkeyPatch,
    transport: str,
    server_has: str,
    client_has: str,
    restarted: bool,
) -> None:
    """Whichever end is ahead."""
    monkeypatch.setattr(key_change, "PATIENCE", 0.2)
    with answering(server_has, transport) as port:
        client["tunnels"][0].update(remote_address="127.0.0.1")
        client["tunnels"][0]["ssl"]["ports"] = {transport: port}
        converge(generation(client, client_has), NOTHING, store)
        want = generation(client, HELD if client_has == ALONE else USED)
        daemons.asked.clear()
        assert bool(key_change.follow(want, store, [NAME])) is restarted
        assert daemons.asked == ([NAME] if restarted else [])
        if restarted:
            assert on_disk(store, CLIENT) == ("new" if server_has == NEW else "old")


def test_the_agent_leaves_a_client_the_key_that_its_server_answered_to(
    client: dict[str, Any], store: Store, daemons: Daemons
) -> None:
    """The server may be late for long. The next run gives the client the key that is to be used again."""
    have, want = generation(client, HELD), generation(client, USED)
    converge(have, NOTHING, store)
    converge(want, have, store)
    assert on_disk(store, CLIENT) == "new"
    store.at(CLIENT).write_text(tls_crypt.file(OLD), encoding="utf-8")  # as `follow` does
    daemons.start(NAME)
    daemons.asked.clear()
    converge(want, want, store)
    assert (on_disk(store, CLIENT), key_change.pending(want, store)) == ("old", [NAME])
    assert key_change.switch(want, store) == [NAME]
    assert (on_disk(store, CLIENT), daemons.asked) == ("new", [])


def test_only_clients_that_are_down_ask(client: dict[str, Any], store: Store, daemons: Daemons) -> None:
    want = generation(client, HELD)
    converge(want, NOTHING, store)
    assert key_change.follow(want, store, []) == []


def test_an_edge_tells_numbers_and_no_key(client: dict[str, Any], store: Store, daemons: Daemons) -> None:
    want = generation(client, USED)
    converge(want, NOTHING, store)
    store.save(want)
    store.point(want)
    store.at(CLIENT).write_text(tls_crypt.file(OLD), encoding="utf-8")  # what its server answered to
    assert rotate._numbers(store) == {NAME: {"use": 1, "to_use": 2, "held": [1, 2]}}
    key_change.switch(want, store)
    assert rotate._numbers(store) == {NAME: {"use": 2, "to_use": 2, "held": [1, 2]}}
