# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A quota that is used up is the finding, and not the tunnel; one that only reports is a warning."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify.report import result_json
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.table import table
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.usage import amount
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import World


def usage(member: str | None, used: int, **changes: Any) -> dict[str, Any]:
    return {
        "vpn": "payroll",
        "member": member,
        "octets": 5000000,
        "used": used,
        "period": "day",
        "begun": "2026-01-31",
        "until": "2026-02-01T00:00:00Z",
        "when_used_up": "drop",
        "used_up": used >= 5000000,
        **changes,
    }


def address(world: World, name: str) -> str:
    return next(str(member["address"]) for member in world.plan["vpns"][0]["members"] if member["name"] == name)


@pytest.fixture
def world() -> World:
    """vm3-west, at edge-west, has used up its quota, and nothing of its gets through."""
    world = World()
    world.observed["edge-east"]["usage"] = [usage(None, 4000000)]
    world.observed["edge-west"]["usage"] = [usage(None, 4000000), usage(address(world, "vm3-west"), 5100000)]
    world.silence("vm1-east", "vm3-west")
    world.silence("vm3-west", "vm1-east")
    world.silence("vm3-west", "edge-east", "edge")
    return world


def test_it_is_one_finding_with_all_that_it_stops(world: World) -> None:
    (finding,) = world.judge().findings
    assert (finding.severity, finding.subject) == ("error", "payroll: quota of vm3-west at edge-west")
    assert finding.expected == "less than 5 MB per day"
    assert finding.seen == (
        "5.1 MB since 2026-01-31 UTC, used up until 2026-02-01T00:00:00Z, dropped by edge-west: 3 probes unanswered: "
        "vm1-east -> vm3-west, vm3-west -> vm1-east, vm3-west -> edge-east"
    )


def test_what_it_does_not_explain_is_another_finding(world: World) -> None:
    world.silence("vm1-east", "vm1-west")
    assert [finding.subject for finding in world.judge().findings] == [
        "payroll: quota of vm3-west at edge-west",
        "payroll: edge-east to edge-west",
    ]


def test_within_a_site_nothing_is_counted(world: World) -> None:
    world.silence("vm3-west", "vm1-west")
    assert [finding.subject for finding in world.judge().findings] == [
        "payroll: quota of vm3-west at edge-west",
        "payroll: edge-west to edge-west",
    ]


def test_one_that_only_reports_is_a_warning_and_explains_nothing(world: World) -> None:
    world.observed["edge-west"]["usage"][1]["when_used_up"] = "report"
    warning, *others = sorted(world.judge().findings, key=lambda finding: finding.severity == "error")
    assert warning.severity == "warning" and warning.seen.endswith("and reported only")
    assert others


def test_all_members_of_a_site(world: World) -> None:
    world.observed["edge-west"]["usage"] = [usage(None, 5000000)]
    world.silence("vm1-east", "vm1-west")
    world.silence("vm1-west", "vm1-east")
    (finding,) = world.judge().findings
    assert finding.subject == "payroll: quota of all members at edge-west"


def test_the_result_has_it(world: World) -> None:
    found = result_json(world.judge(), world.plan)["usage"]
    assert [(entry["edge"], entry["member"], entry["used_up"]) for entry in found] == [
        ("edge-east", None, False),
        ("edge-west", None, False),
        ("edge-west", "vm3-west", True),
    ]
    assert all("stops" not in entry for entry in found)


def test_the_table_has_it(world: World) -> None:
    lines = [line for line in table(world.judge(), world.plan).splitlines() if line.startswith("quota:")]
    assert lines == [
        "quota:   edge-east: all 4 MB of 5 MB per day",
        "quota:   edge-west: all 4 MB of 5 MB per day, vm3-west 5.1 MB of 5 MB per day USED UP",
    ]


def test_an_edge_of_before_there_were_quotas() -> None:
    assert result_json(World().judge(), World().plan)["usage"] == []


@pytest.mark.parametrize(
    ("octets", "text"), [(0, "0 B"), (999, "999 B"), (83832, "83.8 KB"), (5 * 10**11, "500 GB"), (10**15, "1000 TB")]
)
def test_an_amount(octets: int, text: str) -> None:
    assert amount(octets) == text
