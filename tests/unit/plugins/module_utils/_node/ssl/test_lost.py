# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session that only its client still has is made again in the run that sees both ends."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl import lost
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl.management import Silent
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl.processes import Process
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl.sessions import UP, Session
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

CLIENT = Process("east--west", "vcs-0", ({"name": "east--west"},))
UDP = Process("server-udp", "vcs-udp", ({"name": "east--south"}, {"name": "east--north"}), "udp")
TCP = Process("server-tcp", "vcs-tcp", ({"name": "east--south"},), "tcp")
NOW = 1000
EDGE = Generation({})


class Edge:
    """Its processes and what they say: sessions, or None where one does not answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: dict[str, list[Session] | None] = {one.name: [] for one in (CLIENT, UDP, TCP)}
        self.restarted: list[str] = []
        monkeypatch.setattr(lost._processes, "processes", lambda _edge: {one.name: one for one in (CLIENT, UDP, TCP)})
        monkeypatch.setattr(lost._sessions, "of", self._of)
        monkeypatch.setattr(lost.systemd, "systemctl", lambda _verb, unit: self.restarted.append(unit))
        monkeypatch.setattr(lost.time, "time", lambda: float(NOW))

    def _of(self, process: Process, _store: Store) -> list[Session]:
        said = self.said[process.name]
        if said is None:
            raise Silent(process.name)
        return said


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Edge:
    return Edge(monkeypatch)


def session(tunnel: str, state: str = UP, age: int = 100) -> Session:
    return Session("", tunnel, "", state, since=NOW - age)


def unmet(store: Store, *names: str) -> list[str]:
    return lost.unmet(names or ("east--south", "east--north"), EDGE, store)


def test_what_no_server_has_a_session_of(edge: Edge, store: Store) -> None:
    assert unmet(store) == ["east--north", "east--south"]
    edge.said["server-tcp"] = [session("east--south")]
    assert unmet(store) == ["east--north"]


def test_a_server_that_does_not_answer_tells_nothing(edge: Edge, store: Store) -> None:
    edge.said["server-udp"] = None
    assert unmet(store) == []


@pytest.mark.parametrize(
    ("said", "ended"),
    [
        ([session("east--west")], ["east--west"]),
        ([session("east--west", age=3)], []),
        ([session("east--west", "RECONNECTING")], []),
        (None, []),
    ],
)
def test_a_client_whose_session_was_up_then_is_restarted(
    edge: Edge, store: Store, said: list[Session] | None, ended: list[str]
) -> None:
    edge.said["east--west"] = said
    given: dict[str, Any] = {"east--west": 3.2}
    assert lost.end(given, EDGE, store, check=True) == ended
    assert edge.restarted == []
    assert lost.end(given, EDGE, store, check=False) == ended
    assert edge.restarted == [CLIENT.unit for _name in ended]
