# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members open connections to which, as gateways are told it. docs/access.md."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.allow import Permissions, allow_from_record
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile import allow as compiled_allow
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, bodies, changed, lab

RULES = [
    {"from": "*-east", "to": "vm1-west", "ports": ["tcp/5432"]},
    {"from": "all", "to": ["vm3-west"], "ports": ["icmp", "tcp/9100"]},
    {"from": ["vm1-west"], "to": "vapp1-east"},
]
SHOP = {
    "name": "shop",
    "pool": "internal",
    "members": [
        "vm1-east",
        {"name": "vm2-east", "mode": "nat"},
        "vm3-east",
        "vm1-west",
        {"name": "vm3-west", "mode": "nat"},
    ],
    "allow": RULES,
}
GATEWAYS = {"org_edge", "vapp_edge"}


def shop(**changes: Any) -> dict[str, Any]:
    return {**SHOP, **changes}


def allow(plan: Plan, node: str) -> dict[str, Any]:
    found: dict[str, Any] = plan.documents[node]["vpns"][0]["allow"]
    return found


def of(plan: Plan) -> dict[str, str]:
    return {member["name"]: member["address"] for member in plan.vpns[0]["members"]}


def test_gateways_are_told_what_concerns_their_members() -> None:
    plan = World().plan(SHOP)
    at, blocks = of(plan), plan.vpns[0]["blocks"]
    east = sorted(at[name] for name in ("vm1-east", "vm2-east", "vm3-east"))
    both = sorted((at["vm1-east"], at["vm2-east"]))
    assert allow(plan, "vapp1-east") == {
        "rules": [{"from": [at["vm1-west"]], "to": both}],
        "targets": [{"to": both, "rules": [1]}],
    }
    assert allow(plan, "vapp1-west")["rules"] == [{"from": east, "to": [at["vm1-west"]], "ports": ["tcp/5432"]}]
    # vm3-west is translated by its org edge, and has its own address when it opens something there.
    assert {"from": [*blocks, "10.10.0.13"], "to": [at["vm3-west"]], "ports": ["icmp", "tcp/9100"]} in allow(
        plan, "edge-west"
    )["rules"]
    assert {"from": east, "to": [at["vm1-west"]], "ports": ["tcp/5432"]} in allow(plan, "edge-east")["rules"]
    edges = {site: what["address"] for site, what in plan.vpns[0]["sites"].items()}
    assert allow(plan, "edge-east")["beside"] == [edges["edge-west"]]


def test_no_rule_is_told_as_no_rule() -> None:
    plan = World().plan(shop(allow=[]))
    assert allow(plan, "vapp1-east") == {"rules": []}
    assert plan.vpns[0]["allow"] == []


def test_a_vpn_without_it_is_told_nothing_of_it() -> None:
    plan = World().plan({key: value for key, value in SHOP.items() if key != "allow"})
    assert "allow" not in plan.vpns[0]
    assert not [node for node, document in plan.documents.items() if "allow" in str(document["vpns"])]
    assert not [line for line in plan.diff if "allow" in line]


def test_a_target_is_told_with_the_rules_that_it_is_in() -> None:
    rules = [
        {"from": "vm1-east", "to": ["vm1-west", "vm3-west"], "ports": ["tcp/1"]},
        {"from": "vm3-east", "to": ["vm1-west", "vm3-west"], "ports": ["tcp/2"]},
        {"from": "vm2-east", "to": "vm3-west", "ports": ["tcp/3"]},
        {"from": "vm1-west", "to": "all", "ports": ["tcp/4"]},
    ]
    plan = World().plan(shop(allow=rules))
    at, told = of(plan), allow(plan, "edge-west")
    found = {
        address: {tuple(told["rules"][number - 1]["ports"]) for number in target["rules"]}
        for target in told["targets"]
        for address in target["to"]
    }
    assert found == {
        at["vm1-west"]: {("tcp/1",), ("tcp/2",), ("tcp/4",)},
        at["vm3-west"]: {("tcp/1",), ("tcp/2",), ("tcp/3",), ("tcp/4",)},
    }
    # To all at other sites: of every address, and so of none that is listed.
    assert [rule for rule in told["rules"] if rule["to"] == plan.vpns[0]["blocks"]] != []


def test_targets_that_have_too_little_in_common_are_not_told() -> None:
    """Rules would be repeated for each of them: nft takes minutes for what it then has to check."""
    hosts = [f"100.64.{number // 250}.{number % 250 + 1}" for number in range(400)]
    few = [{"from": ["100.64.9.1"], "to": [*hosts], "ports": [f"tcp/{port}"]} for port in range(1, 300)]
    assert [len(target["rules"]) for target in compiled_allow._targets(few)["targets"]] == [299]
    many = [{"from": ["100.64.9.1"], "to": hosts[number:] + hosts[: number // 2]} for number in range(300)]
    assert compiled_allow._targets(many) == {}


def changing(before: Any, after: Any, hosts: Any = None) -> set[str]:
    """The nodes that are told something else; VCC nodes only repeat it."""
    world = World(hosts)
    was = world.plan(before)
    now = world.plan(after)
    assert [was.documents[node]["tunnels"] for node in was.documents] == [
        now.documents[node]["tunnels"] for node in was.documents
    ]
    fresh = World(hosts)
    fresh.ledger = world.ledger
    assert bodies(fresh.plan(after, anew=True)) == bodies(now)
    return {name for name in now.changed_nodes if now.documents[name]["role"] != "vcc_node"}


def test_a_change_tells_the_gateways_of_those_it_names() -> None:
    more = [*RULES, {"from": "vm3-east", "to": "vm2-east", "ports": ["tcp/22"]}]
    assert changing(SHOP, shop(allow=more)) == {"edge-east", "vapp1-east"}
    more = [*RULES, {"from": "vm1-east", "to": "vm3-west", "ports": ["tcp/22"]}]
    assert changing(SHOP, shop(allow=more)) == {"edge-east", "edge-west"}
    assert changing(SHOP, shop(allow=RULES[::-1])) == set()


def test_a_new_member_among_all_changes_nothing_elsewhere() -> None:
    hosts = lab(3)
    old = shop(
        allow=[{"from": "all", "to": "vm1-east", "ports": ["tcp/1"]}], members=["vm1-east", "vm1-west", "vm1-south"]
    )
    new = shop(allow=old["allow"], members=[*old["members"], "vm3-south"])
    assert changing(old, new, hosts) == {"edge-south", "vm3-south"}


def test_an_address_at_another_site_is_known_when_it_changes() -> None:
    """Nothing else of that site is in these documents."""
    world = World(lab(3))
    members = ["vm1-east", "vm1-west", "vm1-south"]
    vpn = shop(members=members, allow=[{"from": "vm1-south", "to": "vm1-east"}])
    world.plan(vpn)
    world.hosts = changed(world.hosts, {"vm1-south": {"vcc_vapp": None, "vcc_address": ["10.10.0.77"]}})
    plan = world.plan(vpn, allow_renumber=True)
    assert allow(plan, "vapp1-east")["rules"] == [{"from": [of(plan)["vm1-south"]], "to": [of(plan)["vm1-east"]]}]


def test_what_changes_is_said_in_words() -> None:
    world = World()
    world.plan({key: value for key, value in SHOP.items() if key != "allow"})
    plan = world.plan(SHOP)
    assert [line for line in plan.diff if "vpn shop" in line] == [
        "+ vpn shop: allow no connection between members that no rule names",
        "+ vpn shop: allow all -> vm3-west, icmp tcp/9100",
        "+ vpn shop: allow vm1-east vm2-east vm3-east -> vm1-west, tcp/5432",
        "+ vpn shop: allow vm1-west -> vm1-east vm2-east, everything",
    ]
    assert [line.split(":")[0] for line in plan.diff if line.startswith("~")] == [
        "~ edge-east", "~ edge-west", "~ vapp1-east", "~ vapp1-west",
    ]  # fmt: skip
    assert world.plan(SHOP).changed is False
    assert "+ vpn shop: allow no connection between members" in world.plan(shop(allow=[])).diff


def test_a_vpn_that_is_not_mentioned_keeps_its_rules() -> None:
    world = World()
    before = world.plan(SHOP)
    after = world.plan({"name": "audit", "pool": "internal", "members": ["vm2-east", "vm3-west"]})
    for node in ("edge-east", "vapp1-east", "edge-west", "vapp1-west"):
        assert [one for one in after.documents[node]["vpns"] if one["name"] == "shop"] == before.documents[node]["vpns"]
    kept = after.documents["node-east"]["ledger"]["vpns"]["shop"]["intent"]["allow"]
    assert kept == before.vpns[0]["allow"] and len(kept) == 3


def test_a_vm_with_another_name_keeps_its_rules() -> None:
    world = World()
    before = world.plan(SHOP)
    world.hosts["db-west"] = world.hosts.pop("vm1-west")
    world.hosts = changed(world.hosts, "db-west: {vcc_formerly: [vm1-west]}")
    after = world.plan({"name": "audit", "pool": "internal", "members": ["vm2-east", "vm3-west"]})
    assert allow(after, "vapp1-west") == allow(before, "vapp1-west")
    kept = after.documents["node-east"]["ledger"]["vpns"]["shop"]["intent"]["allow"]
    assert {"from": ["db-west"], "to": ["vm1-east", "vm2-east"]} in kept


def test_our_edge_judges_both_directions_to_a_member_behind_an_external_edge() -> None:
    partner = {
        "kinds": ["org_edges"],
        "clouds": ["partner"],
        "vcc_external": True,
        "vcc_public_address": ["198.51.100.20"],
    }
    hosts = changed(lab(), {"partner": partner, "vm-partner": {"kinds": ["members"], "clouds": ["partner"]}})
    rules = [
        {"from": "vm1-east", "to": "vm-partner", "ports": ["tcp/443"]},
        {"from": "vm-partner", "to": "vm3-west", "ports": ["icmp"]},
    ]
    plan = World(hosts).plan(shop(members=["vm1-east", "vm3-west", "vm-partner"], allow=rules))
    at = of(plan)
    assert allow(plan, "edge-east")["rules"] == [
        {"from": [at["vm1-east"]], "to": [at["vm-partner"]], "ports": ["tcp/443"]}
    ]
    assert allow(plan, "edge-west")["rules"] == [
        {"from": [at["vm-partner"]], "to": [at["vm3-west"]], "ports": ["icmp"]}
    ]
    assert plan.vpns[0]["sites"]["partner"]["address"] in allow(plan, "edge-east")["beside"]


def test_our_edge_judges_what_passes_between_two_external_edges() -> None:
    """They have no tunnel with each other, so an edge of ours is on the way."""
    hosts = lab()
    for name, address in (("p1", "198.51.100.20"), ("p2", "198.51.100.21")):
        edge = {"kinds": ["org_edges"], "clouds": [name], "vcc_external": True, "vcc_public_address": [address]}
        vms = {f"{vm}-{name}": {"kinds": ["members"], "clouds": [name]} for vm in ("x", "y")}
        hosts = changed(hosts, {name: edge, **vms})
    members = ["vm1-east", "vm1-west", "x-p1", "y-p1", "x-p2"]
    rules = [{"from": "x-p1", "to": ["x-p2", "vm1-west"], "ports": ["tcp/443"]}]
    star = {"kind": "star", "hub": "edge-east"}
    plan = World(hosts).plan(shop(members=members, allow=rules, topology=star))
    at, told = of(plan), allow(plan, "edge-east")
    assert told["rules"] == [{"from": [at["x-p1"]], "to": [at["x-p2"]], "ports": ["tcp/443"]}]
    outside = [ip_network(prefix) for prefix in told["outside"]]
    inside = {name for name, address in at.items() if not any(ip_address(address) in block for block in outside)}
    assert inside == {"vm1-east", "vm1-west"}
    rules = [{"from": "all", "to": "all", "ports": ["icmp"]}]
    plan = World(hosts).plan(shop(members=members, allow=rules, topology=star))
    between = {"from": told["outside"], "to": told["outside"], "ports": ["icmp"]}
    assert between in allow(plan, "edge-east")["rules"]
    # With one external edge only, there is nothing to pass between two.
    plan = World(hosts).plan(shop(members=["vm1-east", "vm1-west", "x-p1", "y-p1"], allow=[], topology=star))
    assert "outside" not in allow(plan, "edge-east")


# Properties

NAMES = ("vm1-east", "vm2-east", "vm3-east", "vm1-west", "vm2-west", "vm3-west", "vm1-south", "vm3-south")
PORTS = st.sampled_from([None, ["icmp"], ["tcp/1"], ["udp/53", "tcp/2-9"], ["icmp", "tcp/5"]])


@st.composite
def vpns(draw: st.DrawFn) -> dict[str, Any]:
    members = draw(st.sets(st.sampled_from(NAMES), min_size=2).filter(lambda names: len({n[4:] for n in names}) > 1))
    some = st.lists(st.sampled_from([*sorted(members), "all"]), min_size=1, max_size=4)
    rules = []
    for _number in range(draw(st.integers(0, 4))):
        ends, ports = (draw(some), draw(some)), draw(PORTS)
        if len({*ends[0], *ends[1]}) > 1 or "all" in ends[0]:
            rules.append({"from": ends[0], "to": ends[1], **({} if ports is None else {"ports": ports})})
    modes = st.sampled_from(["address", "nat"])
    return {
        "name": "shop",
        "pool": draw(st.sampled_from(["internal", "fd64::/48"])),
        "members": [{"name": name, "mode": draw(modes)} for name in sorted(members)],
        "allow": rules,
    }


def covered(prefixes: list[str], address: str) -> bool:
    return any(ip_address(address) in ip_network(prefix) for prefix in prefixes)


def met(told: dict[str, Any], address: str) -> list[dict[str, Any]]:
    """The rules that a packet to a target meets, as the firewall finds them."""
    targets = told.get("targets", [])
    found = {number for target in targets if address in target["to"] for number in target["rules"]}
    listed = {number for target in targets for number in target["rules"]}
    return [
        rule
        for number, rule in enumerate(told["rules"], 1)
        if number in found or (number not in listed and covered(rule["to"], address))
    ]


@settings(max_examples=max(20, settings.default.max_examples // 2), deadline=None)
@given(vpn=vpns())
def test_each_gateway_on_the_way_lets_pass_what_the_rules_name(vpn: dict[str, Any]) -> None:
    """Judged as the firewall does: by the source as the gateway gets it, and the destination in the VPN."""
    hosts = lab(3)
    plan = World(hosts).plan(vpn)
    (found,) = plan.vpns
    rules = Permissions(allow_from_record(found["allow"]) or ())
    members = {member["name"]: member for member in found["members"]}
    family = 6 if ":" in found["blocks"][0] else 4

    def seen(member: dict[str, Any], gateway: str) -> str:
        here = member["vapp"] == gateway if member["vapp"] else member["site"] == gateway
        own = hosts[member["name"]]["vars"]["vcc_address"][family == 6]
        return str(own if member["mode"] == "nat" and here else member["address"])

    for source, target in permutations(members.values(), 2):
        judges = {target["site"], target["vapp"]} - {None}
        if source["site"] != target["site"]:
            judges.add(source["site"])
        may = rules.between(source["name"], target["name"])
        for gateway in judges:
            rules_of = met(allow(plan, gateway), target["address"])
            told = [rule for rule in rules_of if covered(rule["from"], seen(source, gateway))]
            every = allow(plan, gateway)["rules"]
            assert rules_of == [rule for rule in every if covered(rule["to"], target["address"])]
            assert any("ports" not in rule for rule in told) == may.everything
            named = {port for rule in told for port in rule.get("ports", [])}
            if not may.everything:
                assert ("icmp" in named, bool(named - {"icmp"})) == (may.icmp, bool(may.services))


@settings(max_examples=max(20, settings.default.max_examples // 2), deadline=None)
@given(vpn=vpns())
def test_sets_grow_with_members_and_hold_what_a_rule_names(vpn: dict[str, Any]) -> None:
    plan = World(lab(3)).plan(vpn)
    (found,) = plan.vpns
    members = found["members"]
    named = {name for rule in found["allow"] for name in (*rule["from"], *rule["to"])}
    known = {member["address"] for member in members if named & {member["name"], "all"}} | {*found["blocks"]}
    for document in plan.documents.values():
        for entry in document["vpns"] if document["role"] in GATEWAYS else []:
            inside = {one["inside"] for one in entry["nat"]}
            rules = entry["allow"]["rules"]
            assert len(rules) <= 2 * len(found["allow"])
            for rule in rules:
                assert {*rule["from"]} <= known | inside and {*rule["to"]} <= known
                assert max(len(rule["from"]), len(rule["to"])) <= len(members) + len(found["blocks"])


# The documentation


def test_the_example_of_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[6] / "docs/access.md").read_text(encoding="utf-8")
    section = page.partition("## Rules between members")[2]
    text = re.search(r"```yaml\n(.*?)```", section, re.DOTALL)[1]  # type: ignore[index]
    vpns = yaml.safe_load(text)["vcc_vpns"]
    hosts = lab()
    names = {"vm2-east": "app-east", "vm3-east": "web1-east", "vm1-west": "db-west", "vm3-west": "web2-west"}
    plan = World({names.get(name, name): facts for name, facts in hosts.items()}).plan(*vpns)
    assert plan.vpns[0]["allow"] == [
        {"from": ["all"], "to": ["app-east", "vm1-east"], "ports": ["icmp", "tcp/9100"]},
        {"from": ["db-west"], "to": ["web1-east", "web2-west"]},
        {"from": ["web1-east", "web2-west"], "to": ["db-west"], "ports": ["tcp/5432"]},
    ]


@pytest.mark.parametrize("tunnel", ["ipsec", "ssl"])
def test_every_kind_of_tunnel_has_the_same_gateways(tunnel: str) -> None:
    plan = World().plan(shop(tunnel=tunnel))
    assert len(allow(plan, "edge-west")["rules"]) == 3
