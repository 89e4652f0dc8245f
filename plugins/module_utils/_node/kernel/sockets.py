# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which program holds which UDP or TCP port, as the kernel says (proc(5))."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = "/proc"
LISTEN = "0A"
_SOCKET = re.compile(r"socket:\[(\d+)\]")


@dataclass(frozen=True)
class Socket:
    """One bound UDP socket, or a TCP socket that listens."""

    transport: str
    family: int
    address: str
    port: int
    inode: int

    @property
    def anywhere(self) -> bool:
        """Whether it is bound to no address in particular."""
        return ipaddress.ip_address(self.address).is_unspecified


@dataclass(frozen=True)
class Holder:
    """A program that holds a port."""

    port: Socket
    pid: int
    name: str

    def __str__(self) -> str:
        who = f"{self.name} (process {self.pid})" if self.pid else "a program of another container or namespace"
        return f"{self.port.transport.upper()} {self.port.port} is held by {who}"


def sockets(transport: str, ports: Collection[int]) -> list[Socket]:
    """The sockets on these ports, of both families."""
    found = []
    for family, file in ((4, transport), (6, f"{transport}6")):
        try:
            lines = Path(f"{PROC}/net/{file}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:  # no IPv6
            continue
        for line in lines:
            words = line.split()
            host, _colon, port = words[1].partition(":")
            if int(port, 16) in ports and (transport == "udp" or words[3] == LISTEN):
                found.append(Socket(transport, family, _address(host), int(port, 16), int(words[9])))
    return found


def _address(text: str) -> str:
    """The kernel writes an address in words of 32 bits, in the machine's own order."""
    words = struct.pack(f"={len(text) // 8}I", *(int(text[at : at + 8], 16) for at in range(0, len(text), 8)))
    return socket.inet_ntop(socket.AF_INET if len(words) == 4 else socket.AF_INET6, words)


def held_by(pid: int) -> set[int]:
    """The inodes of a process's sockets."""
    found = set()
    with contextlib.suppress(OSError):  # it has ended
        for entry in os.scandir(f"{PROC}/{pid}/fd"):
            with contextlib.suppress(OSError):
                match = _SOCKET.fullmatch(os.readlink(entry.path))
                if match:
                    found.add(int(match[1]))
    return found


def holders(found: Iterable[Socket], units: Collection[str], ours: int = 0) -> list[Holder]:
    """Who holds these sockets, save the process ``ours`` and those of systemd's ``units``."""
    sought = {one.inode: one for one in found}
    for inode in held_by(ours) if ours else ():
        sought.pop(inode, None)
    if not sought:
        return []
    seen: dict[int, Holder | None] = {}
    for pid in sorted(int(name) for name in os.listdir(PROC) if name.isdigit()):
        for inode in held_by(pid) & set(sought):
            mine = _unit_of(pid, units)
            seen.setdefault(inode, None if mine else Holder(sought[inode], pid, _text(pid, "comm").strip()))
    nameless = [Holder(one, 0, "") for inode, one in sought.items() if inode not in seen]
    return [holder for holder in seen.values() if holder] + nameless


def _unit_of(pid: int, units: Collection[str]) -> bool:
    groups = _text(pid, "cgroup")
    return any(f"/{unit}" in groups for unit in units)


def _text(pid: int, file: str) -> str:
    try:
        return Path(f"{PROC}/{pid}/{file}").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
