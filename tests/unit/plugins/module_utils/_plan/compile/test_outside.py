# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`outside`: what gateways are told, and what is refused before they are. docs/nat.md."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import Prefix
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.outside import (
    Outside,
    outside_from_record,
    parse_outside,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile.outside import with_prefix
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    changed,
    lab,
)

POOLS = {"internal": "100.64.0.0/10", "six": "fd64:7663:6300::/48"}
MEMBERS = ["vm1-east", {"name": "vm2-east", "mode": "nat"}, "vm3-east", "vm1-west", {"name": "vm3-west", "mode": "nat"}]
NAMES = {"vm1-east": False, "vm1-west": False, "vm3-west": False, "vm9": True}


def vpn(text: str = "{source: masquerade}", **more: Any) -> dict[str, Any]:
    return {**PAYROLL, "members": MEMBERS, "outside": yaml.safe_load(text), **more}


def told(world: World, node: str, *vpns: dict[str, Any]) -> dict[str, Any]:
    document = world.plan(*vpns, pools=POOLS).documents[node]
    return {"addresses": document["addresses"], **{one["name"]: one.get("outside") for one in document["vpns"]}}


def refused(*vpns: dict[str, Any], hosts: str = "{}", **rest: Any) -> list[tuple[str, str]]:
    world = World(changed(lab(), hosts))
    before = world.dump()
    with pytest.raises(IntentErrors) as caught:
        world.plan(*vpns, pools=POOLS, **rest)
    assert world.dump() == before
    return [(error.path.removeprefix("vcc_vpns[0].outside"), error.message) for error in caught.value.errors]


def parsed(raw: Any) -> tuple[Outside | None, list[str]]:
    problems = Problems()
    found = parse_outside(raw, "outside", NAMES, lambda text, _place: [text], problems)
    return found, [str(error) for error in problems]


def test_a_vapp_edge_gives_members_the_address_by_which_the_org_edge_knows_them() -> None:
    world = World()
    found = told(world, "vapp1-east", vpn())
    assert found["payroll"] == {
        "members": [
            {"inside": "192.168.1.11", "outside": "100.64.0.17"},
            {"inside": "192.168.1.12", "outside": "100.64.0.18"},
        ]
    }
    # On the org network, members come as they are; who has an address in the VPN itself may send with that, too.
    found = told(world, "edge-east", vpn())
    assert found["payroll"] == {
        "at": "203.0.113.2",
        "members": ["10.10.0.13", "100.64.0.17", "100.64.0.18", "100.64.0.2"],
    }
    assert told(world, "edge-west", vpn())["payroll"]["members"] == ["10.10.0.13", "100.64.0.81"]


def test_each_member_keeps_its_address_of_a_pool_whoever_else_comes() -> None:
    world, source = World(), "{source: {edge-east: [203.0.113.5-203.0.113.9], edge-west: masquerade}}"
    found = told(world, "edge-east", vpn(source))
    before = found["payroll"]["public"]
    assert before["10.10.0.13"] == before["100.64.0.2"]
    assert {address["address"] for address in found["addresses"] if address.get("beside") == "203.0.113.2"} == {
        f"{address}/32" for address in before.values()
    }
    fewer = {**vpn(source), "members": MEMBERS[1:]}
    after = told(world, "edge-east", fewer)["payroll"]["public"]
    assert after == {own: public for own, public in before.items() if own != "100.64.0.17"}
    assert "public" not in told(world, "edge-west", fewer)["payroll"]


def test_another_name_of_a_vm_or_a_vpn_gives_nobody_another_public_address() -> None:
    source = "{source: {edge-east: [203.0.113.70-203.0.113.99], edge-west: masquerade}}"
    world = World()
    before = told(world, "edge-east", vpn(source))["payroll"]["public"]
    assert len(set(before.values())) == 3
    assert told(world, "edge-east", vpn(source, name="wages", formerly="payroll"))["wages"]["public"] == before
    renamed = {("web-east" if name == "vm1-east" else name): facts for name, facts in world.hosts.items()}
    world.hosts = changed(renamed, "web-east: {vcc_formerly: vm1-east}")
    wages = vpn(source, name="wages", members=["web-east", *MEMBERS[1:]])
    assert told(world, "edge-east", wages)["wages"]["public"] == before


def test_members_are_named_by_vapp_and_pattern() -> None:
    found = told(World(), "edge-east", vpn("{source: masquerade, members: [vapp1-east, '*3-west']}"))
    assert found["payroll"]["members"] == ["100.64.0.17", "100.64.0.18"]
    ((path, message),) = refused(vpn("{source: masquerade, members: ['*2-west']}"))
    assert path == ".members[0]" and "names no member of this VPN" in message


def test_the_edges_own_address_is_not_brought_along() -> None:
    found = told(World(), "edge-east", vpn("{source: {edge-east: [203.0.113.2], edge-west: masquerade}}"))
    assert not [entry for entry in found["addresses"] if "beside" in entry]
    assert "addresses" not in found["payroll"]


def test_an_ipv6_member_keeps_the_end_of_its_address() -> None:
    world = World()
    found = told(
        world, "edge-east", vpn("{source: {edge-east: '2001:db8:0:100::/56', edge-west: masquerade}}", pool="six")
    )
    public = found["payroll"]["public"]
    leased = {own: address for own, address in public.items() if own.startswith("fd64")}
    assert leased and all(own.rpartition("::")[2] == address.rpartition("::")[2] for own, address in leased.items())
    assert all(address.startswith("2001:db8:0:100:") for address in public.values())


@given(st.integers(0, 2**128 - 1), st.integers(1, 127), st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_two_addresses_of_a_block_stay_two(public: int, length: int, one: int, other: int) -> None:
    prefix, block = Prefix.around(6, public, length), Prefix.around(6, one, length)
    first, second = (Prefix(6, block.first | (number & (block.size - 1)), 128) for number in (one, other))
    assert (with_prefix(prefix, first) == with_prefix(prefix, second)) == (first == second)
    assert prefix.contains(Prefix.parse(f"{with_prefix(prefix, first)}/128"))


def test_a_published_port_leads_to_the_members_own_address_in_the_end() -> None:
    text = """
        publish:
          - {member: vm2-east, port: tcp/443, to: tcp/8443, from: [198.51.100.0/25, 198.51.100.128/25]}
          - {member: vm3-east, port: udp/53, from: any, rate: 10/second}
    """
    world = World()
    assert told(world, "edge-east", vpn(text))["payroll"] == {
        "at": "203.0.113.2",
        "members": [],
        "published": [
            {
                "port": "tcp/443",
                "address": "203.0.113.2",
                "to": "100.64.0.18",
                "to_port": "tcp/8443",
                "from": ["198.51.100.0/24"],
            },
            {
                "port": "udp/53",
                "address": "203.0.113.2",
                "to": "10.10.0.13",
                "to_port": "udp/53",
                "from": ["0.0.0.0/0"],
                "rate": "10/second",
            },
        ],
    }
    assert told(world, "vapp1-east", vpn(text))["payroll"] == {
        "members": [],
        "published": [
            {"leased": "100.64.0.18", "to": "192.168.1.12", "to_port": "tcp/8443", "from": ["198.51.100.0/24"]}
        ],
    }
    assert told(world, "edge-west", vpn(text))["payroll"] is None
    assert told(world, "vapp1-west", vpn(text))["payroll"] is None


def test_behind_a_nat_the_default_route_says_where_outside_is() -> None:
    hosts = "{edge-east: {vcc_behind_nat: forwarded}}"
    text = "{source: masquerade, publish: [{member: vm1-east, port: tcp/443, from: any}]}"
    found = told(World(changed(lab(), hosts)), "edge-east", vpn(text))["payroll"]
    assert "at" not in found
    assert "address" not in found["published"][0]


def test_who_does_not_ask_for_it_is_told_nothing_of_it() -> None:
    plan = World().plan(PAYROLL)
    assert '"outside": {' not in json.dumps(dict(plan.documents))
    assert "outside" not in plan.vpns[0]


def test_the_ledgers_record_says_the_same() -> None:
    raw = {
        "source": {"edge-east": ["203.0.113.8-203.0.113.10", "203.0.113.7"], "edge-west": "masquerade"},
        "members": ["vm1-west", "vm1-east"],
        "publish": [
            {"member": "vm3-west", "port": "tcp/443", "from": "any"},
            {"member": "vm1-east", "port": "tcp/80", "to": "tcp/8080", "from": ["198.51.100.7"], "rate": "5/minute"},
        ],
    }
    found, errors = parsed(raw)
    assert errors == [] and found is not None
    assert outside_from_record(found.record(), "ledger") == found
    assert found.record()["publish"][1] == {
        "member": "vm3-west",
        "port": "tcp/443",
        "to": "tcp/443",
        "from": ["any"],
    }


def test_a_run_for_another_vpn_leaves_it() -> None:
    world = World()
    first = told(
        world, "edge-east", vpn("{source: masquerade, publish: [{member: vm1-east, port: tcp/443, from: any}]}")
    )
    other = {"name": "audit", "pool": "10.99.0.0/16", "members": ["vm2-east", "vm2-west"]}
    assert told(world, "edge-east", other)["payroll"] == first["payroll"]


def test_a_member_with_another_name_goes_on() -> None:
    world, text = (
        World(),
        "{source: masquerade, members: [vm1-east], publish: [{member: vm1-east, port: tcp/443, from: any}]}",
    )
    before = told(world, "edge-east", vpn(text))["payroll"]
    hosts = lab()
    hosts["new-east"] = hosts.pop("vm1-east")
    hosts["new-east"]["vars"]["vcc_formerly"] = "vm1-east"
    world.hosts = hosts
    other = {"name": "audit", "pool": "10.99.0.0/16", "members": ["vm2-east", "vm2-west"]}
    assert told(world, "edge-east", other)["payroll"] == before


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        ([], "outside: must be a mapping"),
        ({}, "outside: says nothing"),
        ({"members": ["vm1-east"]}, "outside: says nothing"),
        ({"sorce": "masquerade", "source": "masquerade"}, "outside.sorce: is not known here; did you mean source?"),
        ({"source": "nat"}, "outside.source: nat is not an IP address"),
        ({"source": True}, "outside.source: must be masquerade, or a list of public addresses"),
        ({"source": []}, "outside.source: must be masquerade, or a list"),
        ({"source": {}}, "outside.source: is empty"),
        ({"source": ["203.0.113.9-203.0.113.7"]}, "outside.source[0]: 203.0.113.9-203.0.113.7 is not a range"),
        ({"source": ["203.0.113.7", "203.0.113.0/28"]}, "outside.source[1]: 203.0.113.0/28 is there twice"),
        ({"source": ["203.0.0.0/16"]}, "outside.source: are more than 1024 addresses"),
        ({"source": ["203.0.113.7", "2001:db8::7"]}, "outside.source: has IPv4 and IPv6"),
        ({"source": ["2001:db8::/64", "2001:db8::7"]}, "outside.source: an IPv6 prefix is one, and alone"),
        ({"source": "masquerade", "members": []}, "outside.members: must be a list"),
        ({"source": "masquerade", "members": ["vm2-east"]}, "outside.members[0]: vm2-east is not a member of this VPN"),
        ({"source": "masquerade", "members": ["vm9"]}, "outside.members[0]: vm9 is behind an external edge"),
        (
            {"publish": [{"member": "vm1-east", "port": "tcp/1", "from": "any"}], "members": ["vm1-east"]},
            "outside.members: has no",
        ),
        ({"publish": "tcp/443"}, "outside.publish: must be a list"),
        ({"publish": ["tcp/443"]}, "outside.publish[0]: must be a mapping"),
        ({"publish": [{"port": "tcp/443", "from": "any"}]}, "outside.publish[0].member: is missing"),
        ({"publish": [{"member": "vm1-east", "from": "any"}]}, "outside.publish[0].port: is missing"),
        ({"publish": [{"member": "vm1-east", "port": "tcp/443"}]}, "outside.publish[0].from: is missing"),
        ({"publish": [{"member": "vm1-east", "port": "tcp/443", "from": []}]}, "outside.publish[0].from: is missing"),
        ({"publish": [{"member": "vm1-east", "port": "tcp/443", "from": ["0.0.0.0/0"]}]}, "write any"),
        ({"publish": [{"member": "vm1-east", "port": "tcp/443", "from": ["any", "1.2.3.4"]}]}, "includes all hosts"),
        ({"publish": [{"member": "vm1-east", "port": "icmp/1", "from": "any"}]}, "'icmp' must be one of: tcp, udp"),
        ({"publish": [{"member": "vm1-east", "port": "tcp/1-9", "from": "any"}]}, "must be one port"),
        (
            {"publish": [{"member": "vm1-east", "port": "tcp/1", "to": "udp/1", "from": "any"}]},
            "is of another protocol",
        ),
        ({"publish": [{"member": "vm1-east", "port": "tcp/1", "from": "any", "rate": 5}]}, "publish[0].rate: must be"),
        ({"publish": [{"member": "vm1-east", "port": "tcp/1", "from": "any", "address": "x"}]}, "x is not an IP"),
    ],
)
def test_what_cannot_be_read_is_refused_in_its_place(raw: Any, part: str) -> None:
    _found, (error,) = parsed(raw)
    assert part in error


PUBLISH = "{member: vm1-east, port: tcp/443, from: any}"


@pytest.mark.parametrize(
    ("text", "hosts", "path", "part"),
    [
        (
            "{source: [203.0.113.7]}",
            "{}",
            ".source",
            "members go outside at edge-east, edge-west, and a public address",
        ),
        ("{source: {edge-east: masquerade}}", "{}", ".source", "has no entry for edge-west"),
        (
            "{source: {edge-east: masquerade, edge-wets: masquerade, edge-west: masquerade}}",
            "{}",
            ".source.edge-wets",
            "did you mean edge-west",
        ),
        (
            "{source: {edge-east: masquerade, edge-west: masquerade}, members: [vm1-east]}",
            "{}",
            ".source.edge-west",
            "no member goes",
        ),
        ("{source: ['2001:db8::7'], members: [vm1-east]}", "{}", ".source", "is IPv6"),
        ("{source: [100.64.9.9], members: [vm1-east]}", "{}", ".source", "overlaps 100.64.0.0/10 (vcc_vpns[0].pool)"),
        ("{source: [203.0.113.18], members: [vm1-east]}", "{}", ".source", "203.0.113.18 is taken: "),
        ("{source: [10.10.0.99], members: [vm1-east]}", "{}", ".source", "10.10.0.99 is taken: "),
        ("{source: [224.0.0.1], members: [vm1-east]}", "{}", ".source", "224.0.0.1 lies in"),
        (
            "{source: [203.0.113.7], members: [vm1-east]}",
            "{edge-east: {vcc_behind_nat: forwarded}}",
            ".source",
            "write masquerade",
        ),
        (
            "{publish: [" + PUBLISH + "]}",
            "{edge-east: {vcc_behind_nat: true}}",
            ".publish[0].member",
            "lets no connection in",
        ),
        (
            "{publish: [" + PUBLISH + "," + PUBLISH + "]}",
            "{}",
            ".publish[1].port",
            "is published by vcc_vpns[0].outside.publish[0] already",
        ),
        (
            "{publish: [{member: vm1-east, port: tcp/22, from: any}]}",
            "{}",
            ".publish[0].port",
            "edge-east itself is reached on tcp/22 (SSH)",
        ),
        (
            "{publish: [{member: vm1-east, port: udp/4500, from: any}]}",
            "{}",
            ".publish[0].port",
            "edge-east itself is reached on udp/4500",
        ),
        (
            "{publish: [{member: vm1-east, port: tcp/80, from: any, address: 203.0.113.9}]}",
            "{}",
            ".publish[0].address",
            "write 203.0.113.2",
        ),
        (
            "{publish: [{member: vm1-east, port: tcp/80, from: [100.64.0.0/24]}]}",
            "{}",
            ".publish[0].from",
            "overlaps 100.64.0.0/10",
        ),
        (
            "{publish: [{member: vm1-east, port: tcp/80, from: [10.0.0.0/8]}]}",
            "{}",
            ".publish[0].from",
            "which is private",
        ),
        ("{publish: [{member: vm1-east, port: tcp/80, from: ['2001:db8::/32']}]}", "{}", ".publish[0].from", "is IPv6"),
    ],
)
def test_what_cannot_be_is_refused_in_its_place(text: str, hosts: str, path: str, part: str) -> None:
    ((where, message),) = refused(vpn(text), hosts=hosts)
    assert where == path
    assert part in message


def test_two_vpns_do_not_claim_the_same() -> None:
    one = vpn("{source: {edge-east: [203.0.113.7-203.0.113.9]}, members: [vm1-east], publish: [" + PUBLISH + "]}")
    other = {**one, "name": "second", "pool": "10.99.0.0/16"}
    other["outside"] = {**one["outside"], "source": {"edge-east": ["203.0.113.9"]}}
    found = dict(refused(one, other))
    assert "vm1-east goes outside by VPN payroll already" in found["vcc_vpns[1].outside.members"]
    assert "VPN payroll already has these addresses at edge-east" in found["vcc_vpns[1].outside.source.edge-east"]
    assert "is published by" in found["vcc_vpns[1].outside.publish[0].port"]


def test_with_ssl_the_edge_has_its_ports() -> None:
    ((path, message),) = refused(vpn("{publish: [" + PUBLISH + "]}", tunnel="ssl"))
    assert path == ".publish[0].port" and "(OpenVPN)" in message


def test_an_edge_without_an_address_of_the_family_has_no_way_outside() -> None:
    hosts = "{edge-east: {vcc_public_address: [203.0.113.2]}}"
    ((path, message),) = refused(vpn(pool="six"), hosts=hosts)
    assert path == "hosts.edge-east.vcc_public_address" and "has no IPv6 address" in message


def test_an_ipv6_prefix_holds_the_block_of_the_vpn() -> None:
    ((path, message),) = refused(vpn("{source: {edge-east: '2001:db8:0:100::/120'}, members: [vm1-east]}", pool="six"))
    assert path == ".source.edge-east" and "is smaller than fd64:7663:6300::/" in message


def test_a_member_that_moves_goes_outside_where_it_is() -> None:
    text = "{source: masquerade, members: [vm1-east], publish: [{member: vm1-east, port: tcp/443, from: any}]}"
    world = World()
    before = told(world, "edge-east", vpn(text))["payroll"]
    world.hosts = changed(lab(), "vm1-east: {clouds: [west], vcc_vapp: vapp1-west, vcc_address: [192.168.1.44]}")
    assert told(world, "edge-east", vpn(text))["payroll"] is None
    after = told(world, "edge-west", vpn(text))["payroll"]
    assert after["members"] == before["members"] == ["100.64.0.17"]  # it keeps its address
    assert [one["address"] for one in after["published"]] == ["203.0.113.18"]
    inside = told(world, "vapp1-west", vpn(text))["payroll"]
    assert inside["members"] == [{"inside": "192.168.1.44", "outside": "100.64.0.17"}]


SHARED = "{source: {%s: [203.0.113.70-203.0.113.77], %s: masquerade}}"


@pytest.mark.parametrize("alone", [False, True], ids=["both in the run", "the other in the ledger only"])
def test_a_public_address_is_of_one_organization(alone: bool) -> None:
    other = lab(org="other", tag="o")
    world = World({**lab(), **other})
    world.plan(vpn(SHARED % ("edge-east", "edge-west")), pools=POOLS)
    if alone:
        world.hosts = other
    members = ["vm1o-east", "vm1o-west"]
    outside = yaml.safe_load(SHARED.replace(".70-203.0.113", ".77-203.0.113") % ("edgeo-east", "edgeo-west"))
    asked = {**PAYROLL, "name": "shop", "members": members, "outside": outside}
    with pytest.raises(IntentErrors) as caught:
        world.plan(asked, pools=POOLS)
    said = {(error.path.rpartition("outside")[2], error.message) for error in caught.value.errors}
    what = "203.0.113.77: VPN payroll of organization acme already has these addresses; take others"
    assert (".source.edgeo-east", what) in said
    world.plan({**asked, "outside": {"source": "masquerade"}}, pools=POOLS)


def test_an_edge_that_stands_by_for_another_has_its_address() -> None:
    world = World(lab(3))
    own = world.hosts["edge-east"]["vars"]["vcc_public_address"]
    world.hosts = changed(world.hosts, {"edge-south": {"vcc_public_address": own}})
    told(world, "edge-east", vpn(f"{{source: {{edge-east: [{own[0]}], edge-west: masquerade}}}}"))


def test_another_edges_address_is_no_source_though_it_is_in_no_vpn() -> None:
    world = World(lab(3))
    there = world.hosts["edge-south"]["vars"]["vcc_public_address"][0]
    with pytest.raises(IntentErrors, match=f"{there} is taken: it is an address of edge-south"):
        world.plan(vpn(f"{{source: {{edge-east: [{there}], edge-west: masquerade}}}}"), pools=POOLS)
