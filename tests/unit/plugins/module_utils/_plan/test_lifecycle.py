# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VPN's life in a ledger file: created, repeated, grown, left alone, deleted, settled. Every step is a run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._node.survey import carries
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    addresses,
    as_bytes,
    bodies,
    changed,
    lab,
    with_second_edge,
)

OTHER = {"name": "backup", "pool": "internal", "members": ["vm2-east", "vm2-west"]}
SECOND_EDGE = "{kinds: [org_edges], clouds: [east], vcc_public_address: [203.0.113.9], vcc_org_address: [10.10.0.2], "
SECOND_EDGE += "vcc_org_network: [10.10.0.0/24, 'fd10:10::/64']}"
EVERY_NODE = [
    *("edge-east", "edge-west", "node-east", "node-west", "vapp1-east", "vapp1-west"),
    *("vm1-east", "vm1-west", "vm3-west"),
]


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture(name="world")
def _world(path: Path) -> World:
    return World(ledger=f"sqlite:///{path}")


def is_empty(document: dict[str, Any]) -> bool:
    return not any(document.get(key) for key in ("sysctls", "addresses", "routes", "vpns", "tunnels", "slice"))


def events(world: World) -> list[tuple[str, str]]:
    found = world.ledger.run(lambda transaction: transaction.events("acme", limit=1000), dry_run=True)
    return [(event.what, event.subject) for event in reversed(found)]


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# Create


def test_the_first_plan_tells_every_node_and_nobody_else(world: World) -> None:
    plan = world.plan(PAYROLL)
    assert (plan.changed, plan.unsettled, plan.generations) == (True, False, {"acme": 1})
    assert sorted(plan.documents) == plan.changed_nodes == sorted(EVERY_NODE)
    assert plan.new_tunnels == ["edge-east--edge-west"]
    assert {document["generation"] for document in plan.documents.values()} == {1}


def test_the_same_again_changes_nothing(world: World) -> None:
    first = world.plan(PAYROLL)
    before = world.dump()
    again = world.plan(PAYROLL)
    assert (again.changed, again.diff, again.changed_nodes, again.new_tunnels) == (False, [], [], [])
    assert (again.documents, again.generations, again.vpns) == (first.documents, first.generations, first.vpns)
    assert world.dump() == before


def test_it_is_in_the_ledger_who_did_what(world: World) -> None:
    world.plan(PAYROLL, who="alice")
    logged = world.ledger.run(lambda transaction: transaction.events("acme", limit=1000), dry_run=True)
    assert {event.who for event in logged} == {"alice"}
    assert {event.what for event in logged} == {
        *("lease taken", "vpn created", "tunnel added", "host added", "generation opened", "vpn changed"),
    }


def test_defaults_may_be_said_or_left_out(world: World) -> None:
    world.plan(PAYROLL)
    said = {**PAYROLL, "topology": "mesh", "tunnel": "ipsec", "policy": {"extends": "standard"}, "mode": "address"}
    assert not world.plan(said).changed


@pytest.mark.parametrize("again", ["FD64:0::/48", " fd64::/48", "fd64:0:0::/48"])
def test_a_cidr_may_be_written_otherwise(world: World, again: str) -> None:
    world.plan({**PAYROLL, "pool": "fd64::/48"})
    assert world.leases()["vpn/payroll"] == "fd64::/48"
    assert not world.plan({**PAYROLL, "pool": again}).changed


@pytest.mark.parametrize("own", ["100.64.0.0/24", "100.64.0.0/16"])
def test_a_cidr_of_its_own_in_a_pool_that_others_take_from(world: World, own: str) -> None:
    both = [{**OTHER, "name": "a"}, {**PAYROLL, "name": "b", "pool": own}]
    world.plan(*both)
    assert world.leases()["vpn/b"] == own
    assert not world.plan(*both).changed


# Change


def test_a_member_more_opens_a_generation_for_its_nodes_only(world: World) -> None:
    first = world.plan(PAYROLL)
    second = world.plan({**PAYROLL, "members": [*PAYROLL["members"], "vm2-west"]})
    assert (second.changed, second.generations) == (True, {"acme": 2})
    # Both VCC nodes keep what the ledger holds of their VPNs.
    assert second.changed_nodes == ["edge-west", "node-east", "node-west", "vapp1-west", "vm2-west"]
    assert second.diff == [
        "+ vpn payroll: member vm2-west 100.64.0.82 (address)",
        "~ edge-west: vpns",
        "~ vapp1-west: routes, neighbours, vpns",
    ]
    assert second.new_tunnels == []
    for node, document in second.documents.items():
        assert document["generation"] == (2 if node in second.changed_nodes else 1)
        assert node in second.changed_nodes or document == first.documents[node]
    assert addresses(first, "payroll").items() <= addresses(second, "payroll").items()


def test_a_member_less_empties_its_document_and_keeps_its_address(world: World) -> None:
    before = world.plan(PAYROLL)
    plan = world.plan({**PAYROLL, "members": ["vm1-east", "vm3-west"]})
    assert is_empty(plan.documents["vm1-west"]) and is_empty(plan.documents["vapp1-west"])
    assert plan.unsettled
    assert world.settle(EVERY_NODE) == (True, [])
    after = world.plan()
    assert not after.unsettled and "vm1-west" not in after.documents
    assert addresses(world.plan(PAYROLL), "payroll") == addresses(before, "payroll")


def test_a_translated_member_is_told_nothing(world: World) -> None:
    world.plan(PAYROLL)
    plan = world.plan({**PAYROLL, "mode": "nat"})
    assert [node for node in plan.documents if node.startswith("vm")] == ["vm1-east", "vm1-west", "vm3-west"]
    assert all(is_empty(document) for node, document in plan.documents.items() if node.startswith("vm"))
    assert "- vpn payroll: member vm3-west 100.64.0.66 (address)" in plan.diff
    assert "+ vpn payroll: member vm3-west 100.64.0.66 (nat)" in plan.diff


def test_a_vm_that_moves_into_a_vapp_keeps_its_vpn(world: World) -> None:
    before = world.plan(PAYROLL)
    world.hosts = changed(world.hosts, "vm3-west: {vcc_vapp: vapp1-west, vcc_address: [192.168.1.13]}")
    plan = world.plan(PAYROLL, allow_renumber=True)
    assert {
        name for name in PAYROLL["members"] if addresses(plan, "payroll")[name] != addresses(before, "payroll")[name]
    } == {"vm3-west"}
    assert plan.changed_nodes == ["edge-west", "node-west", "vapp1-west", "vm3-west"]
    assert not world.plan(PAYROLL).changed


def test_an_edge_that_is_replaced_by_one_of_another_name(world: World) -> None:
    world.plan(PAYROLL)
    edge = world.hosts["edge-east"]
    world.hosts = changed(world.hosts, {"edge-east": None})
    world.hosts["edge2-east"] = edge
    plan = world.plan(PAYROLL, allow_renumber=True)
    assert is_empty(plan.documents["edge-east"]) and plan.documents["edge2-east"]["tunnels"]
    assert plan.new_tunnels == ["edge-west--edge2-east"] and plan.unsettled
    assert plan.diff[0].startswith("- tunnel edge-east--edge-west (ipsec): ")
    assert world.settle([]) == (False, [])  # it may be in another inventory, and has yet to let go
    assert world.settle([], gone=["edge-east"]) == (True, [])
    assert not world.plan(PAYROLL).unsettled and "edge-east" not in world.plan(PAYROLL).documents


def test_a_new_public_address_reaches_the_other_end(world: World) -> None:
    world.plan(PAYROLL)
    world.hosts = changed(world.hosts, "edge-east: {vcc_public_address: [203.0.113.3]}")
    plan = world.plan()
    assert plan.changed_nodes == ["edge-east", "edge-west"]
    assert plan.documents["edge-west"]["tunnels"][0]["remote_address"] == "203.0.113.3"


def test_an_edge_that_moves_behind_a_nat_starts_its_tunnels_from_then_on(world: World) -> None:
    """Of these two, it is the other one otherwise."""
    (before,) = world.plan(PAYROLL).documents["edge-west"]["tunnels"]
    world.hosts = changed(world.hosts, "edge-west: {vcc_behind_nat: true}")
    plan = world.plan()
    (inside,), (outside,) = (plan.documents[edge]["tunnels"] for edge in ("edge-west", "edge-east"))
    assert (before["initiator"], inside["initiator"], outside["initiator"]) == (False, True, False)
    assert (inside["local_address"], outside["remote_address"]) == ("%any", "203.0.113.18")
    assert "peer_behind_nat" not in inside and outside["peer_behind_nat"] is True
    assert "<-> edge-west 203.0.113.18 behind NAT," in "".join(plan.diff)
    assert plan.changed_nodes == ["edge-east", "edge-west"]


# What a run does not mention


def test_a_vpn_that_is_not_mentioned_stays(world: World) -> None:
    first = world.plan(PAYROLL)
    second = world.plan(OTHER)
    assert [vpn["name"] for vpn in second.vpns] == ["backup", "payroll"]
    assert addresses(second, "payroll") == addresses(first, "payroll")
    assert not [line for line in second.diff if "payroll" in line or line.startswith("-")]
    assert second.new_tunnels == []
    both = world.plan()
    assert not both.changed and both.documents == second.documents


def test_tenants_may_use_one_name_and_mention_one_of_them() -> None:
    world = World({**lab(), **lab(org="umbrella", tag="u")})
    world.plan(PAYROLL)
    theirs = world.plan({**PAYROLL, "members": ["vm1u-east", "vm1u-west"]})
    assert [vpn["organization"] for vpn in theirs.vpns] == ["acme", "umbrella"]
    assert all("u-" in node for node in theirs.changed_nodes)
    ours = world.plan(PAYROLL)
    assert not ours.changed and [vpn["organization"] for vpn in ours.vpns] == ["acme", "umbrella"]


@pytest.mark.parametrize("gone", ["vm1-west", "vapp1-west", "edge-west", "node-west", "west"])
def test_hosts_that_this_inventory_lacks_are_remembered(world: World, gone: str) -> None:
    first = world.plan(PAYROLL)
    world.hosts = {name: facts for name, facts in world.hosts.items() if not name.endswith(gone)}
    plan = world.plan()
    assert not plan.changed and plan.documents == first.documents
    assert not world.settle(world.hosts)[0]
    assert not world.plan().changed


def test_both_edges_of_a_cloud_are_remembered(world: World) -> None:
    choice = "vm1-east: {vcc_edge: edge-east}\nvm2-east: {vcc_edge: edge2-east}\n"
    whole = world.hosts = changed(world.hosts, f"{choice}edge2-east: {SECOND_EDGE}")
    first = world.plan(PAYROLL, OTHER)
    world.hosts = {name: facts for name, facts in whole.items() if "east" not in name}
    assert not world.plan().changed
    assert world.plan().documents == first.documents


def test_a_second_edge_does_not_take_a_remembered_vm_along(world: World) -> None:
    first = world.plan(PAYROLL)
    world.hosts = changed(
        world.hosts,
        f"{{vm1-east: null, edge2-east: {SECOND_EDGE}}}",
    )
    assert world.plan().documents == first.documents


# Delete and settle


def waiting_for(*nodes: str) -> str:
    return (
        f"payroll: its addresses stay leased until it is gone from {', '.join(nodes)}; if a host will never "
        "come back, name it in vcc_forget"
    )


def test_deleting_empties_every_document_and_keeps_the_leases(world: World) -> None:
    world.plan(PAYROLL)
    leases = world.leases()
    plan = world.plan(absent=["payroll"])
    assert plan.changed and plan.unsettled and plan.vpns == []
    assert plan.changed_nodes == sorted(EVERY_NODE)
    assert all(is_empty(document) for document in plan.documents.values())
    assert all(line.startswith("- ") for line in plan.diff)
    assert plan.diff[0].startswith("- tunnel edge-east--edge-west (ipsec): ")
    assert world.leases() == leases
    again = world.plan(absent=["payroll"])
    assert not again.changed and again.unsettled and again.documents == plan.documents


def test_leases_stay_until_every_node_has_let_go(world: World) -> None:
    world.plan(PAYROLL)
    leases = world.leases()
    world.plan(absent=["payroll"])
    waits = waiting_for("vapp1-west", "vm1-west")
    nodes = [node for node in EVERY_NODE if node not in ("vapp1-west", "vm1-west")]
    assert world.settle(nodes) == (True, [waits])  # the other nodes are done with
    assert world.settle(nodes) == (False, [waits])
    assert world.leases() == leases
    taken = addresses(world.plan(OTHER), "backup").values()
    assert not {f"{address}/32" for address in taken} & set(leases.values())
    assert world.settle(EVERY_NODE) == (True, [])
    assert not [key for key in world.leases() if "payroll" in key]


def test_when_all_have_let_go_nothing_is_left_but_history(world: World) -> None:
    world.plan(PAYROLL)
    world.plan(absent=["payroll"])
    assert world.settle(EVERY_NODE) == (True, [])
    left = world.dump()
    for table in ("leases", "vpns", "tunnels", "landscape", "documents"):
        assert left[table] == [], table
    assert {row[1] for row in left["generations"]} == {1, 2}
    assert events(world)[-1][0] in ("document dropped", "host dropped")
    assert world.settle(EVERY_NODE) == (False, [])
    plan = world.plan(absent=["payroll"])
    assert not plan.changed and not plan.unsettled and plan.documents == {}
    assert plan.notes == ["payroll was deleted before: there is nothing to delete"]
    assert world.dump() == left


def test_one_of_two_vpns_is_deleted(world: World) -> None:
    alone = World().plan(OTHER)
    world.plan(OTHER)
    world.plan(PAYROLL)
    plan = world.plan(absent=["acme/payroll"])
    assert [vpn["name"] for vpn in plan.vpns] == ["backup"]
    assert not [line for line in plan.diff if "tunnel " in line]  # backup still needs it
    world.settle(EVERY_NODE)
    assert bodies(world.plan()) == bodies(alone)
    assert world.leases() == {key: value for key, value in world.leases().items() if key.startswith("vpn/backup")}


def test_deleted_and_created_again_before_it_was_settled(world: World) -> None:
    first = world.plan(PAYROLL)
    world.plan(absent=["payroll"])
    back = world.plan(PAYROLL)
    assert bodies(back) == bodies(first) and not back.unsettled
    assert world.settle(EVERY_NODE) == (False, [])
    assert world.plan().documents == back.documents


@pytest.mark.parametrize(
    "trouble",
    [
        "vm1-east: {clouds: []}",
        "vm1-east: {vcc_address: null}",
        "vm1-east: {vcc_vapp: nowhere}",
        "vm1-east: {vcc_org: umbrella, vcc_vapp: null}\nedge-east: {vcc_org: umbrella}",
        "vm3-west: {vcc_vapp: vapp1-west}",
        "edge-east: {vcc_public_address: null}",
    ],
)
def test_a_vpn_can_be_deleted_whatever_has_become_of_its_hosts(world: World, trouble: str) -> None:
    world.plan(PAYROLL)
    world.hosts = changed(world.hosts, trouble)
    plan = world.plan(absent=["payroll"])
    assert sorted(plan.documents) == sorted(EVERY_NODE)
    assert all(is_empty(document) for document in plan.documents.values())
    assert world.settle([]) == (
        False,
        [waiting_for(*EVERY_NODE)],
    )
    assert world.settle(EVERY_NODE) == (True, [])
    assert world.leases() == {}


def test_a_host_that_left_the_inventory_is_waited_for_until_it_is_said_to_be_gone(world: World) -> None:
    """A fleet may be kept in several inventories: that a host is not in this one says nothing."""
    world.plan(PAYROLL)
    leases = world.leases()
    east = [name for name in EVERY_NODE if "east" in name]
    world.hosts = {name: facts for name, facts in world.hosts.items() if "east" not in name}
    world.plan(absent=["payroll"])
    assert world.settle(world.hosts) == (True, [waiting_for(*east)])
    assert world.leases() == leases
    assert world.settle(world.hosts, gone=east) == (True, [])
    assert world.leases() == {} and world.dump()["landscape"] == []


def test_a_translated_vm_that_cannot_be_reached_holds_nothing_up(world: World) -> None:
    world.plan({**PAYROLL, "members": ["vm1-east", {"name": "vm3-west", "mode": "nat"}]})
    world.plan(absent=["payroll"])
    assert world.settle(node for node in EVERY_NODE if node != "vm3-west") == (True, [])
    assert world.leases() == {}


# Dry runs


def test_a_dry_run_plans_what_the_real_run_does_and_writes_nothing(world: World, path: Path) -> None:
    def both(*vpns: Any, **rest: Any) -> Plan:
        before = checksum(path) if path.exists() else ""
        planned = world.plan(*vpns, dry_run=True, **rest)
        assert (checksum(path) if path.exists() else "") == before
        real = world.plan(*vpns, **rest)
        assert as_bytes(planned) == as_bytes(real)
        return real

    both(PAYROLL)
    both({**PAYROLL, "members": [*PAYROLL["members"], "vm2-west"], "mode": "nat"}, OTHER)
    assert not both().changed
    both(absent=["payroll"])
    before = world.dump()
    assert world.settle(world.hosts, dry_run=True) == (True, [])
    assert world.dump() == before
    assert world.settle(world.hosts) == (True, [])
    both(PAYROLL)


def test_no_tunnel_may_be_created_but_those_there_are_may_be_used(world: World) -> None:
    world.plan(PAYROLL)
    assert world.plan(OTHER, create_tunnels=False).changed
    world.hosts = lab(3)
    with pytest.raises(IntentErrors) as caught:
        world.plan({**OTHER, "members": [*OTHER["members"], "vm1-south"]}, create_tunnels=False)
    assert [str(error).partition(" yet,")[0] for error in caught.value.errors] == [
        "vcc_create_tunnels: there is no tunnel edge-east -- edge-south",
        "vcc_create_tunnels: there is no tunnel edge-south -- edge-west",
    ]


# Order of apply


def test_who_loses_an_address_is_told_apart(world: World) -> None:
    """Its edge may stop guarding in the same run: it has to stop sending first."""
    assert world.plan(PAYROLL).losing == []
    world.run_all()
    assert world.plan({**PAYROLL, "members": ["vm1-west", "vm1-east"]}).losing == ["vm3-west"]
    world.run_all()
    # A run before may have failed to tell vm3-west.
    assert world.plan(absent=["payroll"]).losing == ["vapp1-east", "vapp1-west", "vm1-east", "vm1-west", "vm3-west"]


def test_who_moves_to_another_vpn_loses_first_and_gets_when_the_edges_have_it() -> None:
    """Seen: at once, it sent from its new address, and its edge did not know that yet: in clear."""
    world = World()
    before = world.plan(PAYROLL).documents["vm3-west"]
    world.run_all()
    audit = {"name": "audit", "pool": "10.99.0.0/16", "members": ["vm1-east", "vm3-west"]}
    plan = world.plan({**PAYROLL, "members": ["vm1-east", "vm1-west"]}, audit)
    assert plan.losing == ["vm3-west"]
    first, then = plan.losing_documents["vm3-west"], plan.documents["vm3-west"]
    assert (first["addresses"], first["routes"]) == ([], [])
    assert first["generation"] == then["generation"] > before["generation"]
    assert [entry["address"] for entry in then["addresses"]] == ["10.99.0.66/32"]
    world.run_all()
    both = {**audit, "members": ["vm1-east", "vm1-west", "vm3-west"]}
    stays = world.plan(PAYROLL, both)
    assert stays.losing == []
    world.run_all()
    keeps = world.plan({**PAYROLL, "members": ["vm1-east", "vm3-west"]}, both)
    assert keeps.losing == ["vapp1-west", "vm1-west"]  # its vApp has no other member in it
    assert keeps.losing_documents["vm1-west"] == keeps.documents["vm1-west"], "what it keeps, it keeps all the time"


def test_what_a_machine_still_has_counts_not_what_the_ledger_says_of_it(world: World) -> None:
    """A run was killed before it told a member that it loses its address. The next must not tell its edge first."""
    fewer = {**PAYROLL, "members": ["vm1-west", "vm1-east"]}
    (given,) = world.plan(PAYROLL).documents["vm3-west"]["addresses"]
    world.run_all()
    world.plan(fewer)
    world.run_all()
    assert world.plan(fewer).losing == []
    runs = {"blocks": ["100.64.0.0/24"], "tunnels": {}}
    has = {"vm3-west": {"runs": runs, "own": [given["address"]]}, "vm1-west": {"runs": runs, "own": []}}
    plan = world.plan(fewer, observed=has)
    assert plan.losing == ["vm3-west"], "what vm1-west has yet to get is not a reason"
    assert world.plan(PAYROLL, observed=has).losing == []


def test_a_vapp_edge_that_translates_stops_before_the_org_edge_stops_guarding(world: World) -> None:
    """What it gets in the same run it refuses until the org edge has it."""
    translated = {"members": [{"name": "vm1-east", "mode": "nat"}, "vm1-west"]}
    world.plan({**PAYROLL, **translated})
    world.run_all()
    audit = {"name": "audit", "pool": "10.99.0.0/16", **translated}
    plan = world.plan({**PAYROLL, "members": ["vm3-east", "vm1-west"]}, audit)
    assert (plan.losing, plan.gaining) == (["vapp1-east"], ["vapp1-east"])
    (first,) = plan.losing_documents["vapp1-east"]["vpns"]
    (then,) = plan.documents["vapp1-east"]["vpns"]
    assert (first["blocks"], first["nat"], first["local"], first["remote"]) == (then["blocks"], [], [], [])
    assert then["nat"]


def test_an_edge_that_stops_guarding_waits_for_who_sends_to_it() -> None:
    """A member that loses its address cannot be told: its edge alone keeps what it has."""
    world = World(lab(3))
    world.plan({**PAYROLL, "members": ["vm3-east", "vm1-west", "vm1-south"]})
    world.run_all()
    fewer = {**PAYROLL, "members": ["vm1-west", "vm1-south"]}
    plan = world.plan(fewer)
    assert (plan.losing, plan.releasing) == (["vm3-east"], {"edge-east": ["vm3-east"]})
    world.run_all("vm3-east", "edge-east")
    again = world.plan(fewer, observed={"edge-east": {"runs": {"blocks": ["100.64.0.0/24"], "tunnels": {}}}})
    assert (again.losing, again.releasing) == (["vm3-east"], {"edge-east": ["vm3-east"]})
    gone = world.plan(fewer, forget=["vm3-east"])
    assert (gone.losing, gone.releasing, "vm3-east" in gone.concerned) == ([], {}, False)


def test_a_vapp_edge_that_goes_over_another_org_edge_is_told_first() -> None:
    world = World(with_second_edge(lab(2)))
    world.hosts = changed(world.hosts, {"vm1-east": {"vcc_edge": "edge-east"}})
    asked = {**PAYROLL, "members": [{"name": "vm1-east", "mode": "nat"}, "vm1-west"]}
    world.plan(asked)
    world.run_all()
    world.hosts = changed(world.hosts, {"vm1-east": {"vcc_edge": "edge2-east"}})
    plan = world.plan(asked, allow_renumber=True)
    assert plan.losing == ["vapp1-east"]
    (first,) = plan.losing_documents["vapp1-east"]["vpns"]
    assert first["nat"] == []


def test_a_guard_is_nothing_that_a_vapp_edge_carries(world: World) -> None:
    """A killed run told it to refuse what comes. The next run must not take that for something that it had."""
    entry = {"name": "audit", "blocks": ["10.99.0.0/24"], "local": [], "nat": [], "remote": []}
    route = {"prefix": "10.99.0.0/24", "via": "10.10.0.1"}
    assert carries({"role": "vapp_edge", "vpns": [entry], "routes": [route]}) == []
    entry["nat"] = [{"outside": "10.99.0.17", "inside": "192.168.1.11"}]
    assert carries({"role": "vapp_edge", "vpns": [entry], "routes": [route]}) == ["10.99.0.0/24 10.10.0.1"]


@pytest.mark.parametrize(("unconfirmed", "readable"), [(1, True), (0, False)])
def test_a_machine_that_may_go_back_is_told_first(world: World, unconfirmed: int, readable: bool) -> None:
    fewer = {**PAYROLL, "members": ["vm1-west", "vm1-east"]}
    world.plan(PAYROLL)
    world.run_all()
    world.plan(fewer)
    world.run_all("vm3-west")
    runs = {"blocks": [], "carries": [], "tunnels": {}} if readable else None
    says = {"runs": runs, "own": [], "unconfirmed": unconfirmed}
    assert world.plan(fewer, observed={"vm3-west": says}).losing == ["vm3-west"]


def test_the_nodes_of_a_vpn_that_is_deleted_are_told_first_until_they_let_go(world: World) -> None:
    assert world.plan(PAYROLL).leaving == []
    assert world.plan(absent=["payroll"]).leaving == sorted(node for node in EVERY_NODE if not node.startswith("node-"))
    world.settle(node for node in EVERY_NODE if node != "vm1-east")
    assert world.plan().leaving == []  # its edges refuse it as before
    again = world.plan(absent=["payroll"])
    assert again.leaving == again.losing == ["vm1-east"]  # an earlier run may not have reached it


def test_what_is_being_deleted_is_refused_as_long_as_a_member_may_have_it(world: World) -> None:
    """A member could not be reached. A run for another VPN brings edges documents that still guard its addresses."""
    audit = {"name": "audit", "pool": "internal", "members": ["vm2-east", "vm2-west"]}
    world.plan(PAYROLL, audit)
    (blocks,) = [entry["blocks"] for entry in world.plan().documents["edge-east"]["vpns"] if entry["name"] == "audit"]
    deleting = world.plan(absent=["audit"])
    assert [entry["name"] for entry in deleting.documents["edge-east"]["vpns"]] == ["payroll"]
    meanwhile = world.plan({**PAYROLL, "members": [*PAYROLL["members"], "vm3-east"]})
    for node in ("edge-east", "edge-west", "vapp1-east", "vapp1-west"):
        (guard,) = [entry for entry in meanwhile.documents[node]["vpns"] if entry["name"] == "audit"]
        assert (guard["blocks"], guard["local"], guard["nat"], guard["remote"]) == (blocks, [], [], [])
    routes = meanwhile.documents["edge-east"]["routes"]
    assert [route["type"] for route in routes if route["prefix"] == blocks[0]] == ["blackhole"]
    assert not [
        link
        for tunnel in meanwhile.documents["edge-east"]["tunnels"]
        for link in tunnel["links"]
        if link["vpn"] == "audit"
    ]
    assert world.plan().changed_nodes == []
    world.settle(world.hosts)
    (last,) = [world.plan().documents["edge-east"]["vpns"]]
    assert [entry["name"] for entry in last] == ["payroll"]
