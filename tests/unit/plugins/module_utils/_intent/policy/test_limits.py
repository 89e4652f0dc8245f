# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much may pass: what can be asked for, what is refused, and what an edge is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.policy.policy import (
    Policy,
    policy_from_record,
    resolve_policy,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.policy.quota import octets_text
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World

MBIT = 125000  # octets per second


def policy(wanted: object, policies: dict[str, Any] | None = None) -> Policy:
    problems = Problems()
    found = resolve_policy(wanted, policies or {}, "vcc_vpns[0].policy", problems)
    assert found is not None, [str(problem) for problem in problems]
    return found


def wrong(wanted: object, policies: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    problems = Problems()
    assert resolve_policy(wanted, policies or {}, "policy", problems) is None
    return [(problem.path, problem.message) for problem in problems]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, {}),
        ({"vpn": None, "member": None}, {}),
        ({"vpn": "50mbit"}, {"vpn": {"out": 50 * MBIT, "in": 50 * MBIT}}),
        ({"vpn": {"out": "50mbit", "in": "1Gbit"}}, {"vpn": {"out": 50 * MBIT, "in": 1000 * MBIT}}),
        ({"vpn": {"in": "500kbit"}}, {"vpn": {"in": 62500}}),
        (
            {"vpn": {"out": "50mbit"}, "member": "10mbit"},
            {"vpn": {"out": 50 * MBIT}, "member": {"out": 10 * MBIT, "in": 10 * MBIT}},
        ),
    ],
)
def test_a_rate(asked: dict[str, Any], told: dict[str, Any]) -> None:
    assert policy({"rate": asked}).rate.entry() == ({"rate": told} if told else {})


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, {}),
        ({"when_used_up": "report"}, {}),
        ({"vpn": "500GB/month"}, {"vpn": {"octets": 500 * 10**9, "period": "month"}, "when_used_up": "drop"}),
        (
            {"vpn": "2TiB/day", "member": "1MB/hour", "when_used_up": "report"},
            {
                "vpn": {"octets": 2 * 2**40, "period": "day"},
                "member": {"octets": 10**6, "period": "hour"},
                "when_used_up": "report",
            },
        ),
    ],
)
def test_a_quota(asked: dict[str, Any], told: dict[str, Any]) -> None:
    assert policy({"quota": asked}).quota.entry() == ({"quota": told} if told else {})


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"rate": {"vpn": {"out": "50mbit"}, "member": "1mbit"}},
        {"quota": {"vpn": "500GB/month", "member": "10GiB/day", "when_used_up": "report"}},
    ],
)
def test_limits_survive_the_ledger(limits: dict[str, Any]) -> None:
    assert policy_from_record(policy(limits).record()) == policy(limits)


def test_a_policy_takes_a_limit_of_another_away() -> None:
    policies = {"slow": {"rate": {"vpn": "10mbit", "member": "1mbit"}, "quota": {"vpn": "1GB/day"}}}
    assert policy({"extends": "slow", "rate": {"member": None}}, policies).limits == [
        "rate of all members of a site: 10mbit out, 10mbit in",
        "quota of all members of a site: 1GB/day, then drop",
    ]


@pytest.mark.parametrize("rate", ["10", 10, "10mb", "10 mbit", "1.5mbit", "-1mbit", "mbit", "", True, ["1mbit"]])
def test_what_is_no_rate(rate: object) -> None:
    (problem,) = wrong({"rate": {"member": rate}})
    assert problem == ("policy.rate.member", f"must be a rate such as 500kbit, 10mbit or 1gbit, not {rate!r}")


@pytest.mark.parametrize("rate", ["499kbit", "0mbit", "101gbit"])
def test_a_rate_out_of_bounds(rate: str) -> None:
    assert wrong({"rate": {"vpn": {"in": rate}}}) == [
        ("policy.rate.vpn.in", f"{rate} must be from 500kbit to 100gbit"),
    ]


@pytest.mark.parametrize(
    "quota",
    ["10GB", "GB/day", "10GB/week", "10gb/day", "1.5GB/day", 10, {"octets": 5, "period": "day"}],
)
def test_what_is_no_quota(quota: object) -> None:
    ((path, message),) = wrong({"quota": {"vpn": quota}})
    assert path == "policy.quota.vpn"
    assert message.startswith("must be a volume in an hour, a day or a month, such as 10GB/day, not ")


@pytest.mark.parametrize("quota", ["0MB/day", "1001TB/month"])
def test_a_quota_out_of_bounds(quota: str) -> None:
    assert wrong({"quota": {"member": quota}}) == [("policy.quota.member", f"{quota} must be from 1MB to 1PB")]


def test_all_mistakes_at_once_with_their_places() -> None:
    policies = {"slow": {"rate": {"vpn": {"up": "1mbit"}}, "quota": {"when_used_up": "cry", "vpns": "1GB/day"}}}
    assert [path for path, _message in wrong({"extends": "slow", "rate": {"member": "fast"}}, policies)] == [
        "vcc_policies.slow.quota.vpns",
        "vcc_policies.slow.rate.vpn.up",
        "policy.rate.member",
        "vcc_policies.slow.quota.when_used_up",
    ]


@pytest.mark.parametrize(
    ("limits", "place", "message"),
    [
        (
            {"rate": {"vpn": {"out": "10mbit"}, "member": "20mbit"}},
            "policy.rate.member",
            "20mbit out for one member is more than 10mbit for all of them (policy.rate.vpn); leave it out, or ask for "
            "less",
        ),
        (
            {"quota": {"vpn": "10GB/day", "member": "1TB/day"}},
            "policy.quota.member",
            "1TB/day for one member is more than 10GB/day for all of them (policy.quota.vpn); leave it out, or ask for "
            "less",
        ),
    ],
)
def test_one_member_has_no_more_than_all_of_them(limits: dict[str, Any], place: str, message: str) -> None:
    assert wrong(limits) == [(place, message)]


def test_quotas_of_different_periods_are_not_compared() -> None:
    assert policy({"quota": {"vpn": "10GB/day", "member": "20GB/month"}}).quota.member


@pytest.mark.parametrize(
    ("octets", "text"), [(10**15, "1PB"), (5 * 10**9, "5GB"), (2**30, "1GiB"), (1234567, "1234567B"), (0, "0B")]
)
def test_an_amount_in_words(octets: int, text: str) -> None:
    assert octets_text(octets) == text


def test_only_edges_are_told() -> None:
    world = World()
    plan = world.plan({**PAYROLL, "policy": {"rate": {"member": "10mbit"}, "quota": {"vpn": "1GB/day"}}})
    told = {node for node, document in plan.documents.items() if "octets" in str(document["vpns"])}
    assert told == {"edge-east", "edge-west"}
    (entry,) = plan.documents["edge-east"]["vpns"]
    assert entry["rate"] == {"member": {"out": 10 * MBIT, "in": 10 * MBIT}}
    assert entry["quota"] == {"vpn": {"octets": 10**9, "period": "day"}, "when_used_up": "drop"}


def test_a_change_is_told_in_words_and_changes_edges_only() -> None:
    world = World()
    world.plan({**PAYROLL, "policy": {"rate": {"vpn": "10mbit"}}})
    plan = world.plan({**PAYROLL, "policy": {"rate": {"vpn": {"out": "20mbit", "in": "10mbit"}}}})
    assert plan.diff == [
        "- vpn payroll: rate of all members of a site: 10mbit out, 10mbit in",
        "+ vpn payroll: rate of all members of a site: 20mbit out, 10mbit in",
        "~ edge-east: vpns",
        "~ edge-west: vpns",
    ]
    assert plan.changed_nodes == ["edge-east", "edge-west", "node-east", "node-west"]


def test_the_example_of_the_documentation() -> None:
    text = (Path(__file__).parents[6] / "docs/limits.md").read_text(encoding="utf-8")
    example = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    plan = World().plan(*example["vcc_vpns"], policies=example["vcc_policies"])
    assert [vpn["limits"] for vpn in plan.vpns] == [
        ["quota of all members of a site: 2TB/month, then report"],
        [
            "rate of all members of a site: 50mbit out, 100mbit in",
            "rate of a member: 10mbit out, 10mbit in",
            "quota of all members of a site: 500GB/month, then drop",
            "quota of a member: 10GB/day, then drop",
        ],
    ]
