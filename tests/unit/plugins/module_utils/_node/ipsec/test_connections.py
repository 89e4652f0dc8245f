# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link is up when its CHILD_SA has the document's selectors, not when charon merely has one."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import confirm
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import connections
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.kind import Ipsec
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.vici import ViciError
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.tunnel_kind import UP

RIGHT = {"name": "payroll", "state": "INSTALLED", "local-ts": ["100.64.0.0/26"], "remote-ts": ["100.64.0.64/26"]}


@pytest.mark.parametrize(
    ("children", "state"),
    [
        ([RIGHT], "INSTALLED"),
        ([], "DOWN"),
        ([{**RIGHT, "state": "CREATED"}], "CREATED"),
        ([{**RIGHT, "remote-ts": ["100.64.0.64/27"]}], "NARROWED"),
        ([{**RIGHT, "state": "REKEYED"}, RIGHT], "INSTALLED"),
        ([RIGHT, {**RIGHT, "state": "DELETING"}], "INSTALLED"),
        ([{**RIGHT, "state": "REKEYING"}, {**RIGHT, "state": "INSTALLING"}], "REKEYING"),
        ([{**RIGHT, "state": "REKEYING"}, RIGHT], "INSTALLED"),
        ([{**RIGHT, "name": "other"}], "DOWN"),
    ],
)
def test_the_state_of_a_link(
    monkeypatch: pytest.MonkeyPatch, edge: Generation, children: list[dict[str, Any]], state: str, store: Store
) -> None:
    sa = {"state": "ESTABLISHED", "child-sas": {str(number): child for number, child in enumerate(children)}}
    monkeypatch.setattr(connections, "answered", lambda _names, **_given: [("edge-east--edge-west", sa)])
    assert [link["state"] for link in confirm.states(edge, store)] == [state]
    assert bool(confirm.missing(edge, store)) == (state not in UP)


def test_what_charon_is_busy_with_is_not_missing(
    monkeypatch: pytest.MonkeyPatch, edge: Generation, store: Store
) -> None:
    """Under load, two agents that started at once found links down that were up, and one of them was there twice."""
    sas = [("edge-east--edge-west", {"state": "ESTABLISHED", "child-sas": {"1": RIGHT}})]
    monkeypatch.setattr(connections, "answered", lambda _names, patiently=False, **_given: sas if patiently else [])
    assert confirm.missing(edge, store) == []
    assert [link["state"] for link in Ipsec().tend(edge, store).links] == ["INSTALLED"]


def test_links_are_not_down_because_charon_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, edge: Generation, store: Store
) -> None:
    hangs = MagicMock()
    hangs.return_value.__enter__.return_value.stream.side_effect = ViciError("no answer within 4 s")
    hangs.return_value.stream.side_effect = ViciError("no answer within 4 s")
    hangs.return_value.__exit__.return_value = None
    monkeypatch.setattr(connections, "Vici", hangs)
    with pytest.raises(ViciError):
        Ipsec().tend(edge, store)
    assert [link["state"] for link in confirm.states(edge, store)] == ["UNKNOWN"]


def test_a_responder_initiates_nothing(monkeypatch: pytest.MonkeyPatch, document: dict[str, Any], store: Store) -> None:
    monkeypatch.setattr(connections, "answered", lambda _names, **_given: [])
    document["tunnels"][0]["initiator"] = False
    assert confirm.missing(Generation(document, {}, "libipsec"), store) == []


def test_what_charon_lists_is_compared_with_the_document(edge: Generation) -> None:
    child = {"local-ts": ["100.64.0.0/26"], "remote-ts": ["100.64.0.64/26"]}
    listed = {"edge-east--edge-west": {"version": "IKEv2", "children": {"payroll": child}}, "theirs": {}}
    assert connections.parse(listed)["edge-east--edge-west"] == connections.shape(edge)["edge-east--edge-west"]


def test_a_peer_whose_ike_sa_is_older_than_its_configuration_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: it had loaded a new certificate, and refused a new VPN's link for as long as the IKE_SA lived."""
    kind, made = Ipsec(), []
    answers = ["received TS_UNACCEPTABLE notify, no CHILD_SA built", "", "received TS_UNACCEPTABLE notify", "no answer"]
    monkeypatch.setattr(Ipsec, "_initiate", lambda *_given: answers.pop(0))
    monkeypatch.setattr(connections, "again", lambda names, reauth: (made.append((names, reauth)), set())[1])
    link, store = {"tunnel": "a--b", "vpn": "audit", "state": "DOWN"}, Store()
    assert kind.initiate(link, 5, store, False) == ""
    assert kind.initiate(link, 5, store, False) == "received TS_UNACCEPTABLE notify", "not at once again"
    assert kind.initiate({**link, "tunnel": "a--c"}, 5, store, False) == "no answer"
    assert made == [(["a--b"], True)]
