# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leads are made before others end; which, and in what order. charon itself: tests/testinfra/pair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import connections
from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes import noted, process, switch
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.journal import Journal
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.units import Units

GOLDEN = Path(__file__).parents[4] / "golden"
PLAN = json.loads((GOLDEN / "pair/plan.json").read_text())["documents"]
WEST = Generation(PLAN["edge-west"], {}, "libipsec")
FIRST, SECOND = "edge-east--edge-west", "edge-east-2--edge-west"


class Charon:
    """Which CHILD_SAs a charon that is not there has, by tunnel, and what it was asked to do."""

    def __init__(self, **children: list[str]) -> None:
        self.tunnels = {FIRST: children.get("first"), SECOND: children.get("second")}
        self.asked: list[str] = []
        self.refuses: set[str] = set()

    def answered(self, names: Any, **_more: Any) -> list[tuple[str, dict[str, Any]]]:
        return [
            (
                tunnel,
                {
                    "state": "ESTABLISHED",
                    "child-sas": {
                        name: {"name": name, "uniqueid": f"{tunnel}/{name}", "state": "INSTALLED", "packets-out": "5"}
                        for name in children
                    },
                },
            )
            for tunnel, children in self.tunnels.items()
            if children is not None and tunnel in names
        ]

    def initiate(self, tunnel: str, child: str) -> str:
        self.asked.append(f"{tunnel}/{child}")
        return f"{child}: no" if child in self.refuses else ""

    def end(self, ids: Any) -> None:
        self.asked += [f"end {one}" for one in ids]


def lead(
    monkeypatch: pytest.MonkeyPatch, charon: Charon, lane: int, mine: set[switch.Made] | None = None
) -> switch.Led:
    monkeypatch.setattr(connections, "answered", charon.answered)
    monkeypatch.setattr(switch, "_initiate", charon.initiate)
    monkeypatch.setattr(switch, "_end", charon.end)
    monkeypatch.setattr(switch, "IN_FLIGHT", 0.0)
    monkeypatch.setattr(switch, "PARALLEL", 1)
    return switch.make_lead(WEST, "edge-east", lane, mine)


LINKS = ["audit", "payroll", "audit~hello"]


def test_every_vpns_links_lead_before_the_other_lane_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    charon = Charon(first=[*LINKS, "audit!1", "payroll!2"], second=LINKS)
    assert lead(monkeypatch, charon, 1).wrong == []
    assert charon.asked == [
        f"{SECOND}/audit!1",
        f"{SECOND}/payroll!1",
        f"end {FIRST}/audit!1",
        f"end {FIRST}/payroll!2",
    ]


def test_a_lane_whose_lead_is_not_the_last_any_more_gets_its_other_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    charon = Charon(first=LINKS, second=[*LINKS, "audit!1", "payroll!2"])
    assert lead(monkeypatch, charon, 1).names == {(SECOND, "audit!2"), (SECOND, "payroll!1")}
    assert charon.asked[:2] == [f"{SECOND}/audit!2", f"{SECOND}/payroll!1"]


def test_what_an_interrupted_turn_left_ends_first(monkeypatch: pytest.MonkeyPatch) -> None:
    charon = Charon(first=LINKS, second=[*LINKS, "audit!1", "audit!2"])
    lead(monkeypatch, charon, 1)
    assert charon.asked[:2] == [f"end {SECOND}/audit!1", f"{SECOND}/audit!1"]


def test_each_of_two_pairs_ends_its_own_leads_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: each ended the other's, and made one anew, once a second."""
    charon = Charon(first=[*LINKS, "audit!1", "payroll!2"], second=[*LINKS, "audit!1", "audit!2", "payroll!1"])
    mine = {(FIRST, "payroll!2"), (SECOND, "audit!2")}
    lead(monkeypatch, charon, 1, mine)
    assert charon.asked == [
        f"end {SECOND}/audit!2",
        f"{SECOND}/audit!2",
        f"{SECOND}/payroll!2",
        f"end {FIRST}/payroll!2",
    ]


def test_nothing_ends_where_a_lead_does_not_come_up(monkeypatch: pytest.MonkeyPatch) -> None:
    charon = Charon(first=[*LINKS, "audit!1", "payroll!1"], second=LINKS)
    charon.refuses = {"payroll!1"}
    assert lead(monkeypatch, charon, 1).wrong == ["payroll!1: no"]
    assert not [one for one in charon.asked if one.startswith("end")]


def test_no_lead_begins_an_ike_sa(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one end does: two would be there twice."""
    charon = Charon(first=LINKS)
    assert lead(monkeypatch, charon, 1).wrong == [f"{SECOND} has no IKE_SA"]
    assert charon.asked == []


def test_what_lanes_carry_is_counted_without_hellos(monkeypatch: pytest.MonkeyPatch) -> None:
    charon = Charon(first=[*LINKS, "audit!1"], second=LINKS)
    monkeypatch.setattr(connections, "answered", charon.answered)
    assert switch.carried(WEST, "edge-east") == {0: 15, 1: 10}


class News:
    """What charon tells of links."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self._events = list(events)

    def news(self) -> list[dict[str, Any]]:
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Nothing."""


def told(tunnel: str, name: str, up: bool = True) -> dict[str, Any]:
    return {**({"up": "yes"} if up else {}), tunnel: {"child-sas": {f"{name}-7": {"name": name}}}}


@pytest.mark.parametrize(
    ("event", "again"),
    [
        (told(SECOND, "payroll"), True),  # it is the newest now, and carries what the other lane is to carry
        (told(FIRST, "payroll"), False),
        (told(FIRST, "payroll!1", up=False), True),  # it has gone with its IKE_SA
        (told(FIRST, "payroll!2", up=False), False),  # its time was over
        (told(SECOND, "payroll!1", up=False), False),
        (told("edge-west--edge-south", "payroll"), False),
        ({"up": "yes", FIRST: "?"}, False),
    ],
)
def test_the_lane_in_use_leads_again_when_another_link_has_come(
    store: Store, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any], again: bool
) -> None:
    store.save(WEST)
    store.point(WEST)
    greeter = process.Greeter(store, Journal(), clock=lambda: 100.0)
    greeter.look(100.0)
    charon = Charon(first=LINKS, second=LINKS)
    begun: list[int] = []
    monkeypatch.setattr(connections, "answered", charon.answered)
    monkeypatch.setattr(
        switch,
        "make_lead",
        lambda _g, _site, lane, _mine: begun.append(lane) or switch.Led(frozenset({(FIRST, "payroll!1")}), []),
    )
    monkeypatch.setattr(greeter, "_call", lambda _now: None)

    def turns(now: float) -> None:
        for late in (0.0, 0.01):
            greeter.turn(now + late)
            for job in list(greeter._leading.values()):
                job.result()

    turns(100.0 + process.CALM)  # the first one, at its start
    assert begun == [0]
    greeter._vici = News(event)  # type: ignore[assignment]
    turns(100.5 + process.CALM)
    for lane in greeter.choices["edge-east"].lanes:
        greeter.choices["edge-east"].heard(lane, 110.0)
    turns(110.0)
    assert begun == ([0, 0] if again else [0])
    greeter.close()


@pytest.mark.parametrize("node", sorted(name for name in PLAN if PLAN[name]["role"] == "org_edge"))
def test_the_service_runs_where_the_document_has_a_hello(store: Store, node: str) -> None:
    generation = Generation(PLAN[node], {}, "libipsec")
    assert [path for path in Units(Context(generation, generation, store))._wanted() if noted.UNIT in path]


def test_the_service_does_not_run_elsewhere(store: Store, edge: Generation) -> None:
    assert not [path for path in Units(Context(edge, edge, store))._wanted() if noted.UNIT in path]
