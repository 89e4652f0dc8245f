# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify knows the tunnels of both edges of a pair, and one path between members, whichever edge is in use."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.lanes import judge_lanes
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.links import judge_links
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.probes import probe_targets
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.ways import Ways
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    changed,
    lab,
    with_pair,
)

HOME, TWIN, FAR = "edge-east", "edge-east-2", "edge-west"


@pytest.fixture
def plan() -> Plan:
    return World(with_pair(lab(2))).plan(PAYROLL)


def up(plan: Plan) -> dict[str, Any]:
    """What edges say where everything is as planned."""
    return {
        node: {"sas": [_sa(node, tunnel) for tunnel in document["tunnels"]]}
        for node, document in dict(plan.documents).items()
        if document["tunnels"]
    }


def _sa(node: str, tunnel: dict[str, Any]) -> dict[str, Any]:
    first = node < tunnel["peer"]
    spis = ("c1", "c2") if first else ("c2", "c1")
    return {
        "tunnel": tunnel["name"],
        "state": "ESTABLISHED",
        "spi_initiator": "aa",
        "spi_responder": "bb",
        "encryption": "AES_GCM_16",
        "encryption_keysize": "256",
        "integrity": "",
        "prf": "PRF_HMAC_SHA2_384",
        "dh_group": "ECP_384",
        "local_id": tunnel["local_id"],
        "remote_id": tunnel["remote_id"],
        "children": [
            {
                "name": link.get("name", link["vpn"]),
                "state": "INSTALLED",
                "spi_in": spis[0],
                "spi_out": spis[1],
                "mode": "TUNNEL",
                "encryption": "AES_GCM_16",
                "encryption_keysize": "256",
                "integrity": "",
                "dh_group": "",
                "local_ts": link["local_ts"],
                "remote_ts": link["remote_ts"],
            }
            for link in tunnel["links"]
        ],
    }


def test_all_tunnels_of_both_edges_are_expected(plan: Plan) -> None:
    links, findings = judge_links(dict(plan.documents), up(plan))
    assert [(link["tunnel"], link.get("link", "payroll"), link["state"]) for link in links] == [
        (f"{HOME}--{FAR}", "payroll", "INSTALLED"),
        (f"{HOME}--{FAR}", "payroll~hello", "INSTALLED"),
        (f"{TWIN}--{FAR}", "payroll", "INSTALLED"),
        (f"{TWIN}--{FAR}", "payroll~hello", "INSTALLED"),
    ]
    assert findings == []


def test_the_tunnel_of_the_second_edge_that_is_down_is_named(plan: Plan) -> None:
    observed = up(plan)
    observed[TWIN]["sas"] = []
    _links, findings = judge_links(dict(plan.documents), observed)
    assert [finding.subject for finding in findings] == [f"tunnel {TWIN}--{FAR}"]
    assert TWIN in findings[0].seen


def test_a_hello_that_is_down_is_named(plan: Plan) -> None:
    observed = up(plan)
    del observed[FAR]["sas"][1]["children"][1]
    _links, findings = judge_links(dict(plan.documents), observed)
    assert {finding.subject for finding in findings} == {f"link payroll~hello in {TWIN}--{FAR}"}


@pytest.mark.parametrize(("hosts", "fine"), [(with_pair(lab(2)), True), (lab(2), False)])
def test_what_says_which_tunnel_is_in_use_is_expected_of_pairs_only(hosts: dict[str, Any], fine: bool) -> None:
    plan = World(hosts).plan(PAYROLL)
    observed = up(plan)
    for edge in (HOME, FAR):
        children = observed[edge]["sas"][0]["children"]
        children.append({**children[0], "name": "payroll!1"})
    _links, findings = judge_links(dict(plan.documents), observed)
    assert [finding.expected for finding in findings] == ([] if fine else ["no such link"] * 2)


def test_there_is_one_path_between_members_and_it_fits_both_edges() -> None:
    narrow = World(changed(with_pair(lab(2)), {TWIN: {"vcc_underlay_mtu": 1400}})).plan(PAYROLL)
    members = {member["name"]: member for member in narrow.vpns[0]["members"]}
    for src, dst in (("vm1-east", "vm1-west"), ("vm1-west", "vm1-east")):
        path = Ways(dict(narrow.documents)).between("payroll", members[src], members[dst])
        assert set(path.nodes) == {"vapp1-east", HOME, FAR, "vapp1-west"}
        assert path.tunnels == (f"{HOME}--{FAR}",)
        links = [link for tunnel in narrow.documents[FAR]["tunnels"] for link in tunnel["links"]]
        assert path.mtu == min(link["mtu"] for link in links) < 1438


def test_no_probe_expects_silence_of_an_edge(plan: Plan) -> None:
    targets = probe_targets(vars(plan), dict(plan.documents))
    own = {address for site in plan.vpns[0]["sites"].values() for address in site.get("edges", {}).values()}
    silent = {one["address"] for some in targets.values() for one in some if one["expect"] == "unreachable"}
    assert len(own) == 2 and silent and not own & silent


def said(**changes: Any) -> dict[str, Any]:
    """What the edges say of lanes: the first one is in use. None: the edge did not answer."""
    alone, both = {FAR: {"lane": 0, "alive": [0]}}, {HOME: {"lane": 0, "alive": [0, 1]}}
    usual: dict[str, Any] = {
        HOME: {"master": True, "sites": alone},
        TWIN: {"master": False, "sites": alone},
        FAR: {"master": None, "sites": both},
    }
    usual.update({name.replace("_", "-"): lanes for name, lanes in changes.items()})
    return {node: {"lanes": lanes} for node, lanes in usual.items() if lanes is not None}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"edge_east": None}, []),  # it may well be the master
        (
            {"edge_east": {"master": False}},
            [("error", "site edge-east", "neither of edge-east and edge-east-2 has it")],
        ),
        ({"edge_east_2": {"master": True}}, [("warning", "site edge-east", "do not hear each other")]),
        ({"edge_west": {}}, [("error", "edge-west", "it does not run")]),
        (
            {"edge_west": {"sites": {"edge-east": {"lane": 0, "alive": [0]}}}},
            [("warning", "tunnel edge-east-2--edge-west", "nothing")],
        ),
    ],
)
def test_whether_the_other_edge_could_take_over(plan: Plan, changes: dict[str, Any], found: list[Any]) -> None:
    findings = list(judge_lanes(dict(plan.documents), said(**changes)))
    assert len(findings) == len(found)
    for finding, (severity, subject, seen) in zip(findings, found):
        assert (finding.severity, finding.subject) == (severity, subject)
        assert seen in finding.seen


def test_without_a_pair_nothing_is_asked_of_lanes() -> None:
    plan = World(lab(2)).plan(PAYROLL)
    assert not list(judge_lanes(dict(plan.documents), {node: {} for node in dict(plan.documents)}))
