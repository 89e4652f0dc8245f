# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VPN's links, routes and firewall are the same whatever kind its tunnels are of; the kind says the rest."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._intent import tunnel
from ansible_collections.intercloud.vpn.plugins.module_utils._node import kinds as node
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.tunnel import ssl as plan_ssl
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.tunnel.kinds import KINDS
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.links import JUDGES
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, changed, lab

SSL = {**PAYROLL, "tunnel": "ssl"}
AUDIT = {"name": "audit", "pool": "internal", "members": ["vm2-east", "vm2-west"]}
# What may differ: the kind's own part, what it leaves of a packet, and where a route finds its tunnel.
# A VCC node's copy of the ledger is not looked at: it repeats what was asked for.
OWN = {"ledger", "name", "kind", "ike", "ssl", "esp", "reqid", "mtu", "mss", "over", "tunnels", "generation"}


def without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without(entry) for key, entry in value.items() if key not in OWN}
    return [without(entry) for entry in value] if isinstance(value, list) else value


def test_every_registry_has_the_same_kinds() -> None:
    """docs/tunnels.md: a kind is named once in each room."""
    assert [*tunnel.KINDS] == [*KINDS] == [*JUDGES] == [kind.NAME for kind in node.KINDS]
    assert tunnel.KINDS["ssl"]["transport"] == tuple(plan_ssl.TRANSPORTS)


def test_a_kind_changes_only_what_is_its_own() -> None:
    ipsec, ssl = World().plan(PAYROLL), World().plan(SSL)
    assert {node: without(document) for node, document in ipsec.documents.items()} == {
        node: without(document) for node, document in ssl.documents.items()
    }
    for edge in ("edge-east", "edge-west"):
        pairs = zip(ipsec.documents[edge]["tunnels"], ssl.documents[edge]["tunnels"])
        assert [without(one) == without(other) for one, other in pairs] == [True]


def test_members_are_told_the_same() -> None:
    ipsec, ssl = World().plan(PAYROLL), World().plan(SSL)
    for member in PAYROLL["members"]:
        assert ipsec.documents[member] == ssl.documents[member]


def test_a_vpn_moves_from_one_kind_to_the_other_and_keeps_its_addresses() -> None:
    world = World()
    first = world.plan(PAYROLL)
    moved = world.plan(SSL)
    assert moved.new_tunnels == ["edge-east--edge-west--ssl"]
    assert moved.changed_nodes == ["edge-east", "edge-west", "node-east", "node-west"]
    assert moved.vpns[0]["members"] == first.vpns[0]["members"]
    back = world.plan(PAYROLL)
    assert back.new_tunnels == ["edge-east--edge-west"]
    for edge in ("edge-east", "edge-west"):
        assert {**back.documents[edge], "generation": 1} == {**first.documents[edge], "generation": 1}


def test_tunnels_of_both_kinds_are_between_the_same_edges() -> None:
    plan = World().plan(SSL, AUDIT)
    for edge in ("edge-east", "edge-west"):
        tunnels = {tunnel["name"]: tunnel for tunnel in plan.documents[edge]["tunnels"]}
        assert sorted(tunnels) == ["edge-east--edge-west", "edge-east--edge-west--ssl"]
        assert [link["vpn"] for link in tunnels["edge-east--edge-west"]["links"]] == ["audit"]
        assert [link["vpn"] for link in tunnels["edge-east--edge-west--ssl"]["links"]] == ["payroll"]


def test_ssl_vpns_share_a_session_that_one_end_starts() -> None:
    plan = World().plan(SSL, {**AUDIT, "tunnel": "ssl"})
    ends = [plan.documents[edge]["tunnels"] for edge in ("edge-east", "edge-west")]
    assert [[link["vpn"] for link in tunnel["links"]] for (tunnel,) in ends] == [["audit", "payroll"]] * 2
    assert sorted(tunnel["initiator"] for (tunnel,) in ends) == [False, True]


def test_what_was_stored_before_there_were_kinds_is_ipsec() -> None:
    world = World()
    world.plan(PAYROLL)
    assert "tunnel_options" not in str(world.dump())
    assert world.plan().changed is False


@pytest.mark.parametrize(
    ("tunnel", "ports", "mtu"),
    [
        ("ssl", {"udp": 1194, "tcp": 443}, 1418),
        ({"kind": "ssl", "transport": "udp"}, {"udp": 1194}, 1444),
        ({"kind": "ssl", "transport": "tcp"}, {"tcp": 443}, 1418),
    ],
)
def test_transports(tunnel: Any, ports: dict[str, int], mtu: int) -> None:
    (found,) = World().plan({**PAYROLL, "tunnel": tunnel}).documents["edge-east"]["tunnels"]
    assert (found["ssl"]["ports"], found["links"][0]["mtu"]) == (ports, mtu)


def test_a_policy_in_the_words_of_tls() -> None:
    policy = {
        "encryption": {
            "ike": [
                "chacha20poly1305-prfsha256-x25519",
                "aes256gcm16-prfsha384-ecp521",
                "aes256gcm16-prfsha384-x25519",
            ],
            "esp": ["chacha20poly1305-x25519", "aes192gcm16-ecp521"],
            "esp_rekey": 1200,
            "replay_window": 64,
        },
        "retries": {"dpd_delay": 2},
    }
    (tunnel,) = World().plan({**SSL, "policy": policy}).documents["edge-west"]["tunnels"]
    found = {key: value for key, value in tunnel["ssl"].items() if key not in ("device", "ports", "tls_crypt")}
    assert found == {
        "suites": ["TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384"],
        "groups": ["X25519", "secp521r1"],
        "ciphers": ["CHACHA20-POLY1305", "AES-192-GCM"],
        "rekey_time": 1200,
        "replay_window": 64,
        "dpd_delay": 2,
        "silence": 10,
    }


def test_an_edge_behind_a_nat_starts_the_session() -> None:
    plan = World(changed(lab(), "edge-west: {vcc_behind_nat: true}")).plan(SSL)
    (west,), (east,) = (plan.documents[edge]["tunnels"] for edge in ("edge-west", "edge-east"))
    assert (west["initiator"], west["local_address"], east["peer_behind_nat"]) == (True, "%any", True)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_kind_names_its_tunnels_as_it_is_fit_for_files(kind: Any) -> None:
    name = kind.tunnel_name(("edge.b", "edge-a"))
    assert name == f"edge-a--edge_b{kind.SUFFIX}"
