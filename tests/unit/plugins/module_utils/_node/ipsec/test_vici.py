# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VICI client speaks the protocol of strongSwan's README, and tells what goes wrong."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import vici as _vici
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.vici import (
    Section,
    Vici,
    ViciError,
    decode,
    encode,
)

KEYS = st.text("abcdefghijklmnopqrstuvwxyz-_", min_size=1, max_size=20)
SECTIONS = st.recursive(
    st.dictionaries(KEYS, st.text(max_size=40) | st.lists(st.text(max_size=10), max_size=4), max_size=4),
    lambda inner: st.dictionaries(KEYS, inner | st.text(max_size=10), max_size=4),
    max_leaves=8,
)


@given(SECTIONS)
def test_what_is_encoded_is_decoded(section: Section) -> None:
    assert decode(encode(section)) == section


def test_the_example_of_the_specification() -> None:
    body = bytes([3, 4]) + b"key1" + struct.pack("!H", 6) + b"value1" + bytes([1, 8]) + b"section1"
    body += bytes([4, 5]) + b"list1" + bytes([5]) + struct.pack("!H", 5) + b"item1" + bytes([6, 2])
    assert decode(body) == {"key1": "value1", "section1": {"list1": ["item1"]}}
    assert encode({"key1": "value1", "section1": {"list1": ["item1"]}}) == body


@pytest.mark.parametrize("body", [b"\x03\x04key", b"\x09", b"\x02", b"\x05\x00"])
def test_nonsense_is_an_error(body: bytes) -> None:
    with pytest.raises(ViciError):
        decode(body)


def answering(path: Path, answer: Callable[[socket.socket], None]) -> threading.Thread:
    """A server for one connection."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(1)

    def serve() -> None:
        connection, _address = server.accept()
        with connection, server:
            answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def packet(kind: int, body: bytes = b"", name: str = "") -> bytes:
    named = bytes([len(name)]) + name.encode() if name else b""
    return struct.pack("!I", 1 + len(named) + len(body)) + bytes([kind]) + named + body


def test_a_stream_ends_with_the_answer(tmp_path: Path) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(packet(_vici.EVENT_CONFIRM))
        connection.recv(4096)
        for name in ("a", "b"):
            connection.sendall(packet(_vici.EVENT, encode({name: {"version": "IKEv2"}}), "list-conn"))
        connection.sendall(packet(_vici.CMD_RESPONSE))
        connection.recv(4096)
        connection.sendall(packet(_vici.EVENT_CONFIRM))

    thread = answering(tmp_path / "vici", answer)
    with Vici(str(tmp_path / "vici"), 5) as vici:
        assert [name for event in vici.stream("list-conns", "list-conn") for name in event] == ["a", "b"]
    thread.join(5)


def test_a_refusal_says_what_charon_said(tmp_path: Path) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(packet(_vici.CMD_RESPONSE, encode({"success": "no", "errmsg": "no such key"})))

    answering(tmp_path / "vici", answer)
    with Vici(str(tmp_path / "vici"), 5) as vici, pytest.raises(ViciError, match="load-key: no such key"):
        vici.request("load-key")


def test_no_daemon_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ViciError, match="does not listen"):
        Vici(str(tmp_path / "nobody"))


def test_a_silent_daemon_is_given_up(tmp_path: Path) -> None:
    answering(tmp_path / "vici", lambda connection: connection.recv(4096) and connection.recv(4096) and None)
    with Vici(str(tmp_path / "vici"), 0.1) as vici, pytest.raises(ViciError, match="timed out"):
        vici.request("version")


def test_news_are_taken_as_they_come_and_halves_wait(tmp_path: Path) -> None:
    """Nothing waits for charon: a process that says hello ten times a second listens to it."""
    server, path = socket.socket(socket.AF_UNIX), tmp_path / "vici"
    server.bind(str(path))
    server.listen(1)
    event = packet(_vici.EVENT, encode({"up": "yes", "a--b": {"child-sas": {}}}), "child-updown")
    with Vici(str(path), timeout=1) as vici:
        charon, _address = server.accept()
        charon.sendall(packet(_vici.EVENT_CONFIRM) + event + event[:9])
        assert [found["up"] for found in vici.news()] == ["yes"]
        assert list(vici.news()) == []
        charon.sendall(event[9:])
        assert [[*found] for found in vici.news()] == [["up", "a--b"]]
        charon.close()
        with pytest.raises(ViciError):
            list(vici.news())
    server.close()
