# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tunnel of kind ssl is judged by both ends' sessions."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify.links import judge_links
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.ssl import unplanned_sessions

NAME = "edge-east--edge-west--ssl"
BEHIND = {"edge-east": ["100.64.0.64/26", "100.64.1.64/26"], "edge-west": ["100.64.0.0/26", "100.64.1.0/26"]}


def end(node: str) -> dict[str, Any]:
    peer = "edge-west" if node == "edge-east" else "edge-east"
    return {
        "name": NAME,
        "kind": "ssl",
        "peer": peer,
        "initiator": node == "edge-east",
        "local_id": f"{node}.acme",
        "remote_id": f"{peer}.acme",
        "remote_address": {"edge-west": "203.0.113.18", "edge-east": "203.0.113.2"}[peer],
        "ssl": {
            "ports": {"udp": 1194, "tcp": 443},
            "ciphers": ["AES-256-GCM"],
            "suites": ["TLS_AES_256_GCM_SHA384"],
            "groups": ["secp384r1"],
        },
        "links": [
            {"vpn": vpn, "remote_ts": [prefix], "mtu": 1418} for vpn, prefix in zip(("payroll", "audit"), BEHIND[node])
        ],
    }


def session(node: str, **changed: Any) -> dict[str, Any]:
    return {
        "tunnel": NAME,
        "peer": end(node)["remote_id"],
        "state": "ESTABLISHED",
        "transport": "udp",
        "cipher": "AES-256-GCM",
        "suite": "TLS_AES_256_GCM_SHA384",
        "group": "secp384r1",
        "networks": BEHIND[node],
        "bytes_in": 10,
        "bytes_out": 20,
        **changed,
    }


def judged(east: list[dict[str, Any]], west: list[dict[str, Any]], reasons: Any = None) -> Any:
    documents = {node: {"tunnels": [end(node)]} for node in BEHIND}
    observed: dict[str, Any] = {"edge-east": {"sessions": east}, "edge-west": {"sessions": west}}
    for node, lines in (reasons or {}).items():
        observed[node]["reasons"] = {NAME: [{"text": text, "time": ""} for text in lines]}
    return judge_links(documents, observed)


def test_as_planned() -> None:
    links, findings = judged([session("edge-east")], [session("edge-west")])
    assert findings == []
    assert [(link["vpn"], link["state"], link["transport"]) for link in links] == [
        ("payroll", "INSTALLED", "udp"),
        ("audit", "INSTALLED", "udp"),
    ]
    assert links[0]["algorithms"] == {"ike": "TLS_AES_256_GCM_SHA384/secp384r1", "esp": "AES-256-GCM"}
    assert links[0]["bytes"]["edge-west"] == {"in": 10, "out": 20}


def test_a_server_that_forgot_its_handshake_is_believed_the_client() -> None:
    links, findings = judged([session("edge-east")], [session("edge-west", suite="", group="")])
    assert findings == []
    assert links[0]["algorithms"]["ike"] == "TLS_AES_256_GCM_SHA384/secp384r1"


def test_a_client_that_forgot_its_handshake_is_believed_the_server() -> None:
    """OpenVPN's log has room for some 100 questions, and metrics ask twice a minute."""
    forgotten = {"cipher": "", "suite": "", "group": ""}
    links, findings = judged([session("edge-east", **forgotten)], [session("edge-west", suite="", group="")])
    assert findings == []
    assert links[0]["algorithms"] == {"ike": None, "esp": "AES-256-GCM"}


def test_a_server_that_names_no_cipher_is_an_error() -> None:
    _links, findings = judged([session("edge-east")], [session("edge-west", cipher="")])
    assert [finding.expected for finding in findings] == ["cipher AES-256-GCM"]


@pytest.mark.parametrize(
    ("east", "west", "expected", "seen", "state"),
    [
        ([], [], "one ESTABLISHED session", "edge-east: none, edge-west: none", "DOWN"),
        (
            [session("edge-east", state="WAIT")],
            [],
            "one ESTABLISHED session",
            "edge-east: WAIT, edge-west: none",
            "DOWN",
        ),
        (
            [session("edge-east")],
            [session("edge-west"), session("edge-west", transport="tcp")],
            "one ESTABLISHED session",
            "edge-west: ESTABLISHED + ESTABLISHED",
            "DUPLICATE",
        ),
        (
            [session("edge-east", cipher="AES-128-GCM")],
            [session("edge-west", cipher="AES-128-GCM")],
            "cipher AES-256-GCM",
            "edge-east: AES-128-GCM",
            "INSTALLED",
        ),
        (
            [session("edge-east", suite="TLS_AES_128_GCM_SHA256")],
            [session("edge-west", suite="")],
            "suite TLS_AES_256_GCM_SHA384",
            "edge-east: TLS_AES_128_GCM_SHA256",
            "INSTALLED",
        ),
        (
            [session("edge-east", transport="tcp")],
            [session("edge-west")],
            "the same session on both ends",
            "tcp/AES-256-GCM and udp/AES-256-GCM",
            "INSTALLED",
        ),
    ],
)
def test_not_as_planned(east: Any, west: Any, expected: str, seen: str, state: str) -> None:
    links, findings = judged(east, west)
    assert (findings[0].subject, findings[0].expected, findings[0].seen) == (f"tunnel {NAME}", expected, seen)
    assert {link["state"] for link in links} == {state}


def test_a_session_that_does_not_carry_a_link() -> None:
    links, (finding,) = judged([session("edge-east")], [session("edge-west", networks=["100.64.0.0/26"])])
    assert finding.expected == "100.64.0.0/26, 100.64.1.0/26 behind edge-east.acme"
    assert finding.seen == "edge-west: 100.64.0.0/26"
    assert [(link["vpn"], link["state"]) for link in links] == [("payroll", "INSTALLED"), ("audit", "DOWN")]


def test_a_peer_that_no_tunnel_says() -> None:
    (finding,) = unplanned_sessions(
        {"edge-west": {"sessions": [session("edge-west", tunnel="", peer="edge-odd.acme")]}}
    )
    assert (finding.subject, finding.seen) == ("edge-west", "a session with edge-odd.acme")


@pytest.mark.parametrize(
    ("node", "line", "words"),
    [
        (
            "edge-west",
            "VERIFY ERROR: depth=0, error=unable to get local issuer certificate: CN=x, serial=1",
            "edge-west refuses edge-east.acme: its certificate is signed by an authority that is not trusted here",
        ),
        ("edge-east", "Server poll timeout, restarting", "edge-east gets no answer from edge-west.acme"),
        (
            "edge-east",
            "VERIFY X509NAME ERROR: O=acme, CN=other.acme, must be edge-west.acme",
            "edge-east refuses who answers in edge-west.acme's place",
        ),
    ],
)
def test_why(node: str, line: str, words: str) -> None:
    links, (finding,) = judged([], [], {node: [line]})
    assert words in finding.seen
    assert "UDP 1194 and TCP 443 between 203.0.113.18 and 203.0.113.2" in finding.look
    assert links[0]["reasons"] == {node: [{"text": line, "time": ""}]}
