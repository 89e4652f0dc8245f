# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leads: what both ends of a tunnel between pairs know beside its links."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import connections, duplicates, leads

HELLO = {"vpn": "payroll", "from": "100.64.0.2", "to": "100.64.0.65"}


def tunnel(initiator: bool = True, **more: Any) -> dict[str, Any]:
    local, remote = ["100.64.0.0/26"], ["100.64.0.64/26"]
    ends = (local, remote) if initiator else (remote, local)
    hello = {
        "vpn": "payroll",
        "name": "payroll~hello",
        "hello": True,
        "number": 1,
        "local_ts": ["100.64.0.2/32"],
        "remote_ts": ["100.64.0.65/32"],
        "reqid": 78,
    }
    link = {"vpn": "payroll", "number": 1, "local_ts": ends[0], "remote_ts": ends[1], "reqid": 77}
    return {"name": "a--b", "peer": "b", "initiator": initiator, "hello": HELLO, "links": [hello, link], **more}


def test_both_ends_leave_out_the_same_address() -> None:
    """Else the other end could not tell which is meant."""
    ours, theirs = (leads.of(one, one["links"][1], "libipsec") for one in (tunnel(), tunnel(False)))
    assert [one.name for one in ours] == [one.name for one in theirs] == ["payroll!1", "payroll!2"]
    assert [(one.local_ts, one.remote_ts) for one in ours] == [(one.remote_ts, one.local_ts) for one in theirs]
    assert ours[0].local_ts == ["100.64.0.1-100.64.0.63"] and ours[0].remote_ts == ["100.64.0.64/26"]
    assert ours[1].remote_ts == ["100.64.0.65-100.64.0.127"]


def test_libipsec_orders_by_reqids_of_their_own_and_the_kernel_shares_them() -> None:
    one = tunnel()
    assert len({77, *(lead.reqid for lead in leads.of(one, one["links"][1], "libipsec"))}) == 3
    assert {lead.reqid for lead in leads.of(one, one["links"][1], "xfrm")} == {77}


@pytest.mark.parametrize("backend", ["xfrm", "libipsec"])
def test_a_tunnel_without_pairs_and_a_hello_have_none(backend: str) -> None:
    one = tunnel()
    assert leads.of(one, one["links"][0], backend) == []
    del one["hello"]
    assert leads.by_tunnel([one], backend) == {}


def test_single_addresses_have_none() -> None:
    one = tunnel()
    one["links"][1].update(local_ts=["fd00::1/128"], remote_ts=["fd00::2/128"])
    assert leads.of(one, one["links"][1], "libipsec") == []


def test_what_charon_shows_of_them_is_what_is_expected() -> None:
    generation = Generation({"tunnels": [tunnel()]}, {}, "libipsec")
    loaded = connections.parse(
        {
            "a--b": {
                "children": {"payroll!1": {"local-ts": ["100.64.0.1..100.64.0.63"], "remote-ts": ["100.64.0.64/26"]}}
            }
        }
    )
    assert connections.shape(generation)["a--b"]["payroll!1"] == loaded["a--b"]["payroll!1"]


def test_a_lead_with_its_links_reqid_is_not_taken_for_a_mistake() -> None:
    def child(name: str, number: int) -> dict[str, str]:
        return {"name": name, "uniqueid": str(number), "reqid": "77", "state": "INSTALLED", "install-time": "60"}

    sa = {
        "state": "ESTABLISHED",
        "established": "60",
        "child-sas": {"1": child("payroll", 1), "2": child("payroll!2", 2)},
    }
    assert duplicates.mixed([("a--b", sa)]) == [] and duplicates.surplus([("a--b", sa)]) == []
    sa["child-sas"]["3"] = child("audit", 3)  # type: ignore[index]
    assert len(duplicates.mixed([("a--b", sa)])) == 3
