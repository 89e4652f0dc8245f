# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tunnel that is up by a certificate that was revoked is ended, once, and no other tunnel is."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import charon, connections
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.swanctl import Swanctl
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

LIST = "number: 17\nrevoked: edge-west.acme a1 2026-01-01T00:00:00Z\n"
LATER = LIST.replace("17", "18") + "revoked: edge-west.acme b2 2026-02-01T00:00:00Z\n"


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is noted of a daemon in which every tunnel is up."""
    note: dict[str, Any] = {"pid": 1}
    monkeypatch.setattr(charon, "identity", lambda: (1, "1"))
    monkeypatch.setattr(charon, "marker", lambda _store: note)
    monkeypatch.setattr(charon, "mark", lambda _store, **news: note.update(news))
    note["up"] = ""  # "": tunnels; else what their bridges end with
    monkeypatch.setattr(
        connections,
        "active",
        lambda names: [(name, "") for name in names if name.endswith(".bridge") == bool(note["up"])],
    )
    return note


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tunnels that were ended."""
    gone: list[str] = []
    monkeypatch.setattr(connections, "terminate", lambda some: gone.extend(name for name, _child in some))
    return gone


def swanctl(document: dict[str, Any], store: Store, crl: str) -> Swanctl:
    """Tunnels to edge-west, edge-south, and, with a pre-shared key, to edge-west once more."""
    (west,) = document["tunnels"]
    south, shared = copy.deepcopy(west), copy.deepcopy(west)
    south.update(name="edge-east--edge-south", remote_id="edge-south.acme")
    shared.update(name="edge-east--partner")
    shared["ike"]["auth"] = "psk"
    want = Generation({**document, "tunnels": [west, south, shared]}, {"crl.pem": crl}, "libipsec")
    return Swanctl(Context(want, NOTHING, store))


def test_once_for_every_revocation(
    document: dict[str, Any], store: Store, noted: dict[str, Any], ended: list[str]
) -> None:
    for crl in (LIST, LIST, LATER, LATER):
        swanctl(document, store, crl).clear()
    assert ended == ["edge-east--edge-west"] * 2


def test_a_bridge_ends_too(document: dict[str, Any], store: Store, noted: dict[str, Any], ended: list[str]) -> None:
    """It may be all that is up: the peer took the bridge, and refused the tunnel's own IKE_SA."""
    noted["up"] = ".bridge"
    swanctl(document, store, LIST).clear()
    assert ended == ["edge-east--edge-west.bridge"]


def test_a_killed_run_is_finished_by_the_next(
    document: dict[str, Any], store: Store, noted: dict[str, Any], ended: list[str]
) -> None:
    """The list is loaded and on disk, but nothing was ended: that it is loaded does not count."""
    part = swanctl(document, store, LIST)
    noted["credentials"] = part._credentials
    store.at("/etc/swanctl/x509crl").mkdir(parents=True)
    store.at("/etc/swanctl/x509crl/intercloud-vpn.pem").write_text(LIST, encoding="utf-8")
    again = swanctl(document, store, LIST)
    actions = [change.action for change in again.changes() if "revoked" in change.action]
    assert actions == ["terminate edge-east--edge-west: its certificate was revoked"]
    again.clear()
    assert ended == ["edge-east--edge-west"]
    assert not [change for change in again.changes() if "revoked" in change.action]
