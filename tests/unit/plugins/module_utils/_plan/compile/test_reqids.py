# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every link of an edge has a reqid of its own, and keeps it whatever else comes and goes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile import reqids


def edge(*links: str) -> list[dict[str, Any]]:
    tunnels: dict[str, dict[str, Any]] = {}
    for link in links:
        tunnel, vpn = link.split("/")
        found = {"vpn": vpn, "local_ts": [f"of {vpn}"], "remote_ts": [f"{vpn} behind {tunnel}"]}
        tunnels.setdefault(tunnel, {"name": tunnel, "links": []})["links"].append(found)
    return list(tunnels.values())


def numbered(*links: str) -> dict[str, int]:
    tunnels = edge(*links)
    reqids.number_links(tunnels)
    return {f"{tunnel['name']}/{link['vpn']}": link["reqid"] for tunnel in tunnels for link in tunnel["links"]}


def test_each_link_has_its_own() -> None:
    found = numbered(*(f"a--b{tunnel}/vpn{vpn}" for tunnel in range(40) for vpn in range(25)))
    assert len(set(found.values())) == 1000
    assert min(found.values()) >= reqids.FIRST
    assert max(found.values()) <= reqids.LAST


def test_it_stays_when_others_come_and_go_and_in_any_order() -> None:
    one = numbered("a--b/payroll", "a--b/audit", "a--c/payroll")
    assert numbered("a--c/payroll", "a--b/audit", "a--b/crm", "a--b/payroll") == {**one, "a--b/crm": one_of("a--b/crm")}
    assert numbered("a--b/audit") == {"a--b/audit": one["a--b/audit"]}


def one_of(link: str) -> int:
    return numbered(link)[link]


def test_where_two_names_meet_the_later_takes_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reqids, "LAST", reqids.FIRST + 2)
    assert sorted(numbered("a--b/x", "a--b/y", "a--b/z").values()) == [reqids.FIRST + n for n in range(3)]


def test_names_do_not_matter() -> None:
    """The new link of a VPN or an edge that was renamed takes the place of the old one, which is still there."""
    link = {"local_ts": ["100.64.0.0/26"], "remote_ts": ["100.64.0.64/26"]}
    found = set()
    for tunnel, vpn in (("a--b", "payroll"), ("a--c", "payroll"), ("a--b", "wages")):
        tunnels = [{"name": tunnel, "links": [{"vpn": vpn, **link}]}]
        reqids.number_links(tunnels)
        found.add(tunnels[0]["links"][0]["reqid"])
    assert len(found) == 1


def test_openvpn_needs_none() -> None:
    tunnels = [{"name": "a--b--ssl", "kind": "ssl", "links": [{"vpn": "x"}]}]
    reqids.number_links(tunnels)
    assert tunnels[0]["links"] == [{"vpn": "x"}]
