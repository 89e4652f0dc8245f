# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links are initiated within the time that is given, however many they are."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import confirm
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store


def test_many_peers_that_do_not_answer_take_no_longer_than_a_few(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: a confirmation with a thousand tunnels whose peers were not there yet took two minutes instead of 15 s."""

    asked: list[object] = []

    def silent(link: object, timeout: float, *_given: object) -> str:
        asked.append(link)
        time.sleep(min(timeout, 0.1))
        return "no answer from the peer"

    monkeypatch.setattr(confirm, "kind_of", lambda _name: SimpleNamespace(initiate=silent))
    monkeypatch.setattr(confirm, "states", lambda *_given: [])
    tunnels = [{"name": f"t{number}"} for number in range(200)]
    links = [{"vpn": "payroll", "tunnel": tunnel["name"], "initiator": True, "state": "DOWN"} for tunnel in tunnels]
    begun = time.monotonic()
    tried = confirm.initiate(links, Generation({"tunnels": tunnels}), 0.3, store)
    assert time.monotonic() - begun < 1.5
    assert [link["tunnel"] for link in tried] == [tunnel["name"] for tunnel in tunnels]
    assert len(asked) == 200, "those at the end are asked, too"
    said = {link["error"] for link in tried}
    assert said == {"no answer from the peer", confirm.LATE}


def test_tunnels_of_peers_that_are_behind_are_left_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: a run that one edge refused made the other one authenticate again, and a packet of another VPN was lost."""
    patient: dict[str, bool] = {}

    def refused(link: dict[str, object], _timeout: float, _store: Store, patiently: bool) -> str:
        patient[str(link["tunnel"])] = patiently
        return "received TS_UNACCEPTABLE notify"

    links = [{"vpn": "audit", "tunnel": name, "initiator": True, "state": "DOWN"} for name in ("a--b", "a--c")]
    document = {"generation": 4, "tunnels": [{"name": "a--b", "peer": "b"}, {"name": "a--c", "peer": "c"}]}
    monkeypatch.setattr(confirm, "kind_of", lambda _name: SimpleNamespace(initiate=refused))
    monkeypatch.setattr(confirm, "states", lambda *_given: links)
    monkeypatch.setattr(confirm, "KINDS", ())
    monkeypatch.setattr(confirm.reauthenticate, "renew", lambda *_given: [])
    generation = Generation(document)
    store.save(generation)
    store.point(generation)
    confirm.confirm(store, 1, behind=["c", "partner"])
    assert patient == {"a--b": False, "a--c": True}
