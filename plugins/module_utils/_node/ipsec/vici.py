# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client for strongSwan's VICI protocol (libcharon/plugins/vici/README.md in its source), over its unix socket."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from typing import Any

SOCKET = "/run/charon.vici"
Section = dict[str, Any]  # values: bytes decoded to str, lists of str, sections

CMD_REQUEST, CMD_RESPONSE, CMD_UNKNOWN, EVENT_REGISTER, EVENT_UNREGISTER, EVENT_CONFIRM, EVENT_UNKNOWN, EVENT = range(8)
SECTION_START, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END = range(1, 7)
_NAMED, _VALUED = (KEY_VALUE, SECTION_START, LIST_START), (KEY_VALUE, LIST_ITEM)


class ViciError(Exception):
    """charon is not there, does not answer, or refuses."""


def encode(section: Section) -> bytes:
    """A message's body."""
    out = bytearray()
    for key, value in section.items():
        name = bytes([len(key)]) + key.encode()
        if isinstance(value, dict):
            out += bytes([SECTION_START]) + name + encode(value) + bytes([SECTION_END])
        elif isinstance(value, list):
            items = [str(item).encode() for item in value]
            out += bytes([LIST_START]) + name
            out += b"".join(struct.pack("!BH", LIST_ITEM, len(item)) + item for item in items) + bytes([LIST_END])
        else:
            data = value if isinstance(value, bytes) else str(value).encode()
            out += bytes([KEY_VALUE]) + name + struct.pack("!H", len(data)) + data
    return bytes(out)


def decode(data: bytes) -> Section:
    """The sections of a message's body. Written for speed: a thousand tunnels say forty thousand words."""
    try:
        return _decode(data)
    except IndexError:
        raise ViciError("charon sent a message that ends too early") from None


def _decode(data: bytes) -> Section:
    here: Section = {}
    stack, items, position, size = [here], list[str](), 0, len(data)
    while position < size:
        kind = data[position]
        at = position + 1
        if kind in _NAMED:
            at += 1 + data[at]
            name = data[position + 2 : at].decode("utf-8", "replace")
        if kind in _VALUED:
            begin = at + 2
            at = begin + (data[at] << 8 | data[at + 1])
            value = data[begin:at].decode("utf-8", "replace")
        position = at
        if kind == KEY_VALUE:
            here[name] = value
        elif kind == LIST_ITEM:
            items.append(value)
        elif kind == SECTION_START:
            inner: Section = {}
            here[name] = inner
            stack.append(here)
            here = inner
        elif kind == SECTION_END and len(stack) > 1:
            here = stack.pop()
        elif kind == LIST_START:
            here[name] = items = []
        elif kind != LIST_END:
            raise ViciError(f"charon sent an element of unknown type {kind}")
    if position > size:
        raise IndexError
    return stack[0]


class Vici:
    """A connection to charon; use it in a `with` statement. `timeout` (seconds) bounds every single answer."""

    def __init__(self, path: str = SOCKET, timeout: float = 15) -> None:
        self._begun = b""  # of events, what is not whole yet
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._socket.connect(path)
                return
            except BlockingIOError as error:  # others wait already, more than charon queues (unix(7), EAGAIN)
                refusal: OSError = error
            except OSError as error:
                refusal, deadline = error, 0.0
            if time.monotonic() > deadline:
                self._socket.close()
                raise ViciError(f"charon does not listen on {path}: {refusal.strerror or refusal}") from refusal
            time.sleep(0.05)

    def __enter__(self) -> Vici:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    @property
    def peer(self) -> int:
        """The process id of the daemon."""
        credentials = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[0])

    def _send(self, kind: int, name: str, body: bytes = b"") -> None:
        packet = bytes([kind, len(name)]) + name.encode() + body
        try:
            self._socket.sendall(struct.pack("!I", len(packet)) + packet)
        except OSError as error:
            raise ViciError(f"charon: {error.strerror or error}") from error

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                piece = self._socket.recv(size - len(data))
            except OSError as error:
                raise ViciError(f"charon: {error.strerror or error}") from error
            if not piece:
                raise ViciError("charon closed the connection")
            data += piece
        return data

    def _receive(self) -> tuple[int, bytes]:
        packet = self._exactly(struct.unpack("!I", self._exactly(4))[0])
        return packet[0], packet[1:]

    def request(self, command: str, arguments: Section | None = None) -> Section:
        """Run a command. Raises ViciError when charon says that it failed."""
        answer = self.ask(command, arguments)
        if answer.get("success", "yes") != "yes":
            raise ViciError(f"{command}: {answer.get('errmsg') or 'failed'}")
        return answer

    def ask(self, command: str, arguments: Section | None = None, events: list[str] | None = None) -> Section:
        """Run a command and return its answer; lines of `control-log` events are added to `events`."""
        self._send(CMD_REQUEST, command, encode(arguments or {}))
        while True:
            kind, body = self._receive()
            if kind == EVENT:
                if events is not None:
                    events.append(str(decode(body[1 + body[0] :]).get("msg", "")))
                continue
            if kind != CMD_RESPONSE:
                raise ViciError(f"charon does not know the command {command}")
            return decode(body)

    def register(self, event: str) -> None:
        """Have charon send an event from now on."""
        self._send(EVENT_REGISTER, event)
        if self._receive()[0] != EVENT_CONFIRM:
            raise ViciError(f"charon does not know the event {event}")

    def subscribe(self, events: Iterable[str]) -> None:
        """Have charon send events, for `drain`, without waiting for its answer."""
        for event in events:
            self._send(EVENT_REGISTER, event)

    def fileno(self) -> int:
        """For select(2)."""
        return self._socket.fileno()

    def news(self) -> Iterator[Section]:
        """The events that have come since `subscribe`, as far as they are whole, without waiting. ViciError when charon
        ended."""
        self._begun += b"".join(self._arrived())
        while len(self._begun) >= 4 and len(self._begun) >= 4 + int.from_bytes(self._begun[:4], "big"):
            size = int.from_bytes(self._begun[:4], "big")
            packet, self._begun = self._begun[4 : 4 + size], self._begun[4 + size :]
            if packet and packet[0] == EVENT:
                yield decode(packet[2 + packet[1] :])

    def drain(self) -> None:
        """Read what has come, whatever it is. ViciError when charon ended.

        Half a message is none of that: charon may have been stopped between two writes.
        """
        for _data in self._arrived():
            pass

    def _arrived(self) -> Iterator[bytes]:
        """The octets that have come, without waiting. ViciError when charon ended."""
        while select.select([self], [], [], 0)[0]:
            try:
                data = self._socket.recv(1 << 16)
            except OSError as error:
                raise ViciError(f"charon: {error.strerror or error}") from error
            if not data:
                raise ViciError("charon closed the connection")
            yield data

    def stream(self, command: str, event: str, arguments: Section | None = None) -> Iterator[Section]:
        """Run a command that answers with a sequence of events."""
        self.register(event)
        self._send(CMD_REQUEST, command, encode(arguments or {}))
        while True:
            kind, body = self._receive()
            if kind == CMD_RESPONSE:
                break
            if kind != EVENT:
                raise ViciError(f"charon does not know the command {command}")
            yield decode(body[1 + body[0] :])
        self._send(EVENT_UNREGISTER, event)
        self._receive()
