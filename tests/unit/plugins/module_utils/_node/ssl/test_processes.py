# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tunnels of kind ssl on a node: processes, devices, routes, and what OpenVPN says of its sessions."""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.links import Links
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import routes
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl import (
    kind as _kind,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl import (
    openvpn,
    processes,
    reasons,
    sessions,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl.kind import _state
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.plugin_utils._ssl_files import expanded
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import render

SSL = {
    "device": "vcs0123456789",
    "ports": {"udp": 1194, "tcp": 443},
    "ciphers": ["AES-256-GCM"],
    "suites": ["TLS_AES_256_GCM_SHA384"],
    "groups": ["secp384r1"],
    "rekey_time": 3600,
    "replay_window": 1024,
    "dpd_delay": 5,
    "silence": 15,
}
NAME = "edge-east--edge-west--ssl"
TEMPLATES = {
    "openvpn.client.conf": "openvpn-client.conf.j2",
    "openvpn.server.conf": "openvpn-server.conf.j2",
    "openvpn.peer": "openvpn-peer.j2",
}


@pytest.fixture
def tunnel(document: dict[str, Any]) -> dict[str, Any]:
    """The document's one tunnel, of kind ssl."""
    found: dict[str, Any] = document["tunnels"][0]
    del found["ike"], found["links"][0]["esp"]
    found.update(name=NAME, kind="ssl", ssl=copy.deepcopy(SSL))
    document["vpns"][0]["kind"] = "ssl"
    document["routes"][1]["over"] = NAME
    return found


def waiting(document: dict[str, Any], *peers: str) -> None:
    """The document of an edge where tunnels of these peers end that they start."""
    (model,) = document["tunnels"]
    document["tunnels"] = [
        {**copy.deepcopy(model), "initiator": False, "name": f"{peer}--ssl", "remote_id": f"{peer}.acme"}
        for peer in peers
    ]


def rendered(document: dict[str, Any]) -> dict[str, str]:
    return {
        file: render("org_edge", template, document, "none", **more)
        for name, template in TEMPLATES.items()
        for file, more in expanded(name, document)
    }


def test_the_end_that_starts_has_a_client_and_the_other_a_server_per_transport(
    document: dict[str, Any], tunnel: dict[str, Any]
) -> None:
    assert list(processes.processes(Generation(document))) == [NAME]
    waiting(document, "edge-west", "edge-south")
    servers = processes.processes(Generation(document))
    assert {name: (one.device, len(one.tunnels)) for name, one in servers.items()} == {
        "server-udp": ("vcs-udp", 2),
        "server-tcp": ("vcs-tcp", 2),
    }


@pytest.mark.parametrize(
    ("arrivals", "device"),
    [
        ({}, "vcs-udp"),
        ({"edge-west.acme": "vcs-tcp"}, "vcs-tcp"),
        ({"edge-south.acme": "vcs-tcp"}, "vcs-udp"),
        ({"edge-west.acme": "eth0"}, "vcs-udp"),
    ],
)
def test_routes_follow_a_peer_to_the_server_it_came_by(
    document: dict[str, Any], tunnel: dict[str, Any], arrivals: dict[str, str], device: str
) -> None:
    tunnel["initiator"] = False
    document["routes"][1]["over"] = NAME
    found = [route.device for route in routes.wanted(Generation(document), arrivals) if route.device]
    assert found == [device]


def test_at_the_end_that_starts_they_lead_to_its_own_device(document: dict[str, Any], tunnel: dict[str, Any]) -> None:
    (route,) = [route for route in routes.wanted(Generation(document), {}) if route.device]
    assert (route.device, route.mtu) == ("vcs0123456789", 0)
    document["vpns"][0]["mtu"] = 1300
    (route,) = [route for route in routes.wanted(Generation(document), {}) if route.device]
    assert route.mtu == 1300


def test_where_a_peer_came_is_read_once(store: Store) -> None:
    place = store.at(processes.ARRIVALS)
    place.mkdir(parents=True)
    (place / "edge-west.acme").write_text("vcs-udp\n", encoding="utf-8")
    (place / ".edge-west.acme").write_text("half a li", encoding="utf-8")
    assert store.arrivals == {"edge-west.acme": "vcs-udp"}
    (place / "edge-west.acme").write_text("vcs-tcp\n", encoding="utf-8")
    assert store.arrivals == {"edge-west.acme": "vcs-udp"}
    assert Store(str(store.root)).arrivals == {"edge-west.acme": "vcs-tcp"}


@pytest.mark.parametrize(("state", "came", "ended"), [
    ("ESTABLISHED", "vcs-udp", []),
    ("ESTABLISHED", "vcs-tcp", [1]),  # it came over UDP, and over TCP later
    ("CONNECTING", "vcs-tcp", []),  # it is only about to come over UDP
])  # fmt: skip
def test_what_a_peer_left_behind_is_ended_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
    document: dict[str, Any],
    tunnel: dict[str, Any],
    store: Store,
    state: str,
    came: str,
    ended: list[int],
) -> None:
    """A peer may come while we look."""
    waiting(document, "edge-west")
    place = store.at(processes.ARRIVALS)
    place.mkdir(parents=True)
    (place / "edge-west.acme").write_text("vcs-tcp\n", encoding="utf-8")
    assert store.arrivals == {"edge-west.acme": "vcs-tcp"}  # what this store has read before
    led: list[dict[str, str]] = []
    gone: list[int] = []

    class Led:
        def __init__(self, context: Context) -> None:
            led.append(context.store.arrivals)

        changes = staticmethod(list)
        build = staticmethod(lambda: None)

    def listed(_generation: Generation, _store: Store) -> list[sessions.Session]:
        (place / "edge-west.acme").write_text(f"{came}\n", encoding="utf-8")
        return [sessions.Session("server-udp", "edge-west--ssl", "edge-west.acme", state, "udp", number=1)]

    monkeypatch.setattr(_kind, "Routes", Led)
    monkeypatch.setattr(sessions, "sessions", listed)
    monkeypatch.setattr(sessions, "end", lambda _process, numbers, _store: gone.extend(numbers))
    _kind.follow(Generation(document), store)
    assert (led, gone) == ([{"edge-west.acme": came}], ended)


def test_a_daemon_is_started_and_restarted_beside_no_commit(
    monkeypatch: pytest.MonkeyPatch, document: dict[str, Any], tunnel: dict[str, Any], store: Store
) -> None:
    """One that has just stopped it would find it running."""
    generation = Generation(document)
    store.save(generation)
    store.point(generation)
    over_tcp = sessions.Session(NAME, NAME, "edge-west.acme", "ESTABLISHED", "tcp")
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(_kind.systemd, "systemctl", lambda *words: asked.append(words))
    monkeypatch.setattr(_kind.systemd, "alive", lambda _unit: False)
    monkeypatch.setattr(sessions, "sessions", lambda *_arguments: [over_tcp])
    monkeypatch.setattr(sessions, "of", lambda *_arguments: [over_tcp])
    monkeypatch.setattr(_kind.key_change, "udp_answers", lambda _process, _hello: True)
    kind, link = _kind.Ssl(), {"tunnel": NAME}
    with store.lock():
        kind.settle(generation, 0.2, store)
        assert "another commit" in kind.initiate(link, 0.2, store, False)
    kind.settle(Generation({**document, "generation": 4}), 0.2, store)  # it has another one by now
    assert asked == []
    kind.settle(generation, 0.2, store)
    assert kind.initiate(link, 0.2, store, False) == ""
    assert [verb for verb, _unit in asked] == ["restart", "start"]


def test_a_vpn_over_ssl_has_no_xfrm_interface(document: dict[str, Any], tunnel: dict[str, Any], store: Store) -> None:
    want = Generation(document, {}, "xfrm")
    assert Links(Context(want, want, store))._wanted() == {}


def test_what_the_templates_make_is_what_the_node_asks_for(document: dict[str, Any], tunnel: dict[str, Any]) -> None:
    for change in (lambda: None, lambda: waiting(document, "edge-west", "edge-south")):
        change()
        generation = Generation(document, rendered(document))
        files = processes.files(generation)
        for process in processes.processes(generation).values():
            lines = files[process.config].splitlines()
            assert [line for line in openvpn._must_say(process) if line not in lines] == []


def test_a_client_tries_udp_and_then_tcp(document: dict[str, Any], tunnel: dict[str, Any]) -> None:
    (text,) = rendered(document).values()
    ways = [line for line in text.splitlines() if line.startswith("remote 203")]
    assert ways == ["remote 203.0.113.18 1194 udp4", "remote 203.0.113.18 443 tcp4-client"]
    tunnel["ssl"]["ports"] = {"tcp": 443}
    (text,) = rendered(document).values()
    assert "udp" not in text


def test_a_server_has_a_file_per_peer_with_what_is_behind_it(document: dict[str, Any], tunnel: dict[str, Any]) -> None:
    tunnel["links"][0]["remote_ts"] = ["100.64.0.64/26", "100.64.0.128/26", "100.64.0.192/26", "fd00::/64"]
    waiting(document, "edge-west")
    text = rendered(document)["openvpn.peer.edge-west.acme"]
    assert [line for line in text.splitlines() if line.startswith("iroute")] == [
        "iroute 100.64.0.64 255.255.255.192",
        "iroute 100.64.0.128 255.255.255.128",
        "iroute-ipv6 fd00::/64",
    ]


@pytest.mark.parametrize(
    ("addresses", "line"),
    [
        (("203.0.113.2",), "local 203.0.113.2"),
        (("203.0.113.2", "203.0.113.3"), "multihome"),
        (("%any",), "multihome"),
    ],
)
def test_where_a_server_listens(
    document: dict[str, Any], tunnel: dict[str, Any], addresses: tuple[str, ...], line: str
) -> None:
    waiting(document, *(f"edge-{number}" for number in range(len(addresses))))
    for one, address in zip(document["tunnels"], addresses):
        one["local_address"] = address
    files = rendered(document)
    assert line in files["openvpn.server-udp.conf"].splitlines()
    assert "multihome" not in files["openvpn.server-tcp.conf"]


def test_a_server_has_what_suits_all_its_tunnels(document: dict[str, Any], tunnel: dict[str, Any]) -> None:
    waiting(document, "edge-west", "edge-south")
    document["tunnels"][1]["ssl"].update(ciphers=["CHACHA20-POLY1305", "AES-256-GCM"], rekey_time=600, silence=30)
    lines = rendered(document)["openvpn.server-udp.conf"].splitlines()
    for line in ("data-ciphers AES-256-GCM:CHACHA20-POLY1305", "reneg-sec 600", "ping-restart 60"):
        assert line in lines


CLIENTS = (
    *("Common Name", "Real Address", "Virtual Address", "Virtual IPv6 Address", "Bytes Received", "Bytes Sent"),
    *("Connected Since", "Connected Since (time_t)", "Username", "Client ID", "Peer ID", "Data Channel Cipher"),
)
ROUTED = ("Virtual Address", "Common Name", "Real Address", "Last Ref", "Last Ref (time_t)")
WHEN = ("2026-11-24 11:34:47", "1795520087")
STATUS = [
    "\t".join(words)
    for words in (
        ("TITLE", "OpenVPN 2.6.14"),
        ("HEADER", "CLIENT_LIST", *CLIENTS),
        *(
            ("CLIENT_LIST", name, real, "", "", "2473", "2508", *WHEN, "UNDEF", number, number, cipher)
            for name, real, number, cipher in (
                ("edge-west.acme", "203.0.113.18:56323", "4", "AES-256-GCM"),
                ("edge-odd.acme", "203.0.113.34:1025", "5", "AES-256-GCM"),
                ("UNDEF", "203.0.113.50:1025", "6", ""),
            )
        ),
        ("HEADER", "ROUTING_TABLE", *ROUTED),
        ("ROUTING_TABLE", "100.64.0.64/26", "edge-west.acme", "203.0.113.18:56323", *WHEN),
        ("ROUTING_TABLE", "100.64.0.66C", "edge-west.acme", "203.0.113.18:56323", *WHEN),
        ("GLOBAL_STATS", "dco_enabled", "0"),
    )
]
CONTROL = (
    "Control Channel: TLSv1.3, cipher TLSv1.3 TLS_AES_256_GCM_SHA384, peer certificate: 384 bits ECsecp384r1, "
    "signature: ecdsa-with-SHA384, peer temporary key: 384 bits ECsecp384r1"
)


def test_a_server_tells_who_is_connected(document: dict[str, Any], tunnel: dict[str, Any]) -> None:
    waiting(document, "edge-west")
    process = processes.processes(Generation(document))["server-tcp"]
    log = [f"1795520087,,203.0.113.18:56323 {CONTROL}", f"1795520087,,203.0.113.34:1025 {CONTROL}"]
    west, odd = sessions._served(process, STATUS, log)
    assert west == sessions.Session(
        "server-tcp",
        "edge-west--ssl",
        "edge-west.acme",
        "ESTABLISHED",
        "tcp",
        "203.0.113.18",
        56323,
        1795520087,
        "AES-256-GCM",
        "TLS_AES_256_GCM_SHA384",
        "secp384r1",
        2473,
        2508,
        ("100.64.0.64/26",),
        4,
    )
    assert (odd.tunnel, odd.peer, odd.networks, odd.up) == ("", "edge-odd.acme", (), False)


def test_a_client_tells_of_its_session(document: dict[str, Any], tunnel: dict[str, Any]) -> None:
    process = next(iter(processes.processes(Generation(document)).values()))
    log = ["1,,Control Channel: TLSv1.2, cipher TLSv1.2 OLD, peer temporary key: 1 bits RSA", f"2,,{CONTROL}"]
    log.append("3,,Data Channel: cipher 'AES-256-GCM', peer-id: 0")
    state = ["1795520080,WAIT,,,,,,", "1795520087,CONNECTED,SUCCESS,,203.0.113.18,443,,"]
    found = sessions._started(process, state, ["SUCCESS: nclients=0,bytesin=25,bytesout=27"], log)
    assert (found.state, found.transport, found.since) == ("ESTABLISHED", "tcp", 1795520087)
    assert (found.suite, found.group, found.cipher) == ("TLS_AES_256_GCM_SHA384", "secp384r1", "AES-256-GCM")
    assert (found.bytes_in, found.bytes_out, found.networks) == (25, 27, ("100.64.0.64/26",))
    waits = sessions._started(process, ["1795520080,RECONNECTING,server_poll,,,,,"], [], log)
    assert (waits.state, waits.up, waits.cipher, waits.since) == ("RECONNECTING", False, "", 0)


@pytest.mark.parametrize(
    ("networks", "state"),
    [
        (None, "DOWN"),
        (("100.64.0.64/26",), "INSTALLED"),
        (("100.64.0.0/24",), "INSTALLED"),
        (("100.64.0.64/27",), "NARROWED"),
        ((), "NARROWED"),
    ],
)
def test_a_link_is_up_if_the_session_carries_it(
    tunnel: dict[str, Any], networks: tuple[str, ...] | None, state: str
) -> None:
    several = [sessions.Session("p", NAME, "", "ESTABLISHED", networks=networks)] if networks is not None else []
    assert _state(several, tunnel["links"][0]) == state


def test_a_server_tells_of_each_peer_what_it_refused(
    monkeypatch: pytest.MonkeyPatch, document: dict[str, Any], tunnel: dict[str, Any]
) -> None:
    waiting(document, "edge-west", "edge-south")
    document["tunnels"][1]["remote_address"] = "203.0.113.34"
    said = [
        ("server-udp", "203.0.113.18:4711 VERIFY CRL: certificate serial number 7 is revoked"),
        ("server-udp", "203.0.113.18:4711 TLS: Initial packet from [AF_INET]203.0.113.18:4711, sid=1 2"),
        (
            "server-tcp",
            "edge-south.acme/203.0.113.34:4712 [edge-south.acme] Inactivity timeout (--ping-restart), restarting",
        ),
        ("other", "203.0.113.18:4711 VERIFY ERROR: not ours"),
        ("server-tcp", "edge-west.acme is not let in: its certificate names no addresses (RFC 3779)"),
    ]
    journal = [
        {
            "_SYSTEMD_UNIT": f"intercloud-vpn-ssl@{name}.service",
            "MESSAGE": text,
            "__REALTIME_TIMESTAMP": "1795520087000000",
        }
        for name, text in said
    ]
    monkeypatch.setattr(reasons, "entries", lambda _units, _fields: journal)
    when = "2026-11-24T11:34:47Z"
    assert reasons.reasons(document["tunnels"]) == {
        "edge-west--ssl": [
            {"text": "VERIFY CRL: certificate serial number 7 is revoked", "time": when},
            {"text": "edge-west.acme is not let in: its certificate names no addresses (RFC 3779)", "time": when},
        ],
        "edge-south--ssl": [
            {"text": "[edge-south.acme] Inactivity timeout (--ping-restart), restarting", "time": when}
        ],
    }


def test_what_is_said_at_every_attempt_is_not_pushed_out_by_what_was_said_once(
    monkeypatch: pytest.MonkeyPatch, document: dict[str, Any], tunnel: dict[str, Any]
) -> None:
    waiting(document, "edge-west")
    revoked = "VERIFY CRL: certificate serial number 7 is revoked"
    once = [f"VERIFY ERROR: depth=0, error={word}: CN=x" for word in ("self-signed certificate", "expired", "unknown")]
    more = [f"TLS Error: {word}" for word in ("bad tag", "local/remote keys are out of sync", "cannot locate HMAC")]
    ports = [f"TLS Error: no answer at [AF_INET]203.0.113.18:{port} (si=3)" for port in range(4711, 4721)]
    journal = [
        {
            "_SYSTEMD_UNIT": "intercloud-vpn-ssl@server-udp.service",
            "MESSAGE": f"203.0.113.18:4711 {text}",
            "__REALTIME_TIMESTAMP": "1795520087000000",
        }
        for text in (revoked, *once, *more, revoked, *ports)
    ]
    monkeypatch.setattr(reasons, "entries", lambda _units, _fields: journal)
    found = [line["text"] for line in reasons.reasons(document["tunnels"])["edge-west--ssl"]]
    assert found[-2:] == [revoked, ports[-1]]


def test_what_was_revoked_is_a_file_per_serial_number_and_ends_the_session(
    monkeypatch: pytest.MonkeyPatch, document: dict[str, Any], tunnel: dict[str, Any], store: Store
) -> None:
    crl = "revoked: edge-west.acme ff 2026-01-31T12:00:00Z\nrevoked: edge-gone.acme 10 2026-01-31T12:00:00Z\n"
    want = Generation(document, {"crl.pem": f"number: 3\n{crl}"})
    monkeypatch.setattr(openvpn.systemd, "alive", lambda _unit: True)
    since = 1795520087
    up = sessions.Session(NAME, NAME, "edge-west.acme", "ESTABLISHED", since=since, networks=("100.64.0.64/26",))
    monkeypatch.setattr(openvpn._sessions, "sessions", lambda _generation, _store: [up])
    part = openvpn.Openvpn(Context(want, want, store))
    monkeypatch.setattr(part, "_restarts", dict)
    written = [change.action for change in part._files.changes("openvpn") if "revoked" in change.action]
    assert written == [f"write {processes.REVOKED}/255", f"write {processes.REVOKED}/16"]
    assert [why for _session, why in part._ended()] == ["its certificate was revoked"]
    place = store.at(f"{processes.REVOKED}/255")
    place.parent.mkdir(parents=True)
    place.touch()
    for moment, ended in ((since + 5, True), (since - 5, False)):  # a later session showed another certificate
        os.utime(place, (moment, moment))
        assert bool(part._ended()) == ended


def test_strangers_connections_to_the_server_are_counted_and_peers_are_not(
    document: dict[str, Any], tunnel: dict[str, Any]
) -> None:
    assert "ssl_strangers" not in render("org_edge", "nftables.nft.j2", document, "none")
    waiting(document, "edge-west", "edge-south")
    document["tunnels"][1]["remote_address"] = "203.0.113.34"
    text = render("org_edge", "nftables.nft.j2", document, "none")
    (rule,) = [line.strip() for line in text.splitlines() if "goto ssl_strangers" in line]
    assert rule == (
        "ip daddr { 203.0.113.2 } tcp dport 443 ct status assured ip saddr != { 203.0.113.18, 203.0.113.34 } "
        "ip saddr . tcp sport != @ssl_open4 goto ssl_strangers4"
    )
    for one in document["tunnels"]:
        one["ssl"]["ports"] = {"udp": 1194}
    assert "ssl_strangers" not in render("org_edge", "nftables.nft.j2", document, "none")
