# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may reach what: ports, servers, networks, logging and rules, as nodes are told them. docs/access.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.ports import (
    allows,
    closed_port,
    first_port,
    parse_ports,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.lease_keys import hosts_by_vpn
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, lab

SERVER = {"name": "erp", "behind": "edge-east", "address": "10.10.0.13", "ports": ["tcp/8443"]}
NETWORK = {"network": "198.51.100.0/24", "behind": "edge-west", "ports": ["tcp/443"], "probe": "198.51.100.7"}
PAYROLL = {
    "name": "payroll",
    "pool": "internal",
    "members": [
        "vm1-east",
        {"name": "vm1-west", "ports": ["tcp/5432"]},
        {"name": "vm2-west", "mode": "nat", "ports": []},
    ],
    "destinations": {"servers": [SERVER], "networks": [NETWORK]},
}


def payroll(**changes: Any) -> dict[str, Any]:
    return {**PAYROLL, **changes}


def entry(plan: Any, node: str) -> dict[str, Any]:
    found: dict[str, Any] = plan.documents[node]["vpns"][0]
    return found


def refused(*vpns: Any, **rest: Any) -> dict[str, str]:
    with pytest.raises(IntentErrors) as caught:
        World().plan(*vpns, **rest)
    found: dict[str, str] = {}
    for error in caught.value.errors:
        found[error.path] = f"{found.get(error.path, '')}\n{error.message}"
    return found


# Ports


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (None, None),
        ([], ()),
        (["udp/53", "tcp/443"], ("tcp/443", "udp/53")),
        (["tcp/8000-8010", "tcp/8005-8020", "tcp/8021", "tcp/80"], ("tcp/80", "tcp/8000-8021")),
        (["tcp/443", "tcp/443"], ("tcp/443",)),
        (["tcp/1-65535"], ("tcp/1-65535",)),
    ],
)
def test_ports_are_read_in_their_shortest_form(given: Any, read: Any) -> None:
    problems = Problems()
    assert parse_ports(given, "ports", problems) == read
    assert not len(problems)


@pytest.mark.parametrize(
    "wrong",
    ["443", "tcp/", "tcp/0", "tcp/65536", "tcp/9-8", "sctp/1", "tcp/http", "TCP/80", "tcp/1-2-3", 443, None, {}],
)
def test_what_is_no_port_is_refused_in_its_place(wrong: Any) -> None:
    problems = Problems()
    parse_ports(["tcp/1", wrong], "members[0].ports", problems)
    assert [problem.path for problem in problems] == ["members[0].ports[1]"]


def test_a_closed_port_is_close_to_an_open_one() -> None:
    assert closed_port(("tcp/8443",), "tcp") == 8444
    assert closed_port(("tcp/8000-8010", "tcp/8011"), "tcp") == 8012
    assert closed_port(("tcp/1-65535",), "tcp") is None
    assert closed_port(("udp/53",), "tcp") == 22
    assert (first_port(("udp/53",), "tcp"), allows(("tcp/5-7",), "tcp", 6)) == (None, True)


# What nodes are told


def test_a_vpn_that_asks_for_nothing_is_told_nothing() -> None:
    plan = World().plan({**PAYROLL, "members": ["vm1-east", "vm1-west"], "destinations": "members_only"})
    keys = {"name", "number", "family", "blocks", "local", "nat", "remote", "edge_address", "mtu", "mss"}
    assert set(entry(plan, "edge-east")) == keys
    assert "destinations" not in plan.vpns[0] and "ports" not in plan.vpns[0]["members"][0]


def test_a_server_has_an_address_of_the_vpn_that_its_edge_translates() -> None:
    world = World()
    east = entry(world.plan(PAYROLL), "edge-east")
    leases = {key: address for key, address in world.leases().items() if "/server/" in key}
    assert list(leases) == ["vpn/payroll/site/edge-east/server/erp"]
    assert east["servers"] == [{"outside": leases.popitem()[1].partition("/")[0], "inside": "10.10.0.13"}]


def test_a_server_keeps_its_address_whatever_comes_before_it_by_name() -> None:
    world = World()
    was = entry(world.plan(PAYROLL), "edge-east")["servers"]
    more = [{**SERVER, "name": "a-first", "address": "10.10.0.77"}, SERVER]
    servers = entry(world.plan(payroll(destinations={"servers": more})), "edge-east")["servers"]
    assert was[0] in servers and len(servers) == 2
    world.plan(payroll(destinations={}))
    assert entry(world.plan(PAYROLL), "edge-east")["servers"] == was


def test_a_server_is_no_host_that_a_vpn_has_to_be_taken_from() -> None:
    leases = ["vpn/payroll/site/edge-east/server/vm3-west", "vpn/payroll/site/edge-east/vapp/vapp1-east/vm/vm1-east"]
    assert hosts_by_vpn(leases)["payroll"] == {"edge-east", "vapp1-east", "vm1-east"}


def test_a_network_is_in_the_selectors_of_both_ends_and_routed_into_the_tunnel() -> None:
    plan = World().plan(PAYROLL)
    (east,), (west,) = (plan.documents[edge]["tunnels"] for edge in ("edge-east", "edge-west"))
    assert east["links"][0]["remote_ts"] == west["links"][0]["local_ts"]
    assert east["links"][0]["local_ts"] == west["links"][0]["remote_ts"]
    assert "198.51.100.0/24" in east["links"][0]["remote_ts"]
    routes = {
        node: [r for r in plan.documents[node]["routes"] if r["prefix"] == "198.51.100.0/24"] for node in plan.documents
    }
    assert [route.get("tunnel") or route["type"] for route in routes["edge-east"]] == ["payroll", "blackhole"]
    assert routes["edge-west"] == []  # it is really there
    assert [route.get("via") or route["type"] for route in routes["vapp1-west"]] == ["10.10.0.1", "blackhole"]
    assert routes["vm1-east"][0]["source"] == plan.documents["vm1-east"]["addresses"][0]["address"].partition("/")[0]
    assert (entry(plan, "edge-west")["networks"], entry(plan, "edge-east")["networks_beyond"]) == (
        ["198.51.100.0/24"],
    ) * 2
    assert "198.51.100.0/24" not in entry(plan, "edge-east")["remote"]  # or it could open connections to members


def test_a_network_is_reached_over_the_sites_on_the_way() -> None:
    star = payroll(members=["vm1-east", "vm1-west", "vm1-south"], topology={"kind": "star", "hub": "edge-south"})
    plan = World(lab(3)).plan(star)
    selectors = {
        (node, tunnel["peer"]): (
            "198.51.100.0/24" in tunnel["links"][0]["local_ts"],
            "198.51.100.0/24" in tunnel["links"][0]["remote_ts"],
        )
        for node in ("edge-east", "edge-south", "edge-west")
        for tunnel in plan.documents[node]["tunnels"]
    }
    assert selectors == {
        ("edge-east", "edge-south"): (False, True),
        ("edge-south", "edge-east"): (True, False),
        ("edge-south", "edge-west"): (False, True),
        ("edge-west", "edge-south"): (True, False),
    }


def order(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda one: str(one["to"]))


def test_ports_are_kept_at_the_gateways_that_a_packet_passes_by_the_address_it_has_there() -> None:
    world = World()
    plan = world.plan(PAYROLL)
    address = {member["name"]: member["address"] for member in plan.vpns[0]["members"]}
    network = {"to": "198.51.100.0/24", "ports": ["tcp/443"]}
    server = {"to": "10.10.0.13", "ports": ["tcp/8443"]}
    member, translated = {"to": address["vm1-west"], "ports": ["tcp/5432"]}, {"to": address["vm2-west"], "ports": []}
    assert entry(plan, "edge-east")["ports"] == order([network, server])
    assert entry(plan, "edge-west")["ports"] == order([network, member, translated])
    assert entry(plan, "vapp1-west")["ports"] == order([member, {"to": "192.168.1.12", "ports": []}])
    assert "ports" not in entry(plan, "vapp1-east")


def test_what_changes_is_said_in_plain_words() -> None:
    world = World()
    lines = "\n".join(world.plan(PAYROLL).diff)
    assert "member vm1-west 100.64.0.81 (address), tcp/5432" in lines
    assert "member vm2-west 100.64.0.82 (nat), no port" in lines
    assert ", 10.10.0.13 behind edge-east, tcp/8443" in lines
    assert "network 198.51.100.0/24 behind edge-west, tcp/443" in lines
    assert world.plan(PAYROLL).changed is False


def test_ports_alone_change_no_tunnel() -> None:
    world = World()
    before = world.plan(PAYROLL).documents
    after = world.plan(payroll(members=["vm1-east", "vm1-west", {"name": "vm2-west", "mode": "nat"}])).documents
    assert [before[edge]["tunnels"] for edge in before] == [after[edge]["tunnels"] for edge in before]
    assert "ports" not in after["vapp1-west"]["vpns"][0]


def test_a_vpn_that_is_not_mentioned_keeps_all_of_it() -> None:
    world = World()
    before = world.plan(
        payroll(policy={"logging": {"refused": "5/hour"}, "rules": {"org_edges": ["tcp dport 25 drop"]}})
    )
    after = world.plan({"name": "audit", "pool": "internal", "members": ["vm2-east", "vm3-west"]})
    kept = [vpn for vpn in after.documents["edge-east"]["vpns"] if vpn["name"] == "payroll"]
    assert kept == before.documents["edge-east"]["vpns"]
    assert (kept[0]["log"], kept[0]["rules"]) == ({"rate": "5/hour"}, ["tcp dport 25 drop"])
    assert json.dumps(after.documents["vapp1-east"]["vpns"][1]) == json.dumps(before.documents["vapp1-east"]["vpns"][0])


def test_rules_are_for_the_kind_of_gateway_that_they_name() -> None:
    plan = World().plan(payroll(policy={"rules": {"vapp_edges": ["tcp dport 25 drop"]}}))
    assert entry(plan, "vapp1-east")["rules"] == ["tcp dport 25 drop"]
    assert "rules" not in entry(plan, "edge-east")


# What is refused


@pytest.mark.parametrize(
    ("kind", "change", "key", "part"),
    [
        ("servers", {"behind": "edge-south"}, "behind", "is not a site of the VPN"),
        ("servers", {"behind": None}, "behind", "is missing"),
        ("servers", {"address": "10.10.0.1"}, "address", "an address of edge-east: an edge"),
        ("servers", {"address": "10.10.0.11"}, "address", "an address of vapp1-east: an edge cannot"),
        ("servers", {"address": "10.10.0.0"}, "address", "is the network address of 10.10.0.0/24"),
        ("servers", {"address": "10.10.0.255"}, "address", "is the broadcast address of 10.10.0.0/24"),
        ("servers", {"address": "10.10.0.0/24"}, "address", "is not an IP address"),
        ("servers", {"address": "fd10:10::13"}, "address", "is IPv6"),
        ("servers", {"address": "100.64.0.9"}, "address", "addresses of a VPN"),
        ("servers", {"address": "127.0.0.1"}, "address", "loopback"),
        ("servers", {"name": "a/b"}, "name", "letters, digits"),
        ("servers", {"ports": ["tcp/0"]}, "ports[0]", "from 1 to 65535"),
        ("servers", {"port": 1}, "port", "did you mean ports"),
        ("networks", {"behind": "west"}, "behind", "did you mean edge-west"),
        ("networks", {"network": "10.10.0.0/16"}, "network", "overlaps 10.10.0.0/24 (hosts.edge-east.vcc_org_network"),
        ("networks", {"network": "192.168.0.0/16"}, "network", "vcc_vapp_network"),
        ("networks", {"network": "203.0.113.0/24"}, "network", "vcc_public_address"),
        ("networks", {"network": "100.100.0.0/16"}, "network", "addresses of a VPN"),
        ("networks", {"network": "198.51.100.1/24"}, "network", "did you mean 198.51.100.0/24"),
        ("networks", {"probe": "198.51.101.1"}, "probe", "is not in 198.51.100.0/24"),
    ],
)  # fmt: skip
def test_a_destination_that_cannot_be_is_refused_in_its_place(
    kind: str, change: dict[str, Any], key: str, part: str
) -> None:
    whole = {"servers": [SERVER], "networks": [NETWORK]}
    whole[kind] = [{**whole[kind][0], "probe": None, **change} if kind == "networks" else {**whole[kind][0], **change}]
    found = refused(payroll(destinations=whole))
    assert part in found[f"vcc_vpns[0].destinations.{kind}[0].{key}"], found


def test_a_server_has_no_address_that_is_every_routers() -> None:
    server = {"name": "erp", "behind": "edge-east", "address": "fd10:10::"}
    found = refused({**PAYROLL, "pool": "fd64::/48", "destinations": {"servers": [server]}})
    assert len(found) == 1
    message = " ".join(found.values())
    assert "fd10:10:: is the subnet-router anycast address of fd10:10::/64" in message


def test_two_destinations_are_two() -> None:
    twice = {"servers": [SERVER, SERVER], "networks": [NETWORK, {**NETWORK, "network": "198.51.100.0/25"}]}
    found = refused(payroll(destinations=twice))
    assert set(found) == {
        "vcc_vpns[0].destinations.servers[1].name",
        "vcc_vpns[0].destinations.servers[1].address",
        "vcc_vpns[0].destinations.networks[1].network",
    }
    both = {"servers": [{**SERVER, "address": "198.51.100.9"}], "networks": [NETWORK]}
    assert (
        "keep one of the two entries"
        in refused(payroll(destinations=both))["vcc_vpns[0].destinations.servers[0].address"]
    )


def test_a_member_is_no_server() -> None:
    found = refused(payroll(members=["vm1-west", "vm3-east"]))
    assert "the address of vm3-east, a member" in found["vcc_vpns[0].destinations.servers[0].address"]


def test_vpns_that_share_a_site_share_no_network() -> None:
    other = {
        "name": "audit",
        "pool": "internal",
        "members": ["vm2-east", "vm3-west"],
        "destinations": {"networks": [NETWORK]},
    }
    found = refused(other, PAYROLL)
    assert "a network of audit" in found["vcc_vpns[1].destinations.networks[0].network"]


@pytest.mark.parametrize(
    ("policy", "path", "part"),
    [
        ({"logging": {"refused": "10 per minute"}}, "logging.refused", "such as 10/minute"),
        ({"logging": {"refused": True}}, "logging.refused", "such as 10/minute"),
        ({"logging": {"refused": "0/second"}}, "logging.refused", "such as 10/minute"),
        ({"logging": {"group": 0}}, "logging.group", "from 1 to 65535"),
        ({"rules": {"org_edges": "drop"}}, "rules.org_edges", "must be a list"),
        ({"rules": {"org_edge": []}}, "rules.org_edge", "did you mean org_edges"),
    ],
)
def test_a_policy_is_refused_in_its_place(policy: dict[str, Any], path: str, part: str) -> None:
    assert part in refused(payroll(policy=policy))[f"vcc_vpns[0].policy.{path}"]


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ("tcp dport 22 accept", "'accept' is not allowed"),
        ("tcp dport 22 counter accept comment \"drop\"", "'accept' is not allowed"),
        ("tcp dport 22 jump vpn1_in", "'jump' is not allowed"),
        ("goto vpn1_out", "'goto' is not allowed"),
        ("tcp dport { 1, 2 } drop", "'{' is not allowed"),
        ("drop }", "'}' is not allowed"),
        ('drop comment "}"', "'}' is not allowed"),
        ("drop; accept", "';' is not allowed"),
        ("drop\naccept", "one line"),
        ("drop \\", "would join the next line"),
        ("drop # x", "comment out"),
        ("ip saddr $x drop", "no variables"),
        ('log prefix "x', "never closed"),
        ("ip daddr set 10.0.0.1", "'set' is not allowed"),
        ("meta mark set 1", "'set' is not allowed"),
        ("dnat to 10.0.0.1", "'dnat' is not allowed"),
        ("queue num 1", "'queue' is not allowed"),
        ("reject", "drop it"),
        ("ip saddr vmap @x", "'vmap' is not allowed"),
        ("ip saddr @blocks4 drop", "write the addresses"),
        ("x" * 600, "at most 500"),
        ("", "must be an nft rule"),
        (25, "must be an nft rule"),
    ],
)  # fmt: skip
def test_a_rule_cannot_do_more_than_refuse(rule: Any, part: str) -> None:
    policies = {"ours": {"rules": {"vapp_edges": ["counter", rule]}}}
    assert part in refused(payroll(policy="ours"), policies=policies)["vcc_policies.ours.rules.vapp_edges[1]"]


@pytest.mark.parametrize(
    "rule",
    [
        "tcp dport 25 counter drop",
        'ip saddr 10.0.0.0/8 udp dport 53-54 limit rate over 10/second drop comment "no accept here"',
        "ct state new log prefix \"new \" group 7",
        "meta l4proto icmp return",
        "icmp type redirect drop",
    ],
)  # fmt: skip
def test_a_rule_can_refuse(rule: str) -> None:
    assert entry(World().plan(payroll(policy={"rules": {"org_edges": [rule]}})), "edge-east")["rules"] == [rule]


# The documentation


def test_the_example_of_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[6] / "docs/access.md").read_text(encoding="utf-8")
    intent = yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1])  # type: ignore[index]
    plan = World().ask({key.removeprefix("vcc_"): value for key, value in intent.items()})
    assert {server["name"] for server in plan.vpns[0]["destinations"]["servers"]} == {"erp"}
