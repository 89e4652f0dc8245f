# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DNS client, held against answers as a server writes them."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.names import query

Reply = Callable[[bytes], list[bytes]]


@contextmanager
def server(monkeypatch: pytest.MonkeyPatch, reply: Reply) -> Iterator[None]:
    """A server that replies once to what it is asked."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(5)
        monkeypatch.setattr(query, "PORT", line.getsockname()[1])

        def serve() -> None:
            asked, peer = line.recvfrom(512)
            for said in reply(asked):
                line.sendto(said, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def answered(asked: bytes, *records: bytes, code: int = 0) -> bytes:
    return asked[:2] + struct.pack("!5H", 0x8580 | code, 1, len(records), 0, 0) + asked[12:] + b"".join(records)


def record(kind: int, data: bytes, name: bytes = b"\xc0\x0c") -> bytes:
    return name + struct.pack("!2HIH", kind, 1, 30, len(data)) + data


A = record(query.A, socket.inet_aton("100.64.0.17"))
AAAA = record(query.AAAA, socket.inet_pton(socket.AF_INET6, "fd00::1"))
PTR = record(query.PTR, b"\x03vm1\xc0\x0c")


@pytest.mark.parametrize(
    ("kind", "records", "code", "expected"),
    [
        (query.A, [A], 0, (0, ["100.64.0.17"])),
        (query.A, [A, AAAA, A], 0, (0, ["100.64.0.17"] * 2)),
        (query.AAAA, [AAAA], 0, (0, ["fd00::1"])),
        (query.PTR, [PTR], 0, (0, ["vm1.a.b"])),
        (query.A, [], 3, (3, [])),
        (query.A, [], 5, (5, [])),
        (query.A, [record(query.A, b"\x7f")], 0, None),  # no address
        (query.PTR, [record(query.PTR, b"\xc0\x1d" + b"\xc0\x1d", b"\x00")], 0, None),
        (query.A, [b"\xc0"], 0, None),
    ],
)
def test_what_comes_back(
    monkeypatch: pytest.MonkeyPatch, kind: int, records: list[bytes], code: int, expected: tuple[int, list[str]] | None
) -> None:
    with server(monkeypatch, lambda asked: [answered(asked, *records, code=code)]):
        assert query.ask("127.0.0.1", "a.b", kind) == expected


def test_an_answer_to_another_question_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def replies(asked: bytes) -> list[bytes]:
        other = bytes([asked[0] ^ 1]) + asked[1:]
        elsewhere = asked[:12] + asked[12:].replace(b"\x01a", b"\x01x")
        return [b"", b"\x00", answered(other, A), answered(elsewhere, A), answered(asked, AAAA)]

    with server(monkeypatch, replies):
        assert query.ask("127.0.0.1", "a.b", query.AAAA) == (0, ["fd00::1"])


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        monkeypatch.setattr(query, "PORT", line.getsockname()[1])
        assert query.ask("127.0.0.1", "a.b", query.A, timeout=0.1) is None
    assert query.ask("127.0.0.1", "a.b", query.A, timeout=0.1) is None


def test_a_server_of_an_ip_version_that_the_machine_lacks_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    # As with ipv6.disable=1 on the kernel's command line: socket() itself fails then.
    monkeypatch.setattr(socket, "AF_INET6", 255)
    assert query.ask("fd00::1", "a.b", query.A, timeout=0.1) is None


def test_a_question_that_comes_back_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(monkeypatch, lambda asked: [asked, answered(asked, A)]):
        assert query.ask("127.0.0.1", "a.b", query.A) == (0, ["100.64.0.17"])
