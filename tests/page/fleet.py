# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet that a page is made of: a landscape, planned by the real planner, and observations of the real shape.

What nodes would report is made of their documents: all is as planned until a test changes something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._page.model import Known, model
from ansible_collections.intercloud.vpn.plugins.module_utils._status.history import events_of
from ansible_collections.intercloud.vpn.plugins.module_utils._status.holdings import holdings
from ansible_collections.intercloud.vpn.plugins.module_utils._status.status import status
from ansible_collections.intercloud.vpn.plugins.module_utils._verify import verify
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.probes import probe_targets
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.report import result_json
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.which_pairs import Choice
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, lab

NOW = datetime(2026, 6, 1, 9, 30, tzinfo=timezone.utc)
POOLS = {"internal": "100.64.0.0/10", "partners": "172.20.0.0/22"}
CITIES = ("frankfurt", "oslo", "madrid")


def company() -> dict[str, dict[str, Any]]:
    """Three clouds of one organization, as people have them."""
    hosts: dict[str, dict[str, Any]] = {}
    vapps = {
        "frankfurt": {"shop": ["web1", "web2", "db1"], "office": ["files", "print"]},
        "oslo": {"shop": ["web3", "db2"]},
        "madrid": {"lab": ["build1", "build2", "test1"]},
    }
    alone = {"frankfurt": ["jump"], "oslo": ["erp", "mail"], "madrid": ["backup"]}
    for number, cloud in enumerate(CITIES):
        short = cloud[:3]

        def host(kind: str, cloud: str = cloud, **variables: Any) -> dict[str, Any]:
            return {"kinds": [kind], "clouds": [cloud], "vars": {"vcc_org": "acme", **variables}}

        hosts[f"node-{short}"] = host("vcc_nodes")
        hosts[f"edge-{short}"] = host(
            "org_edges",
            vcc_public_address=[f"203.0.113.{16 * number + 2}"],
            vcc_org_address=["10.10.0.1"],
            vcc_org_network=["10.10.0.0/24"],
        )
        for place, (vapp, vms) in enumerate(vapps[cloud].items()):
            hosts[f"{vapp}-{short}"] = host(
                "vapp_edges",
                vcc_org_address=[f"10.10.0.{11 + place}"],
                vcc_vapp_address=["192.168.1.1"],
                vcc_vapp_network=["192.168.1.0/24"],
            )
            for index, vm in enumerate(vms):
                hosts[f"{vm}-{short}"] = host(
                    "members", vcc_vapp=f"{vapp}-{short}", vcc_address=[f"192.168.1.{11 + index}"]
                )
        for index, vm in enumerate(alone[cloud]):
            hosts[f"{vm}-{short}"] = host("members", vcc_address=[f"10.10.0.{31 + index}"])
    return hosts


SHOP = {
    "name": "shop",
    "pool": "internal",
    "members": ["web1-fra", "web2-fra", "db1-fra", "web3-osl", "db2-osl", "backup-mad"],
    "allow": [
        {"from": ["web1-fra", "web2-fra", "web3-osl"], "to": ["db1-fra", "db2-osl"], "ports": ["icmp", "tcp/5432"]},
        {"from": ["db1-fra", "db2-osl"], "to": ["db1-fra", "db2-osl"]},
        {"from": "backup-mad", "to": "all", "ports": ["icmp", "tcp/22"]},
    ],
    "policy": {"extends": "standard", "quota": {"member": "10GB/day"}, "rate": {"member": "100mbit"}},
}
OFFICE = {"name": "office", "pool": "internal", "members": ["office-fra", "erp-osl", "mail-osl"]}
BUILD = {"name": "build", "pool": "internal", "members": ["build1-mad", "build2-mad", "files-fra"]}


class Fleet:
    """Plan, documents, what nodes report, and what verify found. ``known`` is what the page is made of."""

    def __init__(self, hosts: Mapping[str, Any], *plans: Iterable[Any], pools: Mapping[str, str] | None = None) -> None:
        self.world, self.pools = World(dict(hosts)), dict(POOLS if pools is None else pools)
        for vpns in plans:
            planned = self.world.plan(*vpns, pools=self.pools)
        self.plan: dict[str, Any] = {"vpns": planned.vpns, "members": planned.members}
        self.documents: dict[str, Any] = {name: dict(document) for name, document in planned.documents.items()}
        nodes = {name: one for name, one in self.documents.items() if one["role"] != "vcc_node"}
        self.observed = {name: self._seen(document) for name, document in nodes.items()}
        self.verified: dict[str, Any] | None = None
        self.policies: dict[str, Any] = {}
        self.run: dict[str, Any] = {"inventories": ["inventory.yml"]}

    def down(self, tunnel: str, *reasons: Mapping[str, Any]) -> None:
        """No SA of a tunnel at either end."""
        for seen in self.observed.values():
            seen["sas"] = [sa for sa in seen["sas"] if sa["tunnel"] != tunnel]
            if reasons:
                seen["reasons"] = {tunnel: list(reasons)}

    def verify(self, lost: Iterable[tuple[str, str]] = (), leaks: Iterable[tuple[str, str]] = ()) -> None:
        """Probe: all answers as it should, but for some pairs."""
        lost, leaks = set(lost), set(leaks)
        targets = probe_targets(self.plan, self.documents)
        probes = {
            vm: {"probes": [_answer(one, (vm, one["dst"]) in lost, (vm, one["dst"]) in leaks) for one in asked]}
            for vm, asked in targets.items()
        }
        judged = verify.judge(self.plan, self.documents, self.observed, probes, Choice())
        self.verified = result_json(judged, self.plan, "2026-06-01T09:12:00Z")

    @property
    def known(self) -> Known:
        """What the page is made of."""
        held = self.world.ledger.run(lambda one: holdings(one, [], self.pools), dry_run=True)
        events = self.world.ledger.run(lambda one: events_of(one, [], limit=0), dry_run=True)
        found = status(self.plan, self.documents, self.observed, held, NOW)
        parts = (self.world.hosts, self.plan, self.documents, found, self.verified, events, self.pools, self.policies)
        return Known(*parts, run=self.run, held=held)

    def document(self) -> dict[str, Any]:
        """The page's document."""
        return model(self.known)

    def _seen(self, document: Mapping[str, Any]) -> dict[str, Any]:
        edge = document["role"] == "org_edge"
        days = 200 + 67 * (sum(document["node"].encode()) % 3)
        ends = (NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "generation": document["generation"],
            "drift": [],
            "unconfirmed": False,
            "rollback_armed": False,
            "sas": [_sa(document["node"], tunnel) for tunnel in document.get("tunnels", [])],
            "usage": list(_usage(document)) if edge else [],
            **({"certificate": {"not_after": ends, "not_before": "2026-01-01T00:00:00Z"}} if edge else {}),
        }


def _sa(node: str, tunnel: Mapping[str, Any]) -> dict[str, Any]:
    number = sum(tunnel["name"].encode())
    spis = (f"c{number:07x}", f"d{number:07x}")
    here = spis if tunnel["initiator"] else spis[::-1]
    gcm = {"encryption": "AES_GCM_16", "encryption_keysize": "256", "integrity": ""}
    return {
        "tunnel": tunnel["name"],
        "state": "ESTABLISHED",
        "spi_initiator": f"{number:016x}",
        "spi_responder": f"{number + 1:016x}",
        **gcm,
        "prf": "PRF_HMAC_SHA2_384",
        "dh_group": "ECP_384",
        "local_id": tunnel["local_id"],
        "remote_id": tunnel["remote_id"],
        "established_seconds": 5400,
        "children": [
            {
                "name": link.get("name", link["vpn"]),
                "state": "INSTALLED",
                "spi_in": f"{here[0][:-2]}{place:02x}",
                "spi_out": f"{here[1][:-2]}{place:02x}",
                **gcm,
                "dh_group": "",
                "installed_seconds": 1500,
                "bytes_in": 48_200_000 * (place + 1),
                "bytes_out": 51_300_000 * (place + 1),
                "packets_in": 61000,
                "packets_out": 64000,
                "local_ts": link["local_ts"],
                "remote_ts": link["remote_ts"],
                "mode": "TUNNEL",
                "encapsulated": True,
            }
            for place, link in enumerate(tunnel["links"])
        ],
    }


def _usage(document: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for vpn in document.get("vpns", []):
        quota = (vpn.get("quota") or {}).get("member")
        for place, address in enumerate(vpn.get("local", []) if quota else []):
            used = quota["octets"] * (73 - 19 * place) // 100
            yield {
                "vpn": vpn["name"],
                "member": address,
                "octets": quota["octets"],
                "period": quota["period"],
                "used": used,
                "used_up": False,
                "begun": "2026-06-01T00:00:00Z",
                "until": "2026-06-02T00:00:00Z",
                "when_used_up": vpn["quota"].get("when_used_up", "drop"),
            }


def _answer(target: Mapping[str, Any], lost: bool, leak: bool) -> dict[str, Any]:
    up = (target["expect"] == "reachable" and not lost) or (target["expect"] != "reachable" and leak)
    number = sum(f"{target['address']}{target['source']}".encode()) % 90
    return {
        **target,
        "sent": 3,
        "received": 3 if up else 0,
        "loss": 0.0 if up else 100.0,
        "rtt_ms": 8 + number / 10 if up else None,
        "settled_after_ms": None,
        "mtu_ok": True if up and target["mtu"] else None,
        "mtu_reason": None,
        "mtu_fits": None,
        "application_ok": True if up and target["source"] and target["kind"] == "member" else None,
        "application_reason": None,
        "reason": None if up else "no answer within 1 s",
        "error": None,
    }


def usual() -> Fleet:
    """Three clouds, three VPNs, measured; one tunnel is down, and one certificate ends soon."""
    fleet = Fleet(company(), [SHOP], [OFFICE], [BUILD])
    fleet.observed["edge-osl"]["certificate"]["not_after"] = "2026-06-22T09:30:00Z"
    fleet.verify()
    return fleet


def wide(clouds: int, vapps: int, vms: int, mesh: bool = True) -> Fleet:
    """So many clouds, with a VPN that has a member in each."""
    hosts = lab(clouds, vapps=vapps, vms=vms, org_vms=1)
    edges = sorted(name for name, facts in hosts.items() if facts["kinds"] == ["org_edges"])
    members = [f"vm1-{edge.removeprefix('edge-')}" for edge in edges]
    topology = "mesh" if mesh else {"kind": "star", "hub": edges[0]}
    return Fleet(hosts, [{"name": "payroll", "pool": "internal", "members": members, "topology": topology}])
