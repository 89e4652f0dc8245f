# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions that an edge's OpenVPN processes have, as they tell themselves."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..document import Generation
from ..state import Store
from . import processes
from .management import Silent, ask
from .processes import Process

UP = "ESTABLISHED"
LEAVING = 8.0  # seconds; a server waits five for a client to confirm that it leaves
_CONTROL = re.compile(r"Control Channel: (?P<version>TLS\S+), cipher \S+ (?P<suite>[^,]+),.*")
_KEY = re.compile(r"peer temporary key: \d+ bits (?:EC)?(?P<group>\S+)")
_DATA = re.compile(r"Data Channel: cipher '(?P<cipher>[^']+)'")
_BYTES = re.compile(r"bytesin=(\d+),bytesout=(\d+)")


@dataclass(frozen=True)
class Session:
    """One session. ``tunnel`` is empty if it is none of the document's; ``number`` is the server's, a client's -1."""

    process: str
    tunnel: str
    peer: str
    state: str
    transport: str = ""
    remote_host: str = ""
    remote_port: int = 0
    since: int = 0
    cipher: str = ""
    suite: str = ""
    group: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    networks: tuple[str, ...] = field(default=())
    number: int = -1

    @property
    def up(self) -> bool:
        """Whether packets can pass."""
        return self.state == UP


def sessions(generation: Generation, store: Store) -> list[Session]:
    """All sessions of a generation's processes, those of peers unknown to it, too."""
    found: list[Session] = []
    for process in processes.processes(generation).values():
        with contextlib.suppress(Silent):
            found += of(process, store)
    return found


def of(process: Process, store: Store) -> list[Session]:
    """The sessions of one process. Raises Silent."""
    path = store.at(process.socket)
    try:
        if process.transport:
            status, log = ask(path, "status 3", "log all")
            return list(_served(process, status, log))
        state, load, log = ask(path, "state", "load-stats", "log all")
        return [_started(process, state, load, log)]
    except (ValueError, LookupError) as error:  # what OpenVPN says is not to stop what asks it
        raise Silent(f"{path}: its answer makes no sense: {error!r}") from error


def end(process: Process, numbers: Iterable[int], store: Store) -> None:
    """End a server's sessions: the clients leave, start anew, and begin with their first way to the server.

    Returns when they have left, or when the server has given them up.
    """
    gone = set(numbers)
    deadline = time.monotonic() + LEAVING
    with contextlib.suppress(Silent):  # a server that is gone has no session
        for number in gone:
            ask(store.at(process.socket), f"client-kill {number} HALT")
        while time.monotonic() < deadline and gone & {session.number for session in of(process, store)}:
            time.sleep(0.05)


def _started(process: Process, state: list[str], load: list[str], log: list[str]) -> Session:
    """A client's: `time,state,detail,local,remote,port,…`."""
    (tunnel,) = process.tunnels
    words = (state[-1] if state else "").split(",") + [""] * 8
    up = words[1] == "CONNECTED" and words[2] == "SUCCESS"
    port = int(words[5] or 0)
    name = next((t for t, number in tunnel["ssl"]["ports"].items() if number == port), "")
    counted = _BYTES.search(load[0] if load else "")
    control, data = _last(log, _CONTROL), _last(log, _DATA)
    key = _KEY.search(control.group() if control else "")
    return Session(
        process.name,
        tunnel["name"],
        tunnel["remote_id"],
        UP if up else words[1] or "CONNECTING",
        name,
        words[4],
        port,
        int(words[0] or 0) if up else 0,
        data["cipher"] if data and up else "",
        control["suite"].strip() if control and up else "",
        key["group"] if key and up else "",
        int(counted[1]) if counted else 0,
        int(counted[2]) if counted else 0,
        tuple(processes.networks(tunnel)),  # whatever goes into a client's device goes to its one server
    )


def _served(process: Process, status: list[str], log: list[str]) -> Iterable[Session]:
    """A server's: the lists of clients and of what is routed to each, tab-separated, with a header for each."""
    named = {tunnel["remote_id"]: tunnel["name"] for tunnel in process.tunnels}
    headers: dict[str, list[str]] = {}
    clients: list[dict[str, str]] = []
    routed: dict[str, set[str]] = {}
    for line in status:
        kind, *words = line.split("\t")
        if kind == "HEADER":
            headers[words[0]] = words[1:]
        elif kind == "CLIENT_LIST":
            clients.append(dict(zip(headers[kind], words)))
        elif kind == "ROUTING_TABLE":
            entry = dict(zip(headers[kind], words))
            if not entry["Virtual Address"].endswith("C"):  # one address of a network, remembered
                routed.setdefault(entry["Real Address"], set()).add(_prefix(entry["Virtual Address"]))
    for client in clients:
        if client["Common Name"] == "UNDEF":  # it has not shown its certificate yet
            continue
        real = client["Real Address"]
        host, _colon, port = real.rpartition(":")
        control = _last((line for line in log if f"{real} " in line), _CONTROL)
        key = _KEY.search(control.group() if control else "")
        yield Session(
            process.name,
            named.get(client["Common Name"], ""),
            client["Common Name"],
            # Who has nothing behind him was not let in, or not yet: OpenVPN lists everybody who is at the door.
            UP if routed.get(real) else "CONNECTING",
            process.transport,
            host.strip("[]"),
            int(port or 0),
            int(client["Connected Since (time_t)"]),
            client["Data Channel Cipher"],
            control["suite"].strip() if control else "",
            key["group"] if key else "",
            int(client["Bytes Received"]),
            int(client["Bytes Sent"]),
            tuple(sorted(routed.get(real, ()))),
            int(client["Client ID"]),
        )


def _prefix(text: str) -> str:
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_network(text, strict=False))
    return text


def _last(lines: Iterable[str], pattern: re.Pattern[str]) -> re.Match[str] | None:
    found = None
    for line in lines:
        found = pattern.search(line) or found
    return found
