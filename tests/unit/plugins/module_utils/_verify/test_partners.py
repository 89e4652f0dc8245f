# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A partner without a member, who is there for a network behind the gateway, and is found by a name."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify.table import table
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import TUNNEL, World, _answer

NETWORK = {"network": "172.20.0.0/16", "behind": "edge-west", "probe": "172.20.0.7"}
KNOWN = {"name": "vpn.partner.example", "address": "198.51.100.9", "since": 1_000_000_000.0, "error": ""}


@pytest.fixture
def world() -> World:
    """edge-west is the partner's, and its only selector is a network."""
    made = World()
    vpn = made.plan["vpns"][0]
    vpn["members"] = [member for member in vpn["members"] if member["site"] != "edge-west"]
    vpn["sites"] = {"edge-west": {"blocks": ["100.64.0.64/26"], "address": "100.64.0.65"}}
    vpn["destinations"] = {"servers": [], "networks": [dict(NETWORK)]}
    made.plan["members"] = [vm for vm in made.plan["members"] if vm["cloud"] != "west"]
    (tunnel,) = made.documents["edge-east"]["tunnels"]
    tunnel.update(external=True, public_address="203.0.113.2", remote_address="vpn.partner.example", by_name=True)
    tunnel["links"][0]["remote_ts"] = ["172.20.0.0/16"]
    made.sa("edge-east")["children"][0]["remote_ts"] = ["172.20.0.0/16"]
    made.observed["edge-east"]["partners"] = {TUNNEL: dict(KNOWN)}
    for node in ("edge-west", "vapp1-west", "vm3-west"):
        made.documents.pop(node, None)
        made.observed.pop(node, None)
    made.probes = {vm: {"probes": [_answer(t) for t in targets]} for vm, targets in made.targets().items()}
    return made


def kinds(world: World, kind: str) -> list[tuple[str, Any]]:
    return [(vm, t["address"]) for vm, targets in world.targets().items() for t in targets if t["kind"] == kind]


def test_what_is_behind_is_pinged_and_non_members_try_it(world: World) -> None:
    assert kinds(world, "network") == [("vm1-east", "172.20.0.7")]
    assert ("vm2-east", "172.20.0.7") in kinds(world, "stranger")
    result = world.judge()
    assert result.findings == []
    (link,) = result.links
    assert (link["up"], link["partner"]) == (
        True,
        {"name": "vpn.partner.example", "address": "198.51.100.9", "since": "2001-09-09T01:46:40Z"},
    )
    assert [(port["dst"], port["port"], port["over"]) for port in result.ports] == [("172.20.0.0/16", None, [TUNNEL])]


def test_a_host_that_does_not_answer_is_a_finding_and_the_link_not_up(world: World) -> None:
    for probe in world.probes["vm1-east"]["probes"]:
        if probe["kind"] == "network":
            probe["received"] = 0
    result = world.judge()
    assert [(one.subject, one.expected) for one in result.findings] == [
        ("payroll: 172.20.0.0/16", "172.20.0.7 answers a ping")
    ]
    assert [link["up"] for link in result.links] == [False]


def test_a_link_that_nothing_may_be_asked_over_is_up_when_it_is_installed(world: World) -> None:
    del world.plan["vpns"][0]["destinations"]["networks"][0]["probe"]
    world.probes = {vm: {"probes": [_answer(t) for t in targets]} for vm, targets in world.targets().items()}
    assert [link["up"] for link in world.judge().links] == [True]
    world.observed["edge-east"]["sas"] = []
    assert [link["up"] for link in world.judge().links] == [False]


@pytest.mark.parametrize(
    ("address", "severity", "seen"),
    [
        ("198.51.100.9", "warning", "198.51.100.9 is used, known since 2001-09-09T01:46:40Z"),
        (None, "error", "10.0.0.53 does not answer"),
    ],
)
def test_a_name_without_an_answer_is_a_finding(world: World, address: str | None, severity: str, seen: str) -> None:
    world.observed["edge-east"]["partners"][TUNNEL].update(address=address, error="10.0.0.53 does not answer")
    (finding,) = world.judge().findings
    assert (finding.severity, finding.subject) == (severity, f"tunnel {TUNNEL}")
    assert seen in finding.seen


def test_people_read_where_the_partner_is(world: World) -> None:
    text = table(world.judge(), world.plan)
    assert f"partner: {TUNNEL}: vpn.partner.example is 198.51.100.9 since 2001-09-09T01:46:40Z" in text


def test_one_member_is_a_vpn_that_is_verified(world: World) -> None:
    vpn = world.plan["vpns"][0]
    del vpn["members"][1:]
    world.probes = {vm: {"probes": [_answer(t) for t in targets]} for vm, targets in world.targets().items()}
    result = world.judge()
    assert (result.findings, [link["up"] for link in result.links]) == ([], [True])
    assert "vm1-east" in table(result, world.plan)
