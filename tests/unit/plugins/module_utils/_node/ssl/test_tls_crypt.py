# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key that OpenVPN's first packets are wrapped in: where it goes, and where it never shows."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import secrets
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl import openvpn, processes, tls_crypt, user
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import systemd
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.ssl.test_processes import (
    SSL,
    rendered,
    waiting,
)

KEY = "".join(f"{number % 256:02x}" for number in range(7, 7 + 256))
OTHER = KEY[2:] + "00"


@pytest.fixture
def wrapped(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The document of an edge to which two others come."""
    (tunnel,) = document["tunnels"]
    del tunnel["ike"], tunnel["links"][0]["esp"]
    tunnel.update(kind="ssl", ssl={**SSL, "tls_crypt": "edge-east"})
    waiting(document, "edge-west", "edge-south")
    monkeypatch.setattr(systemd, "systemctl", lambda *_words: None)
    monkeypatch.setattr(systemd, "alive", lambda _unit: False)
    monkeypatch.setattr(user, "make", lambda _store: None)
    monkeypatch.setattr(user, "missing", lambda _store: False)
    return document


def generation(document: dict[str, Any], key: str = KEY, **rest: Any) -> Generation:
    keys = {tunnel["name"]: key for tunnel in document["tunnels"]} if key else {}
    return Generation(document, {**rendered(document), tls_crypt.FILE: json.dumps(keys)}, "none", **rest)


def part(want: Generation, store: Store, have: Generation = NOTHING, check: bool = False) -> openvpn.Openvpn:
    return openvpn.Openvpn(Context(want, have, store, check))


def said(one: openvpn.Openvpn) -> list[str]:
    return [change.action for change in one.changes() if "key" in change.action]


def test_both_servers_have_the_edges_key_for_root_only(wrapped: dict[str, Any], store: Store) -> None:
    want = generation(wrapped)
    assert said(part(want, store)) == [f"install the tls-crypt key of server-{one}" for one in ("udp", "tcp")]
    part(want, store).build()
    for name in ("server-udp", "server-tcp"):
        real = store.at(f"{processes.HOME}/{name}.key")
        first, *lines, last = real.read_text(encoding="utf-8").splitlines()
        assert (first, last) == ("-----BEGIN OpenVPN Static key V1-----", "-----END OpenVPN Static key V1-----")
        assert ("".join(lines), {len(line) for line in lines}) == (KEY, {32})
        assert real.stat().st_mode & 0o777 == 0o600
    assert said(part(want, store)) == []
    store.at(f"{processes.HOME}/server-udp.key").chmod(0o644)
    assert said(part(want, store)) == ["change the tls-crypt key of server-udp"]


def test_no_change_shows_a_key(wrapped: dict[str, Any], store: Store) -> None:
    first, second = generation(wrapped), generation(wrapped, OTHER)
    everything = part(first, store).changes()
    part(first, store).build()
    everything += part(second, store, first).changes()
    everything += part(Generation({**wrapped, "tunnels": []}), store, first).changes()
    assert {"install", "change", "remove"} <= {change.action.split()[0] for change in everything}
    text = repr(everything)
    assert KEY[:32] not in text and OTHER[:32] not in text


def test_without_a_key_nothing_is_touched(
    wrapped: dict[str, Any], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvpn, "have", lambda _program: True)
    monkeypatch.setattr(systemd, "here", lambda: True)
    found = part(generation(wrapped, ""), store).problems()
    assert found == ["tunnel edge-west--ssl: no tls-crypt key was given, and this node has none"] * 2
    names = frozenset(tunnel["name"] for tunnel in wrapped["tunnels"])
    awaited = Generation(wrapped, rendered(wrapped), "none", names)  # in check mode it is only made later
    assert part(awaited, store, check=True).problems() == []
    assert len(said(part(awaited, store, check=True))) == 2


def test_a_process_with_another_key_is_restarted(wrapped: dict[str, Any], store: Store) -> None:
    one, other = (
        part(generation(wrapped, key), store)._loaded(processes.processes(Generation(wrapped))["server-udp"])
        for key in (KEY, OTHER)
    )
    assert one != other
    assert one.splitlines()[-1].endswith(f"  {processes.HOME}/server-udp.key")


def test_a_node_keeps_the_key_that_it_is_not_given(wrapped: dict[str, Any]) -> None:
    have = generation(wrapped)
    kept = secrets.completed(generation(wrapped, ""), have)
    assert set(tls_crypt.given(kept).values()) == {KEY}
    fewer = {**wrapped, "tunnels": wrapped["tunnels"][:1]}
    assert list(tls_crypt.given(secrets.completed(generation(fewer, ""), have))) == ["edge-west--ssl"]


def test_generations_from_before_have_no_key(wrapped: dict[str, Any], store: Store) -> None:
    for tunnel in wrapped["tunnels"]:
        tunnel["ssl"] = {key: value for key, value in tunnel["ssl"].items() if key != "tls_crypt"}
    want = Generation(wrapped, rendered(wrapped))
    assert "tls-crypt" not in "".join(want.files.values())
    assert said(part(want, store)) == []


def test_the_hello_is_what_openvpn_unwraps() -> None:
    """doc/tls-crypt-v2.txt: the tag covers what is clear and what is hidden; AES counts from its first half."""
    material = bytes.fromhex(KEY)
    packet = tls_crypt.hello(KEY)
    clear, tag, hidden = packet[:17], packet[17:49], packet[49:]
    assert clear[0] == 7 << 3 and len(hidden) == 5
    decryptor = Cipher(algorithms.AES(material[128:160]), modes.CTR(tag[:16])).decryptor()
    text = decryptor.update(hidden)
    assert text == bytes(5)
    assert hmac.compare_digest(tag, hmac.new(material[192:224], clear + text, hashlib.sha256).digest())
    assert packet != tls_crypt.hello(KEY)
