# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result: JSON for machines, a table for people."""

from __future__ import annotations

import json

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify.report import result_json
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.table import WIDTH, table
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import TUNNEL, World

PROVED = """\
VPN payroll (acme, number 1): 100.64.0.0/24
===========================================
member    address      cloud  edge       vApp        mode
--------  -----------  -----  ---------  ----------  -------
vm1-east  100.64.0.17  east   edge-east  vapp1-east  address
vm1-west  100.64.0.81  west   edge-west  vapp1-west  nat
vm3-west  100.64.0.66  west   edge-west  -           address

tunnel                link       IKE_SA                                    CHILD_SA        sent
--------------------  ---------  ----------------------------------------  --------------  -----
edge-east--edge-west  INSTALLED  AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384  AES_GCM_16_256  10 KB

ms from \\ to  vm1-east  vm1-west  vm3-west
------------  --------  --------  --------
vm1-east      .         1.21      1.21
vm1-west      1.21      .         1.21
vm3-west      1.21      1.21      .

members: 6 of 6 ordered pairs answer
packets: 4 of 4 of full size pass (1400 octets)
edges:   3 of 3 answer at their VPN address
closed:  15 of 15 forbidden probes unanswered: 9 from non-members, 3 to unused addresses, 3 to non-members

Everything is as planned."""


@pytest.fixture
def world() -> World:
    return World()


def test_the_table_of_a_vpn_that_works(world: World) -> None:
    assert table(world.judge(), world.plan) == PROVED


def test_the_table_of_a_vpn_that_does_not(world: World) -> None:
    world.observed["edge-east"]["sas"] = []
    world.silence("vm1-east", "vm3-west")
    text = table(world.judge(), world.plan)
    for line in (
        "edge-east--edge-west  DOWN",
        "vm1-east      .         1.21      DOWN",
        "members: 5 of 6 ordered pairs answer",
        "         not: vm1-east -> vm3-west",
        "Findings: 2 errors, 0 warnings",
        f"ERROR  tunnel {TUNNEL}",
        "  expected  one ESTABLISHED IKE_SA",
        "  seen      edge-east: none",
    ):
        assert line in text


@pytest.mark.parametrize("count", [2, 12, 40])
@pytest.mark.parametrize("long", ["", "-with-a-name-that-somebody-made-much-too-long"])
def test_the_table_is_never_wider_than_a_terminal(world: World, count: int, long: str) -> None:
    first = world.plan["vpns"][0]["members"][0]
    world.plan["vpns"][0]["members"] = [
        {**first, "name": f"vm{number}{long}", "address": f"100.64.0.{number}"} for number in range(1, count + 1)
    ]
    lines = table(world.judge(), world.plan).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert any(line.startswith("ms from") for line in lines) == (count <= 12)


def test_the_json_has_one_record_per_ordered_pair(world: World) -> None:
    content = result_json(world.judge(), world.plan, "2026-01-01T00:00:00Z")
    assert json.loads(json.dumps(content)) == content
    assert content["ok"] is True
    assert len(content["pairs"]) == 6
    assert content["pairs"][0] == {
        "src": "vm1-east",
        "dst": "vm1-west",
        "vpn": "payroll",
        "address": "100.64.0.81",
        "reachable": True,
        "probed": True,
        "reason": None,
        "rtt_ms": 1.21,
        "loss": 0.0,
        "settled_after_ms": None,
        "mtu_ok": True,
        "mtu_reason": None,
        "mtu_fits": None,
        "underlay_mtu": None,
        "application_ok": True,
        "application_reason": None,
        "via": ["vapp1-east", "edge-east", "edge-west", "vapp1-west"],
        "tunnels": [TUNNEL],
        "mtu": 1400,
    }


def test_the_json_has_state_spis_and_algorithms_of_every_link(world: World) -> None:
    assert result_json(world.judge(), world.plan)["links"] == [
        {
            "vpn": "payroll",
            "tunnel": TUNNEL,
            "state": "INSTALLED",
            "up": True,
            "spis": {
                "edge-east": {"in": "c0000001", "out": "c0000002"},
                "edge-west": {"in": "c0000002", "out": "c0000001"},
            },
            "algorithms": {"ike": "AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384", "esp": "AES_GCM_16_256"},
            "bytes": {"edge-east": {"in": 5040, "out": 5040}, "edge-west": {"in": 5040, "out": 5040}},
            "packets": {"edge-east": {"in": 60, "out": 60}, "edge-west": {"in": 60, "out": 60}},
            "installed_seconds": {"edge-east": None, "edge-west": None},
            "encapsulated": {"edge-east": True, "edge-west": True},
            "mtu": 1400,
            "reasons": {},
        }
    ]


def test_a_dead_host_is_in_the_json(world: World) -> None:
    world.probes["vm1-east"] = {"unreachable": True, "msg": "timed out"}
    content = result_json(world.judge(), world.plan)
    pairs = [pair for pair in content["pairs"] if pair["src"] == "vm1-east"]
    assert [(pair["reachable"], pair["probed"], pair["reason"]) for pair in pairs] == [
        (False, False, "its host did not answer")
    ] * 2
    assert content["ok"] is False
    assert content["findings"][0]["subject"] == "vm1-east"


def test_what_begins_at_an_external_member_is_told_apart(world: World) -> None:
    world.plan["vpns"][0]["members"][2]["external"] = True
    world.documents["edge-east"]["tunnels"][0].update(external=True, public_address="203.0.113.2")
    text = table(world.judge(), world.plan)
    assert [line.split()[0] for line in text.splitlines() if line.endswith("external")] == ["vm3-west"]
    assert "ext:     2 ordered pairs begin at an external member, not probed: vm3-west\n" in text
    assert "members: 4 of 4 ordered pairs answer\n" in text
    shown = "edge-west configures what external_settings -e vcc_external_edge=edge-west shows"
    assert f"{TUNNEL}: {shown}" in " ".join(text.split())
    assert "DOWN" not in text
