# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link is up when its CHILD_SA has the document's selectors, not when charon merely has one."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import confirm
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import connections
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

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
        ([{**RIGHT, "name": "other"}], "DOWN"),
    ],
)
def test_the_state_of_a_link(
    monkeypatch: pytest.MonkeyPatch, edge: Generation, children: list[dict[str, Any]], state: str, store: Store
) -> None:
    sa = {"state": "ESTABLISHED", "child-sas": {str(number): child for number, child in enumerate(children)}}
    monkeypatch.setattr(connections, "security_associations", lambda _names: [("edge-east--edge-west", sa)])
    assert [link["state"] for link in confirm.states(edge, store)] == [state]
    assert bool(confirm.missing(edge, store)) == (state != "INSTALLED")


def test_a_responder_initiates_nothing(monkeypatch: pytest.MonkeyPatch, document: dict[str, Any], store: Store) -> None:
    monkeypatch.setattr(connections, "security_associations", lambda _names: [])
    document["tunnels"][0]["initiator"] = False
    assert confirm.missing(Generation(document, {}, "libipsec"), store) == []


def test_what_charon_lists_is_compared_with_the_document(edge: Generation) -> None:
    child = {"local-ts": ["100.64.0.0/26"], "remote-ts": ["100.64.0.64/26"]}
    listed = {"edge-east--edge-west": {"version": "IKEv2", "children": {"payroll": child}}, "theirs": {}}
    assert connections.parse(listed)["edge-east--edge-west"] == connections.shape(edge)["edge-east--edge-west"]
