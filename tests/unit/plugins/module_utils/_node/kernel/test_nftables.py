# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two loads of one file are the same table, and what matters makes a difference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel.nftables import blamed, canonical

TABLE: list[dict[str, Any]] = [
    {"metainfo": {"version": "1.0.6"}},
    {"table": {"family": "inet", "name": "intercloud_vpn", "handle": 4}},
    {"set": {"name": "vpn1_local", "type": "ipv4_addr", "handle": 1, "elem": ["100.64.0.17", "100.64.0.18"]}},
    {"counter": {"name": "refused", "handle": 3, "packets": 7, "bytes": 99}},
    {"rule": {"chain": "members", "handle": 8, "expr": [{"jump": {"target": "vpn1"}}]}},
    {"rule": {"chain": "members", "handle": 9, "expr": [{"drop": None}]}},
    {"quota": {"name": "vpn1_quota", "handle": 10, "bytes": 1000, "used": 5}},
    {"set": {"name": "vpn1_used_up", "type": "nf_proto", "handle": 11}},
    {"rule": {"chain": "vpn1_out", "handle": 12, "expr": [{"set": {"op": "add", "elem": {}, "set": "@vpn1_used_up"}}]}},
]


def listing(entries: list[dict[str, Any]]) -> str:
    return json.dumps({"nftables": entries})


def changed(index: int, kind: str, **values: Any) -> str:
    entries: list[dict[str, Any]] = json.loads(json.dumps(TABLE))
    entries[index][kind].update(values)
    return listing(entries)


@pytest.mark.parametrize(
    "other",
    [
        changed(1, "table", handle=17),
        changed(2, "set", elem=["100.64.0.18", "100.64.0.17"]),
        changed(3, "counter", packets=0, bytes=0),
        changed(4, "rule", handle=77),
        listing([TABLE[0], TABLE[3], *TABLE[1:3], *TABLE[4:]]),
        changed(6, "quota", used=700),
        changed(7, "set", elem=["ipv4"]),
    ],
    ids=["handle", "order of a set", "counters", "handle of a rule", "order of objects", "usage", "what rules add"],
)
def test_no_difference(other: str) -> None:
    assert canonical(listing(TABLE)) == canonical(other)


@pytest.mark.parametrize(
    "other",
    [
        changed(2, "set", elem=["100.64.0.17"]),
        changed(4, "rule", expr=[{"accept": None}]),
        listing([*TABLE[:4], TABLE[5], TABLE[4], *TABLE[6:]]),
        listing([*TABLE[:5], *TABLE[6:]]),
        changed(6, "quota", bytes=2000),
    ],
    ids=["an element", "a verdict", "order of rules", "a rule", "a quota"],
)
def test_a_difference(other: str) -> None:
    assert canonical(listing(TABLE)) != canonical(other)


def test_a_rule_of_the_users_own_that_is_wrong_is_named() -> None:
    lines = ["table inet t {", "  chain c {", "    # payroll: rules.org_edges[0]", "    bad"]
    text = "\n".join([*lines, "    # six: rules.org_edges[1]", "    worse"])
    said = "nft: exit 1: /dev/stdin:4:5-7: Error: x; /dev/stdin:6:5-9: Error: y; /dev/stdin:6:7-8: Error: z"
    assert blamed(text, said) == ["payroll: rules.org_edges[0]", "six: rules.org_edges[1]"]
    assert blamed(text, "/dev/stdin:2:1-2: Error: x") == blamed(text, "nft: no answer") == []
