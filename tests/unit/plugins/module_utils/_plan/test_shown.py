# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.interrupts import (
    AGAIN,
    BOTH_SIDES,
    GONE,
    NOTHING,
    OTHER_KIND,
    RESTARTS,
    STAYS_LEASED,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.shown import shown
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World

NODES = [f"n{number}" for number in range(100)]
GOLDEN = sorted((Path(__file__).parents[3] / "golden").glob("*/plan.json"))
HEAD = "vpn payroll: number 1, mesh, pool internal"


def test_a_vpn_that_comes_with_all_that_it_has() -> None:
    lines = [f"+ {HEAD}", "+ vpn payroll: member vm1 100.64.0.17 (address)"]
    assert shown(lines, ["edge", "vapp", "vm1", "vm2"], 12) == [
        "+ VPN payroll: number 1, mesh, pool internal",
        "    + member vm1 100.64.0.17 (address)",
        "",
        "Nodes: edge, vapp, vm1, vm2",
        "",
        "Plan: 1 VPN to add, 0 to change, 0 to delete; 4 of 12 nodes.",
    ]


def test_another_topology_is_a_change_and_no_deletion() -> None:
    lines = [f"- {HEAD}", "+ vpn payroll: number 1, star around edge-south, pool internal"]
    assert shown(lines, NODES[:3], 12)[0] == "~ VPN payroll: mesh → star around edge-south"
    assert shown(lines, NODES[:3], 12)[-1] == "Plan: 0 VPNs to add, 1 to change, 0 to delete; 3 of 12 nodes."


def test_a_vpn_that_goes() -> None:
    text = shown([f"- {HEAD}", "- vpn payroll: block 100.64.0.0/24"], NODES[:3], 12)
    assert text[0] == f"- VPN {HEAD.removeprefix('vpn ')}"
    assert text[-1].startswith("Plan: 0 VPNs to add, 0 to change, 1 to delete;")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "member vm1 10.0.0.17 (address)",
            "member vm1 10.0.0.17 (nat)",
            "member vm1: 10.0.0.17 (address) → 10.0.0.17 (nat)",
        ),
        ("names in a.example", "names in b.example", "names: in a.example → in b.example"),
        (
            "link edge-east 100.64.0.0/26 <-> edge-west 100.64.0.64/26, aes256gcm16-ecp384, rekey 3600 s, MTU 1438",
            "link edge-east 100.64.0.0/26 <-> edge-west 100.64.0.64/26, aes256gcm16-ecp384, rekey 1800 s, MTU 1400",
            "link edge-east <-> edge-west: rekey 3600 s → rekey 1800 s, MTU 1438 → MTU 1400 "
            "(made again: members across it may wait up to a second)",
        ),
        (
            "network 198.51.100.0/24 behind edge-west, tcp/443",
            "network 198.51.100.0/24 behind edge-west, tcp/8443",
            "network 198.51.100.0/24: tcp/443 → tcp/8443",
        ),
    ],
    ids=["mode", "names", "link", "network"],
)
def test_what_changes_is_told_from_what_to_what(old: str, new: str, said: str) -> None:
    assert shown([f"- vpn payroll: {old}", f"+ vpn payroll: {new}"], NODES[:1], 12)[:2] == [
        "~ VPN payroll",
        f"    ~ {said}",
    ]


def test_two_links_between_the_same_edges_are_not_taken_for_one() -> None:
    links = [f"vpn payroll: link a 100.64.0.{n}/32 <-> b 100.64.1.0/24, MTU 1400" for n in (1, 2)]
    text = shown([f"- {links[0]}", f"+ {links[0]}", f"+ {links[1]}"], NODES[:1], 12)
    assert [line.strip()[0] for line in text[1:4]] == ["-", "+", "+"]


def test_rules_come_and_go() -> None:
    text = shown(["- vpn payroll: allow a -> b, tcp/1", "+ vpn payroll: allow a -> b, tcp/2"], NODES[:1], 12)
    assert text[1:3] == ["    - allow a -> b, tcp/1", "    + allow a -> b, tcp/2"]


def test_tunnels_have_a_block_of_their_own() -> None:
    tunnel = "tunnel a--b (ipsec): a 203.0.113.2 <-> b 203.0.113.3, aes256, DPD {} s"
    text = shown([f"- {tunnel.format(5)}", f"+ {tunnel.format(9)}", "+ 500 ipsec tunnels, aes256"], NODES[:2], 12)
    assert text[:2] == ["Tunnels", f"    ~ a--b: DPD 5 s → DPD 9 s ({AGAIN}, in every VPN)"]
    assert "    + 500 ipsec tunnels, aes256" in text


def test_of_several_organizations_each_vpn_says_whose_it_is() -> None:
    assert shown([f"+ acme: {HEAD}", f"+ beta: {HEAD}"], NODES[:4], 12)[:3:2] == [
        "+ VPN acme/payroll: number 1, mesh, pool internal",
        "+ VPN beta/payroll: number 1, mesh, pool internal",
    ]


def test_a_node_that_is_told_something_else() -> None:
    text = shown(["~ vm1-east: names", "~ acme: edge-east: routes, vpns"], NODES[:2], 12)
    assert text[1:3] == ["    ~ vm1-east: names", "    ~ acme: edge-east: routes, vpns"]


def test_nothing_and_only_the_ledger() -> None:
    assert shown([], NODES[:0], 12) == ["Nothing changes."]


def test_many_lines_are_cut_and_counted() -> None:
    lines = [f"+ {HEAD}", *(f"+ vpn payroll: member vm{n} 100.64.0.{n} (nat)" for n in range(100))]
    text = shown(lines, NODES[:100], 100, most=20)
    assert len(text) == 26
    assert text[-3] == "Nodes: n0, n1, n2, n3, n4, n5, n6, n7, n8, n9 and 90 more"
    assert text[21] == "      and 80 more lines: plan_vpn shows all"


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.parent.name)
def test_no_line_of_a_plan_is_lost(golden: Path) -> None:
    plan = json.loads(golden.read_text())
    text = "\n".join(shown(plan["diff"], NODES[:1], 2))
    for line in plan["diff"]:
        what = line.split(": ", 1)[1] if ": " in line else line
        assert what.rpartition(": ")[2] in text


# What it interrupts


def told(world: World, **changes: Any) -> str:
    plan = world.plan({**PAYROLL, **changes})
    return "\n".join(shown(plan.diff, plan.changed_nodes, 9))


@pytest.mark.parametrize(
    ("before", "after", "where", "said"),
    [
        ({}, {"policy": {"encryption": {"esp_rekey": 1800}}}, "link edge-east <-> edge-west", AGAIN),
        ({}, {"policy": {"encryption": {"ike_rekey": 3600}}}, "edge-east--edge-west", f"{AGAIN}, in every VPN"),
        ({}, {"tunnel": "ssl"}, "link edge-east <-> edge-west", OTHER_KIND),
        ({"tunnel": "ssl"}, {"tunnel": {"kind": "ssl", "transport": "udp"}}, "link edge-east", RESTARTS),
        ({"tunnel": "ssl"}, {"tunnel": "ssl", "policy": {"retries": {"dpd_delay": 9}}}, "--ssl: DPD 5", RESTARTS),
    ],
    ids=["link", "tunnel", "kind", "link of ssl", "session"],
)
def test_what_is_made_again(before: dict[str, Any], after: dict[str, Any], where: str, said: str) -> None:
    world = World()
    world.plan({**PAYROLL, **before})
    (line,) = (line for line in told(world, **after).splitlines() if where in line)
    assert line.endswith(f"({said})"), line


@pytest.mark.parametrize(
    "change",
    [
        {"members": [*PAYROLL["members"], "vm2-west"]},
        {"policy": {"rate": {"vpn": "10mbit"}}},
        {"allow": [{"from": ["vm1-east"], "to": ["vm1-west"]}]},
        {"names": True},
    ],
    ids=["member", "rate", "allow", "names"],
)
def test_nothing_is_said_where_no_link_is_another(change: dict[str, Any]) -> None:
    """Measured in scenarios membership and limits: nobody loses a packet."""
    world = World()
    world.plan(PAYROLL)
    assert "again" not in told(world, **change) and "Plan: 0 VPNs to add, " in told(world)


def test_another_path_mtu_interrupts_nothing() -> None:
    world = World()
    world.plan(PAYROLL)
    world.hosts["edge-west"]["vars"]["vcc_underlay_mtu"] = 1400
    (line,) = (line for line in told(world).splitlines() if "link " in line)
    assert line.startswith("    ~ link edge-east <-> edge-west: MTU 1438 → MTU ") and line.endswith(f"({NOTHING})")


def test_an_external_edge_has_to_be_told_by_its_administrator() -> None:
    tunnel = "tunnel a--b (ipsec, external, certificate): a 203.0.113.2 <-> b 203.0.113.3, aes256, DPD {} s"
    text = shown([f"- {tunnel.format(5)}", f"+ {tunnel.format(9)}"], ["a"], 12)
    assert text[1] == f"    ~ a--b: DPD 5 s → DPD 9 s ({BOTH_SIDES})"


def test_what_a_member_that_leaves_and_a_vpn_that_goes_lose() -> None:
    world = World()
    world.plan({**PAYROLL, "members": [*PAYROLL["members"], "vm2-west"]})
    assert f"    - member vm2-west 100.64.0.82 (address); {STAYS_LEASED}\n" in told(world)
    plan = world.plan(absent=["payroll"])
    text = shown(plan.diff, plan.changed_nodes, 9)
    assert f"    {GONE}" in text and STAYS_LEASED not in "\n".join(text)
    assert text[-3].startswith("Nodes: edge-east, edge-west, ")
