# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link that the peer refuses: when the tunnel authenticates again for it."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import bridge, connections, kind
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

LINK = {"tunnel": "edge-east--edge-west", "vpn": "audit", "state": "DOWN"}


class Peer:
    """What charon says, one after the other, and how often the tunnel authenticated again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
        self.answers, self.again, self.now = list(answers), 0, 1000.0
        monkeypatch.setattr(kind.Ipsec, "_initiate", lambda *_given: self.answers.pop(0))
        monkeypatch.setattr(kind.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(connections, "again", self._again)
        self.kind = kind.Ipsec()

    def _again(self, tunnels: list[str], reauth: bool) -> set[str]:
        assert (tunnels, reauth) == ([LINK["tunnel"]], True)
        self.again += 1
        return set()


def test_a_run_has_told_the_peer_before(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = Peer(monkeypatch, kind.REFUSED, "", kind.REFUSED)
    assert peer.kind.initiate(LINK, 1, store, False) == ""
    assert peer.again == 1
    assert peer.kind.initiate(LINK, 1, store, False) == kind.REFUSED, "not twice in a short time"
    assert peer.again == 1


def test_the_agent_leaves_the_peer_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: an edge that had gone back from a generation which nobody confirmed refused the link that the other one
    still had, and a tunnel that carried another VPN was made anew for it."""
    peer = Peer(monkeypatch, *[kind.REFUSED] * 4, "", kind.REFUSED, kind.REFUSED)
    for seconds in (0, 10, 60):
        peer.now = 1000 + seconds
        assert peer.kind.initiate(LINK, 1, store, True) == kind.REFUSED
    assert peer.again == 0
    peer.now = 1000 + kind.PEERS_TURN
    assert peer.kind.initiate(LINK, 1, store, True) == "", "refused for so long, it is not on its way"
    assert peer.again == 1


def test_a_link_that_was_up_meanwhile_waits_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = Peer(monkeypatch, kind.REFUSED, "", kind.REFUSED)
    assert peer.kind.initiate(LINK, 1, store, True) == kind.REFUSED
    peer.now += kind.PEERS_TURN
    assert peer.kind.initiate(LINK, 1, store, True) == ""
    assert peer.kind.initiate(LINK, 1, store, True) == kind.REFUSED
    assert peer.again == 0


@pytest.fixture
def shown(edge: Generation, store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tunnels whose IKE_SA was made anew, of a node that runs the generation."""
    done: list[str] = []
    running = type("Running", (), {"generation": edge})
    monkeypatch.setattr(Store, "running", lambda _self: running)
    monkeypatch.setattr(bridge, "make_anew", lambda tunnels, _generation, _store: done.extend(tunnels))
    return done


@pytest.mark.parametrize("state", ["DOWN", "NARROWED"])
def test_what_the_peers_old_certificate_does_not_name_waits_for_its_new_one(
    shown: list[str], store: Store, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    peer = Peer(monkeypatch, f"TS 10.99.0.64/26 is {kind.NOT_NAMED} constraint")
    up = [{**LINK, "vpn": "payroll", "state": "INSTALLED"}]
    monkeypatch.setattr(kind.Ipsec, "states", lambda *_given: up)
    assert peer.kind.initiate({**LINK, "vpn": "payroll", "state": state}, 1, store, False) == ""
    assert (shown, peer.again) == ([LINK["tunnel"]], 0)


def test_a_peer_whose_certificate_never_names_it_is_left_in_peace(
    shown: list[str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = Peer(monkeypatch, *[kind.NOT_NAMED] * 61)
    monkeypatch.setattr(kind.Ipsec, "states", lambda *_given: [{**LINK, "state": "DOWN"}])
    for _minute in range(60):
        assert peer.kind.initiate(LINK, 1, store, False) == kind.NOT_NAMED
        peer.now += 60
    assert 4 <= len(shown) <= 8


def test_a_link_that_stays_narrowed_is_made_again_less_and_less_often(
    shown: list[str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the peer does carry loses packets with each new CHILD_SA."""
    narrowed = {**LINK, "state": "NARROWED"}
    monkeypatch.setattr(kind.Ipsec, "states", lambda *_given: [narrowed])
    peer = Peer(monkeypatch, *[""] * 1000)

    def tried(seconds: int) -> tuple[int, int]:
        sas, children = len(shown), len(peer.answers)
        for _look in range(seconds // 10):
            peer.kind.initiate(narrowed, 1, store, True)
            peer.now += 10
        return len(shown) - sas, children - len(peer.answers)

    assert tried(60) == (2, 2), "at first, as the peer may be about to get its generation"
    tried(3600)
    assert tried(6 * 3600) == (6, 36)
    assert peer.kind.initiate(narrowed, 1, store, False) == "", "a run tries it at once"
    peer.now += 2 * 3600  # it was up
    assert tried(60) == (2, 2)
