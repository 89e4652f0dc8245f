# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify: an edge's certificate that no longer does is found out before the next authentication fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify import verify
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.certificates import Trust
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.finding import Result
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import World

TRUST = Trust(
    authorities={"acme": "a" * 64},
    revoked={"acme": frozenset({"dead"}), "globex": frozenset({"beef"})},
    now=datetime(2026, 6, 1, tzinfo=timezone.utc),
)


def certificate(node: str) -> dict[str, Any]:
    return {
        "present": True,
        "key": True,
        "fits": True,
        "signed": True,
        "identity": f"{node}.acme",
        "serial": "beef",
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2027-01-01T00:00:00Z",
        "authority_sha256": "a" * 64,
    }


@pytest.fixture
def world() -> World:
    made = World()
    for node, state in made.observed.items():
        state["certificate"] = certificate(node) if node.startswith("edge-") else None
    return made


def judge(world: World, trust: Trust | None = TRUST) -> Result:
    return verify.judge(world.plan, world.documents, world.observed, world.probes, trust=trust)


def test_good_certificates_are_no_finding(world: World) -> None:
    assert judge(world).findings == []


def test_an_edge_that_trusts_an_authority_that_the_server_does_not_know_is_named(world: World) -> None:
    """It stands behind the right one, so that no later run replaces it: an edge never loses an authority that way."""
    both = replace(TRUST, trusted={"acme": ("a" * 64, "c" * 64)})  # while c takes the place of a
    for trust, authorities, found in (
        (TRUST, ["a" * 64, "b" * 64], 0),
        (both, ["a" * 64, "c" * 64], 0),
        (both, ["a" * 64, "b" * 64], 1),
        (replace(TRUST, trusted={"acme": ("a" * 64,)}), ["a" * 64, "c" * 64], 1),
    ):
        world.observed["edge-west"]["certificate"]["authorities"] = authorities
        findings = judge(world, trust).findings
        assert len(findings) == found
    assert findings[0].subject == "certificate of edge-west"
    assert f"does not know (SHA-256 {'c' * 16}" in findings[0].seen


def test_an_edge_that_still_trusts_an_earlier_authority_is_named(world: World) -> None:
    """It was away, and forgotten, when a rotation ended: whoever has the old authority's key can pose as its peers."""
    for authorities, found in ((["a" * 64, "b" * 64], 0), (["a" * 64], 0), (["b" * 64, "a" * 64], 1)):
        world.observed["edge-west"]["certificate"]["authorities"] = authorities
        result = judge(world)
        assert (result.ok, len(result.findings)) == (True, found)
    (finding,) = result.findings
    assert finding.subject == "certificate of edge-west" and "trusts an earlier authority, too" in finding.seen
    assert "run rotate" in finding.look and "create_vpn" in finding.look


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"not_after": "2026-05-31T23:59:59Z"}, "edge-west.acme (serial beef) expired at 2026-05-31T23:59:59Z"),
        ({"not_before": "2026-06-01T00:00:01Z"}, "is not valid before 2026-06-01T00:00:01Z"),
        ({"serial": "dead"}, "edge-west.acme (serial dead) is revoked"),
        ({"signed": False}, "is signed by another authority"),
        ({"authority_sha256": "b" * 64}, "signed by another authority, which the edge has for acme's"),
        ({"identity": "edge-south.acme"}, "it is for edge-south.acme"),
        ({"fits": False}, "is for another key"),
        ({"present": False}, "no certificate"),
        ({"present": False, "key": False}, "no private key"),
    ],
)
def test_what_is_wrong_fails_names_the_edge_and_says_what_mends_it(
    world: World, wrong: dict[str, Any], said: str
) -> None:
    world.observed["edge-west"]["certificate"].update(wrong)
    result = judge(world)
    assert not result.ok
    (finding,) = result.findings
    assert finding.subject == "certificate of edge-west"
    assert said in finding.seen
    assert "run create_vpn" in finding.look


def test_an_edge_that_is_behind_in_the_rotation_of_an_authority_is_a_warning(world: World) -> None:
    """Its peers trust both authorities. Where the edge does not know the new one, it is an error, as above."""
    world.observed["edge-west"]["certificate"].update(authority_sha256="b" * 64, authorities=["b" * 64, "a" * 64])
    result = judge(world)
    (finding,) = result.findings
    assert result.ok and finding.subject == "certificate of edge-west" and "run rotate" in finding.look
    world.observed["edge-west"]["certificate"]["authorities"] = ["b" * 64]
    assert not judge(world).ok


def test_an_authority_that_was_made_after_the_plan_is_not_held_against_it(world: World) -> None:
    """The first run of an organization: its authority is made when its first certificate is signed."""
    assert judge(world, Trust({"acme": None}, TRUST.revoked, TRUST.now)).findings == []


@pytest.mark.parametrize(
    ("begin", "end", "warned"),
    [
        # A run every day renews 30 days' certificates on the 21st day, and warns of none before.
        ("2026-05-10T00:00:00Z", "2026-06-09T00:00:00Z", False),
        ("2026-05-09T00:00:00Z", "2026-06-08T00:00:00Z", True),
        # A run every month renews a year's.
        ("2025-07-29T00:00:00Z", "2026-08-30T00:00:00Z", True),
        ("2025-08-13T00:00:00Z", "2026-09-14T00:00:00Z", False),
    ],
)
def test_one_that_should_have_been_renewed_is_a_warning_and_no_failure(
    world: World, begin: str, end: str, warned: bool
) -> None:
    world.observed["edge-east"]["certificate"].update(not_before=begin, not_after=end)
    result = judge(world)
    assert result.ok
    assert [finding.seen.partition(" since ")[0] for finding in result.findings] == (
        ["edge-east.acme (serial beef) is due for renewal"] if warned else []
    )
    assert all(finding.seen.endswith(f"ends at {end}") for finding in result.findings)
    assert all("run renew_certificates" in finding.look for finding in result.findings)


@pytest.mark.parametrize(("days", "warned"), [(31, True), (30, False)])
def test_how_soon_can_be_said(world: World, days: int, warned: bool) -> None:
    world.observed["edge-east"]["certificate"]["not_after"] = "2026-07-01T00:00:00Z"
    found = judge(world, Trust(TRUST.authorities, TRUST.revoked, TRUST.now, days=days)).findings
    assert [one.seen for one in found] == (
        ["edge-east.acme (serial beef) ends at 2026-07-01T00:00:00Z"] if warned else []
    )


def test_it_comes_first_for_it_explains_the_rest(world: World) -> None:
    world.observed["edge-west"]["certificate"]["serial"] = "dead"
    world.observed["edge-west"]["sas"] = []
    world.observed["edge-east"]["drift"] = [{"subsystem": "routes", "action": "add a route"}]
    assert judge(world).findings[0].subject == "certificate of edge-west"


def test_tunnels_without_certificates_need_none(world: World) -> None:
    for node in ("edge-east", "edge-west"):
        world.documents[node]["tunnels"][0]["ike"]["auth"] = "psk"
        world.observed[node]["certificate"] = None
    assert judge(world).findings == []


def test_an_edge_that_does_not_answer_is_named_once(world: World) -> None:
    world.observed["edge-west"] = {"unreachable": True, "msg": "timed out"}
    assert [f.subject for f in judge(world).findings if "edge-west" in f.subject] == ["edge-west"]


def test_a_tunnel_that_still_uses_the_certificate_before_is_no_error(world: World) -> None:
    """In a large star, the hub makes one IKE_SA after the other again."""
    action = "have edge-east--edge-west authenticate anew: it still uses certificate 0a"
    world.observed["edge-east"]["drift"] = [{"subsystem": "renewal", "action": action}]
    result = judge(world)
    (finding,) = (one for one in result.findings if one.subject == "edge-east")
    assert (finding.severity, finding.seen) == ("warning", action)
    world.observed["edge-east"]["drift"].append({"subsystem": "routes", "action": "add a route"})
    found = {(one.severity, one.seen) for one in judge(world).findings if one.subject == "edge-east"}
    assert found == {("warning", action), ("error", "routes: add a route")}
