# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server is asked for a member: what counts as an answer."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.names.query import AAAA, A, Answer
from ansible_collections.intercloud.vpn.plugins.module_utils._node.probe import name as _name
from ansible_collections.intercloud.vpn.plugins.module_utils._node.probe import ping

TARGET = {"address": "100.64.0.1", "query": "vm1.a.b", "found": "100.64.0.17", "expect": "reachable", "source": None}


@pytest.mark.parametrize(
    ("answer", "received", "reason"),
    [
        (Answer(0, ["100.64.0.17"]), 1, None),
        (Answer(0, ["100.64.0.18"]), 0, "it says 100.64.0.18"),
        (Answer(0, []), 0, "it knows no address of that name"),
        (Answer(3, []), 0, "it knows no such name"),
        (Answer(5, []), 0, "it refuses the question"),
        (Answer(2, []), 0, "it answers with code 2"),
        (None, 0, None),
    ],
)
def test_one_that_must_answer(answer: Answer | None, received: int, reason: str | None) -> None:
    found = _name.probe_name(TARGET, 0.1, 0.0, lambda *_asked: answer)
    assert (found["received"], found["reason"], found["error"]) == (received, reason, None)


@pytest.mark.parametrize("answer", [Answer(0, ["100.64.0.17"]), Answer(3, []), Answer(5, [])])
def test_one_that_must_not_has_answered_whatever_it_says(answer: Answer) -> None:
    target = {**TARGET, "expect": "unreachable"}
    assert _name.probe_name(target, 0.1, 5.0, lambda *_asked: answer)["received"] == 1
    assert _name.probe_name(target, 0.1, 5.0, lambda *_asked: None)["received"] == 0


def test_it_gets_time_to_come_up() -> None:
    answers = iter([None, Answer(5, []), Answer(0, ["100.64.0.17"])])
    found = _name.probe_name(TARGET, 0.1, 5.0, lambda *_asked: next(answers))
    assert found["received"] == 1 and found["settled_after_ms"] is not None


def test_the_type_asked_for_is_that_of_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: list[Any] = []
    for address in ("fd00::17", "100.64.0.17"):
        _name.probe_name({**TARGET, "found": address}, 0.1, 0.0, lambda *asked: kinds.append(asked[2]))
    assert kinds == [AAAA, A]


def test_a_target_with_a_query_is_not_pinged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ping, "probe_name", lambda target, *_rest: {"asked": target["query"]})
    assert ping.probe_all([TARGET], ping.Ping()) == [{"asked": "vm1.a.b"}]
