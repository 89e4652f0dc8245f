# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify: certificates are judged by the edge's clock, and a clock that is off is said."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify.clocks import FORMAT
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.test_certificates import (
    TRUST,
    certificate,
    judge,
)
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import World

NOW = TRUST.now


def at(seconds: float, took: float = 2.0) -> dict[str, Any]:
    """The node's clock is so far from the controller's, and the module took so long."""
    clock = (NOW + timedelta(seconds=seconds)).strftime(FORMAT)
    return {"clock": clock, "asked": [NOW.timestamp() - took, NOW.timestamp()]}


@pytest.fixture
def world() -> World:
    made = World()
    for node, state in made.observed.items():
        state["certificate"] = certificate(node) if node.startswith("edge-") else None
        state.update(at(0))
    return made


@pytest.mark.parametrize("seconds", [0, -1, -59, 59, -61])
def test_a_clock_that_is_about_right_is_no_finding(world: World, seconds: float) -> None:
    world.observed["edge-east"].update(at(seconds))
    assert judge(world).findings == []


@pytest.mark.parametrize(("seconds", "words"), [(86400, "86400 s ahead"), (-3600, "3597 s behind"), (62, "62 s ahead")])
def test_a_clock_that_is_off_is_a_warning_with_both_times(world: World, seconds: float, words: str) -> None:
    world.observed["vm1-east"].update(at(seconds))
    result = judge(world)
    assert result.ok
    (finding,) = result.findings
    assert finding.subject == "clock of vm1-east"
    assert words in finding.seen
    assert (NOW + timedelta(seconds=seconds)).strftime(FORMAT) in finding.seen
    assert NOW.strftime(FORMAT) in finding.seen


def test_a_slow_module_is_no_skew(world: World) -> None:
    world.observed["edge-east"].update(at(-300, took=400))
    assert judge(world).findings == []


@pytest.mark.parametrize(
    ("days", "said"),
    [(-365, "is not valid before 2026-01-01T00:00:00Z, and the edge's clock says"), (220, "expired at 2027-01-01")],
)
def test_a_certificate_is_judged_by_the_clock_of_its_edge(world: World, days: int, said: str) -> None:
    world.observed["edge-west"].update(at(days * 86400))
    result = judge(world)
    assert not result.ok
    assert [(finding.subject, said in finding.seen) for finding in result.findings] == [
        ("certificate of edge-west", True),
        ("clock of edge-west", False),
    ]


def test_the_controllers_clock_does_not_matter(world: World) -> None:
    """It is the controller that is wrong; the edges are right, and their certificates are valid there."""
    wrong = datetime(2031, 1, 1, tzinfo=timezone.utc).timestamp()
    for state in world.observed.values():
        state["asked"] = [wrong - 1, wrong]
    findings = judge(world).findings
    assert {finding.subject.split()[0] for finding in findings} == {"clock"}
