# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which device leads outside, and whose frames a vApp edge takes from there."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import ip, outside
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel.neighbours import Neighbour

SETS = "set outside4 { } set outside6 { } "
FRAMES = "set uplink_frames4 { } "
MAC = "02:00:5e:10:00:01"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"lo": ["127.0.0.1/8"], "pub": ["203.0.113.2/28", "2001:db8::2/64"], "org": ["10.10.0.1/24"]}
    monkeypatch.setattr(ip, "addresses", lambda: held)
    routes = [{"dst": "0.0.0.0/0", "dev": "wan"}, {"dst": "10.9.0.0/16", "dev": "org"}]
    monkeypatch.setattr(ip, "routes", lambda number: routes if number == 4 else [])


def generation(role: str = "org_edge", *outsides: dict[str, Any], family: int = 4) -> Generation:
    vpns = [{"name": f"vpn{n}", "number": n, "family": family, "outside": one} for n, one in enumerate(outsides, 1)]
    return Generation({"role": role, "vpns": vpns}, {}, "xfrm", ())


def test_the_device_that_has_the_public_address_leads_outside() -> None:
    found = outside.elements(generation("org_edge", {"at": "203.0.113.2", "members": []}), SETS, [])
    assert found == 'add element inet intercloud_vpn outside4 { "pub" }\n'
    found = outside.elements(generation("org_edge", {"at": "2001:db8::2", "members": []}, family=6), SETS, [])
    assert found == 'add element inet intercloud_vpn outside6 { "pub" }\n'


def test_behind_a_nat_it_is_that_of_the_default_route() -> None:
    found = outside.elements(generation("org_edge", {"members": []}), SETS, [])
    assert found == 'add element inet intercloud_vpn outside4 { "wan" }\n'


@pytest.mark.parametrize(
    ("told", "family", "part"),
    [
        ({"at": "203.0.113.9", "members": []}, 4, "outside of vpn1: no device has the address 203.0.113.9"),
        ({"members": []}, 6, "outside of vpn1: there is no default route"),
    ],
)
def test_without_one_nothing_gets_out_and_the_generation_is_refused(told: Any, family: int, part: str) -> None:
    want = generation("org_edge", told, family=family)
    assert outside.elements(want, SETS, []) == ""
    assert outside.problems(want) == [part]


def test_a_vapp_edge_takes_the_org_edges_frames_only() -> None:
    want = generation("vapp_edge", {"members": []})
    uplink = Neighbour("10.10.0.1", "edge-east", (MAC,), uplink=True)
    beside = Neighbour("192.168.1.11", "vm1-east", ("02:00:5e:10:00:09",))
    found = outside.elements(want, FRAMES, [uplink, beside])
    assert found == f"add element inet intercloud_vpn uplink_frames4 {{ {MAC} }}\n"
    assert outside.problems(want) == []


def test_where_the_org_edges_is_not_known_all_are_taken_as_elsewhere() -> None:
    want = generation("vapp_edge", {"members": []})
    found = outside.elements(want, FRAMES, [Neighbour("10.10.0.1", "edge-east", (), uplink=True)])
    assert outside.EVERY_FRAME in found


def test_what_is_published_by_transport_port_and_address() -> None:
    published = [{"port": "tcp/443", "address": "203.0.113.2"}, {"port": "udp/53"}]
    want = generation("org_edge", {"members": [], "published": published})
    assert outside.ports(want) == {("tcp", 443, "203.0.113.2"), ("udp", 53, "")}
    assert outside.ports(generation("vapp_edge", {"members": [], "published": [{"to_port": "tcp/1"}]})) == set()
