# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small DNS client (RFC 1035, 4.1): one question over UDP, and what comes back."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from typing import NamedTuple

A, PTR, AAAA = 1, 12, 28
NOERROR, NXDOMAIN, REFUSED = 0, 3, 5
PORT = 53
_IN = 1
_RECURSION = 0x0100
_ANSWER = 0x80  # of the header's third octet
_UDP = socket.SOCK_DGRAM
_POINTER = 0xC0
_HOPS = 64  # pointers in one name: more would lead in a circle


class Answer(NamedTuple):
    """The response code, and the records of the asked type: addresses, or names."""

    code: int
    records: list[str]


def ask(server: str, name: str, kind: int, timeout: float = 1.0, source: str | None = None) -> Answer | None:
    """Ask a server, from an address of one's own if given. None if it does not answer in time, or nobody listens."""
    found = ask_with_ttl(server, name, kind, timeout, source)
    return None if found is None else found[0]


def ask_with_ttl(
    server: str, name: str, kind: int, timeout: float = 1.0, source: str | None = None
) -> tuple[Answer, int] | None:
    """The same, and for how many seconds the answer holds."""
    number = int.from_bytes(os.urandom(2), "big")
    question = struct.pack("!6H", number, _RECURSION, 1, 0, 0, 0) + encoded(name) + struct.pack("!2H", kind, _IN)
    deadline = time.monotonic() + timeout
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with contextlib.suppress(OSError, ValueError, IndexError, struct.error), socket.socket(family, _UDP) as line:
        if source:
            line.bind((source, 0))
        line.connect((server, PORT))
        line.send(question)
        while (left := deadline - time.monotonic()) > 0:
            line.settimeout(left)
            said = line.recv(4096)
            # An answer says that it is one, and repeats number and question (RFC 5452, 9.1).
            same = said[:2] == question[:2] and said[12 : len(question)].lower() == question[12:].lower()
            if same and said[2] & _ANSWER:
                return read(said, len(question), kind), lowest_ttl(said, len(question))
    return None


def encoded(name: str) -> bytes:
    """A name as labels."""
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def read(said: bytes, at: int, kind: int) -> Answer:
    """An answer, whose records begin at a place."""
    records = []
    for _number in range(struct.unpack("!H", said[6:8])[0]):
        at = _name(said, at)[1]
        found, _class, _ttl, length = struct.unpack("!2HIH", said[at : at + 10])
        at += 10
        if found == kind and kind == PTR:
            records.append(_name(said, at)[0])
        elif found == kind:
            family = socket.AF_INET if kind == A else socket.AF_INET6
            records.append(socket.inet_ntop(family, said[at : at + length]))
        at += length
    return Answer(said[3] & 15, records)


def lowest_ttl(said: bytes, at: int) -> int:
    """The lowest time to live of an answer's records, which begin at a place; 0 where there is none."""
    found = []
    for _number in range(struct.unpack("!H", said[6:8])[0]):
        at = _name(said, at)[1]
        _kind, _class, ttl, length = struct.unpack("!2HIH", said[at : at + 10])
        found.append(ttl if ttl < 1 << 31 else 0)  # RFC 2181, 8
        at += 10 + length
    return min(found, default=0)


def _name(said: bytes, at: int) -> tuple[str, int]:
    """The name at a place, and where what follows begins."""
    labels, end = [], 0
    for _hop in range(_HOPS + 128):
        length = said[at]
        if length >= _POINTER:
            end = end or at + 2
            at = (length & 0x3F) << 8 | said[at + 1]
        elif length:
            labels.append(said[at + 1 : at + 1 + length].decode("ascii", "replace"))
            at += 1 + length
        else:
            return ".".join(labels), end or at + 1
    raise ValueError("a name that does not end")
