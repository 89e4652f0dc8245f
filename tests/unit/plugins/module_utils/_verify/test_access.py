# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be reached is asked and has to answer; what may not be reached is asked and must not. docs/verify.md."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.probe import ping
from ansible_collections.intercloud.vpn.plugins.module_utils._node.probe import port as _probe_port
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.report import result_json
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.table import table
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import World, _answer

ERP = {"name": "erp", "behind": "edge-east", "address": "100.64.0.2", "inside": "10.10.0.13", "ports": ["tcp/8443"]}
NETWORK = {"network": "198.51.100.0/24", "behind": "edge-west", "probe": "198.51.100.7", "ports": ["tcp/443", "udp/53"]}


@pytest.fixture
def world() -> World:
    made = World()
    vpn = made.plan["vpns"][0]
    vpn["members"][2]["ports"] = ["tcp/5432"]
    vpn["destinations"] = {"servers": [dict(ERP)], "networks": [dict(NETWORK)]}
    for edge in ("edge-east", "edge-west"):
        link = made.documents[edge]["tunnels"][0]["links"][0]
        link["local_ts" if edge == "edge-west" else "remote_ts"].append("198.51.100.0/24")
        for sa in made.observed[edge]["sas"]:
            sa["children"][0]["local_ts" if edge == "edge-west" else "remote_ts"].append("198.51.100.0/24")
    made.probes = {vm: {"probes": [_answer(t) for t in targets]} for vm, targets in made.targets().items()}
    return made


def asked(world: World, *kinds: str) -> set[tuple[Any, ...]]:
    return {
        (vm, target["kind"], target["address"], target.get("port"))
        for vm, targets in world.targets().items()
        for target in targets
        if target["kind"] in kinds
    }


def test_one_member_of_every_other_site_asks_an_open_port_and_a_closed_one(world: World) -> None:
    assert asked(world, "port", "closed") == {
        ("vm1-east", "port", "100.64.0.66", 5432),
        ("vm1-east", "closed", "100.64.0.66", 5433),
        ("vm1-west", "port", "100.64.0.2", 8443),
        ("vm1-west", "closed", "100.64.0.2", 8444),
        ("vm1-east", "port", "198.51.100.7", 443),
        ("vm1-east", "closed", "198.51.100.7", 444),
    }


def test_what_cannot_be_known_is_not_asked(world: World) -> None:
    vpn = world.plan["vpns"][0]
    del vpn["destinations"]["networks"][0]["probe"], vpn["destinations"]["servers"][0]["ports"]
    vpn["members"][2]["ports"] = ["tcp/1-65535"]
    assert asked(world, "port", "closed") == {("vm1-east", "port", "100.64.0.66", 1)}
    vpn["members"][2]["ports"] = []
    assert asked(world, "port", "closed") == {("vm1-east", "closed", "100.64.0.66", 22)}


def test_non_members_try_destinations_but_for_what_is_beside_them(world: World) -> None:
    found = {(vm, address) for vm, _kind, address, _port in asked(world, "stranger")}
    assert {("vm2-east", "100.64.0.2"), ("vm2-west", "100.64.0.2"), ("vm2-east", "198.51.100.7")} <= found
    assert ("vm2-west", "198.51.100.7") not in found


def test_a_vm_that_is_a_destination_tries_every_member(world: World) -> None:
    members = ("100.64.0.17", "100.64.0.81", "100.64.0.66")
    assert asked(world, "backward") == {("vm3-east", "backward", address, None) for address in members}


def test_a_destinations_addresses_are_not_taken_for_unused_ones(world: World) -> None:
    assert {address for _vm, _kind, address, _port in asked(world, "unleased")} == {"100.64.0.127", "100.64.0.63"}


def test_all_is_as_planned(world: World) -> None:
    result = world.judge()
    assert result.findings == []
    found = result_json(result, world.plan)
    assert {(probe["src"], probe["dst"], probe["port"], probe["reachable"]) for probe in found["ports"]} == {
        ("vm1-east", "vm3-west", 5432, True),
        ("vm1-west", "erp", 8443, True),
        ("vm1-east", "198.51.100.0/24", 443, True),
    }
    text = table(result, world.plan)
    assert "ports:   3 of 3 that are allowed answer" in text
    assert "3 to closed ports, 3 from destinations" in " ".join(text.split())


def test_a_port_that_does_not_answer_is_one_finding(world: World) -> None:
    world.silence("vm1-west", "erp", "port")
    (finding,) = world.judge().findings
    assert (finding.subject, finding.seen) == ("payroll: erp", "no answer to vm1-west")
    assert "TCP port 8443" in finding.expected and "edge-east" in finding.look


def test_a_tunnel_that_is_down_is_not_found_once_more_by_ports(world: World) -> None:
    for vm, state in world.probes.items():
        for probe in state["probes"]:
            if probe["kind"] in ("member", "edge", "port") and vm.split("-")[1] not in str(probe["dst"]):
                probe.update(received=0, loss=100.0)
    assert not [finding for finding in world.judge().findings if "TCP port" in finding.expected]


@pytest.mark.parametrize(
    ("vm", "dst", "kind", "seen"),
    [
        ("vm1-east", "vm3-west", "closed", "100.64.0.66 port 5433 answered"),
        ("vm3-east", "vm1-east", "backward", "100.64.0.17 answered"),
        ("vm2-west", "erp", "stranger", "100.64.0.2 answered"),
    ],
)
def test_an_answer_that_must_not_be_is_a_finding(world: World, vm: str, dst: str, kind: str, seen: str) -> None:
    world.probe(vm, dst, kind).update(received=1)
    (finding,) = world.judge().findings
    assert finding.seen == seen


# Asking a port, for real, on the loopback


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def ask(port: int, expect: str, **options: Any) -> dict[str, Any]:
    return _probe_port.probe_port({"address": "127.0.0.1", "port": port, "expect": expect, **options}, 0.2, 0.3)


def test_an_open_port_answers(listening: int) -> None:
    found = ask(listening, "reachable", source="127.0.0.1")
    assert (found["received"], found["error"], found["rtt_ms"] is not None) == (1, None, True)


def test_a_port_that_the_host_refuses_answers_too(listening: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        closed = other.getsockname()[1]
    assert (ask(closed, "unreachable")["received"], ask(closed, "unreachable")["reason"]) == (1, "refused by the host")


def test_an_address_that_is_not_ours_is_an_error_and_no_silence(listening: int) -> None:
    found = ask(listening, "unreachable", source="192.0.2.1")
    assert found["received"] == 0 and "192.0.2.1" in found["error"]


@pytest.mark.parametrize("answer", [(False, None, None), (False, "No route to host", None)])
def test_silence_is_waited_for_only_where_an_answer_is_hoped_for(answer: tuple[bool, Any, Any]) -> None:
    calls = []

    def connect(*words: Any) -> tuple[bool, Any, Any]:
        calls.append(words)
        return answer if len(calls) < 3 else (True, None, None)

    target = {"address": "192.0.2.1", "port": 1, "expect": "reachable"}
    found = _probe_port.probe_port(target, 0.2, 5.0, connect)
    assert (found["received"], len(calls), found["settled_after_ms"] is not None) == (1, 3, True)
    calls.clear()
    found = _probe_port.probe_port({**target, "expect": "unreachable"}, 0.2, 5.0, connect)
    assert (found["received"], len(calls), found["reason"]) == (0, 1, answer[1])


def test_what_the_network_says_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: socket.socket, _address: Any) -> None:
        raise OSError(errno.EHOSTUNREACH, "No route to host")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert _probe_port.connect("192.0.2.1", 1, None, 0.1) == (False, "No route to host", None)


def test_a_target_with_a_port_is_asked_and_not_pinged(listening: int) -> None:
    target = {"address": "127.0.0.1", "port": listening, "expect": "reachable"}
    (found,) = ping.probe_all([target], ping.Ping(count=1))
    assert found["received"] == 1 and found["port"] == listening
