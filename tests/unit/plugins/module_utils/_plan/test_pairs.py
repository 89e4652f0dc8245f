# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two org edges that serve one site: what both are told, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile.certified import certified
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    Hosts,
    World,
    addresses,
    bodies,
    changed,
    entry,
    lab,
    with_pair,
)

HOME, TWIN = "edge-east", "edge-east-2"
OWN = "hosts.{}.vcc_own_org_address"


@pytest.fixture
def world() -> World:
    return World(with_pair(lab(2)))


def tunnel(plan: Any, node: str, peer: str) -> Any:
    return next(one for one in plan.documents[node]["tunnels"] if one["peer"] == peer)


# What edges are told


def test_both_edges_of_a_pair_have_the_site_behind_them(world: World) -> None:
    plan = world.plan(PAYROLL)
    told = [{**entry(plan, edge, "payroll"), "own_address": None} for edge in (HOME, TWIN)]
    assert told[0] == told[1]
    home, twin = (tunnel(plan, edge, "edge-west")["links"][0] for edge in (HOME, TWIN))
    assert (home["local_ts"], home["remote_ts"]) == (twin["local_ts"], twin["remote_ts"])
    held = [{item["address"] for item in plan.documents[edge]["addresses"]} for edge in (HOME, TWIN)]
    assert "100.64.0.1/32" in held[0] & held[1] and held[0] != held[1]
    assert certified(plan.documents[HOME]) == certified(plan.documents[TWIN]) == ["100.64.0.0/26"]


def test_the_far_side_knows_both_ways_to_a_site(world: World) -> None:
    plan = world.plan(PAYROLL)
    lanes = {one["peer"]: one for one in plan.documents["edge-west"]["tunnels"]}
    assert {peer: (one["site"], one.get("lane", 0)) for peer, one in lanes.items()} == {
        HOME: (HOME, 0),
        TWIN: (HOME, 1),
    }
    own = {edge: entry(plan, edge, "payroll")["own_address"] for edge in (HOME, TWIN)}
    assert {edge: lanes[edge]["hello"]["to"] for edge in own} == own
    routes = {route["prefix"]: route for route in plan.documents["edge-west"]["routes"] if "tunnel" in route}
    assert routes["100.64.0.0/26"]["site"] == HOME
    assert [routes[f"{own[edge]}/32"]["lane"] for edge in (HOME, TWIN)] == [0, 1]


def test_links_to_both_edges_are_told_apart_by_number_although_their_selectors_are_the_same(world: World) -> None:
    plan = world.plan(PAYROLL)
    numbers = [link["reqid"] for one in plan.documents["edge-west"]["tunnels"] for link in one["links"]]
    assert len(set(numbers)) == len(numbers) == 4


def test_the_first_vpn_of_a_tunnel_carries_the_hellos(world: World) -> None:
    plan = world.plan({**PAYROLL, "name": "b"}, {**PAYROLL, "name": "a"}, {**PAYROLL, "name": "c"})
    for edge in (HOME, TWIN):
        one = tunnel(plan, edge, "edge-west")
        assert one["hello"]["vpn"] == "a"
        assert [link["name"] for link in one["links"] if link.get("hello")] == ["a~hello"]


def test_a_vpn_that_comes_moves_no_hellos(world: World) -> None:
    """The edges of a pair are told one after the other: meanwhile, the one in use would not be heard."""
    before = [tunnel(world.plan(PAYROLL), edge, "edge-west")["hello"] for edge in (HOME, TWIN)]
    plan = world.plan(PAYROLL, {**PAYROLL, "name": "a"})
    assert [tunnel(plan, edge, "edge-west")["hello"] for edge in (HOME, TWIN)] == before


def test_gateways_and_members_beside_a_pair_know_both_machines_by_their_own_addresses(world: World) -> None:
    plan = world.plan({**PAYROLL, "members": ["vm1-east", "vm3-east", "vm1-west"]})
    machines = {HOME: "10.10.0.2", TWIN: "10.10.0.3"}
    for node in ("vapp1-east", "vm3-east"):
        uplink = next(one for one in plan.documents[node]["neighbours"] if one.get("uplink"))
        assert (uplink["address"], uplink["machines"], "mac" in uplink) == ("10.10.0.1", machines, False)
    assert [plan.documents[edge]["inside"] for edge in (HOME, TWIN)] == [["10.10.0.2"], ["10.10.0.3"]]


@pytest.mark.parametrize(
    ("said", "macs"),
    [
        ({HOME: "02:00:00:00:00:01", TWIN: "02:00:00:00:00:02"}, ["02:00:00:00:00:01", "02:00:00:00:00:02"]),
        ({HOME: {"10.10.0.2": "02:00:00:00:00:01"}, TWIN: "02:00:00:00:00:02"}, "both"),
        ({HOME: "02:00:00:00:00:01"}, None),
        ({HOME: [], TWIN: "02:00:00:00:00:02"}, []),
    ],
)
def test_the_gateway_address_is_bound_to_both_machines_or_to_none(said: dict[str, Any], macs: Any) -> None:
    world = World(changed(with_pair(lab(2)), {edge: {"vcc_mac": mac} for edge, mac in said.items()}))
    uplink = world.plan(PAYROLL).documents["vapp1-east"]["neighbours"][0]
    assert uplink.get("mac") == (["02:00:00:00:00:01", "02:00:00:00:00:02"] if macs == "both" else macs)


def test_both_addresses_of_a_dual_stack_pair_are_told(world: World) -> None:
    pair = world.plan(PAYROLL).documents[TWIN]["pair"]
    assert (pair["gateway"], pair["own"]) == (["10.10.0.1", "fd10:10::1"], ["10.10.0.3", "fd10:10::3"])
    assert (pair["site"], pair["lane"], pair["twin"], pair["vrrp"]["priority"]) == (HOME, 1, HOME, 149)


def test_the_virtual_router_is_one_of_the_site_or_the_one_that_is_said() -> None:
    usual = World(with_pair(lab(2))).plan(PAYROLL)
    number = usual.documents[HOME]["pair"]["vrrp"]["id"]
    assert 1 <= number <= 255 and usual.documents[TWIN]["pair"]["vrrp"]["id"] == number
    said = {edge: {"vcc_vrrp_id": 7} for edge in (HOME, TWIN)}
    assert World(changed(with_pair(lab(2)), said)).plan(PAYROLL).documents[TWIN]["pair"]["vrrp"]["id"] == 7


def test_between_two_pairs_every_edge_has_a_tunnel_to_every_other() -> None:
    plan = World(with_pair(with_pair(lab(2)), "west")).plan(PAYROLL)
    assert sorted(plan.vpns[0]["tunnels"]) == sorted(
        f"{east}--{west}" for east in (HOME, TWIN) for west in ("edge-west", "edge-west-2")
    )
    for edge in (HOME, TWIN):
        assert [one.get("lane", 0) for one in plan.documents[edge]["tunnels"]] == [0, 1]


def test_a_hub_with_two_edges_is_no_single_point_of_failure() -> None:
    star = {**PAYROLL, "members": ["vm1-east", "vm1-west", "vm1-south"], "topology": {"kind": "star", "hub": "east"}}
    assert "single_points_of_failure" not in World(with_pair(lab(3))).plan(star).vpns[0]
    assert World(lab(3)).plan(star).vpns[0]["single_points_of_failure"] == [HOME]


# Names


@pytest.mark.parametrize("name", ["east", HOME, TWIN])
def test_a_site_is_named_by_its_own_name_or_by_either_edge(name: str) -> None:
    hosts = changed(with_pair(lab(2)), {"vm1-east": {"vcc_edge": name}})
    intent = {
        **PAYROLL,
        "topology": {"kind": "star", "hub": name},
        "destinations": {"servers": [{"name": "dns", "behind": name, "address": "10.10.0.53"}]},
    }
    plan = World(hosts).plan(intent)
    assert plan.vpns[0]["members"][0]["site"] == HOME
    assert plan.vpns[0]["topology"] == f"star around {HOME}"
    assert plan.vpns[0]["destinations"]["servers"][0]["behind"] == HOME
    assert entry(plan, TWIN, "payroll")["servers"] == entry(plan, HOME, "payroll")["servers"]


def test_a_name_that_is_a_site_here_and_a_cloud_there_is_refused(world: World) -> None:
    world.hosts = changed(world.hosts, {edge: {"vcc_site": "west"} for edge in (HOME, TWIN)})
    found = world.refused({**PAYROLL, "topology": {"kind": "star", "hub": "west"}})
    assert len(found) == 1 and "west is the site of edge-east (vcc_site), and another cloud, too" in found[0]
    world.plan({**PAYROLL, "topology": {"kind": "star", "hub": "edge-west"}})


def test_the_name_of_a_site_is_nothing_to_hosts_of_another_organization(world: World) -> None:
    others = lab(2, org="umbrella", tag="u")
    world.hosts = {**changed(others, {"vm3u-east": None, "east": others["vm3u-east"]}), **world.hosts}
    for name in ("edgeu-east", "edgeu-west"):
        address = world.hosts[name]["vars"]["vcc_public_address"][0]
        world.hosts = changed(world.hosts, {name: {"vcc_public_address": address.replace("203.0.113", "198.51.100")}})
    plan = world.plan(PAYROLL, {**PAYROLL, "members": ["east", "vm1u-west"]})
    assert {len(vpn["tunnels"]) for vpn in plan.vpns} == {1, 2}


def test_both_edges_of_a_pair_are_one_hub(world: World) -> None:
    found = world.refused({**PAYROLL, "topology": {"kind": "star", "hubs": [HOME, TWIN]}})
    assert found == [f"vcc_vpns[0].topology.hubs[1]: {TWIN} is the site of {HOME}: {HOME} is named twice"]


# Coming and going


def test_an_edge_becomes_a_pair_and_is_alone_again_without_renumbering() -> None:
    alone = changed(lab(2), {"edge-west": {"vcc_site": "west"}})  # one edge of a site is none of a pair
    world = World(alone)
    before = world.plan(PAYROLL)
    leased = world.leases()
    world.hosts = with_pair(alone)
    paired = world.plan(PAYROLL)
    assert addresses(paired, "payroll") == addresses(before, "payroll")
    assert leased.items() <= world.leases().items()
    own = {f"vpn/payroll/site/{HOME}/edge/{edge}" for edge in (HOME, TWIN)}
    assert world.leases().keys() - leased.keys() == own
    for edge, peer in ((HOME, "edge-west"), ("edge-west", HOME)):  # charon leaves up what is the same
        assert tunnel(paired, edge, peer)["links"][0] == tunnel(before, edge, peer)["links"][0]
    again = world.plan(PAYROLL)
    assert not again.changed and not again.diff

    world.hosts = alone
    after = world.plan(PAYROLL)
    assert {node: body for node, body in bodies(after).items() if node != TWIN} == bodies(before)
    assert after.unsettled and not after.documents[TWIN]["vpns"]
    assert world.settle({*after.documents} - {"edge-west"}) == (True, [])
    assert own <= world.leases().keys()  # edge-west may still greet them
    assert world.settle(after.documents) == (True, [])
    assert world.leases() == leased
    last = world.plan(PAYROLL)
    assert bodies(last) == bodies(before) and not last.diff and not last.unsettled


@pytest.mark.parametrize("later", [{"vcc_own_org_address": ["10.10.0.2", "fd10:10::2"]}, {"vcc_vrrp_id": 7}])
def test_an_edge_is_prepared_for_its_twin_before_there_is_one(later: dict[str, Any]) -> None:
    alone = changed(lab(2), {HOME: {"vcc_site": "east", **later}})
    world = World(alone)
    before = world.plan(PAYROLL)
    again = world.plan(PAYROLL)
    assert not again.changed and not again.diff
    world.hosts = changed(with_pair(alone), {edge: later for edge in (HOME, TWIN) if "vcc_vrrp_id" in later})
    assert addresses(world.plan(PAYROLL), "payroll") == addresses(before, "payroll")


def test_what_changes_of_a_pair_is_said(world: World) -> None:
    world.plan(PAYROLL)
    world.hosts = changed(world.hosts, {edge: {"vcc_vrrp_id": 7} for edge in (HOME, TWIN)})
    assert world.plan(PAYROLL).diff == [f"~ {HOME}: pair", f"~ {TWIN}: pair"]


@pytest.mark.parametrize("missing", [HOME, TWIN])
def test_an_inventory_that_lacks_one_edge_of_a_pair_changes_nothing(world: World, missing: str) -> None:
    before = world.plan(PAYROLL)
    world.hosts = {name: facts for name, facts in world.hosts.items() if name != missing}
    after = world.plan(PAYROLL)
    assert bodies(after) == bodies(before) and not after.changed


def test_a_machine_that_takes_the_place_of_an_edge_of_a_pair_is_the_other_edge(world: World) -> None:
    before = world.plan(PAYROLL)
    hosts = {**world.hosts}
    hosts["edge-east-3"] = hosts.pop(TWIN)
    world.hosts = hosts
    after = world.plan(PAYROLL)
    assert after.documents["edge-east-3"]["pair"]["twin"] == HOME
    assert not after.documents[TWIN]["vpns"]
    assert addresses(after, "payroll") == addresses(before, "payroll")
    assert not world.plan(PAYROLL).changed  # the ledger still knows the machine that went
    world.settle({*after.documents} - {TWIN}, gone=[TWIN])
    assert f"vpn/payroll/site/{HOME}/edge/{TWIN}" not in world.leases()
    again = world.plan(PAYROLL)
    assert not again.changed and not again.unsettled


def test_the_edge_with_the_leases_stays_the_sites_name_whatever_the_other_is_called() -> None:
    world = World()
    before = world.plan(PAYROLL)
    hosts = with_pair(lab(2))
    hosts["a-edge"] = hosts.pop(TWIN)
    world.hosts = hosts
    paired = world.plan(PAYROLL)
    assert paired.documents["a-edge"]["pair"]["site"] == HOME
    assert addresses(paired, "payroll") == addresses(before, "payroll")
    assert World(hosts).plan(PAYROLL).documents["a-edge"]["pair"]["site"] == "a-edge"


def test_an_edge_of_a_pair_has_another_name(world: World) -> None:
    before = world.plan(PAYROLL)
    leased = world.leases()
    hosts = {**world.hosts}
    hosts["second"] = hosts.pop(TWIN)
    hosts["first"] = hosts.pop(HOME)
    world.hosts = changed(hosts, {"first": {"vcc_formerly": HOME}, "second": {"vcc_formerly": TWIN}})
    after = world.plan(PAYROLL)
    assert addresses(after, "payroll") == addresses(before, "payroll")
    renamed = {key.replace(TWIN, "second").replace(HOME, "first"): prefix for key, prefix in leased.items()}
    assert world.leases() == renamed
    assert after.documents["second"]["pair"]["site"] == "first"


def test_the_home_edge_goes_and_the_other_one_has_its_place(world: World) -> None:
    before = world.plan(PAYROLL)
    hosts = {name: facts for name, facts in world.hosts.items() if name != HOME}
    world.hosts = changed(hosts, {TWIN: {"vcc_site": None, "vcc_own_org_address": None}})
    assert any("would renumber vm1-east" in error and "vcc_formerly" in error for error in world.refused(PAYROLL))
    world.hosts = changed(world.hosts, {TWIN: {"vcc_formerly": HOME}})
    after = world.plan(PAYROLL)
    assert addresses(after, "payroll") == addresses(before, "payroll")
    alone = tunnel(after, TWIN, "edge-west")
    was = tunnel(before, TWIN, "edge-west")
    assert alone["links"] == was["links"][:1]
    world.settle(after.documents)
    assert not any("/edge/" in key for key in world.leases())
    again = world.plan(PAYROLL)
    assert not again.changed and not again.unsettled


def test_a_vpn_comes_up_with_edges_of_two_sites_not_with_both_of_one(world: World) -> None:
    world.plan(PAYROLL, comes_up=False)
    assert world.confirm([HOME, TWIN]) == []
    assert world.confirm(["edge-west"]) == ["payroll"]


def test_members_wait_for_both_edges_of_their_site(world: World) -> None:
    plan = world.plan(PAYROLL)
    assert plan.awaiting[TWIN] == plan.awaiting[HOME] == ["vapp1-east", "vm1-east"]


def test_a_deleted_vpn_leaves_nothing_of_a_pair(world: World) -> None:
    world.plan(PAYROLL)
    plan = world.plan(absent=["payroll"])
    assert {HOME, TWIN} <= {*plan.leaving}
    world.settle({*plan.documents} - {TWIN})
    assert world.leases()
    world.settle(plan.documents)
    assert not world.leases()


# What is refused


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({TWIN: {"vcc_own_org_address": None}}, OWN.format(TWIN), "is missing for IPv4"),
        ({TWIN: {"vcc_own_org_address": "10.10.0.3"}}, OWN.format(TWIN), "is missing for IPv6"),
        ({HOME: {"vcc_own_org_address": ["10.10.0.1", "fd10:10::2"]}}, OWN.format(HOME), "is the gateway address"),
        ({HOME: {"vcc_own_org_address": ["10.10.0.3", "fd10:10::2"]}}, OWN.format(TWIN), "is the address of edge-east"),
        ({HOME: {"vcc_own_org_address": ["10.11.0.2", "fd10:10::2"]}}, OWN.format(HOME), "is not in 10.10.0.0/24"),
        ({HOME: {"vcc_own_org_address": ["10.10.0.11", "fd10:10::2"]}}, "hosts.vapp1-east", "is the address of"),
        ({TWIN: {"vcc_org_address": ["10.10.0.9", "fd10:10::1"]}}, f"hosts.{TWIN}.vcc_org_address", "is another than"),
        ({TWIN: {"vcc_org_network": ["10.10.0.0/23", "fd10:10::/64"]}}, f"hosts.{TWIN}.vcc_org_network", "is another"),
        ({TWIN: {"vcc_vrrp_id": 9}}, f"hosts.{TWIN}.vcc_vrrp_id", "is another"),
        ({TWIN: {"vcc_vrrp_id": 256}}, f"hosts.{TWIN}.vcc_vrrp_id", "from 1 to 255"),
        ({TWIN: {"vcc_site": "a b"}}, f"hosts.{TWIN}.vcc_site", "must be a name"),
        ({TWIN: {"clouds": ["west"]}}, f"hosts.{TWIN}.vcc_site", "must be in one cloud"),
        ({TWIN: {"vcc_public_address": "203.0.113.2"}}, f"hosts.{TWIN}.vcc_public_address", "is the address of"),
        ({"edge-west": {"vcc_site": "east"}}, "hosts.edge-east.vcc_site", "a site has one org edge or two"),
        ({"edge-west": {"vcc_own_org_address": "10.10.0.7"}}, "hosts.edge-west.vcc_own_org_address", "name the site"),
        ({"vapp1-east": {"vcc_site": "v"}}, "hosts.vapp1-east.vcc_site", "pairs of vApp edges are not there yet"),
        ({"vm1-east": {"vcc_site": "v"}}, "hosts.vm1-east.vcc_site", "belongs to an org edge"),
        ({HOME: {"vcc_dhcp": True}}, f"hosts.{HOME}.vcc_dhcp", "not yet for edges of a pair"),
        ({HOME: {"vcc_site": "edge-west"}, TWIN: {"vcc_site": "edge-west"}}, "hosts.edge-east.vcc_site", "of a host"),
        (
            {TWIN: {"vcc_external": True, "vcc_psk": "x" * 40, "vcc_own_org_address": None}},
            "hosts.edge-east.vcc_site",
            "edge-east-2 is external",
        ),
        ({HOME: {"vcc_behind_nat": True}, "edge-west": {"vcc_behind_nat": True}}, "vcc_vpns[0]", "both behind a NAT"),
    ],
)
def test_what_edges_of_a_pair_lack_or_do_not_agree_on_is_refused(
    changes: dict[str, Any], path: str, message: str
) -> None:
    found = World(changed(with_pair(lab(2)), changes)).refused(PAYROLL)
    assert [error for error in found if error.startswith(path) and message in error], found


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"tunnel": "ssl"}, "vcc_vpns[0].tunnel"),
        ({"outside": {"members": ["vm1-east"], "source": "masquerade"}}, "vcc_vpns[0].outside"),
        ({"policy": {"rate": {"vpn": {"out": "10mbit"}}}}, "vcc_vpns[0].policy"),
        ({"policy": {"quota": {"vpn": "10GB/day"}}}, "vcc_vpns[0].policy"),
    ],
)
def test_what_pairs_do_not_do_yet_is_refused(world: World, asked: dict[str, Any], path: str) -> None:
    found = world.refused({**PAYROLL, **asked})
    assert [error for error in found if error.startswith(path)], found
    assert any("not yet for a site with two org edges (edge-east/edge-east-2)" in error for error in found), found


def test_a_pair_has_no_tunnel_to_an_external_edge(world: World) -> None:
    partner = {
        "edge-partner": {
            "kinds": ["org_edges"],
            "clouds": ["partner"],
            "vcc_org": "acme",
            "vcc_external": True,
            "vcc_public_address": "198.51.100.50",
            "vcc_identity": "gw.partner.example",
        },
        "erp": {"kinds": ["members"], "clouds": ["partner"], "vcc_org": "acme"},
    }
    world.hosts = changed(world.hosts, partner)
    vpn = {**PAYROLL, "members": [*PAYROLL["members"], "erp"]}
    found = world.refused(vpn)
    assert any("between edge-partner, which is external, and edge-east/edge-east-2" in error for error in found), found
    links = [["edge-east", "edge-west"], ["edge-west", "edge-partner"]]
    plan = world.plan({**vpn, "topology": {"kind": "graph", "links": links}})
    assert [one["peer"] for one in plan.documents[TWIN]["tunnels"]] == ["edge-west"]


def test_a_stretched_network_ends_at_no_pair(world: World) -> None:
    network = {"name": "lan", "stretch": ["edge-east", "edge-west"], "members": ["vm3-east", "vm3-west"]}
    hosts = changed(world.hosts, {"vm3-west": {"vcc_address": ["10.10.0.23", "fd10:10::23"]}})
    found = World(hosts).refused(networks=[network])
    assert any("not yet for a site with two org edges" in error for error in found), found


def test_two_edges_that_both_have_leases_do_not_become_one_site() -> None:
    hosts = with_pair(lab(2))
    apart: Hosts = changed(
        hosts,
        {
            TWIN: {"vcc_site": None, "vcc_own_org_address": None, "vcc_org_address": ["10.10.0.3", "fd10:10::3"]},
            HOME: {"vcc_site": None, "vcc_own_org_address": None},
            **{vm: {"vcc_edge": HOME} for vm in ("vm1-east", "vm2-east")},
            "vm3-east": {"vcc_edge": TWIN},
        },
    )
    world = World(apart)
    world.plan({**PAYROLL, "members": ["vm1-east", "vm3-east", "vm1-west"]})
    world.hosts = hosts
    found = world.refused({**PAYROLL, "members": ["vm1-east", "vm1-west"]})
    assert any("both have addresses leased" in error for error in found), found


def test_a_member_that_moved_cannot_be_in_a_vpn_with_a_pair() -> None:
    world = World(lab(2))
    world.plan(PAYROLL)
    moved = changed(lab(2), {"vm3-west": {"clouds": ["east"], "vcc_address": ["10.10.0.23", "fd10:10::23"]}})
    world.hosts = moved
    vpn = {**PAYROLL, "members": ["vm1-east", "vm1-west", "vm3-west"]}
    world.plan(vpn)
    world.hosts = with_pair(moved)
    found = world.refused(vpn)
    assert any("vm3-west moved here from another site" in error for error in found), found


@pytest.mark.parametrize("cloud", ["east", "west"])
def test_a_member_may_move_to_a_vapp_of_its_own_site(world: World, cloud: str) -> None:
    vpn = {**PAYROLL, "members": ["vm1-east", "vm3-east", "vm1-west", "vm3-west"]}
    before = world.plan(vpn)
    behind = {"vcc_vapp": f"vapp1-{cloud}", "vcc_address": ["192.168.1.33", "fd10:1::33"]}
    world.hosts = changed(world.hosts, {f"vm3-{cloud}": behind})
    after = world.plan(vpn)
    assert addresses(after, "payroll") == addresses(before, "payroll")
    for edge in (HOME, TWIN) if cloud == "east" else ("edge-west",):
        route = {"prefix": f"{addresses(after, 'payroll')[f'vm3-{cloud}']}/32", "via": "10.10.0.11"}
        assert route in after.documents[edge]["routes"]


def test_an_edge_may_say_all_of_a_pair_before_there_is_another_one() -> None:
    """And go on saying it when it is alone again."""
    hosts = changed(with_pair(lab(2)), {HOME: {"vcc_mac": {"10.10.0.2": "02:00:00:00:00:01"}, "vcc_vrrp_id": 7}})
    hosts = changed(hosts, {TWIN: {"vcc_vrrp_id": 7}})
    world = World({name: facts for name, facts in hosts.items() if name != TWIN})
    before = world.plan(PAYROLL)
    assert "pair" not in before.documents[HOME]
    assert not world.plan(PAYROLL).changed
    world.hosts = hosts
    assert world.plan(PAYROLL).documents[HOME]["pair"]
    world.hosts = changed(
        hosts,
        {
            TWIN: {
                **dict.fromkeys(("vcc_site", "vcc_own_org_address", "vcc_vrrp_id")),
                "vcc_org_address": ["10.10.0.3", "fd10:10::3"],
            },
            **{f"vm{number}-east": {"vcc_edge": HOME} for number in (1, 2, 3)},
        },
    )
    after = world.plan(PAYROLL)
    assert {node: body for node, body in bodies(after).items() if node != TWIN} == bodies(before)
    world.settle(after.documents)
    again = world.plan(PAYROLL)
    assert not again.changed and not again.unsettled and bodies(again) == bodies(before)
