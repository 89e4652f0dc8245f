# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM that moves keeps its address in every VPN, and everybody finds it where it is."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.ways import Ways
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.test_properties import Network, covers
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    Hosts,
    World,
    addresses,
    bodies,
    changed,
    lab,
    with_second_edge,
)

AUDIT = {"name": "audit", "pool": "internal", "members": ["vm1-east", "vm2-east", "vm2-west", "vm2-south"]}
TO_WEST = "vm1-east: {clouds: [west], vcc_vapp: null, vcc_address: [10.10.0.44]}"
TO_WESTS_VAPP = "vm1-east: {clouds: [west], vcc_vapp: vapp1-west, vcc_address: [192.168.1.44]}"
TO_SOUTH = "vm1-east: {clouds: [south], vcc_vapp: null, vcc_address: [10.10.0.44]}"
TO_THE_ORG_NETWORK = "vm1-east: {vcc_vapp: null, vcc_address: [10.10.0.44]}"
few = settings(max_examples=settings.default.max_examples // 4)


class Moved(Network):
    """A network in which the most specific selectors win, as charon's policies do."""

    def tunnels_to(self, node: str, source: str, address: str) -> list[str]:
        """The peers that a packet may go to: those whose link names both of its ends most exactly."""
        fitting = [
            (exactly(link["local_ts"], source) + exactly(link["remote_ts"], address), tunnel["peer"])
            for tunnel in self.plan.documents[node]["tunnels"]
            for link in tunnel["links"]
            if covers(link["local_ts"], source) and covers(link["remote_ts"], address)
        ]
        most = max((length for length, _peer in fitting), default=0)
        return [peer for length, peer in fitting if length == most]

    def deliver_from(self, site: str, source: str, address: str) -> str:
        """Where a packet ends that a site's edge has: a member's name, or what became of it."""
        for _hop in range(8):
            document = self.plan.documents[site]
            if any(item["outside"] == address for entry in document["vpns"] for item in entry["nat"]):
                return self.deliver(site, address)
            route = self.route(document, address)
            if route is None or "type" in route:
                return f"{route} at {site}"
            if "tunnel" not in route:
                return self.deliver(site, address)
            peers = self.tunnels_to(site, source, address)
            if len(peers) != 1:
                return f"{peers} at {site}"
            (site,) = peers
        return "a loop"


def exactly(selectors: list[str], address: str) -> int:
    return max(int(text.partition("/")[2]) for text in selectors if covers([text], address))


def strays(plan: Plan, hosts: Hosts) -> list[str]:
    """Every packet from a member to another one that does not arrive, in every VPN."""
    network, wrong = Moved(plan, hosts), []
    for vpn in plan.vpns:
        for one, other in permutations(vpn["members"], 2):
            end = network.deliver_from(one["site"], one["address"], other["address"])
            wrong += [] if end == other["name"] else [f"{vpn['name']}: {one['name']} to {other['name']}: {end}"]
    return wrong


@pytest.fixture
def world() -> World:
    world = World(lab(3))
    world.plan({**PAYROLL, "members": [*PAYROLL["members"], "vm2-east", "vm3-south"]}, AUDIT)
    return world


def links(plan: Plan, edge: str) -> dict[tuple[str, str], tuple[list[str], list[str]]]:
    return {
        (tunnel["peer"], link.get("name", link["vpn"])): (link["local_ts"], link["remote_ts"])
        for tunnel in plan.documents[edge]["tunnels"]
        for link in tunnel["links"]
    }


@pytest.mark.parametrize("move", [TO_WEST, TO_WESTS_VAPP, TO_SOUTH, TO_THE_ORG_NETWORK])
def test_it_keeps_its_addresses_and_is_found(world: World, move: str) -> None:
    before = world.plan()
    world.hosts = changed(world.hosts, move)
    predicted = world.plan(dry_run=True)
    plan = world.plan()
    assert (plan.notes, bodies(plan)) == (predicted.notes, bodies(predicted))
    for name in ("payroll", "audit"):
        assert addresses(plan, name) == addresses(before, name)
    assert strays(plan, world.hosts) == []
    told = f"payroll: vm1-east keeps {addresses(plan, 'payroll')['vm1-east']} (moved from "
    assert any(note.startswith(told) for note in plan.notes), plan.notes
    again = world.plan()
    assert (again.changed, again.notes, bodies(again)) == (False, [], bodies(plan))


def test_links_that_are_there_stay_as_they_are(world: World) -> None:
    before = {edge: links(world.plan(), edge) for edge in ("edge-east", "edge-west", "edge-south")}
    world.hosts = changed(world.hosts, TO_WEST)
    plan = world.plan()
    own, other = [f"{addresses(plan, 'payroll')['vm1-east']}/32"], before["edge-west"][("edge-east", "payroll")]
    for edge, known in before.items():
        assert known.items() <= links(plan, edge).items()
    assert links(plan, "edge-west")[("edge-east", "payroll+edge-west")] == (own, other[1])
    assert links(plan, "edge-east")[("edge-west", "payroll+edge-west")] == (other[1], own)
    assert ("edge-south", "payroll+edge-west") in links(plan, "edge-west")
    reqids = [link["reqid"] for tunnel in plan.documents["edge-west"]["tunnels"] for link in tunnel["links"]]
    assert len(reqids) == len({*reqids})


def test_nobody_sends_with_its_address_where_it_was(world: World) -> None:
    """What has it comes out of the tunnel now; the vApp edge there has its block, but not that address."""
    own = addresses(world.plan(), "payroll")["vm1-east"]
    assert covers(sends(world.plan(), "edge-east", "10.10.0.11"), own)
    world.hosts = changed(world.hosts, TO_WESTS_VAPP)
    plan = world.plan()
    assert not covers(sends(plan, "edge-east", "10.10.0.11"), own)
    assert covers(sends(plan, "edge-east", "10.10.0.11"), addresses(plan, "payroll")["vm2-east"])
    assert covers(sends(plan, "edge-west", "10.10.0.11"), own)


def sends(plan: Plan, node: str, beside: str) -> list[str]:
    neighbours = plan.documents[node]["neighbours"]
    return next(entry["sends"] for entry in neighbours if entry["address"] == beside)


def test_back_again_everything_is_as_before(world: World) -> None:
    before, hosts = world.plan(), world.hosts
    for move in (TO_WEST, TO_SOUTH, TO_THE_ORG_NETWORK):
        world.hosts = changed(hosts, move)
        assert strays(world.plan(), world.hosts) == []
    world.hosts = hosts
    assert bodies(world.plan()) == bodies(before)


def test_nobody_gets_its_address_where_it_was(world: World) -> None:
    world.hosts = changed(world.hosts, TO_WEST)
    was = addresses(world.plan(), "payroll")
    more = [f"vm{number}-east" for number in range(4, 24)]
    for number, name in enumerate(more):
        vm = {"kinds": ["members"], "clouds": ["east"], "vcc_vapp": "vapp1-east"}
        world.hosts = changed(world.hosts, {name: {**vm, "vcc_address": [f"192.168.1.{30 + number}"]}})
    found = addresses(world.plan({**PAYROLL, "members": [*was, *more]}), "payroll")
    assert {name: found[name] for name in was} == was
    assert len({*found.values()}) == len(found)


def test_not_even_when_it_was_the_last_one_there() -> None:
    world = World(lab(3))
    members = ["vm1-east", "vm1-west", "vm3-south"]
    was = addresses(world.plan({**PAYROLL, "members": members}), "payroll")
    world.hosts = changed(world.hosts, TO_WEST)
    plan = world.plan()
    assert addresses(plan, "payroll") == was and strays(plan, world.hosts) == []
    assert "edge-east" not in plan.vpns[0]["sites"]
    assert plan.notes[1].startswith("payroll: vm1-east was the last member at edge-east. After this run, ")
    plan = world.plan({**PAYROLL, "members": [*members, "vm2-east"]})
    assert {**addresses(plan, "payroll"), **was} == addresses(plan, "payroll")
    assert strays(plan, world.hosts) == []
    assert len({*addresses(plan, "payroll").values()}) == 4


def test_with_vcc_allow_renumber_it_gets_an_address_of_the_new_place(world: World) -> None:
    world.hosts = changed(world.hosts, TO_WEST)
    plan = world.plan(allow_renumber=True)
    assert addresses(plan, "payroll")["vm1-east"] != "100.64.0.17"
    assert not any("+" in name for _peer, name in links(plan, "edge-west"))


def test_where_a_partner_would_have_to_be_told_it_is_refused() -> None:
    partner = """
    edge-p: {kinds: [org_edges], clouds: [partner], vcc_external: true, vcc_public_address: [203.0.113.99]}
    orders: {kinds: [members], clouds: [partner], vcc_edge: edge-p}
    """
    world = World(changed(lab(), partner))
    world.plan({**PAYROLL, "members": [*PAYROLL["members"], "orders"]})
    world.hosts = changed(world.hosts, TO_WEST)
    with pytest.raises(IntentErrors, match=r"would renumber vm1-east: .* \(moved from cloud east to cloud west"):
        world.plan()


def says(version: str) -> dict[str, Any]:
    """What an edge says whose ESP is in user space."""
    return {"node": "edge-west", "organization": "acme", "generation": 1, "python": "3.11.2", "userspace": version}


def test_an_edge_that_takes_no_selector_without_an_address_of_its_own_is_refused(world: World) -> None:
    world.hosts = changed(world.hosts, TO_WEST)
    before = world.dump()
    with pytest.raises(IntentErrors, match=r"hosts.edge-west: strongSwan 5.9.8 with ESP in user space cannot serve"):
        world.plan(observed={"edge-west": says("5.9.8")})
    assert world.dump() == before
    world.plan(observed={"edge-west": says("5.9.12")}, dry_run=True)
    world.plan(observed={"edge-west": says("")}, dry_run=True)
    world.plan(observed={"edge-west": says("5.9.8")}, allow_renumber=True)


def test_verify_follows_the_more_specific_selector(world: World) -> None:
    world.hosts = changed(world.hosts, TO_SOUTH)
    plan = world.plan()
    payroll = next(vpn for vpn in plan.vpns if vpn["name"] == "payroll")
    members = {member["name"]: member for member in payroll["members"]}
    found = Ways(plan.documents).between("payroll", members["vm1-west"], members["vm1-east"])
    assert found.tunnels == ("edge-south--edge-west",)
    back = Ways(plan.documents).between("payroll", members["vm1-east"], members["vm2-east"])
    assert back.nodes == ("edge-south", "edge-east", "vapp1-east")


@st.composite
def stories(draw: st.DrawFn) -> tuple[dict[str, Any], list[tuple[str, str, bool]]]:
    """A VPN of three clouds, and who moves where, one after the other; each to a vApp or to the org network."""
    vms = [f"vm{number}-{cloud}" for cloud in ("east", "west", "south") for number in (1, 3)]
    topology = draw(st.sampled_from(["mesh", "star", "chain"]))
    moves = st.tuples(st.sampled_from(vms), st.sampled_from(["east", "west", "south"]), st.booleans())
    vpn = {"name": "payroll", "pool": draw(st.sampled_from(["internal", "internal6"])), "topology": topology}
    mode = st.sampled_from(["address", "nat"])
    return {**vpn, "members": [{"name": vm, "mode": draw(mode)} for vm in vms]}, draw(
        st.lists(moves, min_size=1, max_size=5)
    )


@few
@given(story=stories())
def test_whoever_moves_wherever_all_reach_each_other(
    story: tuple[dict[str, Any], list[tuple[str, str, bool]]],
) -> None:
    vpn, moves = story
    world, pools = World(lab(3)), {"internal": "100.64.0.0/10", "internal6": "fd64::/48"}
    first, hosts = world.plan(vpn, pools=pools), world.hosts
    was = addresses(first, "payroll")
    for number, (vm, cloud, behind) in enumerate(moves):
        others = {one["site"] for one in world.plan(pools=pools).vpns[0]["members"] if one["name"] != vm}
        if others == {f"edge-{cloud}"}:  # a VPN has two sites at least
            continue
        vapp = f"vapp1-{cloud}" if behind else None
        here = {"vcc_vapp": vapp} if vapp or "vcc_vapp" in world.hosts[vm]["vars"] else {}
        inside = [f"192.168.1.{50 + number}", f"fd10:1::{50 + number}"]
        outside = [f"10.10.0.{50 + number}", f"fd10:10::{50 + number}"]
        world.hosts = changed(
            world.hosts, {vm: {"clouds": [cloud], **here, "vcc_address": inside if behind else outside}}
        )
        plan = world.plan(pools=pools)
        assert addresses(plan, "payroll") == was
        assert strays(plan, world.hosts) == []
        mirror = {(node, peer, name): ts for node in plan.documents for (peer, name), ts in links(plan, node).items()}
        for (node, peer, name), (local, remote) in mirror.items():
            assert mirror[peer, node, name] == (remote, local)
    world.hosts = hosts
    assert bodies(world.plan(pools=pools)) == bodies(first)


def test_a_run_about_a_vm_concerns_its_vpns_only(world: World) -> None:
    world.plan({"name": "others", "pool": "internal", "members": ["vm3-east", "vm3-west"]})
    world.run_all()
    world.hosts = changed(world.hosts, TO_WEST)
    plan = world.plan(move=["vm1-east"], to="west")
    assert plan.named == ["acme/audit", "acme/payroll"]
    assert "vm3-west" in plan.concerned and "vm3-east" not in plan.concerned
    assert strays(plan, world.hosts) == []


@pytest.mark.parametrize(
    ("move", "to", "error"),
    [
        ([], None, "vcc_move: must name the VMs that moved, for example -e vcc_move=vm1-east"),
        (["vm1-eats"], None, "vcc_move: no VPN of the ledger has the member vm1-eats; did you mean vm1-east?"),
        (["vm1-east"], "west", "vcc_to: the inventory has vm1-east in the cloud east, not in west: change its place"),
    ],
)
def test_a_run_about_a_vm_that_cannot_be(world: World, move: list[str], to: str | None, error: str) -> None:
    with pytest.raises(IntentErrors) as caught:
        world.plan(move=move, to=to)
    (found,) = map(str, caught.value.errors)
    assert found.startswith(error)


def settled(world: World, *members: str) -> World:
    world.plan({**PAYROLL, "members": list(members)})
    world.run_all()
    return world


def test_an_edge_guards_until_whoever_moved_sends_elsewhere() -> None:
    """The last member of a site goes to another edge of the same cloud: it is told first that it sends nothing."""
    world = settled(World(with_second_edge(lab(3))), "vm3-east", "vm1-west", "vm3-west")
    world.hosts = changed(world.hosts, "vm3-east: {vcc_edge: edge-east}")
    plan = world.plan()
    assert (plan.losing, plan.gaining) == (["vm3-east"], ["vm3-east"])
    assert plan.releasing == {"edge2-east": ["vm3-east"]}
    assert plan.losing_documents["vm3-east"]["addresses"] == plan.losing_documents["vm3-east"]["routes"] == []
    assert plan.awaiting == {"edge-east": ["vm3-east"]}


def test_so_it_does_while_that_machine_was_not_seen_to_run_its_document() -> None:
    world = settled(World(with_second_edge(lab(3))), "vm3-east", "vm1-west", "vm3-west")
    world.hosts = changed(world.hosts, "vm3-east: {vcc_edge: edge-east}")
    world.plan()
    world.run_all("vm3-east", "edge2-east")
    says = {"node": "vm3-east", "organization": "acme", "generation": 1, "python": "3.11.2"}
    runs = {"runs": {"blocks": ["100.64.0.0/24"], "carries": []}, "own": ["100.64.0.2/32"]}
    assert world.plan(observed={"vm3-east": {**says, **runs}}).releasing == {"edge2-east": ["vm3-east"]}


def test_it_waits_for_the_edge_of_its_new_place() -> None:
    for move in (TO_SOUTH, "vm1-east: {clouds: [south], vcc_vapp: vapp1-south}"):
        world = settled(World(lab(3)), "vm1-east", "vm3-east", "vm1-west", "vm3-west")
        world.hosts = changed(world.hosts, move)
        plan = world.plan()
        assert "vm1-east" in plan.awaiting["edge-south"]


def test_within_a_site_nobody_gets_what_it_took_along(world: World) -> None:
    """Its address is in a block of the vApp that it was behind, and of the site that it is at."""
    world = settled(World(lab(3)), "vm1-east", "vm1-west", "vm3-west")
    world.hosts = changed(world.hosts, TO_THE_ORG_NETWORK)
    was = addresses(world.plan(), "payroll")
    plan = world.plan({**PAYROLL, "members": ["vm1-east", "vm1-west", "vm3-west", "vm2-east"]})
    found = addresses(plan, "payroll")
    assert found.items() > was.items() and len({*found.values()}) == 4
    assert strays(plan, world.hosts) == []


def test_behind_a_vapp_of_two_sites_there_is_one_route_to_it() -> None:
    world = World(with_second_edge(lab(3, vms=3)))
    world.hosts = changed(world.hosts, "vm3-east: {vcc_edge: edge-east}")
    settled(world, "vm1-east", "vm3-east", "vm2-east", "vm1-west")
    world.hosts = changed(world.hosts, "vm3-east: {vcc_edge: edge2-east}")
    plan = world.plan()
    hosts = [route["prefix"] for route in plan.documents["vapp1-east"]["routes"] if route["prefix"].endswith("/32")]
    assert len(hosts) == len({*hosts}) == 3


def test_the_names_of_its_links_fit_swanctl(world: World) -> None:
    hosts = lab(3)
    hosts["edge.west"] = hosts.pop("edge-west")
    world = settled(World(hosts), "vm1-east", "vm3-east", "vm1-west", "vm3-west")
    world.hosts = changed(world.hosts, TO_WEST)
    assert ("edge.west", "payroll+edge_west") in links(world.plan(), "edge-east")


def test_nothing_known_of_it_but_its_lease_it_keeps_that(world: World) -> None:
    """As after recover_ledger: no facts of hosts."""
    was = addresses(world.plan(), "payroll")

    def lose(transaction: Any) -> None:
        for host in transaction.landscape("acme"):
            transaction.drop_landscape("acme", host)

    world.ledger.run(lose, who="test")
    world.hosts = changed(world.hosts, TO_WEST)
    plan = world.plan()
    assert addresses(plan, "payroll") == was and strays(plan, world.hosts) == []
    assert any("payroll: vm1-east keeps" in note for note in plan.notes)


def without(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}


def test_it_is_there_before_its_old_edge_gives_it_away(world: World) -> None:
    """And that edge has the link to the new place first, with nothing else changed."""
    before = world.plan().documents["edge-east"]
    world.run_all()
    world.hosts = changed(world.hosts, TO_WEST)
    plan = world.plan()
    assert "vm1-east" in plan.losing and "vm1-east" not in plan.gaining
    assert plan.losing_documents["vm1-east"] == plan.documents["vm1-east"]
    assert plan.yielding == {"edge-east": ["edge-west", "vm1-east"]}
    first, then = plan.losing_documents["edge-east"], plan.documents["edge-east"]
    came = [link["name"] for tunnel in first["tunnels"] for link in tunnel["links"] if "name" in link]
    assert sorted(came) == ["audit+edge-west", "payroll+edge-west"]
    assert first["tunnels"] == then["tunnels"]
    assert without(first, "tunnels", "generation") == without(before, "tunnels", "generation")
    assert then["vpns"] != first["vpns"]


def test_back_at_home_it_is_reached_there_before_the_other_edge_gives_it_away(world: World) -> None:
    world.hosts, at_home = changed(world.hosts, TO_WEST), world.hosts
    world.plan()
    world.run_all()
    world.hosts = at_home
    plan = world.plan()
    assert plan.yielding == {"edge-west": ["edge-east", "vapp1-east", "vm1-east"]}
    assert "edge-west" not in plan.losing_documents, "there is nothing that it has to have first"


def test_an_edge_that_is_told_more_gets_it_at_once(world: World) -> None:
    """A member of another new site could not be reached else, until the edge has given away who moved."""
    world.hosts = changed(world.hosts, TO_WEST)
    assert world.plan({**PAYROLL, "members": [*PAYROLL["members"], "vm1-south"]}).yielding == {}


def test_neither_does_one_wait_that_was_not_seen_to_run_its_document(world: World) -> None:
    world.run_all("edge-east")
    world.hosts = changed(world.hosts, TO_WEST)
    assert world.plan().yielding == {}


def test_a_vapp_moves_as_a_whole(world: World) -> None:
    """Its edge and all VMs behind it are in another cloud: what they are to each other stays."""
    before, hosts = world.plan(), world.hosts
    world.hosts = changed(
        world.hosts,
        "vapp1-east: {clouds: [west], vcc_org_address: [10.10.0.41]}\n"
        "vm1-east: {clouds: [west]}\nvm2-east: {clouds: [west]}",
    )
    plan = world.plan()
    for name in ("payroll", "audit"):
        assert addresses(plan, name) == addresses(before, name)
    assert strays(plan, world.hosts) == []
    kept = [note for note in plan.notes if "(moved from cloud east to cloud west)" in note]
    assert len(kept) == 4, plan.notes  # two VMs in two VPNs
    assert ("edge-west", "payroll+edge-west") in links(plan, "edge-south")
    again = world.plan()
    assert (again.changed, again.notes, bodies(again)) == (False, [], bodies(plan))
    world.hosts = hosts
    back = bodies(world.plan())  # VCC nodes keep that the vApp has a block at its other place, too
    assert {name: body for name, body in bodies(before).items() if body["role"] != "vcc_node"}.items() <= back.items()


def test_so_it_is_for_the_second_that_moves_there() -> None:
    """They share a link, which is of both then."""
    world = settled(World(lab(3)), "vm1-east", "vm2-east", "vm3-east", "vm1-west", "vm3-south")
    world.hosts = changed(world.hosts, TO_WEST)
    world.plan()
    world.run_all()
    world.hosts = changed(world.hosts, "vm2-east: {clouds: [west], vcc_vapp: null, vcc_address: [10.10.0.45]}")
    plan = world.plan()
    assert plan.yielding == {"edge-east": ["edge-west", "vm2-east"]}
    first, then = plan.losing_documents["edge-east"], plan.documents["edge-east"]
    assert first["tunnels"] == then["tunnels"] and first["vpns"] != then["vpns"]


def test_an_edge_waits_for_those_that_the_new_one_waits_for() -> None:
    """What one gets as it gives another away, it has only then."""
    world = settled(World(lab(3)), "vm1-east", "vm3-east", "vm1-west", "vm2-west", "vm3-south")
    world.hosts = changed(world.hosts, f"{{{TO_WEST}, vm2-west: {{clouds: [south], vcc_vapp: null}}}}")
    world.hosts = changed(world.hosts, "vm2-west: {vcc_address: [10.10.0.45]}")
    assert world.plan().yielding == {
        "edge-east": ["edge-south", "edge-west", "vm1-east", "vm2-west"],
        "edge-west": ["edge-south", "vm2-west"],
    }


def test_the_vapp_edge_of_the_new_place_is_told_first_if_it_had_nobody_there() -> None:
    world = settled(World(lab(3)), "vm1-east", "vm3-east", "vm3-west", "vm3-south")
    world.hosts = changed(world.hosts, TO_WESTS_VAPP)
    plan = world.plan()
    assert {"vapp1-west", "vm1-east"} <= {*plan.losing} and plan.gaining == []
    assert plan.losing_documents["vapp1-west"] == plan.documents["vapp1-west"]
    assert plan.releasing == plan.awaiting == {}


@pytest.mark.parametrize(
    "change",
    [
        {"members": ["vm1-east", "vm3-east", "vm1-west", "vm3-south"]},
        {"allow": [{"from": "vm1-west", "to": "vm3-east", "ports": ["tcp/22"]}]},
    ],
)
def test_who_is_to_have_less_waits_for_no_other_edge(change: dict[str, Any]) -> None:
    """A member that is removed in the same run, for one."""
    members = ["vm1-east", "vm2-east", "vm3-east", "vm1-west", "vm3-south"]
    world = settled(World(lab(3)), *members)
    world.hosts = changed(world.hosts, TO_WEST)
    assert world.plan({**PAYROLL, "members": members, **change}).yielding == {}


@pytest.mark.parametrize("move", [TO_SOUTH, TO_THE_ORG_NETWORK, "vm1-east: {clouds: [south], vcc_vapp: vapp1-south}"])
def test_a_vpn_that_is_being_deleted_is_guarded_where_its_members_were(world: World, move: str) -> None:
    """One of its members could not be told yet, and one that is in another VPN moves meanwhile."""
    world.plan({**PAYROLL, "members": ["vm1-east", "vm1-west", "vm3-west"]})
    world.plan({**AUDIT, "members": ["vm1-east", "vm2-east", "vm2-west", "vm2-south"]})
    world.run_all()
    world.plan(absent=["payroll"])
    world.settle([])
    world.hosts = changed(world.hosts, move)
    for _run in range(3):
        plan = world.plan()
        for node in ("edge-east", "vapp1-east", "edge-west"):
            assert "payroll" in {vpn["name"] for vpn in plan.documents[node]["vpns"]}
    assert not plan.changed


def test_a_vapp_edge_that_it_leaves_lets_the_old_machine_answer_as_long_as_its_org_edge_guards() -> None:
    """Also where it was the last of a VPN there. Where it was the last at the org edge, it is told first."""
    for others, losing in ((["vm3-east"], False), ([], True)):
        world = settled(World(lab(3)), "vm1-east", *others, "vm1-west", "vm3-south")
        world.hosts = changed(world.hosts, TO_WEST)
        plan = world.plan()
        assert plan.documents["vapp1-east"]["vpns"] == []
        assert ("vapp1-east" in plan.losing) is losing
        assert ("edge-east" in plan.yielding) or losing
