# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind ssl on the node: what OpenVPN says of tunnels, and how it is asked to bring one up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from ..document import Document, Generation
from ..kernel.routes import Routes
from ..part import Context
from ..state import Busy, Store
from ..system import files, systemd
from ..system.run import CommandError
from ..tunnel_kind import UP, NodeKind, Tended
from . import key_change, tls_crypt
from . import lost as _lost
from . import processes as _processes
from . import reasons as _reasons
from . import sessions as _sessions
from .management import Silent
from .processes import Process
from .sessions import Session

# A session that had to take TCP stays there for so long before anybody looks whether UDP answers again: to try it costs
# the session half a second, and where UDP only seems to pass, several.
TCP_FOR = 60
# A client's first packet (P_CONTROL_HARD_RESET_CLIENT_V2): opcode and key id, session id, no acknowledgement, packet 0.
_HELLO = bytes([7 << 3]) + b"intercld" + bytes(5)


class Ssl(NodeKind):
    """OpenVPN."""

    NAME = "ssl"

    def states(self, generation: Generation, store: Store) -> list[Document]:
        """Every link; all of a tunnel share the state of its session."""
        if not generation.tunnels(self.NAME):
            return []
        found: dict[str, list[Session]] = {}
        for session in _sessions.sessions(generation, store):
            found.setdefault(session.tunnel, []).append(session)
        return [
            {
                "vpn": link["vpn"],
                "tunnel": tunnel["name"],
                "initiator": bool(tunnel["initiator"]),
                "state": _state(found.get(tunnel["name"], []), link),
            }
            for tunnel in generation.tunnels(self.NAME)
            for link in tunnel["links"]
        ]

    def unmet(self, names: Collection[str], generation: Generation, store: Store) -> list[str]:
        """Those that no client has a session in."""
        return _lost.unmet(names, generation, store)

    def given_up(self, lost: Mapping[str, float], generation: Generation, store: Store, check: bool) -> list[str]:
        """Restart clients whose servers have no session of theirs."""
        return _lost.end(lost, generation, store, check)

    def initiate(self, link: Document, timeout: float, store: Store, patient: bool) -> str:
        """Wait for the session: its client tries by itself, for ever; it is started if somebody stopped it."""
        deadline = time.monotonic() + timeout
        try:
            with store.lock(timeout):  # or a commit that has just stopped it would find it running
                process = _processes.processes(store.running().generation).get(link["tunnel"])
                if process is None:
                    return "the node's document has no such tunnel any more"
                if not systemd.alive(process.unit):
                    systemd.systemctl("start", process.unit)
                elif link["state"] == "CONNECTING":
                    key_change.follow(store.running().generation, store, [process.name])
        except (Busy, CommandError) as error:
            return str(error)
        if _wait(process, deadline, store):
            return ""
        said = self.reasons(process.tunnels).get(link["tunnel"], [])
        return "; ".join(line["text"] for line in said[-2:]) or "no answer from the peer"

    def settle(self, generation: Generation, timeout: float, store: Store) -> None:
        """Leave TCP where UDP answers: a client that was there before its server may have given UDP up too early."""
        if not _processes.tunnels(generation):
            return
        deadline = time.monotonic() + timeout
        restarted: list[Process] = []
        # Another run that is here, or has been here since, settles it itself.
        with contextlib.suppress(Busy), store.lock(timeout):
            if store.named("current") == generation.name:
                restarted = self._detours(generation, 0, store)
            for process in restarted:
                systemd.systemctl("restart", process.unit)
        for process in restarted:
            _wait(process, deadline, store)

    def _detours(self, generation: Generation, age: float, store: Store) -> list[Process]:
        """The clients whose session has been over TCP for so many seconds, although UDP answers."""
        processes = _processes.processes(generation)
        detours = [
            processes[session.process]
            for session in _sessions.sessions(generation, store)
            if session.up and session.number < 0 and session.transport == "tcp" and time.time() - session.since >= age
        ]
        known = tls_crypt.given(generation)
        hellos = [_hello(process, known, store) for process in detours]
        with ThreadPoolExecutor(max(1, len(detours))) as pool:  # each waits a second where UDP is closed
            return [
                process
                for process, answers in zip(detours, pool.map(key_change.udp_answers, detours, hellos))
                if answers
            ]

    def tend(self, generation: Generation, store: Store) -> Tended:
        """Start what somebody stopped, lead routes to where peers are, and leave TCP when UDP answers again."""
        done = []
        for process in _processes.processes(generation).values():
            if process.transport and not systemd.alive(process.unit):
                systemd.systemctl("start", process.unit)
                done.append(f"{process.name} did not run: started")
        done += key_change.follow(generation, store, self._without_session(generation, store))
        for process in self._detours(generation, TCP_FOR, store):
            systemd.systemctl("restart", process.unit)
            done.append(f"{process.name}: UDP answers again, so it leaves TCP")
        return Tended([*done, *follow(generation, store)], self.states(generation, store))

    def _without_session(self, generation: Generation, store: Store) -> list[str]:
        """The tunnels that start here and are down."""
        states = self.states(generation, store)
        return sorted({str(one["tunnel"]) for one in states if one["initiator"] and one["state"] not in UP})

    def observe(self, generation: Generation, store: Store) -> Document:
        """The sessions."""
        found = _sessions.sessions(generation, store) if generation.tunnels(self.NAME) else []
        return {"sessions": [{**asdict(session), "networks": list(session.networks)} for session in found]}

    def reasons(self, tunnels: Iterable[Document]) -> dict[str, list[Document]]:
        """What OpenVPN logged."""
        return _reasons.reasons(tunnels)


def follow(generation: Generation, store: Store) -> list[str]:
    """Lead routes to the device that each peer came by last, and end what it left behind on another."""
    processes = _processes.processes(generation)
    if not any(process.transport for process in processes.values()):
        return []
    # Sessions first. Who is in was noted before he was let in: if he was seen elsewhere after that, this one is old.
    sessions = [session for session in _sessions.sessions(generation, store) if session.up and session.tunnel]
    now = Store(str(store.root))
    routes = Routes(Context(generation, generation, now))
    done = [change.action for change in routes.changes()]
    routes.build()
    for session in sessions:
        process = processes[session.process]
        if process.transport and now.arrivals.get(session.peer, process.device) != process.device:
            _sessions.end(process, [session.number], store)
            done.append(f"{session.tunnel}: left over {session.transport}: ended")
    return done


def _state(sessions: list[Session], link: Document) -> str:
    up = [session for session in sessions if session.up]
    if not up:
        return "CONNECTING" if sessions else "DOWN"
    return "INSTALLED" if any(_processes.carries(session.networks, link) for session in up) else "NARROWED"


def _wait(process: Process, deadline: float, store: Store) -> bool:
    """Whether a client has its session in time."""
    while time.monotonic() < deadline:
        with contextlib.suppress(Silent):
            if any(session.up for session in _sessions.of(process, store)):
                return True
        time.sleep(0.1)
    return False


def _hello(process: Process, known: dict[str, str], store: Store) -> bytes:
    keys = tls_crypt.held(process, known) if process.tls_crypt else None
    if not keys:
        return _HELLO
    there = files.read(store.at(process.key))
    return tls_crypt.hello(
        next((key.text for key in keys if key and tls_crypt.file(key.text) == there), keys.used.text)
    )
