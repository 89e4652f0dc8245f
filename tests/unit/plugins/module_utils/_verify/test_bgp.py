# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BGP with partners: what verify says of a session, and what status and the table show."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._status.table import _sessions
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.links import judge_links
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.test_bgp import ORDERS, end, world

TUNNEL, EDGE = "edge-east--partner", "edge-east"
ACCEPT = ["100.64.0.64/26", "172.20.0.0/22", "172.21.4.9/32"]
UP: dict[str, Any] = {
    "tunnel": TUNNEL,
    "vpn": "orders",
    "peer": "169.254.21.1",
    "peer_asn": 64512,
    "state": "Established",
    "bfd": "Up",
    "accepted": ACCEPT,
    "missing": [],
    "refused": [],
    "refused_count": 0,
}


def judged(ts: str = "0.0.0.0/0", child_is: str = "INSTALLED", **bgp: Any) -> Any:
    plan = world().plan(ORDERS)
    tunnel = end(plan)
    child = {
        "name": "orders", "state": child_is, "encryption": "AES_GCM_16", "encryption_keysize": "256", "integrity": "",
        "dh_group": "", "local_ts": [ts], "remote_ts": [ts], "spi_in": "a", "spi_out": "b",
    }  # fmt: skip
    sa = {
        "tunnel": TUNNEL, "state": "ESTABLISHED", "children": [child], "local_id": tunnel["local_id"],
        "remote_id": tunnel["remote_id"], "encryption": "AES_GCM_16", "encryption_keysize": "256", "integrity": "",
        "prf": "PRF_HMAC_SHA2_384", "dh_group": "ECP_384",
    }  # fmt: skip
    documents = {EDGE: plan.documents[EDGE]}
    return judge_links(documents, {EDGE: {"sas": [sa], "bgp": [{**UP, **bgp}]}})


def test_a_session_that_is_up_is_no_finding_and_is_in_the_record() -> None:
    links, findings = judged()
    assert findings == []
    assert links[0]["bgp"] == {key: value for key, value in UP.items() if key not in ("tunnel", "vpn")}
    assert "Established" in "\n".join(_sessions(links))


def test_the_selectors_are_everything() -> None:
    _links, findings = judged("172.20.0.0/22")
    assert {finding.expected for finding in findings} == {"local_ts 0.0.0.0/0", "remote_ts 0.0.0.0/0"}


@pytest.mark.parametrize(
    ("bgp", "severity", "expected", "seen"),
    [
        (
            {"state": "Active", "error": "Socket: Connection refused"},
            "error",
            "the BGP session with 169.254.21.1 is Established",
            "edge-east: Active (Socket: Connection refused); packets to partner are refused",
        ),
        (
            {"missing": ["172.20.0.0/22"]},
            "error",
            "partner announces all prefixes behind it",
            "edge-east: not heard: 172.20.0.0/22; packets to these are refused",
        ),
        (
            {"refused": ["10.99.0.0/16"], "refused_count": 1},
            "warning",
            "partner announces nothing else",
            "edge-east: 1 refused: 10.99.0.0/16",
        ),
        (
            {"bfd": "Down"},
            "warning",
            "BFD with 169.254.21.1 is Up",
            "edge-east: BFD is Down; a path that fails is noticed when the hold time ends",
        ),
    ],
)
def test_what_is_wrong_is_said_once(bgp: dict[str, Any], severity: str, expected: str, seen: str) -> None:
    _links, (finding,) = judged(**bgp)
    assert (finding.subject, finding.severity) == (f"tunnel {TUNNEL}", severity)
    assert (finding.expected, finding.seen) == (expected, seen)


def test_a_tunnel_that_is_down_says_it_all() -> None:
    _links, findings = judged(child_is="CREATED", missing=ACCEPT)
    assert [finding.expected for finding in findings] == ["one INSTALLED CHILD_SA"]
