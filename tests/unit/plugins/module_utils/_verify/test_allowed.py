# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With `allow`, pairs are probed by what a rule allows, and what none allows is tried. docs/verify.md."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify.allowed import Allowed, Question
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.probes import probe_targets
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.report import result_json
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.table import table
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.which_pairs import SAMPLE, Choice
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.test_which_pairs import Fleet
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import TUNNEL, World, _answer

RULES = [
    {"from": ["vm1-east"], "to": ["vm1-west"], "ports": ["icmp"]},
    {"from": ["vm1-west", "vm3-west"], "to": ["vm1-east"], "ports": ["tcp/5432", "udp/53"]},
    {"from": ["vm3-west"], "to": ["vm1-west"], "ports": ["udp/53"]},
]


def world_of(rules: Any) -> World:
    world = World()
    world.plan["vpns"][0]["allow"] = rules
    world.probes = {vm: {"probes": [_answer(t) for t in targets]} for vm, targets in world.targets().items()}
    return world


@pytest.fixture
def world() -> World:
    return world_of(RULES)


def asked(world: World, *kinds: str) -> set[tuple[Any, ...]]:
    return {
        (vm, target["kind"], target["dst"], target.get("port"))
        for vm, targets in world.targets().items()
        for target in targets
        if target["kind"] in kinds
    }


def test_pairs_are_asked_what_a_rule_allows(world: World) -> None:
    assert asked(world, "member", "port") == {
        ("vm1-east", "member", "vm1-west", None),
        ("vm1-west", "port", "vm1-east", 5432),
        ("vm3-west", "port", "vm1-east", 5432),
    }


def test_every_member_is_tried_from_another_site_and_from_its_own(world: World) -> None:
    assert asked(world, "forbidden") == {
        ("vm1-west", "forbidden", "vm1-east", None),
        ("vm1-west", "forbidden", "vm1-east", 5433),
        ("vm1-east", "forbidden", "vm1-west", 22),
        ("vm3-west", "forbidden", "vm1-west", None),
        ("vm3-west", "forbidden", "vm1-west", 22),
        ("vm1-east", "forbidden", "vm3-west", None),
        ("vm1-east", "forbidden", "vm3-west", 22),
        ("vm1-west", "forbidden", "vm3-west", None),
        ("vm1-west", "forbidden", "vm3-west", 22),
    }
    assert all(t["expect"] == "unreachable" for ts in world.targets().values() for t in ts if t["kind"] == "forbidden")


def test_a_port_that_only_the_rules_close_is_tried_first() -> None:
    dst = {"name": "b", "site": "y", "ports": ["tcp/80", "tcp/5432"]}
    rules = [{"from": ["all"], "to": ["b"], "ports": ["tcp/80-90", "icmp"]}]
    allowed = Allowed({"allow": rules})
    assert list(allowed.refused({"name": "a", "site": "x"}, dst)) == [Question(5432)]
    assert allowed.question({"name": "a"}, dst) == Question()
    assert Allowed({"allow": [{**rules[0], "ports": ["tcp/70-80"]}]}).question({"name": "a"}, dst) == Question(80)
    assert Allowed({"allow": [{**rules[0], "ports": ["tcp/81"]}]}).question({"name": "a"}, dst) is None
    assert list(Allowed({}).refused({"name": "a"}, dst)) == []


def test_who_may_ping_is_asked_for_a_port_too_where_the_member_has_some() -> None:
    world = world_of(
        [{"from": ["vm1-east"], "to": ["all"]}, {"from": ["vm1-west"], "to": ["vm3-west"], "ports": ["tcp/1"]}]
    )
    world.plan["vpns"][0]["members"][2]["ports"] = ["tcp/5432", "tcp/80"]
    assert asked(world, "port") == {("vm1-east", "port", "vm3-west", 80)}


def test_all_is_as_planned(world: World) -> None:
    result = world.judge()
    assert result.findings == []
    found = result_json(result, world.plan)
    assert found["totals"][0]["pairs"] == {"of": 6, "probed": 1, "answered": 1}
    assert found["totals"][0]["ports"] == {"probed": 2, "answered": 2}
    assert "over" not in found["ports"][0]
    text = table(result, world.plan)
    assert "members: 1 of 1 ordered pairs answer that may ping and were probed, of 6" in text
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.startswith("vm")}
    assert rows["vm3-west"][-3:] == ["tcp", "-", "."]
    assert "9 that no rule allows" in " ".join(text.split())
    assert result.links[0]["up"]


def test_no_rule_at_all_pings_nobody_and_the_link_is_up_by_what_edges_answer() -> None:
    world = world_of([])
    assert asked(world, "member", "port") == set()
    result = world.judge()
    assert (result.findings, result.links[0]["up"]) == ([], True)
    for vm in ("vm1-east", "vm1-west", "vm3-west"):
        for probe in world.probes[vm]["probes"]:
            probe.update(received=0) if probe["kind"] == "edge" else None
    assert not world.judge().links[0]["up"]


def test_a_link_that_counted_nothing_is_found_by_the_answers_of_edges() -> None:
    world = world_of([])
    for edge in ("edge-east", "edge-west"):
        world.child(edge).update(packets_in=0, packets_out=0, installed_seconds=100)
    assert any("carries its VPN's packets" in finding.expected for finding in world.judge().findings)


def test_a_hole_is_a_finding(world: World) -> None:
    world.probe("vm1-east", "vm3-west", "forbidden").update(received=1)
    (finding,) = world.judge().findings
    assert finding.subject == "payroll: vm1-east -> vm3-west"
    assert "no rule in allow" in finding.expected and finding.seen == "100.64.0.66 answered"


def test_what_must_pass_and_does_not_is_a_finding(world: World) -> None:
    world.silence("vm3-west", "vm1-east", "port")
    (finding,) = world.judge().findings
    assert finding.seen == "no answer to vm3-west" and "TCP port 5432" in finding.expected


def test_a_tunnel_that_is_down_is_one_finding(world: World) -> None:
    for edge in ("edge-east", "edge-west"):
        world.observed[edge]["sas"] = []
    for state in world.probes.values():
        for probe in state["probes"]:
            probe.update(received=0, loss=100.0)
    subjects = [finding.subject for finding in world.judge().findings]
    assert f"tunnel {TUNNEL}" in subjects
    assert not [finding for finding in world.judge().findings if "TCP port" in finding.expected]


def test_an_external_member_asks_nothing_and_is_asked_what_rules_allow() -> None:
    world = world_of([{"from": ["vm1-west"], "to": ["vm3-west"], "ports": ["icmp"]}])
    world.plan["vpns"][0]["members"][1]["external"] = True
    assert asked(world, "member", "port") == set()
    assert {entry[0] for entry in asked(world, "forbidden")} == {"vm1-east", "vm3-west"}
    assert [(pair["src"], pair["dst"]) for pair in world.judge().pairs] == [("vm1-west", "vm3-west")]


# Large VPNs


LINKS = [(one, other) for one in range(6) for other in range(one + 1, 6)]


@pytest.mark.parametrize("members", [60, 300])
@pytest.mark.parametrize(
    "rules",
    [
        [{"from": ["all"], "to": ["vm0"], "ports": ["tcp/5432"]}],
        [{"from": ["vm1", "vm2"], "to": ["all"], "ports": ["icmp"]}],
        [{"from": [f"vm{n}"], "to": [f"vm{n + 1}"], "ports": ["tcp/1"]} for n in range(0, 40, 2)],
        [],
        [{"from": ["all"], "to": ["all"]}],
    ],
    ids=["to one", "from two", "pairs", "none", "all"],
)
def test_probes_grow_with_members_and_reach_each_that_a_rule_names(members: int, rules: list[dict[str, Any]]) -> None:
    fleet = Fleet(6, members, LINKS)
    fleet.plan["vpns"][0]["allow"] = rules
    targets = probe_targets(fleet.plan, fleet.documents, Choice(SAMPLE, 7))
    sent = [(vm, t["kind"], t["dst"]) for vm, every in targets.items() for t in every]
    proofs = {(vm, dst) for vm, kind, dst in sent if kind in ("member", "port")}
    names = {member["name"] for member in fleet.members}
    able = {name for rule in rules for name in (names if rule["from"] == ["all"] else rule["from"])}
    met = {name for rule in rules for name in (names if rule["to"] == ["all"] else rule["to"])}
    if rules and rules[0]["to"] == ["vm0"]:
        able -= {"vm0"}  # it has no one to ask
    assert {src for src, _dst in proofs} == able
    assert {dst for _src, dst in proofs} == met
    assert len(sent) <= 8 * members + 6 * 36
    tried = {dst for _vm, kind, dst in sent if kind == "forbidden"}
    assert tried == (set() if rules and "ports" not in rules[0] else names)


def test_every_link_is_crossed_that_a_rule_lets_a_pair_cross() -> None:
    fleet = Fleet(6, 60, LINKS)
    fleet.plan["vpns"][0]["allow"] = [
        {"from": [f"vm{n}" for n in range(30, 36)], "to": [f"vm{n}" for n in range(40, 46)], "ports": ["tcp/1"]}
    ]
    targets = probe_targets(fleet.plan, fleet.documents, Choice(SAMPLE, 3))
    at = {member["name"]: member["site"] for member in fleet.members}
    crossed = {(at[vm], at[t["dst"]]) for vm, every in targets.items() for t in every if t["kind"] == "port"}
    assert {(one, other) for one, other in crossed if one != other} == {
        (f"edge{one}", f"edge{other}") for one in range(6) for other in range(6) if one != other
    }
