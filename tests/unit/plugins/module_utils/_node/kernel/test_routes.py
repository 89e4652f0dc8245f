# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes are compared as the kernel shows them; other people's are nobody's business."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import ip
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import routes as _routes
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel.routes import (
    Guards,
    Handover,
    Route,
    Routes,
    wanted,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

OURS: list[dict[str, Any]] = [
    {"dst": "100.64.0.17", "gateway": "192.168.1.11", "dev": "org", "protocol": "155", "flags": []},
    {"dst": "100.64.0.64/26", "dev": "ipsec0", "protocol": "155", "scope": "link", "prefsrc": "100.64.0.1"},
    {"type": "blackhole", "dst": "100.64.0.0/24", "protocol": "155", "metric": 9999},
]
THEIRS: list[dict[str, Any]] = [{"dst": "192.168.1.0/24", "dev": "org", "protocol": "kernel"}]


class Kernel:
    """Routes and addresses of a node that is not there."""

    def __init__(self, routes: list[dict[str, Any]]) -> None:
        self.ours, self.theirs = routes, THEIRS
        self.commands: list[str] = []

    def routes(self, family: int, *selector: str) -> list[dict[str, Any]]:
        return [] if family == 6 else self.ours if selector else self.ours + self.theirs

    def batch(self, _family: int, commands: list[str]) -> None:
        self.commands += commands


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    found = Kernel(list(OURS))
    monkeypatch.setattr(ip, "routes", found.routes)
    monkeypatch.setattr(ip, "batch", found.batch)
    monkeypatch.setattr(ip, "addresses", lambda: {"org": ["192.168.1.1/24"]})
    monkeypatch.setattr(ip, "on_link", lambda _held, gateway: gateway.startswith("192.168.1."))
    monkeypatch.setattr(_routes, "have", lambda _program: True)
    return found


def parts(generation: Generation, store: Store) -> tuple[Guards, Routes]:
    context = Context(generation, NOTHING, store)
    return Guards(context), Routes(context)


def test_what_is_loaded_is_what_is_wanted(kernel: Kernel, edge: Generation, store: Store) -> None:
    assert [change for part in parts(edge, store) for change in part.changes()] == []


def test_what_is_missing_is_added_and_what_is_over_removed(kernel: Kernel, edge: Generation, store: Store) -> None:
    kernel.ours[0] = {"dst": "100.64.0.20", "gateway": "192.168.1.11", "dev": "org"}
    _guards, routes = parts(edge, store)
    assert [change.action for change in routes.changes()] == [
        "add 100.64.0.17/32 via 192.168.1.11",
        "remove 100.64.0.20/32 via 192.168.1.11",
    ]
    routes.build()
    routes.clear()
    assert kernel.commands == [
        "route replace 100.64.0.17/32 via 192.168.1.11 proto 155",
        "route del 100.64.0.20/32 via 192.168.1.11 proto 155",
    ]


def test_another_next_hop_replaces_in_one_step(kernel: Kernel, edge: Generation, store: Store) -> None:
    kernel.ours[0] = {**OURS[0], "gateway": "192.168.1.99"}
    assert [change.action for change in parts(edge, store)[1].changes()] == ["replace 100.64.0.17/32 via 192.168.1.11"]


def test_a_next_hop_out_of_reach_is_a_problem(kernel: Kernel, document: dict[str, Any], store: Store) -> None:
    document["routes"].append({"prefix": "100.64.0.99/32", "via": "9.9.9.9"})
    assert parts(Generation(document, {}, "libipsec"), store)[1].problems() == [
        "100.64.0.99/32: the next hop 9.9.9.9 is on no network of this node"
    ]


def test_a_next_hop_with_a_limit_of_its_own(document: dict[str, Any]) -> None:
    """A vApp edge makes the fragments that a tunnel would."""
    document["routes"] = [{"prefix": "100.64.0.0/24", "via": "10.10.0.1", "mtu": 1400}]
    assert wanted(Generation(document)) == [Route("100.64.0.0/24", via="10.10.0.1", mtu=1400)]


def test_somebody_elses_prefix_is_a_problem(kernel: Kernel, document: dict[str, Any], store: Store) -> None:
    document["routes"].append({"prefix": "192.168.1.0/24", "via": "192.168.1.9"})
    assert parts(Generation(document, {}, "libipsec"), store)[1].problems() == [
        "192.168.1.0/24: other software routes it already"
    ]


def test_single_machines_change_with_the_firewall(
    kernel: Kernel, document: dict[str, Any], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those whose device and source are there already; the others come when they can."""
    monkeypatch.setattr(ip, "exists", lambda device: device == "ipsec0")
    kernel.ours[0] = {**OURS[0], "gateway": "192.168.1.99"}
    over = {"prefix": "100.64.0.18/32", "tunnel": "payroll"}
    document["routes"] += [over, {**over, "prefix": "100.64.0.19/32", "source": "100.64.0.1"}]
    document["routes"] += [{"prefix": "100.64.0.32/28", "via": "192.168.1.12"}]
    part = Handover(Context(Generation(document, {}, "libipsec"), NOTHING, store))
    assert (part.changes(), part.problems()) == ([], [])
    part.prepare()
    assert kernel.commands == []
    part.build()
    assert kernel.commands == [
        "route replace 100.64.0.17/32 via 192.168.1.11 proto 155",
        "route replace 100.64.0.18/32 dev ipsec0 proto 155",
    ]


@pytest.mark.parametrize(
    ("backend", "mtu", "route"),
    [
        ("libipsec", 1438, Route("100.64.0.64/26", device="ipsec0", source="100.64.0.1")),
        ("libipsec", 1300, Route("100.64.0.64/26", device="ipsec0", source="100.64.0.1", mtu=1300)),
        ("xfrm", 1300, Route("100.64.0.64/26", device="vcc1", source="100.64.0.1")),
    ],
)
def test_tunnel_routes_by_backend(document: dict[str, Any], backend: str, mtu: int, route: Route) -> None:
    document["vpns"][0]["mtu"] = mtu
    assert route in wanted(Generation(document, {}, backend))
