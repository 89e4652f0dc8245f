# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A document that the machine contradicts is refused: its networks, its addresses, who holds its ports."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import collisions, survey
from ansible_collections.intercloud.vpn.plugins.module_utils._node import machine as _machine
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import charon
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import ip, sockets
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

MEMBER = {
    "role": "member",
    "addresses": [{"address": "100.64.0.17/32", "beside": "192.168.1.11"}],
    "routes": [
        {"prefix": "100.64.0.0/24", "via": "192.168.1.1", "source": "100.64.0.17"},
        {"prefix": "198.51.100.0/24", "via": "192.168.1.1", "source": "100.64.0.17"},
    ],
}


def devices(*addresses: str) -> dict[str, Any]:
    return {"eth0": {"mac": "", "addresses": list(addresses)}}


@pytest.mark.parametrize(
    ("address", "there"),
    [
        ("100.64.0.130/24", True),
        ("100.64.0.130/32", True),
        ("100.65.0.1/10", True),  # a wider network that is attached: its machines within the block would be lost
        ("100.64.1.130/24", False),
        ("100.64.0.1/32", False),  # the document's own
        ("10.10.0.1/24", False),
        ("fd00:1::99/64", True),
        ("fd00:2::99/64", False),
        ("fe80::1/64", False),
    ],
)
def test_addresses(document: dict[str, Any], address: str, there: bool) -> None:
    found = collisions.collisions(document, {}, devices(address), ())
    assert bool(found.refused) == there
    assert not there or f"device eth0 has the address {address}, and block " in found.refused[0]
    assert found.notes == []


@pytest.mark.parametrize(
    ("route", "verdict"),
    [
        ("100.64.0.0/24 via 10.10.0.9 dev eth0", "refused"),
        ("100.64.0.128/25 via 10.10.0.9 dev eth0 table 52", "refused"),
        ("100.64.0.9/32 dev tailscale0 table 52", "refused"),
        ("100.64.0.64/26 unreachable", "refused"),
        ("100.64.0.0/10 dev eth9", "refused"),  # attached
        ("100.64.0.0/10 via 10.10.0.9 dev eth0", ""),  # ours are longer
        ("100.64.0.0/10 blackhole", ""),
        ("100.64.0.0/10 via 10.10.0.9 dev eth0 table 52", "notes"),  # a rule may have it asked first
        ("0.0.0.0/0 via 10.10.0.9 dev eth0", ""),
        ("0.0.0.0/0 dev tun9 table 7", ""),
        ("100.64.0.1/32 dev lo", ""),  # the kernel's, of the document's own address
        ("100.64.1.0/24 via 10.10.0.9 dev eth0", ""),
    ],
)
def test_routes(document: dict[str, Any], route: str, verdict: str) -> None:
    found = collisions.collisions(document, {}, {}, [route])
    assert (bool(found.refused), bool(found.notes)) == (verdict == "refused", verdict == "notes")
    assert route in "".join(found.refused + found.notes) or not verdict


def test_a_member_is_told_of_blocks_by_its_routes_and_destinations_are_none() -> None:
    assert collisions.collisions(MEMBER, {}, devices("100.64.0.9/24"), ()).refused
    assert not collisions.collisions(MEMBER, {}, devices("198.51.100.9/24"), ()).refused


def test_what_the_node_runs_already_is_noted(document: dict[str, Any]) -> None:
    found = collisions.collisions(document, document, devices("100.64.0.130/24"), ())
    assert (found.refused, len(found.notes)) == ([], 1)


def test_public_addresses(document: dict[str, Any]) -> None:
    tunnel = "edge-east--edge-west"
    assert collisions.missing_addresses(document, {}, ["203.0.113.2/28"]) == {}
    assert collisions.missing_addresses(document, {}, ["10.0.0.1/8"]) == {"203.0.113.2": [tunnel]}
    assert collisions.missing_addresses(document, document, ["10.0.0.1/8"]) == {}
    document["tunnels"][0]["local_address"] = "%any"
    assert collisions.missing_addresses(document, {}, []) == {}


def test_the_commit_refuses_and_what_removes_everything_is_not_refused(
    edge: Generation, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {"eth0": ["203.0.113.9/28"], "eth1": ["100.64.0.130/24"]}
    found = {name: {"mac": "", "addresses": texts} for name, texts in held.items()}
    monkeypatch.setattr(ip, "addresses", lambda: held)
    monkeypatch.setattr(survey, "devices", lambda _owned: found)
    monkeypatch.setattr(survey, "routes", lambda _owned: [])
    monkeypatch.setattr(charon, "strangers", list)
    one, two = _machine.Machine(Context(edge, NOTHING, store)).problems()
    assert "device eth1 has the address 100.64.0.130/24" in one
    assert "tunnel edge-east--edge-west: no device has the address 203.0.113.2" in two
    assert _machine.Machine(Context(NOTHING, edge, store)).problems() == []


def test_a_program_that_holds_port_53_is_named_where_names_are_served(
    document: dict[str, Any], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charon, "strangers", list)
    monkeypatch.setattr(collisions, "missing_addresses", lambda *_given: {})
    listening = [
        sockets.Socket("udp", 4, address, 53, number)
        for number, address in enumerate(("0.0.0.0", "127.0.0.53", "100.64.0.1"), 10**9)
    ]
    monkeypatch.setattr(sockets, "sockets", lambda transport, _ports: listening if transport == "udp" else [])
    machine = _machine.Machine(Context(Generation(document), NOTHING, store))
    assert not [text for text in machine.problems() if "UDP 53" in text]
    document["vpns"][0]["names"] = {"domain": "payroll.vpn.internal", "hosts": {}}
    machine = _machine.Machine(Context(Generation(document), NOTHING, store))
    found = [text for text in machine.problems() if "UDP 53" in text]
    assert found == [
        "UDP 53 is held by a program of another container or namespace; stop it, or have it use another port"
    ]


def test_any_other_dhcp_server_is_named_where_the_edge_serves(
    document: dict[str, Any], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At whatever address and on whatever device."""
    monkeypatch.setattr(charon, "strangers", list)
    monkeypatch.setattr(collisions, "missing_addresses", lambda *_given: {})
    listening = [sockets.Socket("udp", 4, "0.0.0.0", 67, 10**9)]
    monkeypatch.setattr(sockets, "sockets", lambda _transport, ports: listening if 67 in ports else [])

    def found() -> list[str]:
        problems = _machine.Machine(Context(Generation(document), NOTHING, store)).problems()
        return [text for text in problems if "UDP 67" in text]

    assert found() == []
    document["dhcp"] = {"network": "192.168.1.0/24", "address": "192.168.1.1", "lease": 3600, "hosts": []}
    assert found() == [
        "UDP 67 is held by a program of another container or namespace; stop it, or have it use another port"
    ]


# --- the survey ------------------------------------------------------------------------------------------------------


def test_the_survey_runs_alone_and_a_new_machine_has_no_identity() -> None:
    path = Path(survey.__file__)
    done = subprocess.run(
        [sys.executable, "-I", "-c", path.read_text(encoding="utf-8")], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)["survey"]
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert "127.0.0.1/8" in found["devices"]["lo"]["addresses"]
    assert isinstance(found["generation"], int)


def test_without_iproute2_and_state_it_says_what_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "PATH", str(tmp_path))
    found = survey.survey(str(tmp_path))
    assert (found["node"], found["generation"], found["devices"], found["routes"]) == ("", 0, {}, [])


def test_it_reads_what_the_node_keeps(store: Store, edge: Generation) -> None:
    store.save(edge)
    store.point(edge)
    store.own("addresses", [["100.64.0.1/32", "lo"]])
    found = survey.survey(str(store.root))
    assert (found["node"], found["organization"], found["generation"]) == ("edge-east", "acme", 3)
    assert found["own"] == ["100.64.0.1/32"]
    assert found["runs"]["tunnels"] == {"edge-east--edge-west": "203.0.113.2"}
    assert found["runs"]["blocks"] == ["100.64.0.0/24", "fd00:1::/64"]
    identity = {"node": "edge-east", "organization": "acme", "ledger": "5f", "hash": "ab"}
    (store.state / "identity.json").write_text(json.dumps(identity), encoding="utf-8")
    found = survey.survey(str(store.root))
    assert (found["ledger"], found["chain"]) == ("5f", "ab")


def test_routes_of_all_tables_but_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = [
        {"dst": "default", "gateway": "10.0.0.1", "dev": "eth0", "flags": []},
        {"dst": "100.64.0.0/24", "type": "6", "protocol": "155", "flags": []},
        {"dst": "100.64.0.64/26", "dev": "ipsec0", "table": "220", "protocol": "4", "flags": []},
        {"dst": "10.1.0.7", "dev": "tailscale0", "table": "52", "flags": []},
        {"dst": "10.2.0.0/16", "type": "7", "flags": []},
        {"type": "2", "dst": "10.0.0.2", "dev": "eth0", "table": "255", "protocol": "2", "flags": []},
        {"dst": "10.3.0.0/16", "nexthops": [{"dev": "eth0"}, {"dev": "eth1"}], "flags": []},
    ]
    monkeypatch.setattr(survey, "_routes", lambda family: loaded if family == "-4" else [])
    assert survey.routes() == [
        "0.0.0.0/0 via 10.0.0.1 dev eth0",
        "10.1.0.7/32 dev tailscale0 table 52",
        "10.2.0.0/16 unreachable",
        "10.3.0.0/16 dev eth0 dev eth1",
    ]


# --- ports -----------------------------------------------------------------------------------------------------------


def bound(family: int, kind: int, address: str) -> socket.socket:
    found = socket.socket(family, kind)
    found.bind((address, 0))
    return found


def test_the_holder_of_a_port_is_found() -> None:
    with (
        bound(socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1") as four,
        bound(socket.AF_INET6, socket.SOCK_DGRAM, "::") as six,
    ):
        ports = [four.getsockname()[1], six.getsockname()[1]]
        found = sockets.sockets("udp", ports)
        assert [(one.address, one.port, one.anywhere) for one in found] == [
            ("127.0.0.1", ports[0], False),
            ("::", ports[1], True),
        ]
        holders = sockets.holders(found, ["strongswan.service"])
        assert {(holder.pid, holder.port.port) for holder in holders} == {(os.getpid(), port) for port in ports}
        assert str(holders[0]).endswith(f"(process {os.getpid()})")
        assert sockets.holders(found, [], ours=os.getpid()) == []


def test_the_commit_names_who_holds_a_port_of_a_tunnel_of_kind_ssl(
    document: dict[str, Any], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ip, "addresses", lambda: {"eth0": ["203.0.113.2/28"]})
    with (
        bound(socket.AF_INET, socket.SOCK_DGRAM, "0.0.0.0") as one,
        bound(socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1") as other,
    ):
        (tunnel,) = document["tunnels"]
        tunnel.update(kind="ssl", initiator=False, ssl={"device": "vcs0", "ports": {"udp": one.getsockname()[1]}})
        machine = _machine.Machine(Context(Generation(document, {}, "none"), NOTHING, store))
        (problem,) = machine.problems()
        assert problem.startswith(f"UDP {one.getsockname()[1]} is held by ")
        assert f"(process {os.getpid()})" in problem
        # OpenVPN binds the edge's public address: who has the port elsewhere is not in its way.
        tunnel["ssl"]["ports"] = {"udp": other.getsockname()[1]}
        assert machine.problems() == []
        tunnel["initiator"] = True  # it calls, and holds no port
        tunnel["ssl"]["ports"] = {"udp": one.getsockname()[1]}
        assert _machine.Machine(Context(Generation(document, {}, "none"), NOTHING, store)).problems() == []


def test_a_tcp_socket_counts_when_it_listens() -> None:
    with bound(socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1") as one:
        port = one.getsockname()[1]
        assert sockets.sockets("tcp", [port]) == []
        one.listen()
        assert [found.port for found in sockets.sockets("tcp", [port])] == [port]


def test_a_daemon_without_its_sockets_is_deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    with bound(socket.AF_INET, socket.SOCK_DGRAM, "0.0.0.0") as one:
        port = one.getsockname()[1]
        monkeypatch.setattr(charon, "ports", lambda: (port,))
        assert charon.deaf(os.getpid(), [4]) == []
        assert charon.deaf(os.getpid(), [4, 6]) == [port]
        assert charon.deaf(os.getppid(), [4]) == [port]
