# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any VPN that the tab Compose can make, good or bad, in a fleet that has one of each kind of trouble."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from ansible_collections.intercloud.vpn.tests.page import fleet
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import Hosts, changed

DUAL = {"vcc_org_address": ["10.10.0.1", "fd10::1"], "vcc_org_network": ["10.10.0.0/24", "fd10::/64"]}
FURTHER = {
    "lyon": {"vcc_behind_nat": True},
    "rome": {"vcc_behind_nat": True},
    "bern": {"vcc_external": True, "vcc_psk": "given"},
    "riga": {"vcc_public_address": ["2001:db8:77::2"]},
}
# VPNs that are there: each topology, with hubs and other sites that have no members.
THERE: list[dict[str, Any]] = [
    {
        "name": "star1",
        "members": ["erp-osl", "vm0-lyon", "build1-mad"],
        "topology": {"kind": "star", "hub": "edge-fra"},
    },
    {"name": "star2", "members": ["erp-osl", "web1-fra", "build1-mad", "vm0-bern"], "topology": "star"},
    {
        "name": "chain1",
        "members": ["erp-osl", "web1-fra", "build1-mad", "vm0-lyon"],
        "topology": {"kind": "chain", "order": ["edge-osl", "edge-mad", "edge-fra", "edge-lyon"]},
    },
    {
        "name": "chain2",
        "members": ["erp-osl", "build1-mad"],
        "topology": {"kind": "chain", "order": ["edge-osl", "edge-fra", "edge-mad"]},
    },
    {
        "name": "tree1",
        "members": ["erp-osl", "web1-fra", "build1-mad", "vm0-lyon"],
        "topology": {"kind": "tree", "root": "edge-osl", "fanout": 1},
    },
    {
        "name": "tree2",
        "members": ["erp-osl", "build1-mad", "vm0-lyon"],
        "topology": {"kind": "tree", "root": "edge-fra"},
    },
    {
        "name": "graph1",
        "members": ["erp-osl", "build1-mad", "web1-fra"],
        "topology": {"kind": "graph", "links": [["edge-osl", "edge-fra"], ["edge-fra", "edge-mad"]]},
    },
    {
        "name": "served",
        "members": ["erp-osl", "build1-mad", "web1-fra"],
        "destinations": {"servers": [{"name": "db", "address": "10.10.0.77", "behind": "edge-osl"}]},
    },
    {"name": "own", "pool": "10.20.0.0/22", "members": ["erp-osl", "build1-mad"]},
    {"name": "six", "pool": "fd00:98::/48", "members": ["six-osl", "six-mad"]},
    {"name": "hidden", "members": ["build1-mad", "vm0-rome"], "policy": "postquantum"},
    {"name": "tls", "members": ["web1-fra", "vm0-lyon"], "tunnel": {"kind": "ssl", "transport": "tcp"}},
]
CIDRS = (
    *("10.99.0.0/16", "10.99.0.0/28", "10.99.0.0/29", "10.99.0.0/30", "10.99.0.0/27", "fd12::/48", "203.0.113.0/24"),
    *("0.0.0.0/0", "192.168.1.0/24", "10.20.0.0/24", "172.20.0.0/24", " 10.98.0.0/16 ", "10.99.0.0/32", "100.64.0.0/9"),
    *("fe80::/64", "2001:db8::/32", "fd12::/126", "10.99.0.0/33", "10.99.0.0/016", "10.99/16", "::/0"),
)


def hosts() -> Hosts:
    """The company, a partner's edge, two edges behind NATs, one without IPv4, and VMs with wrong addresses."""
    more: dict[str, Any] = {}
    for number, (cloud, variables) in enumerate(FURTHER.items()):
        here = {"clouds": [cloud], "vcc_org": "acme"}
        more[f"node-{cloud}"] = {**here, "kinds": ["vcc_nodes"]}
        edge = {"vcc_public_address": [f"203.0.113.{100 + number}"], "vcc_org_address": ["10.20.0.1"]}
        more[f"edge-{cloud}"] = {
            **here,
            "kinds": ["org_edges"],
            **edge,
            "vcc_org_network": ["10.20.0.0/24"],
            **variables,
        }
        for vm in range(2):
            more[f"vm{vm}-{cloud}"] = {**here, "kinds": ["members"], "vcc_address": [f"10.20.0.{31 + vm}"]}
    for cloud in ("oslo", "madrid"):
        vm = {"clouds": [cloud], "kinds": ["members"], "vcc_org": "acme", "vcc_address": ["10.10.0.200", "fd10::200"]}
        more.update({f"six-{cloud[:3]}": vm, f"edge-{cloud[:3]}": DUAL})
    stray = {"clouds": ["oslo"], "kinds": ["members"], "vcc_org": "acme", "vcc_address": ["10.99.0.1"]}
    twin = {"clouds": ["oslo"], "kinds": ["members"], "vcc_org": "acme", "vcc_address": ["10.10.0.31"]}
    return changed(fleet.company(), {**more, "stray-osl": stray, "twin-osl": twin})


def made() -> fleet.Fleet:
    there = [{"pool": "internal", **vpn} for vpn in THERE]
    found = fleet.Fleet(hosts(), [fleet.SHOP, fleet.OFFICE], [fleet.BUILD], there)
    found.policies = {"tight": {"extends": "postquantum"}}
    found.pools["six"] = "fd00:99::/48"
    return found


def with_pair() -> fleet.Fleet:
    """The same hosts with a second edge in Oslo, which is behind a NAT, and one VPN."""
    alone = hosts()
    first = alone["edge-osl"]["vars"]
    both = {key: first[key] for key in ("vcc_org", "vcc_org_address", "vcc_org_network")}
    own = [[f"10.10.0.{last}", f"fd10::{last}"][: len(both["vcc_org_address"])] for last in (2, 3)]
    second = {"vcc_public_address": ["203.0.113.99"], "vcc_behind_nat": True, "vcc_own_org_address": own[1]}
    edges = {
        "edge-osl": {"vcc_site": "osl", "vcc_own_org_address": own[0]},
        "edge-osl-2": {"kinds": ["org_edges"], "clouds": ["oslo"], **both, **second, "vcc_site": "osl"},
    }
    found = fleet.Fleet(
        changed(alone, edges), [{"name": "plain", "pool": "internal", "members": ["erp-osl", "jump-fra"]}]
    )
    found.pools["six"] = "fd00:99::/48"
    found.policies = {"tight": {"extends": "postquantum"}}
    return found


def new_vpns(document: dict[str, Any], seed: int, count: int) -> Iterator[dict[str, Any]]:
    """What somebody could have chosen, in the words of the page (`WANTED` in js/intent.js)."""
    rnd = random.Random(seed)
    every = [site["name"] for site in document["sites"] if "home" not in site]
    usual = [site for site in every if site not in ("edge-bern", "edge-riga", "edge-rome")]
    pick = rnd.choice
    for _number in range(count):
        sites = rnd.sample(every if rnd.random() < 0.3 else usual, rnd.randint(2, 4))
        odd = {"stray-osl", "twin-osl"} if rnd.random() < 0.9 else set()
        vms = [vm for vm in document["vms"] if vm["name"] not in odd]
        behind = {site: [vm["name"] for vm in vms if vm["site"] == site] for site in sites}
        own = {
            "rate": pick(["", "10mbit", "0mbit", "1kbit", "400kbit", "200gbit", "10Mbit"]),
            "all": pick(["", "5mbit", "100mbit", "1GBIT"]),
            "quota": pick(["", "10GB/day", "0GB/day", "1MB/hour", "2PB/month", "10TiB/day"]),
            "total": pick(["", "5GB/day", "500GB/month"]),
        }
        yield {
            "sites": sites,
            "members": [vm for there in behind.values() for vm in rnd.sample(there, rnd.randint(1, 2))],
            "create": rnd.random() < 0.9,
            "name": pick(["crm"] * 15 + ["no", "y", "on", "NULL", "x" * 32, "x" * 33, "a-", "9lives"]),
            "topology": {
                "kind": pick(document["compose"]["topologies"]),
                "hubs": rnd.sample(sites if rnd.random() < 0.7 else every, pick([0, 0, 1, 1, 2])),
                "order": rnd.sample(sites, len(sites)),
                "root": pick(["", pick(every)]),
                "fanout": pick([2, 2, 2, 2, 1, 1, 3, 3, 1001]),
                "links": ["\n".join(sorted(rnd.sample(sites, 2))) for _link in range(rnd.randint(1, 6))],
            },
            "tunnel": {"kind": pick(["ipsec", "ipsec", "ssl"]), "transport": pick(["auto", "tcp", "udp"])},
            "policy": {
                "name": pick(["standard"] * 12 + ["cnsa", "postquantum", "tight"]),
                "own": rnd.random() < 0.12,
                "then": pick(["drop", "report"]),
                **own,
            },
            "pool": pick([{"name": "internal", "cidr": ""}] * 9 + [{"name": "six", "cidr": ""}, *_cidrs(rnd)]),
        }


def _cidrs(rnd: random.Random) -> list[dict[str, str]]:
    return [{"name": "", "cidr": rnd.choice(CIDRS)} for _cidr in range(3)]


def changes(document: dict[str, Any], seed: int, count: int) -> Iterator[tuple[str, list[str], bool]]:
    """The name of a VPN that is there, the members that it is to have, and whether tunnels may be made."""
    rnd = random.Random(seed)
    now = {vpn["name"]: [one["name"] for one in vpn["members"]] for vpn in document["vpns"] if vpn["planned"]}
    vms = [vm["name"] for vm in document["vms"]]
    near = [name for name in vms if name.endswith(("-fra", "-osl", "-mad", "-lyon"))]
    for _number in range(count):
        name = rnd.choice(sorted(now))
        members = list(now[name])
        for _again in range(rnd.randint(1, 3)):
            other = rnd.choice(vms if rnd.random() < 0.4 else near)
            if members and rnd.random() < 0.5:
                members.remove(rnd.choice(members))
            elif other not in members:
                members.append(other)
        if sorted(members) != sorted(now[name]):
            yield name, members, rnd.random() < 0.9
