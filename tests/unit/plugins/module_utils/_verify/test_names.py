# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A member asks its edge for names, and a non-member asks in vain. docs/names.md."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify.report import result_json
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.table import table
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import World, _answer


@pytest.fixture
def world() -> World:
    made = World()
    made.plan["vpns"][0]["domain"] = "payroll.vpn.internal"
    made.probes = {vm: {"probes": [_answer(t) for t in targets]} for vm, targets in made.targets().items()}
    return made


def asked(world: World, kind: str) -> set[tuple[Any, ...]]:
    return {
        (vm, target["address"], target["query"], target["found"], target["expect"])
        for vm, targets in world.targets().items()
        for target in targets
        if target["kind"] == kind
    }


def answer(world: World, vm: str, kind: str, **changes: Any) -> None:
    for probe in world.probes[vm]["probes"]:
        if probe["kind"] == kind:
            probe.update(changes)


def test_every_member_asks_its_own_edge_for_one_of_another_site(world: World) -> None:
    assert asked(world, "name") == {
        ("vm1-east", "100.64.0.1", "vm1-west.payroll.vpn.internal", "100.64.0.81", "reachable"),
        ("vm1-west", "100.64.0.65", "vm1-east.payroll.vpn.internal", "100.64.0.17", "reachable"),
        ("vm3-west", "100.64.0.65", "vm1-east.payroll.vpn.internal", "100.64.0.17", "reachable"),
    }


def test_non_members_ask_the_edge_of_their_site(world: World) -> None:
    found = asked(world, "nosy")
    assert {one[:2] for one in found} >= {("vm2-east", "100.64.0.1"), ("vm2-west", "100.64.0.65")}
    assert {expect for *_rest, expect in found} == {"unreachable"}


def test_without_names_nothing_is_asked() -> None:
    assert asked(World(), "name") | asked(World(), "nosy") == set()


def test_all_is_well(world: World) -> None:
    result = world.judge()
    assert result.findings == []
    assert "names:   3 of 3 questions of members get the right answer" in table(result, world.plan)
    found = result_json(result, world.plan)
    assert found["totals"][0]["names"] == {"probed": 3, "answered": 3}
    assert {(one["src"], one["edge"], one["reachable"]) for one in found["names"]} == {
        ("vm1-east", "edge-east", True),
        ("vm1-west", "edge-west", True),
        ("vm3-west", "edge-west", True),
    }


def test_a_wrong_answer_is_a_finding(world: World) -> None:
    answer(world, "vm1-east", "name", received=0, reason="it says 100.64.0.9")
    (finding,) = world.judge().findings
    assert (finding.severity, finding.subject) == ("error", "payroll: vm1-east")
    assert finding.expected == "100.64.0.1 has an address for vm1-west.payroll.vpn.internal"
    assert finding.seen == "it says 100.64.0.9"
    assert "systemctl status intercloud-vpn-names@payroll" in finding.look and "edge-east" in finding.look


def test_no_answer_is_a_finding(world: World) -> None:
    answer(world, "vm1-east", "name", received=0, reason=None)
    (finding,) = world.judge().findings
    assert finding.seen == "no answer"


def test_an_answer_to_a_non_member_is_a_finding(world: World) -> None:
    answer(world, "vm2-east", "nosy", received=1)
    (finding,) = world.judge().findings
    assert (finding.severity, finding.expected) == ("error", "no answer: only members may ask for names")
