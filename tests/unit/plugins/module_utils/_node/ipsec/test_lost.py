# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tunnel that only the end that initiates still has is made again in the run that sees both ends."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import confirm
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import connections, former, kind, lost
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.vici import ViciError
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

OURS, THEIRS, PARTNERS = "edge-east--edge-west", "edge-east--edge-south", "edge-east--partner"
TUNNEL: dict[str, Any] = {"ike": {}}
LINK = {"vpn": "payroll", "local_ts": ["100.64.0.0/26"], "remote_ts": ["100.64.0.64/26"]}
DOCUMENT = {
    "generation": 4,
    "tunnels": [
        {**TUNNEL, "name": OURS, "peer": "edge-west", "initiator": True, "links": [LINK]},
        {**TUNNEL, "name": THEIRS, "peer": "edge-south", "initiator": False, "links": [LINK, {**LINK, "vpn": "audit"}]},
        {**TUNNEL, "name": PARTNERS, "peer": "partner", "initiator": False, "external": True, "links": [LINK]},
    ],
}


class Charon:
    """The IKE_SAs that charon has. It makes one that is missing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sas: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.errors: list[ViciError] = []
        monkeypatch.setattr(lost, "Vici", lambda: self)
        monkeypatch.setattr(connections, "answered", self.answered)
        monkeypatch.setattr(kind.Ipsec, "_initiate", lambda _self, link, _timeout: self.add(str(link["tunnel"]), 0))

    def add(self, tunnel: str, age: int, state: str = "ESTABLISHED") -> str:
        child = {"name": "payroll", "state": "INSTALLED", "local-ts": LINK["local_ts"], "remote-ts": LINK["remote_ts"]}
        sa = {"uniqueid": str(len(self.sas) + 7), "state": state, "established": str(age), "child-sas": {"1": child}}
        self.sas.append((tunnel, sa))
        return ""

    def answered(self, names: Iterable[str], *_how: Any, **_more: Any) -> list[tuple[str, dict[str, Any]]]:
        for error in self.errors:
            raise error
        return [(name, sa) for name, sa in self.sas if name in set(names)]

    def ask(self, command: str, message: dict[str, str]) -> None:
        self.asked.append((command, message))
        self.sas = [(name, sa) for name, sa in self.sas if sa["uniqueid"] != message["ike-id"]]

    def __enter__(self) -> Charon:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass


@pytest.fixture
def charon(monkeypatch: pytest.MonkeyPatch) -> Charon:
    return Charon(monkeypatch)


@pytest.fixture
def edge(store: Store) -> Generation:
    generation = Generation(DOCUMENT)
    store.save(generation)
    store.point(generation)
    return generation


def unmet(edge: Generation, store: Store) -> list[str]:
    return confirm.unmet(confirm.states(edge, store), edge, store)


def test_of_what_a_peer_initiates_nothing_is_there(charon: Charon, edge: Generation, store: Store) -> None:
    assert unmet(edge, store) == [THEIRS], "its own comes up by itself, and no run tells a partner"


def test_a_tunnel_without_one_of_its_links_is_there(charon: Charon, edge: Generation, store: Store) -> None:
    charon.add(THEIRS, 100)
    assert unmet(edge, store) == []


def test_an_ike_sa_whose_links_are_being_made_again_is_there(charon: Charon, edge: Generation, store: Store) -> None:
    charon.add(THEIRS, 100)
    charon.sas[0][1]["child-sas"] = {}
    assert unmet(edge, store) == []


def test_a_tunnel_that_is_there_by_its_former_name_is_there(charon: Charon, edge: Generation, store: Store) -> None:
    file = store.at(former.CONFIG)
    file.parent.mkdir(parents=True)
    file.write_text(f"# {json.dumps([['edge-east--south', 'payroll', THEIRS, 'payroll']])}\n")
    assert unmet(edge, store) == []


def test_a_charon_that_does_not_answer_tells_nothing(charon: Charon, edge: Generation, store: Store) -> None:
    charon.errors = [ViciError("no answer")]
    assert unmet(edge, store) == []
    assert kind.Ipsec().given_up({OURS: 3.0}, edge, store, False) == []


def test_what_the_peer_lost_is_made_again(charon: Charon, edge: Generation, store: Store) -> None:
    """Seen: another machine took an edge's place, and its peer sent with the old keys until DPD gave up, 16 s after the
    old machine had gone. Until then no member reached another one, and verify in the same run said so."""
    charon.add(OURS, 100)
    predicted = confirm.confirm(store, 1, check=True, lost={OURS: 3.2, THEIRS: 3.0, "another--tunnel": 1.0})
    assert charon.asked == []
    done = confirm.confirm(store, 1, lost={OURS: 3.2, THEIRS: 3.0, "another--tunnel": 1.0})
    assert charon.asked == [("terminate", {"ike-id": "7", "force": "yes", "timeout": lost.NO_ANSWER})]
    assert done["given_up"] == predicted["given_up"] == [OURS]
    assert done["initiated"] == predicted["initiated"] == [{"vpn": "payroll", "tunnel": OURS}]
    assert [link["state"] for link in done["links"] if link["tunnel"] == OURS] == ["INSTALLED"]


@pytest.mark.parametrize(("age", "state"), [(2, "ESTABLISHED"), (4, "ESTABLISHED"), (0, "CONNECTING")])
def test_what_came_up_since_then_stays(charon: Charon, edge: Generation, store: Store, age: int, state: str) -> None:
    charon.add(OURS, age, state)
    done = confirm.confirm(store, 1, lost={OURS: 3.2})
    assert (done["given_up"], charon.asked) == ([], [])
