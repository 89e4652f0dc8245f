# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""External edges with BGP: what is planned for them, and what is refused. docs/external.md."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._partner.forms.worlds import POLICY
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, changed, lab

INSIDE = {"ours": "169.254.21.2/30", "theirs": "169.254.21.1"}
BGP = {"asn": 64512, "inside": INSIDE}
PARTNER = {"kinds": ["org_edges"], "clouds": ["partner"], "vcc_external": True, "vcc_public_address": ["198.51.100.20"]}
NETWORKS = [
    {"network": "172.20.0.0/22", "behind": "partner", "ports": ["tcp/443"]},
    {"network": "172.21.4.9/32", "behind": "partner", "ports": ["tcp/1521"]},
]
ORDERS = {
    "name": "orders",
    "pool": "internal",
    "members": ["vm1-east", "vm-partner"],
    "destinations": {"networks": NETWORKS},
    "policy": POLICY,
}


def world(clouds: int = 1, bgp: Any = ..., **partner: Any) -> World:
    """`bgp` None: none."""
    bgp = BGP if bgp is ... else bgp
    vm = {"kinds": ["members"], "clouds": ["partner"]}
    said = {} if bgp is None else {"vcc_bgp": bgp}
    return World(changed(lab(clouds), {"partner": {**PARTNER, **said, **partner}, "vm-partner": vm}))


def end(plan: Plan, edge: str = "edge-east") -> Any:
    (tunnel,) = [one for one in plan.documents[edge]["tunnels"] if one["peer"] == "partner"]
    return tunnel


def test_the_tunnel_has_a_device_of_its_own_and_what_bgp_may_say() -> None:
    plan = world().plan(ORDERS)
    tunnel, sites = end(plan), plan.vpns[0]["sites"]
    number = plan.vpns[0]["number"]
    assert tunnel["bgp"] == {
        "device": f"vcc{number}p1602",
        "if_id": number | 0x1602 << 16,
        "local": "169.254.21.2",
        "peer": "169.254.21.1",
        "length": 30,
        "local_asn": 65000,
        "peer_asn": 64512,
        "bfd": True,
        "md5": True,
        "maximum": 100,
        "hold": 30,
        "source": sites["edge-east"]["address"],
    }
    (link,) = tunnel["links"]
    assert link["local_ts"] == sites["edge-east"]["blocks"]
    assert link["remote_ts"] == sorted([*sites["partner"]["blocks"], "172.20.0.0/22", "172.21.4.9/32"])


def test_no_route_of_ours_leads_to_the_partner_and_the_guards_stay() -> None:
    document = world().plan(ORDERS).documents["edge-east"]
    assert [route for route in document["routes"] if "tunnel" in route] == []
    guarded = {route["prefix"] for route in document["routes"] if route.get("type") == "blackhole"}
    assert {"172.20.0.0/22", "172.21.4.9/32"} < guarded


def test_the_firewall_knows_the_device_and_the_same_addresses_as_without_bgp() -> None:
    (entry,) = world().plan(ORDERS).documents["edge-east"]["vpns"]
    (plain,) = world(bgp=None).plan(ORDERS).documents["edge-east"]["vpns"]
    assert entry.pop("partner_devices") == [f"vcc{entry['number']}p1602"]
    assert entry == plain


def test_an_edge_without_bgp_has_nothing_of_it() -> None:
    document = world(bgp=None).plan(ORDERS).documents["edge-east"]
    assert "bgp" not in str(document) and "partner_devices" not in str(document)


@pytest.mark.parametrize(
    ("gateway", "md5", "hold"),
    [("aws", False, 30), ("azure", False, 180), ("gcp", True, 30)],
)
def test_what_a_gateway_has_not_is_left_out(gateway: str, md5: bool, hold: int) -> None:
    bgp = end(world(vcc_gateway=gateway).plan(ORDERS))["bgp"]
    assert (bgp["bfd"], bgp["md5"], bgp["hold"]) == (False, md5, hold)


def test_a_gateway_with_one_pair_of_selectors_takes_all_networks_with_bgp() -> None:
    """Without it, this VPN is refused: AWS would need several CHILD_SAs."""
    (error,) = world(bgp=None, vcc_gateway="aws").refused(ORDERS)
    assert "need several CHILD_SAs" in error
    assert len(end(world(vcc_gateway="aws").plan(ORDERS))["links"]) == 1


@pytest.mark.parametrize(
    ("said", "path", "words"),
    [
        ({"asn": ""}, "asn", "'' is not the number of an AS"),
        ({"asn": 23456}, "asn", "23456 is not the number of an AS"),
        ({"asn": 65000}, "our_asn", "65000 is the partner's, too; give our side a number of its own"),
        ({"bdf": True}, "bdf", "is not known"),
        ({"maximum": 0}, "maximum", "from 1 to 10000, not 0"),
        ({"inside": "169.254.21.0/30"}, "inside", "is missing: the addresses inside"),
        ({"inside": {**INSIDE, "ours": "169.254.21.2"}}, "inside", "with a length from 24 to 31"),
        ({"inside": {**INSIDE, "theirs": "169.254.21.6"}}, "inside", "169.254.21.0/30 has not both"),
        ({"inside": {**INSIDE, "theirs": "169.254.21.3"}}, "inside", "169.254.21.0/30 has not both"),
        ({"inside": {"ours": "10.1.1.1/30", "theirs": "10.1.1.2"}}, "inside", "must be in 169.254.0.0/16"),
        ({"inside": {"ours": "169.254.169.2/30", "theirs": "169.254.169.1"}}, "inside", "are used otherwise"),
    ],
)
def test_a_mistake_is_named_with_its_path(said: dict[str, Any], path: str, words: str) -> None:
    errors = world(bgp={**BGP, **said}).refused(ORDERS)
    (found,) = [error for error in errors if error.startswith(f"hosts.partner.vcc_bgp.{path}: ")]
    assert words in found


@pytest.mark.parametrize(
    ("more", "bgp", "words"),
    [
        ({"vcc_authentication": "certificate"}, BGP, "vcc_bgp: needs a pre-shared key; leave vcc_authentication out"),
        ({"vcc_gateway": "cisco"}, BGP, "vcc_bgp: is not known for Cisco IOS-XE (vcc_gateway: cisco); leave"),
        ({"vcc_gateway": "aws"}, {**BGP, "bfd": True}, "vcc_bgp.bfd: true: AWS Site-to-Site VPN has none in tunnels"),
        ({"vcc_gateway": "azure"}, {**BGP, "md5": True}, "vcc_bgp.md5: true: Azure VPN Gateway has none in tunnels"),
        (
            {"vcc_gateway": "aws"},
            {**BGP, "inside": {"ours": "169.254.21.1/30", "theirs": "169.254.21.2"}},
            "our side the second: write ours: 169.254.21.2/30, theirs: 169.254.21.1",
        ),
        (
            {"vcc_gateway": "azure"},
            {**BGP, "inside": {"ours": "169.254.40.1/30", "theirs": "169.254.40.2"}},
            "theirs must be in 169.254.21.0/24 or 169.254.22.0/24 for Azure VPN Gateway",
        ),
        (
            {"vcc_gateway": "aws"},
            {**BGP, "inside": {"ours": "169.254.5.2/30", "theirs": "169.254.5.1"}},
            "169.254.5.0/30 is reserved by AWS Site-to-Site VPN",
        ),
    ],
)
def test_what_a_gateway_cannot_do_is_refused(more: dict[str, Any], bgp: dict[str, Any], words: str) -> None:
    assert any(words in error for error in world(bgp=bgp, **more).refused(ORDERS))


def test_one_tunnel_and_one_vpn() -> None:
    mesh = {**ORDERS, "members": ["vm1-east", "vm3-west", "vm-partner"]}
    (error,) = world(2).refused(mesh)
    assert "its addresses inside (vcc_bgp.inside) are those of one tunnel" in error
    mesh["destinations"] = {"networks": NETWORKS[:1]}
    assert end(world(2).plan({**mesh, "topology": {"kind": "star", "hubs": ["edge-east"]}}))
    second = {**ORDERS, "name": "billing", "pool": "internal", "members": ["vm1-east", "vm-partner"]}
    second.pop("destinations")
    (error,) = world().refused(ORDERS, second)
    assert "partner (vcc_bgp) has one per tunnel" in error


def test_two_partners_have_two_networks_inside() -> None:
    other = {**PARTNER, "vcc_bgp": BGP, "vcc_public_address": ["198.51.100.21"], "clouds": ["bank"]}
    vm = {"kinds": ["members"], "clouds": ["bank"]}
    hosts = {"partner": {**PARTNER, "vcc_bgp": BGP}, "vm-partner": {"kinds": ["members"], "clouds": ["partner"]}}
    both = World(changed(lab(1), {**hosts, "bank": other, "vm-bank": vm}))
    vpns = ({**ORDERS, "destinations": {}}, {**ORDERS, "name": "bank", "members": ["vm1-east", "vm-bank"]})
    errors = both.refused(vpns[0], {**vpns[1], "destinations": {}})
    assert any("169.254.21.0/30 overlaps 169.254.21.0/30 of" in error for error in errors)


def test_an_edge_of_ours_has_no_bgp() -> None:
    plain = World(changed(lab(2), {"edge-east": {"vcc_bgp": BGP}}))
    errors = plain.refused({**ORDERS, "members": ["vm1-east", "vm3-west"], "destinations": {}})
    assert errors[0].startswith("hosts.edge-east.vcc_bgp: is for external edges; is vcc_external: true missing?")


SECOND = {"public_address": "198.51.100.21", "inside": {"ours": "169.254.22.2/30", "theirs": "169.254.22.1"}}
TWICE = {**BGP, "second": SECOND}


def test_two_endpoints_are_two_tunnels_of_one_site() -> None:
    plan = world(bgp=TWICE).plan(ORDERS)
    one, other = (end for end in plan.documents["edge-east"]["tunnels"] if end["peer"] == "partner")
    assert (one["name"], other["name"]) == ("edge-east--partner", "edge-east--partner--2")
    assert plan.vpns[0]["tunnels"] == [one["name"], other["name"]]
    assert (other["remote_address"], other["remote_id"]) == ("198.51.100.21", "partner-2.acme")
    assert (one["bgp"]["twin"], other["bgp"]["twin"]) == (other["name"], one["name"])
    assert [one["links"][0][key] == other["links"][0][key] for key in ("local_ts", "remote_ts", "reqid")] == [
        True, True, False,
    ]  # fmt: skip
    (entry,) = plan.documents["edge-east"]["vpns"]
    assert entry["partner_devices"] == [one["bgp"]["device"], other["bgp"]["device"]]
    assert len({*entry["partner_devices"]}) == 2
    # The same leases: a second endpoint renumbers nobody.
    assert plan.vpns[0]["sites"] == world().plan(ORDERS).vpns[0]["sites"]


def test_aws_knows_the_second_endpoint_by_its_address() -> None:
    plan = world(bgp=TWICE, vcc_gateway="aws").plan(ORDERS)
    assert [one["remote_id"] for one in plan.documents["edge-east"]["tunnels"]] == ["198.51.100.20", "198.51.100.21"]


@pytest.mark.parametrize(
    ("said", "path", "words"),
    [
        ("198.51.100.21", "", "must be a mapping with public_address and inside"),
        ({**SECOND, "public_address": "198.51.100.20"}, ".public_address", "is that of the first endpoint, too"),
        ({**SECOND, "public_address": "vpn.example"}, ".public_address", "must be the IPv4 address"),
        ({**SECOND, "identity": "partner.acme"}, ".identity", "is the first endpoint's, too"),
        ({**SECOND, "inside": INSIDE}, ".inside", "overlaps 169.254.21.0/30, which the first tunnel has"),
        ({**SECOND, "asn": 1}, ".asn", "is not known"),
    ],
)
def test_a_mistake_in_the_second_endpoint_is_named(said: Any, path: str, words: str) -> None:
    errors = world(bgp={**BGP, "second": said}).refused(ORDERS)
    (found,) = [error for error in errors if error.startswith(f"hosts.partner.vcc_bgp.second{path}: ")]
    assert words in found


def test_the_second_endpoint_is_nobody_else() -> None:
    """Another edge's identity would have that one pass for the partner, and the tunnel's way would be a loop."""
    vm = {"kinds": ["members"], "clouds": ["bank"]}

    def errors(second: dict[str, Any], **bank: Any) -> list[str]:
        other = {**PARTNER, "clouds": ["bank"], "vcc_public_address": ["198.51.100.99"], **bank}
        ours = {**PARTNER, "vcc_bgp": {**BGP, "second": {**SECOND, **second}}}
        hosts = {"partner": ours, "vm-partner": {**vm, "clouds": ["partner"]}, "bank": other, "vm-bank": vm}
        star = {"topology": {"kind": "star", "hubs": ["edge-east"]}, "destinations": {}}
        both = {**ORDERS, **star, "members": ["vm1-east", "vm-partner", "vm-bank"]}
        return World(changed(lab(1), hosts)).refused(both)

    path = "hosts.partner.vcc_bgp.second"
    (error,) = errors({}, vcc_identity="Partner-2.acme")
    assert error.startswith(f"{path}.identity: partner-2.acme is an identity of bank, too")
    (error,) = errors({"identity": "edge-east.acme"})
    assert error.startswith(f"{path}.identity: edge-east.acme is an identity of edge-east, too")
    (error,) = errors({}, vcc_public_address=["198.51.100.21"])
    assert error.startswith(f"{path}.public_address: 198.51.100.21 is the address of bank too")
    (error,) = errors({"public_address": "169.254.0.9"})
    assert error.startswith(f"{path}.public_address: 169.254.0.9 lies in 169.254.0.0/16, link-local")
    (error,) = errors({"public_address": "100.64.0.66"})
    assert f"100.64.0.66/32 ({path}.public_address)" in error
    loop = {"networks": [{**NETWORKS[0], "network": "198.51.100.21/32"}]}
    (error,) = world(bgp=TWICE).refused({**ORDERS, "destinations": loop})
    assert f"overlaps 198.51.100.21/32 ({path}.public_address)" in error


def test_azure_has_one_key_for_both() -> None:
    (error, *_more) = world(bgp=TWICE, vcc_gateway="azure").refused(ORDERS)
    assert error == "hosts.partner.vcc_bgp.second: is not known for Azure VPN Gateway; leave it out"


def test_the_second_endpoint_has_an_address_and_an_identity_of_its_own() -> None:
    by_name = world(bgp=TWICE, vcc_public_address="vpn.partner.example", vcc_identity="gw.partner.example")
    one, other = by_name.plan(ORDERS).documents["edge-east"]["tunnels"]
    assert one["by_name"] and "by_name" not in other
    assert (other["remote_address"], other["remote_id"]) == ("198.51.100.21", "gw-2.partner.example")
    by_address = world(bgp=TWICE, vcc_identity="198.51.100.20").plan(ORDERS).documents["edge-east"]["tunnels"]
    assert [one["remote_id"] for one in by_address] == ["198.51.100.20", "198.51.100.21"]
