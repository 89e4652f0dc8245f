# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When tunnels are looked at: after news, when that has settled, now and then; and when the clock was set back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import connections, duplicates
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.vici import ViciError
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident import clock, upkeep
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.journal import Journal
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.tunnel_kind import Tended


class Kept(upkeep.Upkeep):
    """The worker, with a time of its own."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(store, Journal())
        self.now, self.looks = 1000.0, list[float]()
        own = SimpleNamespace(monotonic=lambda: self.now, sleep=lambda _seconds: None)
        monkeypatch.setattr(upkeep, "time", own)
        monkeypatch.setattr(upkeep, "KINDS", (self,))
        monkeypatch.setattr(upkeep.Upkeep, "_call", lambda _worker, _now: None)
        self.NAME, self.state = "any", "INSTALLED"

    def begin(self, name: str, do: Any, patience: float, then: Any = None) -> bool:
        """At once, and here."""
        if name != "links":
            found = do()
            if then is not None:
                then(found)
        return True

    def tend(self, _generation: Generation, _store: Store) -> Tended:
        self.looks.append(self.now)
        link = {"vpn": "payroll", "tunnel": "edge-east--edge-west", "initiator": True, "state": self.state}
        return Tended([], [link])

    def live(self, until: float, events: tuple[float, ...] = ()) -> list[float]:
        """When it looks, in seconds from the beginning, where charon tells of something at these moments."""
        begun, left = self.now, list(events)
        while self.now < begun + until:
            if left and self.now >= begun + left[0]:
                left.pop(0)
                self._vici = SimpleNamespace(drain=lambda: None, close=lambda: None)  # type: ignore[assignment]
                self.hear()
            self.think(self.now)
            self.now += 0.1
        return [round(look - begun, 1) for look in self.looks]


def current(store: Store, edge: Generation) -> None:
    store.save(edge)
    store.point(edge)


@pytest.mark.parametrize(("state", "pauses"), [("DOWN", [20] * 9), ("INSTALLED", [20, 60, 60])])
def test_it_looks_now_and_then(
    store: Store, edge: Generation, monkeypatch: pytest.MonkeyPatch, state: str, pauses: list[int]
) -> None:
    """Of links that are all up, charon tells when one ends."""
    current(store, edge)
    worker = Kept(store, monkeypatch)
    worker.state = state
    looks = worker.live(190)
    assert [round(b - a) for a, b in zip(looks, looks[1:])] == pauses


def test_it_looks_soon_at_another_generation(store: Store, edge: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    current(store, edge)
    worker = Kept(store, monkeypatch)
    worker.live(100)
    current(store, Generation({**edge.document, "generation": 9}, edge.files, edge.backend))
    assert worker.live(25)[-1] <= 20.2


def test_it_looks_after_news_and_again_when_that_has_settled(
    store: Store, edge: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    current(store, edge)
    first, soon, settled, *_later = Kept(store, monkeypatch).live(12, events=(2.0,))
    assert first == 0.0
    assert 2.2 <= soon <= 2.5
    assert 2 + duplicates.SETTLED < settled < 2 + duplicates.SETTLED + 1


def test_it_looks_when_the_last_news_has_settled(
    store: Store, edge: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    current(store, edge)
    looks = Kept(store, monkeypatch).live(20, events=(2.0, 5.0))
    assert [look for look in looks if 5 + duplicates.SETTLED < look < 5 + duplicates.SETTLED + 1]
    assert len(looks) <= 5


def test_a_tunnel_that_is_left_is_rekeyed_again(
    store: Store, edge: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = [connections.Rekeyed({"a"}, {"b"}), connections.Rekeyed({"b"}, set())]
    asked: list[list[str]] = []
    monkeypatch.setattr(connections, "rekey_whole", lambda names, _older: (asked.append(names), turns.pop(0))[1])
    monkeypatch.setattr(upkeep, "OTHERS_TURN", 0.0)
    current(store, edge)
    upkeep.Upkeep(store, Journal())._rekey(True, 0.0)
    assert (len(asked), turns) == (2, [])


def test_what_charon_refuses_for_one_tunnel_keeps_no_other_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: the first error ended it, and dead peers of all the others were not noticed until the clock caught up."""
    asked: list[dict[str, str]] = []

    class Charon:
        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_given: object) -> None:
            pass

        def ask(self, _command: str, given: dict[str, str]) -> None:
            asked.append(given)
            if given.get("child-id") == "1":
                raise ViciError("busy")

    sas = [
        (f"t{n}", {"state": "ESTABLISHED", "established": "99", "child-sas": {"c": {"uniqueid": str(n)}}})
        for n in range(3)
    ]
    monkeypatch.setattr(connections, "Vici", Charon)
    monkeypatch.setattr(connections, "CHILDREN_TAKE", 0)
    monkeypatch.setattr(connections, "security_associations", lambda _names, patiently=False: sas)
    monkeypatch.setattr(connections, "again", lambda names, reauth: set(names) & {"t2"})
    assert connections.rekey_whole(["t0", "t1", "t2"], 5) == ({"t0"}, {"t1", "t2"})
    assert [given["child-id"] for given in asked] == ["0", "1", "2"]


def test_news_every_ten_seconds_keep_it_from_no_settled_look(
    store: Store, edge: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen: in step with what it was to end, it looked at SAs of 0.3 s only, for minutes."""
    current(store, edge)
    events = tuple(2.0 + 10.3 * turn for turn in range(6))
    looks = Kept(store, monkeypatch).live(70, events)
    for event in events:
        assert [look for look in looks if event + duplicates.SETTLED < look < event + 10], event


@pytest.mark.parametrize(
    ("backend", "back", "told"), [("xfrm", 3600.0, True), ("xfrm", 1.0, False), ("libipsec", 3600.0, False)]
)
def test_tunnels_are_rekeyed_when_the_clock_was_set_back(
    store: Store, edge: Generation, monkeypatch: pytest.MonkeyPatch, backend: str, back: float, told: bool
) -> None:
    rekeyed: list[tuple[list[str], float]] = []

    def rekey(names: list[str], older: float) -> connections.Rekeyed:
        rekeyed.append((names, older))
        return connections.Rekeyed(set(names), set())

    monkeypatch.setattr(connections, "rekey_whole", rekey)
    other = Generation({**edge.document, "tunnels": _both_ways(edge)}, edge.files, backend)
    current(store, other)
    worker = Kept(store, monkeypatch)
    worker.live(5)
    monkeypatch.setattr(clock.Clock, "_now", staticmethod(_shifted(back)))
    worker.live(30)
    assert [names for names, _older in rekeyed] == ([["ours"], ["theirs"]] if told else [])
    # An IKE_SA that the peer has rekeyed meanwhile is younger.
    assert [round(older) for _names, older in rekeyed] == ([0, 10] if told else [])


def _both_ways(edge: Generation) -> list[dict[str, Any]]:
    (tunnel,) = edge.tunnels("ipsec")
    return [{**tunnel, "name": "ours", "initiator": True}, {**tunnel, "name": "theirs", "initiator": False}]


def _shifted(back: float) -> Any:
    real = clock.Clock._now
    return lambda: real() - back
