# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neighbours are bound to their link-layer addresses, in a network namespace; what was there before comes back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import neighbours as _neighbours
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import senders

NAMESPACE = subprocess.run(["unshare", "-n", "ip", "-V"], capture_output=True, check=False).returncode == 0
VM, EDGE, OLD = "02:00:00:00:00:0b", "02:00:00:00:00:01", "02:00:00:00:00:99"
SETS = "set senders4 { }"

# argv: the state directory, and commands of ip. stdin: [[document, {address: MAC}] …], brought to in turn.
TURNS = """
import json, subprocess, sys
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import ip, neighbours, senders
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

for command in sys.argv[2:]:
    subprocess.run(["ip", *command.split()], check=True)
store, had = Store(sys.argv[1]), NOTHING
(store.state).mkdir(parents=True)
for document, macs in json.load(sys.stdin):
    files = {neighbours.FILE: json.dumps(macs)} if macs else {}
    want = neighbours.completed(Generation(document, files, "none"), had)
    part = neighbours.Neighbours(Context(want, had, store))
    done = [change.action for change in part.changes()]
    part.build()
    part.clear()
    had = want
    print(json.dumps({
        "done": done,
        "left": [change.action for change in part.changes()],
        "table": sorted([address, mac] for (address, _device), mac in ip.neighbours().items()),
        "elements": senders.elements(want, "set senders4 { }"),
        "unbound": {one["address"]: one["unbound"] for one in neighbours.observed(want) if one["unbound"]},
    }))
"""
WIRES = (
    *("link add org type veth peer name pub", "link set org up", "link set pub up"),
    *("addr add 10.10.0.1/24 dev org", "addr add 203.0.113.2/28 dev pub", "route add default via 203.0.113.1"),
    *("addr add fd10:10::1/64 dev org nodad", "route add 10.20.0.0/24 via 10.10.0.254"),
)


def neighbour(address: str, host: str = "vm1", **more: Any) -> dict[str, Any]:
    return {"address": address, "host": host, **more}


def document(*neighbours: dict[str, Any]) -> dict[str, Any]:
    return {"inside": ["10.10.0.1"], "neighbours": list(neighbours)}


def turns(tmp_path: Path, *asked: tuple[dict[str, Any], dict[str, Any]], wires: tuple[str, ...] = WIRES) -> list[Any]:
    """Bring a node to each in turn: (document, link-layer addresses that the machines told)."""
    words = ["unshare", "-n", sys.executable, "-c", TURNS, str(tmp_path / "node"), *wires]
    done = subprocess.run(
        words,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


namespace = pytest.mark.skipif(not NAMESPACE, reason="needs root")


@namespace
def test_a_neighbour_is_bound_and_let_go(tmp_path: Path) -> None:
    asked = document(neighbour("10.10.0.11"), neighbour("fd10:10::11"))
    macs = {"10.10.0.11": VM, "fd10:10::11": VM}
    first, again, end = turns(tmp_path, (asked, macs), (asked, macs), ({}, {}))
    assert first["table"] == [["10.10.0.11", VM], ["fd10:10::11", VM]]
    assert (first["left"], again["done"]) == ([], [])
    assert end["table"] == []


@namespace
def test_a_machine_that_was_rebuilt_is_taken_over_by_the_next_run(tmp_path: Path) -> None:
    asked = document(neighbour("10.10.0.11"))
    _first, second = turns(tmp_path, (asked, {"10.10.0.11": OLD}), (asked, {"10.10.0.11": VM}))
    assert second["table"] == [["10.10.0.11", VM]]


@namespace
def test_a_machine_that_was_not_asked_stays_bound(tmp_path: Path) -> None:
    """As with --limit, or when it is down."""
    asked = document(neighbour("10.10.0.11"))
    first, second = turns(tmp_path, (asked, {"10.10.0.11": VM}), (asked, {}))
    assert second["done"] == []
    assert second["elements"] == first["elements"] != ""


def test_whom_the_edge_serves_dhcp_is_remembered_as_well() -> None:
    """Also a VM that is in no VPN, and is not a neighbour then; and one that has gone is forgotten."""
    hosts = [{"name": "vm1", "address": "10.10.0.11"}, {"name": "vm2", "address": "10.10.0.12", "mac": [OLD]}]
    serving = {"dhcp": {"hosts": hosts}}
    first = Generation(serving, {_neighbours.FILE: json.dumps({"10.10.0.11": VM, "10.10.0.99": OLD})})
    again = _neighbours.completed(Generation(serving), _neighbours.completed(first, Generation({})))
    assert json.loads(again.files[_neighbours.FILE]) == {"10.10.0.11": VM}
    assert _neighbours.completed(Generation({"dhcp": {"hosts": []}}), again).files == {}


@namespace
def test_an_entry_of_the_administrators_own_comes_back(tmp_path: Path) -> None:
    own = f"neigh replace 10.10.0.11 lladdr {OLD} dev org nud permanent"
    asked = document(neighbour("10.10.0.11"))
    first, second = turns(tmp_path, (asked, {"10.10.0.11": VM}), ({}, {}), wires=(*WIRES, own))
    assert first["table"] == [["10.10.0.11", VM]]
    assert second["table"] == [["10.10.0.11", OLD]]


@namespace
def test_the_gateway_address_of_a_pair_is_bound_to_both_machines_and_permanently_to_none(tmp_path: Path) -> None:
    pair = {"machines": {"edge": "10.10.0.2", "twin": "10.10.0.3"}, "uplink": True}
    alone, asked = document(neighbour("10.10.0.11", "edge")), document(neighbour("10.10.0.11", "edge", **pair))
    first, half, both, kept, back = turns(
        tmp_path,
        (alone, {"10.10.0.11": VM}),
        (asked, {}),  # the second edge does not answer: the first one's address does not keep it out
        (asked, {"10.10.0.11": [VM, OLD]}),
        (asked, {}),
        (alone, {"10.10.0.11": VM}),
    )
    assert first["table"] == back["table"] == [["10.10.0.11", VM]]
    assert (half["table"], list(half["unbound"])) == ([], ["10.10.0.11"])
    assert (both["table"], both["unbound"]) == ([], {})
    assert all(f"10.10.0.11 . {mac}" in both["elements"] for mac in (VM, OLD))
    assert kept["elements"] == both["elements"]


@namespace
def test_what_the_inventory_says_counts_before_what_the_machine_says(tmp_path: Path) -> None:
    said = document(
        neighbour("10.10.0.11", mac=[VM]), neighbour("10.10.0.12", mac=[]), neighbour("10.10.0.13", mac=[VM, OLD])
    )
    (found,) = turns(tmp_path, (said, {"10.10.0.11": OLD, "10.10.0.12": OLD}))
    assert found["table"] == [["10.10.0.11", VM]]
    assert list(found["unbound"]) == ["10.10.0.12"]
    assert f"10.10.0.13 . {VM}" in found["elements"]
    assert f"10.10.0.13 . {OLD}" in found["elements"]


@namespace
def test_a_member_behind_a_router_is_reached_over_it_and_not_bound(tmp_path: Path) -> None:
    (found,) = turns(tmp_path, (document(neighbour("10.20.0.5")), {"10.20.0.5": VM}))
    assert found["table"] == []
    assert found["unbound"] == {"10.20.0.5": "it is behind 10.10.0.254"}
    assert "add element inet intercloud_vpn hops4 { 10.20.0.5 . 10.10.0.254 }" in found["elements"]


@namespace
def test_a_default_route_is_no_way_to_a_member(tmp_path: Path) -> None:
    (found,) = turns(tmp_path, (document(neighbour("10.30.0.5")), {}))
    assert "hops4" not in found["elements"]


@namespace
def test_an_edge_with_one_device_reaches_members_over_its_router(tmp_path: Path) -> None:
    wires = (
        "link add eth0 type veth peer name far",
        "link set eth0 up",
        "link set far up",
        "addr add 10.10.0.1/24 dev eth0",
    )
    (found,) = turns(
        tmp_path, (document(neighbour("10.30.0.5")), {}), wires=(*wires, "route add default via 10.10.0.254")
    )
    assert "hops4 { 10.30.0.5 . 10.10.0.254 }" in found["elements"]


def test_a_block_that_members_are_in_does_not_bind_those_who_are_unknown() -> None:
    members = [
        neighbour("10.10.0.1", "edge", sends=["100.64.0.0/24"], uplink=True),
        neighbour("10.10.9.9", sends=["100.64.0.9/32"]),
    ]
    generation = Generation(document(*members), {_neighbours.FILE: json.dumps({"10.10.0.1": EDGE})}, "none")
    text = senders.elements(generation, SETS)
    assert "unbound4 { 10.10.9.9/32, 100.64.0.9/32 }" in text
    assert f"100.64.0.0/24 . {EDGE}" in text


def test_a_template_of_the_users_own_without_the_sets_is_left_alone() -> None:
    assert (
        senders.elements(Generation(document(neighbour("10.10.0.11", mac=[VM]))), "table inet intercloud_vpn {}") == ""
    )
