# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A document, and a node that lives in a temporary directory."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

EDGE: dict[str, Any] = {
    "format": 1,
    "node": "edge-east",
    "role": "org_edge",
    "organization": "acme",
    "cloud": "east",
    "generation": 3,
    "sysctls": {"net.ipv4.ip_forward": "1"},
    "addresses": [{"address": "100.64.0.1/32", "device": "lo"}],
    "routes": [
        {"prefix": "100.64.0.17/32", "via": "192.168.1.11"},
        {"prefix": "100.64.0.64/26", "tunnel": "payroll", "source": "100.64.0.1"},
        {"prefix": "100.64.0.0/24", "type": "blackhole", "metric": 9999},
    ],
    "inside": ["192.168.1.1", "fd10:1::1"],
    "neighbours": [
        {"address": "192.168.1.11", "host": "vm1-east", "sends": ["100.64.0.17/32"]},
        {"address": "192.168.1.12", "host": "vm2-east"},
        {"address": "10.10.0.1", "host": "edge-east", "sends": ["100.64.0.0/24"], "uplink": True},
        {"address": "fd10:1::11", "host": "vm1-east", "sends": ["fd00:1::11/128"], "mac": ["02:00:00:00:00:11"]},
    ],
    "vpns": [
        {
            "name": "payroll",
            "number": 1,
            "family": 4,
            "blocks": ["100.64.0.0/24"],
            "local": ["100.64.0.17"],
            "nat": [{"outside": "100.64.0.18", "inside": "192.168.1.12"}],
            "remote": ["100.64.0.64/26"],
            "edge_address": "100.64.0.1",
            "mtu": 1438,
            "mss": 1398,
        },
        {
            "name": "six",
            "number": 2,
            "family": 6,
            "blocks": ["fd00:1::/64"],
            "local": ["fd00:1::11"],
            "nat": [],
            "remote": ["fd00:1:0:0:8000::/65"],
            "edge_address": "fd00:1::1",
            "mtu": 1300,
            "mss": 1240,
        },
    ],
    "tunnels": [
        {
            "name": "edge-east--edge-west",
            "peer": "edge-west",
            "local_address": "203.0.113.2",
            "remote_address": "203.0.113.18",
            "local_id": "edge-east.acme",
            "remote_id": "edge-west.acme",
            "initiator": True,
            "ike": {
                "proposals": ["aes256gcm16-prfsha384-ecp384"],
                "rekey_time": 14400,
                "dpd_delay": 30,
                "auth": "pubkey",
            },
            "links": [
                {
                    "vpn": "payroll",
                    "number": 1,
                    "local_ts": ["100.64.0.0/26"],
                    "remote_ts": ["100.64.0.64/26"],
                    "esp": {"proposals": ["aes256gcm16-ecp384"], "rekey_time": 3600, "replay_window": 1024},
                    "mtu": 1438,
                    "mss": 1398,
                }
            ],
        }
    ],
}


@pytest.fixture
def document() -> dict[str, Any]:
    """The document of an org edge, to be changed at will."""
    return copy.deepcopy(EDGE)


@pytest.fixture
def edge(document: dict[str, Any]) -> Generation:
    """A generation of it."""
    return Generation(document, {"nftables.nft": "table inet intercloud_vpn {}\n"}, "libipsec")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A node's memory."""
    return Store(str(tmp_path))
