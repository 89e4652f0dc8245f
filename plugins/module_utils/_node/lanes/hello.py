# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hellos: datagrams of eight octets that edges of pairs send their peers over each tunnel, ten a second.

One says whether its sender is the master of its site, and whether it hears anything of its org network. Nothing
else counts. The kernel passes on what comes from the peer's own address, and by the tunnel's device, and
discards all else: the socket is connected, and bound to the device.

While a peer says nothing, it is asked for an echo (ICMP): its kernel answers where its process has died, or is about
to start again. So a process that dies moves no traffic.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple

PORT = 14790
_FORM = struct.Struct("!4sBB2x")
_MAGIC, _VERSION, _MASTER, _IDLE = b"vccL", 1, 1, 2
_REQUEST: dict[int, int] = {socket.AF_INET: 8, socket.AF_INET6: 128}
_REPLY: dict[int, int] = {socket.AF_INET: 0, socket.AF_INET6: 129}
_ICMP: dict[int, int] = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
_SIZE = 256  # octets; more is none of ours
_BUNCH = 50  # datagrams that are read at once: a flood of one is not to keep it from others

# rtnetlink(7)
_HEADER, _ROUTE, _ATTRIBUTE = struct.Struct("=LHHLL"), struct.Struct("=8BL"), struct.Struct("=HH")
_NEW_ROUTE, _GET_ROUTE, _ASKED, _RTA_DST, _RTN_LOCAL = 24, 26, 1, 1, 2


class Said(NamedTuple):
    """What an edge says of itself. `idle`: nothing comes from its org network, which may be cut off."""

    master: bool
    idle: bool = False


def encode(said: Said) -> bytes:
    """A datagram."""
    return _FORM.pack(_MAGIC, _VERSION, (_MASTER if said.master else 0) | (_IDLE if said.idle else 0))


def decode(data: bytes) -> Said | None:
    """What it says. None: it is none of ours."""
    if len(data) < _FORM.size:
        return None
    magic, version, flags = _FORM.unpack_from(data)
    return Said(bool(flags & _MASTER), bool(flags & _IDLE)) if (magic, version) == (_MAGIC, _VERSION) else None


def local(addresses: list[str]) -> bool:
    """Whether all of some addresses are this machine's: whether the kernel's way to them is its own.

    bind() says yes to others, too, under ip_nonlocal_bind; and the source of a connection to an address that is a
    second one of its network is the first.
    """
    return all(map(_is_local, addresses))


def _is_local(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    route = (
        _ROUTE.pack(family, 8 * len(packed), 0, 0, 0, 0, 0, 0, 0) + _ATTRIBUTE.pack(4 + len(packed), _RTA_DST) + packed
    )
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0) as asking:
            asking.settimeout(0.05)
            asking.sendto(_HEADER.pack(_HEADER.size + len(route), _GET_ROUTE, _ASKED, 0, 0) + route, (0, 0))
            answer = asking.recv(4096)
    except OSError:
        return False
    kind = _HEADER.unpack_from(answer)[1]
    return bool(kind == _NEW_ROUTE and _ROUTE.unpack_from(answer, _HEADER.size)[7] == _RTN_LOCAL)


def _connected(kind: int, protocol: int, source: str, peer: str, port: int, device: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in peer else socket.AF_INET
    one = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the same address greets other peers, too
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        one.bind((source, port))
        one.connect((peer, port))
    except BaseException:
        one.close()
        raise
    return one


class Line:
    """The sockets of one tunnel. All of it may come and go: the address, the device, and the peer."""

    def __init__(self, source: str, peer: str, device: str) -> None:
        self.source, self.peer, self.device = source, peer, device
        self._family = socket.AF_INET6 if ":" in peer else socket.AF_INET
        self._hello: socket.socket | None = None
        self._echo: socket.socket | None = None
        self._index = 0
        self._number = int.from_bytes(os.urandom(2), "big")

    def send(self, datagram: bytes, asking: bool) -> None:
        """Say hello; `asking`: ask the peer's kernel for an echo as well."""
        try:
            index = socket.if_nametoindex(self.device)
        except OSError:
            self.close()
            return
        if index != self._index:  # the device is another one of that name
            self.close()
            self._index = index
        with contextlib.suppress(OSError):  # no address yet, no route, no SA: nothing is heard, which says all
            if self._hello is None:
                self._hello = _connected(socket.SOCK_DGRAM, 0, self.source, self.peer, PORT, self.device)
            self._hello.send(datagram)
        if asking:
            with contextlib.suppress(OSError):
                self._ask()
        elif self._echo is not None:
            self._echo.close()
            self._echo = None

    def _ask(self) -> None:
        if self._echo is None:
            protocol = _ICMP[self._family]
            self._echo = _connected(socket.SOCK_RAW, protocol, self.source, self.peer, 0, self.device)
        self._echo.send(_request(self._family, self._number))

    def receive(self) -> tuple[bool, Said | None]:
        """Whether the peer was heard since the last time, and what it said last of itself (None: nothing)."""
        heard, last = False, None
        for _each in range(_BUNCH if self._hello is not None else 0):
            try:
                said = decode(self._hello.recv(_SIZE))  # type: ignore[union-attr]
            except BlockingIOError:
                break
            except OSError:  # "port unreachable": so much for that; the rest of what came is read
                continue
            if said is not None:
                heard, last = True, said
        for _each in range(_BUNCH if self._echo is not None else 0):
            try:
                heard = self._echoed(self._echo.recv(_SIZE)) or heard  # type: ignore[union-attr]
            except OSError:
                break
        return heard, last

    def _echoed(self, packet: bytes) -> bool:
        at = 0
        if self._family == socket.AF_INET and packet:  # IPv4's raw sockets get the header, too
            at = (packet[0] & 15) * 4
        return len(packet) >= at + 8 and (
            packet[at] == _REPLY[self._family] and int.from_bytes(packet[at + 4 : at + 6], "big") == self._number
        )

    def fileno(self) -> int:
        """Of the socket that hellos come by; -1: there is none."""
        return -1 if self._hello is None else self._hello.fileno()

    def close(self) -> None:
        """Close the sockets; `send` opens new ones."""
        for one in (self._hello, self._echo):
            if one is not None:
                one.close()
        self._hello, self._echo, self._index = None, None, 0


def provoke(addresses: Iterable[str], device: str) -> None:
    """Ask machines on a network for an echo, so that something comes from there that can be counted."""
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        with contextlib.suppress(OSError), socket.socket(family, kind, _ICMP[family]) as asking:
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            asking.sendto(_request(family, 0), (address, 0))


def _request(family: int, number: int) -> bytes:
    """An echo request."""
    head = struct.pack("!BBHHH", _REQUEST[family], 0, 0, number, 0)
    if family == socket.AF_INET:  # of IPv6, the kernel computes it
        head = struct.pack("!BBHHH", _REQUEST[family], 0, _checksum(head), number, 0)
    return head


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return int(~(total + (total >> 16)) & 0xFFFF)
