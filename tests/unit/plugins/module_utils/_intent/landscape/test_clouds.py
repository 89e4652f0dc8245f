# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VCC node has which hosts."""

from __future__ import annotations

from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.clouds import hosts_by_node, unserved


def host(kind: str, *clouds: str, **variables: Any) -> dict[str, Any]:
    return {"kinds": [kind], "clouds": [*clouds], "vars": variables}


HOSTS = {
    "node-b": host("vcc_nodes", "east"),
    "node-a": host("vcc_nodes", "east"),
    "node-acme": host("vcc_nodes", "west", vcc_org="acme"),
    "edge-east": host("org_edges", "east", vcc_org="acme"),
    "edge-west": host("org_edges", "west", vcc_org="acme"),
    "umbra-east": host("members", "east", vcc_org="umbra"),
    "umbra-west": host("members", "west", vcc_org="umbra"),
    "partner": host("org_edges", "elsewhere", vcc_external=True),
    "behind-partner": host("members", "elsewhere", vcc_org="acme"),
    "everywhere": host("members", "east", "west", vcc_org="acme"),
    "south": host("members", "south", vcc_org="acme"),
}


def test_the_first_node_of_a_cloud_has_its_hosts() -> None:
    assert hosts_by_node(HOSTS) == {
        "node-a": {"acme": ["edge-east", "node-a", "node-b"], "umbra": ["node-a", "node-b", "umbra-east"]},
        "node-acme": {"acme": ["edge-west", "node-acme"]},
        "node-b": {},
    }
    assert hosts_by_node(HOSTS, ["umbra"])["node-a"] == {"umbra": ["node-a", "node-b", "umbra-east"]}
    assert hosts_by_node(HOSTS, ["umbra"])["node-acme"] == {}


def test_others_are_named() -> None:
    assert unserved(HOSTS) == ["everywhere", "south", "umbra-west"]
    assert unserved(HOSTS, ["acme"]) == ["everywhere", "south"]
