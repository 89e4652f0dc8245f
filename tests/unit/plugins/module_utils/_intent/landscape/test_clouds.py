# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VCC node has which hosts."""

from __future__ import annotations

from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.clouds import hosts_by_node


def host(kind: str, *clouds: str, **variables: Any) -> dict[str, Any]:
    return {"kinds": [kind], "clouds": [*clouds], "vars": variables}


HOSTS = {
    "node-b": host("vcc_nodes", "east"),
    "node-a": host("vcc_nodes", "east"),
    "node-acme": host("vcc_nodes", "west", vcc_org="acme"),
    "edge-east": host("org_edges", "east", vcc_org="acme"),
    "edge-west": host("org_edges", "west", vcc_org="acme"),
    "umbra-west": host("members", "west", vcc_org="umbra"),
    "partner": host("org_edges", "east", vcc_external=True),
    "everywhere": host("members", "east", "west", vcc_org="acme"),
    "south": host("members", "south", vcc_org="acme"),
}


def test_the_first_node_of_a_cloud_has_its_hosts() -> None:
    assert hosts_by_node(HOSTS) == {
        "node-a": ["edge-east", "node-a", "node-b"],
        "node-acme": ["edge-west", "node-acme"],
        "node-b": [],
    }
