# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small world in which everything is as planned, for tests that break one thing of it.

VPN payroll: vm1-east (behind vapp1-east), vm1-west (behind vapp1-west, translated), vm3-west (org network of west).
Beside them: vm2-east, vm3-east, vm2-west, vm2-west's neighbour vm4-west, and vm9-south in a cloud without members.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._verify import verify
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.finding import Result
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.probes import probe_targets

TUNNEL = "edge-east--edge-west"


def _tunnel(here: str, there: str) -> dict[str, Any]:
    blocks = {"edge-east": ["100.64.0.0/26"], "edge-west": ["100.64.0.64/26"]}
    addresses = {"edge-east": "203.0.113.2", "edge-west": "203.0.113.18"}
    return {
        "name": TUNNEL,
        "peer": there,
        "local_address": addresses[here],
        "remote_address": addresses[there],
        "local_id": f"{here}.acme",
        "remote_id": f"{there}.acme",
        "initiator": here == "edge-east",
        "ike": {"proposals": ["aes256gcm16-prfsha384-ecp384"]},
        "links": [
            {
                "vpn": "payroll",
                "number": 1,
                "local_ts": blocks[here],
                "remote_ts": blocks[there],
                "esp": {"proposals": ["aes256gcm16-ecp384"]},
                "mtu": 1400,
                "mss": 1360,
            }
        ],
    }


def _sa(end: str) -> dict[str, Any]:
    here, there = ("edge-east", "edge-west") if end == "edge-east" else ("edge-west", "edge-east")
    tunnel = _tunnel(here, there)
    spis = ("c0000001", "c0000002") if here == "edge-east" else ("c0000002", "c0000001")
    child = {
        "name": "payroll",
        "state": "INSTALLED",
        "spi_in": spis[0],
        "spi_out": spis[1],
        "encryption": "AES_GCM_16",
        "encryption_keysize": "256",
        "integrity": "",
        "dh_group": "",
        "bytes_in": 5040,
        "bytes_out": 5040,
        "packets_in": 60,
        "packets_out": 60,
        "local_ts": tunnel["links"][0]["local_ts"],
        "remote_ts": tunnel["links"][0]["remote_ts"],
        "mode": "TUNNEL",
        "encapsulated": True,
    }
    return {
        "tunnel": TUNNEL,
        "state": "ESTABLISHED",
        "spi_initiator": "aaaaaaaaaaaaaaaa",
        "spi_responder": "bbbbbbbbbbbbbbbb",
        "encryption": "AES_GCM_16",
        "encryption_keysize": "256",
        "integrity": "",
        "prf": "PRF_HMAC_SHA2_384",
        "dh_group": "ECP_384",
        "local_id": tunnel["local_id"],
        "remote_id": tunnel["remote_id"],
        "established_seconds": 120,
        "children": [child],
    }


def _document(node: str, role: str, **extra: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"addresses": [], "routes": [], "vpns": [], "tunnels": []}
    return {"format": 1, "node": node, "role": role, "organization": "acme", "generation": 3, **empty, **extra}


def _member(name: str, address: str, mode: str = "address") -> dict[str, Any]:
    vm, cloud = name.split("-")
    vapp = None if vm in ("vm3", "vm9") else f"vapp1-{cloud}"
    return {"name": name, "address": address, "site": f"edge-{cloud}", "vapp": vapp, "cloud": cloud, "mode": mode}


def _candidate(name: str, address: str) -> dict[str, Any]:
    member = _member(name, address)
    del member["address"], member["mode"]
    return {**member, "organization": "acme", "addresses": [address]}


class World:
    """Plan, documents, observations and probes. All is as planned until a test changes something."""

    def __init__(self) -> None:
        self.plan: dict[str, Any] = {
            "vpns": [
                {
                    "name": "payroll",
                    "number": 1,
                    "organization": "acme",
                    "blocks": ["100.64.0.0/24"],
                    "tunnels": [TUNNEL],
                    "members": [
                        _member("vm1-east", "100.64.0.17"),
                        _member("vm1-west", "100.64.0.81", "nat"),
                        _member("vm3-west", "100.64.0.66"),
                    ],
                }
            ],
            "members": [
                _candidate("vm1-east", "192.168.1.11"),
                _candidate("vm1-west", "192.168.1.11"),
                _candidate("vm2-east", "192.168.1.12"),
                _candidate("vm2-west", "192.168.1.12"),
                _candidate("vm3-east", "10.10.0.13"),
                _candidate("vm3-west", "10.10.0.13"),
                _candidate("vm4-west", "192.168.1.14"),
                _candidate("vm9-south", "10.10.0.19"),
            ],
        }
        self.documents: dict[str, dict[str, Any]] = {
            "edge-east": _document(
                "edge-east",
                "org_edge",
                vpns=[{"name": "payroll", "edge_address": "100.64.0.1"}],
                tunnels=[_tunnel("edge-east", "edge-west")],
            ),
            "edge-west": _document(
                "edge-west",
                "org_edge",
                vpns=[{"name": "payroll", "edge_address": "100.64.0.65"}],
                tunnels=[_tunnel("edge-west", "edge-east")],
            ),
            "vapp1-east": _document("vapp1-east", "vapp_edge", vpns=[{"name": "payroll"}]),
            "vapp1-west": _document("vapp1-west", "vapp_edge", vpns=[{"name": "payroll"}]),
            "vm1-east": _document("vm1-east", "member", routes=[{"prefix": "100.64.0.0/24"}]),
            "vm3-west": _document("vm3-west", "member", routes=[{"prefix": "100.64.0.0/24"}]),
            "node-east": _document("node-east", "vcc_node", slice={"edge-east": {}}),
        }
        self.observed: dict[str, dict[str, Any]] = {
            node: {
                "generation": 3,
                "drift": [],
                "unconfirmed": False,
                "rollback_armed": False,
                "sas": [_sa(node)] if node.startswith("edge-") else [],
            }
            for node in self.documents
            if node != "node-east"
        }
        self.probes: dict[str, dict[str, Any]] = {
            vm: {"probes": [_answer(target) for target in targets]} for vm, targets in self.targets().items()
        }

    def targets(self) -> dict[str, list[dict[str, Any]]]:
        """What every VM is to probe."""
        return probe_targets(self.plan, self.documents)

    def sa(self, node: str) -> dict[str, Any]:
        """The IKE_SA on an edge."""
        found: dict[str, Any] = self.observed[node]["sas"][0]
        return found

    def child(self, node: str) -> dict[str, Any]:
        """The CHILD_SA on an edge."""
        found: dict[str, Any] = self.sa(node)["children"][0]
        return found

    def probe(self, vm: str, dst: str | None, kind: str = "member") -> dict[str, Any]:
        """What came of one probe."""
        return next(p for p in self.probes[vm]["probes"] if (p["dst"], p["kind"]) == (dst, kind))

    def silence(self, vm: str, dst: str | None, kind: str = "member") -> None:
        """Take a probe's answers away."""
        self.probe(vm, dst, kind).update(received=0, loss=100.0, rtt_ms=None, mtu_ok=None)

    def judge(self) -> Result:
        """Compare the plan with what is seen."""
        return verify.judge(self.plan, self.documents, self.observed, self.probes)


def _answer(target: dict[str, Any]) -> dict[str, Any]:
    up = target["expect"] == "reachable"
    return {
        **target,
        "sent": 3,
        "received": 3 if up else 0,
        "loss": 0.0 if up else 100.0,
        "rtt_ms": 1.21 if up else None,
        "settled_after_ms": None,
        "mtu_ok": True if up and target["mtu"] else None,
        "mtu_reason": None,
        "mtu_fits": None,
        "application_ok": True if up and target["source"] and target["kind"] == "member" else None,
        "application_reason": None,
        "reason": None,
        "error": None,
    }
