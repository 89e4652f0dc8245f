# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tls-crypt keys, while one takes the place of another. OpenVPN has one at a time: a server has to restart.

A client has the key in use on disk, where it reads it when it restarts; a session that is up needs none. So clients
get the new key first, and nothing ends. When all of them have it, their server ends its sessions, and they come again.
A client whose server does not answer to its key asks with the other one: no order of restarts leaves it outside.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable

from ..document import Generation
from ..held import Held
from ..state import Store
from ..system import files, systemd
from . import sessions as _sessions
from . import tls_crypt
from .management import Silent
from .processes import Process, processes

_ANSWER = 8  # P_CONTROL_HARD_RESET_SERVER_V2
PATIENCE = 1.0  # seconds


def halt(process: Process, store: Store) -> None:
    """Have a server's clients restart, with their first way to it, instead of finding out that it is gone."""
    with contextlib.suppress(Silent):
        found = _sessions.of(process, store)
        _sessions.end(process, [session.number for session in found], store)


def _both(generation: Generation) -> list[tuple[Process, Held]]:
    """The processes that have two keys."""
    known = tls_crypt.given(generation)
    found = ((process, tls_crypt.held(process, known)) for process in processes(generation).values()) if known else ()
    return [(process, keys) for process, keys in found if keys and keys.also]


def in_use(generation: Generation, store: Store) -> dict[str, int]:
    """The number of the key that a tunnel's processes read when they start; 0 where they differ."""
    found: dict[str, int] = {}
    known = tls_crypt.given(generation)
    for process in processes(generation).values() if known else ():
        keys = tls_crypt.held(process, known)
        if not process.tls_crypt or not keys:
            continue
        there = files.read(store.at(process.key))
        number = next((key.number for key in keys if key and tls_crypt.file(key.text) == there), 0)
        for tunnel in process.tunnels:
            name = str(tunnel["name"])
            found[name] = number if found.get(name, number) == number else 0
    return found


def pending(generation: Generation, store: Store) -> list[str]:
    """The tunnels whose server, or client, still has the other key on disk than the one that is to be used."""
    found = {
        str(tunnel["name"])
        for process, keys in _both(generation)
        if files.read(store.at(process.key)) != tls_crypt.file(keys.used.text)
        for tunnel in process.tunnels
    }
    return sorted(found)


def switch(generation: Generation, store: Store) -> list[str]:
    """Have servers use the key that is to be used, and clients when they restart next; returns the tunnels.

    The caller has the lock. CommandError.
    """
    done = pending(generation, store)
    for process, keys in _both(generation) if done else ():
        text = tls_crypt.file(keys.used.text)
        if files.read(store.at(process.key)) == text:
            continue
        files.write(store.at(process.key), text, 0o600)
        if process.transport:
            halt(process, store)
            systemd.systemctl("restart", process.unit)
    return done


def follow(generation: Generation, store: Store, names: Iterable[str]) -> list[str]:
    """Have clients without a session use the key that their server answers to; returns what was done, in words.

    `names`: of those clients. The caller has the lock.
    """
    done = []
    wanted = {*names}
    for process, keys in _both(generation):
        if process.transport or process.name not in wanted:
            continue
        there = files.read(store.at(process.key))
        others = [key for key in keys if key and tls_crypt.file(key.text) != there]
        mine = [key for key in keys if key and tls_crypt.file(key.text) == there]
        if any(answers(process, tls_crypt.hello(key.text)) for key in mine):
            continue
        for key in others:
            if answers(process, tls_crypt.hello(key.text)):
                files.write(store.at(process.key), tls_crypt.file(key.text), 0o600)
                systemd.systemctl("restart", process.unit)
                done.append(f"{process.name}: its server answers to tls-crypt key {key.number}: restarted with it")
                break
    return done


def answers(process: Process, hello: bytes) -> bool:
    """Whether a client's server answers to a first packet, over either transport."""
    return udp_answers(process, hello) or _tcp_answers(process, hello)


def udp_answers(process: Process, hello: bytes) -> bool:
    """The same over UDP."""
    return _answers(process, "udp", socket.SOCK_DGRAM, b"", hello)


def _tcp_answers(process: Process, hello: bytes) -> bool:
    return _answers(process, "tcp", socket.SOCK_STREAM, struct.pack("!H", len(hello)), hello)


def _answers(process: Process, transport: str, kind: socket.SocketKind, head: bytes, hello: bytes) -> bool:
    """``head``: what is in front of each packet."""
    (tunnel,) = process.tunnels
    port = tunnel["ssl"]["ports"].get(transport)
    if not port:
        return False
    with socket.socket(_family(process), kind) as line:
        line.settimeout(PATIENCE)
        try:
            line.connect((tunnel["remote_address"], port))
            line.sendall(head + hello)
            return line.recv(64)[len(head)] >> 3 == _ANSWER
        except (OSError, IndexError):
            return False


def _family(process: Process) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in process.tunnels[0]["remote_address"] else socket.AF_INET
