# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of SAs that are there twice, one stays."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import connections, duplicates
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.duplicates import mixed, surplus
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.kind import Ipsec
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

TUNNEL = "edge-east--edge-west"


def child(unique: int, name: str = "payroll", age: int = 100, state: str = "INSTALLED") -> dict[str, Any]:
    return {"uniqueid": str(unique), "name": name, "state": state, "install-time": str(age)}


def sa(
    unique: int, *children: dict[str, Any], age: int = 100, ours: bool = True, state: str = "ESTABLISHED"
) -> tuple[str, dict[str, Any]]:
    entry = {
        "uniqueid": str(unique),
        "state": state,
        "established": str(age),
        "child-sas": {f"{one['name']}-{one['uniqueid']}": one for one in children},
        **({"initiator": "yes"} if ours else {}),
    }
    return TUNNEL, entry


def ended(*sas: tuple[str, dict[str, Any]]) -> list[dict[str, str]]:
    return [selector for _name, selector in surplus(sas)]


def test_one_of_each_stays() -> None:
    assert ended(sa(1, child(1), child(2, "audit"))) == []


def test_the_one_with_more_links_stays() -> None:
    assert ended(sa(1, child(1), child(2, "audit"), ours=False), sa(2, child(3))) == [{"ike-id": "2"}]


def test_of_equal_ones_that_which_we_initiated() -> None:
    assert ended(sa(1, child(1), ours=False, age=50), sa(2, child(2))) == [{"ike-id": "1"}]


def test_of_ours_the_newest() -> None:
    assert ended(sa(1, child(1)), sa(2, child(2), age=10)) == [{"ike-id": "1"}]


def test_what_is_being_made_or_replaced_is_left_alone() -> None:
    assert ended(sa(1, child(1)), sa(2, child(2), age=2)) == []
    assert ended(sa(1, child(1), state="REKEYED"), sa(2, child(2))) == []
    assert ended(sa(1, child(1), child(2, age=2))) == []
    assert ended(sa(1, child(1, state="REKEYED"), child(2))) == []


def test_of_a_links_children_the_newest_stays() -> None:
    assert ended(sa(1, child(1), child(2, age=20), child(3, "audit"))) == [{"child-id": "1"}]


def test_links_with_one_reqid_end_both() -> None:
    """Seen after an outage with kernel-libipsec 5.9.8: one of the two carries nothing, for good."""
    apart = sa(1, {**child(1), "reqid": "70001"}, {**child(2, "audit"), "reqid": "70002"})
    together = sa(1, {**child(1), "reqid": "1"}, {**child(2, "audit"), "reqid": "1"})
    rekeyed = sa(1, {**child(1), "reqid": "1"}, {**child(2), "reqid": "1"})
    assert (mixed([apart]), mixed([rekeyed]), mixed([sa(1, child(1), child(2, "audit"))])) == ([], [], [])
    assert [selector for _name, selector in mixed([together])] == [{"child-id": "1"}, {"child-id": "2"}]


def test_a_confirmation_waits_until_one_of_two_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: both ends had made an IKE_SA after charon was restarted, and verify found the tunnel twice."""
    seen = [["a--b", "a--b"], ["a--b", "a--b"], ["a--b"]]
    sa = {"state": "ESTABLISHED"}
    monkeypatch.setattr(connections, "answered", lambda _names, **_given: [(n, sa) for n in seen.pop(0)])
    ended: list[int] = []
    monkeypatch.setattr(duplicates, "end", lambda _generation, _sas: ended.append(1) or [])
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    Ipsec().settle(Generation({"tunnels": [{"name": "a--b", "kind": "ipsec", "initiator": True}]}), 30, Store())
    assert (seen, len(ended)) == ([], 2)
