# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lane is in use: by what was heard, and when. Seconds are given, none passes."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes.choice import (
    DEAD,
    START,
    STEADY,
    WORD,
    Choice,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes.hello import Said
from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes.process import priority

NOW = 1000.0


def chosen(choice: Choice, now: float) -> int:
    choice.decide(now)
    return choice.in_use


def greet(
    choice: Choice, lanes: dict[int, bool | None], begin: float, seconds: float, idle: Collection[int] = ()
) -> float:
    """Hellos of some lanes, ten a second; whether each says that it is master. Returns when the last one came."""
    now = begin
    while now < begin + seconds:
        now += 0.1
        for lane, master in lanes.items():
            choice.heard(lane, now, None if master is None else Said(master, lane in idle))
        choice.decide(now)
    return now


@pytest.fixture
def pair() -> Choice:
    """Both lanes are heard, and the first is the master's."""
    found = Choice([0, 1], 0, NOW - 5)
    greet(found, {0: True, 1: False}, NOW - 2, 2)
    return found


def test_a_lane_that_falls_silent_is_left_after_a_third_of_a_second(pair: Choice) -> None:
    greet(pair, {1: False}, NOW, DEAD - 0.1)
    assert chosen(pair, NOW + DEAD - 0.01) == 0
    assert chosen(pair, NOW + DEAD + 0.01) == 1


def test_where_none_is_heard_none_is_better(pair: Choice) -> None:
    assert chosen(pair, NOW + 60) == 0
    pair.heard(1, NOW + 61, Said(False))
    assert chosen(pair, NOW + 61) == 1


def test_packets_follow_the_gateway_address(pair: Choice) -> None:
    now = greet(pair, {0: False, 1: False}, NOW, 1)
    assert pair.in_use == 0  # none says so: it stays
    greet(pair, {0: False, 1: True}, now, 0.1)
    assert pair.in_use == 1


def test_the_word_of_an_edge_whose_process_died_counts_for_a_while_only(pair: Choice) -> None:
    """Its kernel answers echoes. The gateway address has moved on, of which it cannot tell."""
    now = greet(pair, {0: None, 1: True}, NOW, WORD - 0.2)
    assert pair.in_use == 0
    greet(pair, {0: None, 1: True}, now, 0.4)
    assert pair.in_use == 1


def test_a_process_that_dies_moves_nothing_without_a_better_edge(pair: Choice) -> None:
    greet(pair, {0: None, 1: False}, NOW, WORD + 5)
    assert pair.in_use == 0


def test_where_both_are_master_nothing_moves(pair: Choice) -> None:
    now = greet(pair, {0: True, 1: True}, NOW, 1)
    assert pair.in_use == 0
    now = greet(pair, {0: False, 1: True}, now, 0.2)
    assert pair.in_use == 1
    greet(pair, {0: True, 1: True}, now, 1)
    assert pair.in_use == 1


def test_a_lane_that_comes_back_is_not_taken_before_it_has_lasted(pair: Choice) -> None:
    now = greet(pair, {1: True}, NOW, 3)
    assert pair.in_use == 1
    now = greet(pair, {0: True, 1: False}, now, STEADY - 0.2)
    assert pair.in_use == 1
    greet(pair, {0: True, 1: False}, now, 0.4)
    assert pair.in_use == 0


def test_the_only_lane_that_is_heard_is_taken_at_once(pair: Choice) -> None:
    now = NOW + 10
    pair.heard(1, now, None)  # an echo: its process may have died, its kernel has not
    assert chosen(pair, now) == 1


def test_an_echo_keeps_a_lane_and_what_its_edge_said_last(pair: Choice) -> None:
    """A process that dies moves no traffic."""
    now = greet(pair, {0: None, 1: False}, NOW, WORD - 1)
    assert pair.in_use == 0
    assert pair.lanes[0].master(now)


def test_a_process_that_has_just_started_keeps_what_it_found() -> None:
    choice = Choice([0, 1], 1, NOW)
    choice.heard(0, NOW + 0.1, Said(False))
    assert chosen(choice, NOW + START - 0.1) == 1
    choice.heard(0, NOW + START + 0.1, Said(False))
    assert chosen(choice, NOW + START + 0.1) == 0


def test_a_process_that_hung_blames_no_lane(pair: Choice) -> None:
    pair.late(3.0)
    pair.heard(1, NOW + 3.0, Said(False))
    assert chosen(pair, NOW + 3.0) == 0
    assert chosen(pair, NOW + 3.0 + DEAD + 0.1) == 0  # by now the other is silent, too
    pair.heard(1, NOW + 4.0, Said(False))
    assert chosen(pair, NOW + 4.0) == 1


def test_a_lane_that_is_gone_from_the_document_is_not_in_use() -> None:
    assert Choice([0], 1, NOW).in_use == 0


@pytest.mark.parametrize(
    ("master", "peers", "heard", "expected"),
    [(True, 2, 2, 20), (True, 2, 0, -40), (False, 2, 1, 0), (False, 2, 0, -60), (True, 0, 0, 20)],
)
def test_who_hears_no_peer_leaves_the_gateway_address(master: bool, peers: int, heard: int, expected: int) -> None:
    assert priority(master, peers, heard) == expected
    assert 150 + priority(True, 2, 0) < 149 + priority(False, 2, 1)
    assert 149 + priority(True, 2, 2) > 150 + priority(False, 2, 2)  # who comes back does not take it


def test_of_two_masters_the_one_that_hears_its_org_network_has_the_packets(pair: Choice) -> None:
    """A virtual network that fails leaves an edge master, and its device up. The twin is master then as well."""
    now = greet(pair, {0: True, 1: True}, NOW, 2, idle=[0, 1])
    assert pair.in_use == 0  # who hears nobody is no better
    now = greet(pair, {0: True, 1: True}, now, 2, idle=[1])
    assert pair.in_use == 0
    now = greet(pair, {0: True, 1: True}, now, 0.2, idle=[0])
    assert pair.in_use == 1
    now = greet(pair, {0: True, 1: True}, now, 2)
    assert pair.in_use == 1
    greet(pair, {0: False, 1: True}, now, 2, idle=[1])  # a network where nobody speaks
    assert pair.in_use == 1
