# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What edges' certificates name is what peers let them have, in every golden story, and nothing besides."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.action.edge_info import asked_of, covers
from ansible_collections.intercloud.vpn.plugins.module_utils._base.address_blocks import beyond, canonical
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile.certified import certified, identity_of
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.test_golden import GOLDEN, STORIES


def edges(story: str) -> dict[str, Any]:
    plan = json.loads((GOLDEN / story / "plan.json").read_text(encoding="utf-8"))
    return {node: one for node, one in plan["documents"].items() if one.get("tunnels")}


@pytest.mark.parametrize("story", STORIES)
def test_peers_refuse_no_edge_what_the_plan_gives_it(story: str) -> None:
    documents = edges(story)
    for node, document in documents.items():
        for tunnel in document["tunnels"]:
            if tunnel["peer"] in documents:
                taken = [ts for link in tunnel["links"] for ts in link["remote_ts"]]
                assert beyond(taken, certified(documents[tunnel["peer"]])) == [], f"{node}: {tunnel['name']}"


@pytest.mark.parametrize("story", STORIES)
def test_no_certificate_names_more_than_some_peer_takes(story: str) -> None:
    for document in edges(story).values():
        told = [ts for tunnel in document["tunnels"] for link in tunnel["links"] for ts in link["local_ts"]]
        assert beyond(certified(document), map(str, canonical(told))) == []


def document(auth: str = "pubkey", *selectors: str) -> dict[str, Any]:
    return {"tunnels": [{"peer": "x", "local_id": "y", "ike": {"auth": auth}, "links": [{"local_ts": [*selectors]}]}]}


def test_tunnels_with_pre_shared_keys_have_no_certificate() -> None:
    assert certified(document("psk", "10.0.0.0/8")) == []


def test_whoever_makes_no_plan_finds_them_by_identity() -> None:
    known_by_address = document("pubkey", "fd64::/64")
    known_by_address["tunnels"][0]["identity"] = "z"
    documents = [document("pubkey", "100.64.0.0/26"), known_by_address, {"tunnels": []}]
    found = {identity: certified(one) for one in documents if (identity := identity_of(one))}
    assert found == {"y": ["100.64.0.0/26"], "z": ["fd64::/64"]}


def test_blocks_that_touch_are_one() -> None:
    found = asked_of(document("pubkey", "100.64.0.64/26", "fd64::/64", "100.64.0.0/26"))
    assert found["addresses"] == ["100.64.0.0/25", "fd64::/64"]


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        ({"addresses": ["100.64.0.0/25"], "certifies": True}, True),
        ({"addresses": ["100.64.0.0-100.64.0.99"], "certifies": True}, True),
        ({"addresses": ["100.64.0.64/26"], "certifies": True}, False),
        ({"addresses": [], "certifies": True}, False),
        ({"addresses": None, "certifies": True}, False),
        ({"addresses": None, "certifies": False}, True),
        ({}, True),
        ({"addresses": ["what a node says"], "certifies": True}, False),
    ],
)
def test_a_certificate_does_if_it_names_what_the_edge_needs(certificate: dict[str, Any], expected: bool) -> None:
    assert covers(certificate, ["100.64.0.0/26"]) is expected
