# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""External edges whose gateway is known: what they refuse, and what is planned for them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import is_for_moved
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._partner.forms.worlds import ORDERS, world
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import changed, lab

STANDARD = {key: value for key, value in ORDERS.items() if key != "policy"}
NETWORK = {"destinations": {"networks": [{"behind": "edge-east", "network": "172.16.0.0/24", "ports": ["tcp/443"]}]}}


def end(plan: Plan, name: str = "edge-east--partner") -> Any:
    """Our end of the tunnel."""
    return next(one for one in plan.documents["edge-east"]["tunnels"] if one["name"] == name)


@pytest.mark.parametrize(
    ("gateway", "reason"),
    [
        ("mikrotik", "MikroTik RouterOS takes of aes256gcm16-prfsha384-ecp384 not aes256gcm16 and sha384"),
        ("azure", "Azure VPN Gateway takes of aes256gcm16-prfsha384-ecp384 not aes256gcm16"),
    ],
)
def test_a_policy_that_the_gateway_does_not_take_is_refused(gateway: str, reason: str) -> None:
    (error,) = world(gateway).refused(STANDARD)
    assert error.startswith(
        f"vcc_vpns[0].policy: has no proposal (encryption.ike) for partner (vcc_gateway: {gateway}): for IKE, {reason}"
    )
    assert "; the nearest that it takes is aes256-sha" in error
    assert error.endswith("; add that to encryption.ike, or use a policy that has it")


def test_what_is_named_instead_is_what_mends_it() -> None:
    landscape = world("mikrotik")
    (error,) = landscape.refused(STANDARD)
    nearest = error.partition("that it takes is ")[2].partition(";")[0]
    ike = ["aes256gcm16-prfsha384-ecp384", nearest]
    plan = landscape.plan({**STANDARD, "policy": {"encryption": {"ike": ike}}})
    assert end(plan)["ike"]["proposals"] == [nearest]


@pytest.mark.parametrize("gateway", ["aws", "gcp", "libreswan", "fortigate", "pfsense", "cisco", None])
def test_these_take_the_standard_policy(gateway: str | None) -> None:
    tunnel = end(world(gateway).plan(STANDARD))
    assert tunnel["ike"]["proposals"] == ["aes256gcm16-prfsha384-ecp384"]
    assert [link["esp"]["proposals"] for link in tunnel["links"]] == [["aes256gcm16-ecp384"]]
    assert tunnel.get("gateway") == gateway


def test_an_edge_of_unknown_make_is_planned_as_before() -> None:
    tunnel = end(world(None).plan(STANDARD))
    assert not {"gateway", "identity"} & set(tunnel)
    assert (tunnel["local_id"], tunnel["remote_id"]) == ("edge-east.acme", "partner.acme")
    assert (tunnel["ike"]["rekey_time"], tunnel["links"][0]["esp"]["rekey_time"]) == (14400, 3600)


@pytest.mark.parametrize("gateway", ["aws", "azure", "gcp"])
def test_a_cloud_knows_both_ends_by_their_addresses(gateway: str) -> None:
    tunnel = end(world(gateway).plan(ORDERS))
    assert (tunnel["local_id"], tunnel["remote_id"]) == ("203.0.113.2", "198.51.100.20")
    assert tunnel["identity"] == "edge-east.acme", "what our certificate says, for other tunnels"


def test_our_edge_rekeys_before_the_gateways_longest_lifetime_ends() -> None:
    day = {"encryption": {**ORDERS["policy"]["encryption"], "ike_rekey": 86400, "esp_rekey": 28800}}
    for gateway, ike, esp in (("aws", 23040, 2880), ("gcp", 28800, 8640), ("azure", 23040, 28800)):
        tunnel = end(world(gateway).plan({**ORDERS, "policy": day}))
        assert (tunnel["ike"]["rekey_time"], tunnel["links"][0]["esp"]["rekey_time"]) == (ike, esp)


def test_packets_fit_into_what_the_gateway_carries() -> None:
    sizes = {gateway: end(world(gateway).plan(ORDERS))["links"][0]["mtu"] for gateway in (None, "azure", "gcp")}
    assert sizes == {None: 1438, "azure": 1400, "gcp": 1398}


@pytest.mark.parametrize("gateway", ["libreswan", "fortigate", "pfsense", "mikrotik", "cisco"])
def test_each_pair_of_selectors_has_a_child_sa_of_its_own(gateway: str) -> None:
    links = end(world(gateway).plan({**ORDERS, **NETWORK}))["links"]
    assert [(len(link["local_ts"]), len(link["remote_ts"])) for link in links] == [(1, 1)] * 2
    first, second = (link.get("name") for link in links)
    assert first is None and re.fullmatch(r"orders\+\+[0-9a-f]{8}", second)
    assert len({link["reqid"] for link in links}) == 2
    assert not any(map(is_for_moved, links)), "nobody moved"
    assert {link["local_ts"][0] for link in links} >= {"172.16.0.0/24"}


def test_a_further_pair_leaves_the_others_as_they_are() -> None:
    """The partner's block was full, and got a second one."""
    landscape = world("fortigate")
    before = end(landscape.plan({**ORDERS, **NETWORK}))["links"]
    more = {f"vm{number}-p": {"kinds": ["members"], "clouds": ["partner"]} for number in range(4, 74)}
    landscape.hosts = changed(landscape.hosts, more)
    after = end(landscape.plan({**ORDERS, **NETWORK, "members": [*ORDERS["members"], *more]}))["links"]
    assert (len(before), len(after)) == (2, 4)
    assert all(link in after for link in before)
    assert len({link.get("name") for link in after}) == 4


def test_google_has_all_selectors_in_one_child_sa() -> None:
    (link,) = end(world("gcp").plan({**ORDERS, **NETWORK}))["links"]
    assert len(link["local_ts"]) == 2


@pytest.mark.parametrize("gateway", ["aws", "azure"])
def test_a_second_pair_is_refused_where_there_is_one_child_sa(gateway: str) -> None:
    (error,) = world(gateway).refused({**ORDERS, **NETWORK})
    assert "vcc_vpns[0].members: need several CHILD_SAs in the tunnel edge-east -- partner" in error
    assert "172.16.0.0/24" in error and "has one per tunnel" in error


@pytest.mark.parametrize("gateway", ["aws", "azure", "gcp"])
def test_a_second_vpn_is_refused_where_there_is_one_child_sa(gateway: str) -> None:
    landscape = world(gateway)
    landscape.plan(ORDERS)
    (error,) = landscape.refused({**ORDERS, "name": "audit"})
    assert "vcc_vpns[0].members: need a second CHILD_SA in the tunnel edge-east -- partner, which orders uses" in error


def test_another_policy_of_a_gateway_changes_the_plan_and_its_loss_is_told() -> None:
    landscape = world("fortigate")
    landscape.plan(ORDERS)
    landscape.hosts["partner"]["vars"]["vcc_gateway"] = "azure"
    plan = landscape.plan(ORDERS)
    assert plan.changed
    assert end(plan)["gateway"] == "azure"
    del landscape.hosts["partner"], landscape.hosts["vm-partner"]
    assert not landscape.plan().changed, "the ledger remembers what it is"


def test_ipv6_inside_is_refused_where_it_is_not_printed() -> None:
    errors = world("fortigate").refused({**ORDERS, "pool": "fd64::/48"})
    assert any(
        "vcc_vpns[0].pool: is of IPv6, and tunnels to partner (vcc_gateway: fortigate) carry IPv4" in one
        for one in errors
    )


def two_of_ours(gateway: str) -> tuple[Any, Any]:
    """The partner's gateway, two clouds of ours, and a VPN of all three."""
    one = world(gateway)
    one.hosts.update({name: facts for name, facts in lab(2).items() if name not in one.hosts})
    return one, {**ORDERS, "members": ["vm3-east", "vm3-west", "vm-partner"]}


def test_aws_has_another_address_for_each_of_our_edges() -> None:
    landscape, orders = two_of_ours("aws")
    (error,) = landscape.refused(orders)
    assert error == (
        "vcc_vpns[0].members: need a tunnel edge-west -- partner, and partner has one with edge-east: "
        "AWS Site-to-Site VPN (vcc_gateway: aws) has another public address for each of your edges; add an external "
        "edge for edge-west, or a topology of kind star with the hub edge-east"
    )
    landscape.plan({**ORDERS, "members": ["vm3-east", "vm-partner"]})
    west = {**ORDERS, "name": "audit", "members": ["vm3-west", "vm-partner"]}
    (error,) = landscape.refused(west)
    assert error.startswith("vcc_vpns[0].members: need a tunnel edge-west -- partner, and partner has one with edge-e")


@pytest.mark.parametrize("gateway", ["azure", "gcp", "cisco"])
def test_the_others_have_one_for_all(gateway: str) -> None:
    landscape, orders = two_of_ours(gateway)
    plan = landscape.plan(orders)
    assert end(plan)["remote_address"] == "198.51.100.20"


def test_the_star_that_is_named_mends_it() -> None:
    landscape, orders = two_of_ours("aws")
    star = {**orders, "topology": {"kind": "star", "hub": "edge-east"}}
    assert len(end(landscape.plan(star))["links"]) == 1


def test_a_plan_says_that_a_gateway_became_another_one() -> None:
    landscape = world(None)
    landscape.plan(ORDERS)
    landscape.hosts["partner"]["vars"]["vcc_gateway"] = "fortigate"
    tunnels = [line for line in landscape.plan(ORDERS).diff if "tunnel " in line]
    assert [line.partition(":")[0] for line in tunnels] == [
        "- tunnel edge-east--partner (ipsec, external, pre-shared key)",
        "+ tunnel edge-east--partner (ipsec, external, fortigate, pre-shared key)",
    ]


def test_a_vpn_that_the_gateway_no_longer_takes_can_be_deleted() -> None:
    landscape = world(None)
    landscape.plan(STANDARD)
    landscape.hosts["partner"]["vars"]["vcc_gateway"] = "mikrotik"
    assert landscape.ask({}, absent=["orders"]).deleting == ["orders"]
