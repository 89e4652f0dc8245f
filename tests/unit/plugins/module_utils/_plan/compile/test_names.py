# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of members: what is refused, and what org edges and members are told. docs/names.md."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.names import parse_names
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    changed,
    lab,
    with_second_edge,
)

NAMED = {**PAYROLL, "names": True}
AUDIT = {"name": "audit", "pool": "10.99.0.0/16", "members": ["vm2-east", "vm2-west"], "names": True}
SERVER = {"name": "ERP", "behind": "edge-east", "address": "10.10.0.77"}


def refused(world: World, *vpns: Any) -> list[tuple[str, str]]:
    before = world.dump()
    with pytest.raises(IntentErrors) as caught:
        world.plan(*vpns)
    assert world.dump() == before
    return [(error.path, error.message) for error in caught.value.errors]


def domain(raw: Any, vpn: str = "payroll") -> tuple[str | None, list[str]]:
    problems = Problems()
    return parse_names(raw, vpn, "names", problems), [str(error) for error in problems]


@pytest.mark.parametrize(
    ("raw", "vpn", "expected"),
    [
        (None, "payroll", None),
        (False, "payroll", None),
        ("no", "payroll", None),
        (True, "payroll", "payroll.vpn.internal"),
        ("yes", "payroll", "payroll.vpn.internal"),
        ({}, "Pay_Roll", "pay_roll.vpn.internal"),
        ({"domain": None}, "payroll", "payroll.vpn.internal"),
        ({"domain": "Payroll.Corp.example."}, "payroll", "payroll.corp.example"),
    ],
)
def test_the_domain(raw: Any, vpn: str, expected: str | None) -> None:
    assert domain(raw, vpn) == (expected, [])


@pytest.mark.parametrize(
    ("raw", "path", "part"),
    [
        ("payroll.corp.example", "names", "must be true, false or a mapping with domain"),
        ([], "names", "must be true, false or a mapping"),
        ({"domian": "a.b"}, "names.domian", "did you mean domain?"),
        ({"domain": True}, "names.domain", "is not a DNS name"),
        ({"domain": ""}, "names.domain", "is not a DNS name"),
        ({"domain": "pay roll.example"}, "names.domain", "is not a DNS name"),
        ({"domain": "-a.example"}, "names.domain", "is not a DNS name"),
        ({"domain": "a..example"}, "names.domain", "is not a DNS name"),
        ({"domain": "a.example/"}, "names.domain", "is not a DNS name"),
        ({"domain": "a.example\nlocal=/x/"}, "names.domain", "is not a DNS name"),
        ({"domain": f"{'a' * 64}.example"}, "names.domain", "is not a DNS name"),
        ({"domain": ".".join(["abc"] * 64)}, "names.domain", "is not a DNS name"),
        ({"domain": "example"}, "names.domain", "must have two labels or more"),
        ({"domain": "10.0.0.1"}, "names.domain", "the last one is not a number"),
        ({"domain": "payroll.local"}, "names.domain", "ends in local"),
        ({"domain": "10.in-addr.arpa"}, "names.domain", "ends in arpa"),
    ],
)
def test_a_domain_that_is_none(raw: Any, path: str, part: str) -> None:
    found, errors = domain(raw)
    assert found is None or path != "names.domain"
    (error,) = errors
    assert error.startswith(f"{path}: ") and part in error


def test_two_vpns_of_an_organization_with_one_domain_are_refused() -> None:
    mine = {"names": {"domain": "Corp.example"}}
    found = refused(World(), {**PAYROLL, **mine}, {**AUDIT, "names": {"domain": "corp.EXAMPLE"}})
    ((path, message),) = found
    assert path == "vcc_vpns[0].names" and "corp.example is already the domain of VPN audit" in message
    world = World()
    world.plan({**PAYROLL, **mine})
    ((path, message),) = refused(world, {**AUDIT, "name": "zoo", **mine})
    assert path == "vcc_vpns[0].names" and "is already the domain of VPN payroll" in message


def test_a_name_of_a_vpn_that_is_no_label_needs_a_domain() -> None:
    world = World()
    ((path, message),) = refused(world, {**NAMED, "name": "pay-", "names": True})
    assert path == "vcc_vpns[0].names" and "say names: {domain: ...}" in message
    world.plan({**NAMED, "name": "pay-", "names": {"domain": "pay.vpn.internal"}})


def test_a_member_of_two_vpns_of_which_one_domain_is_below_the_other_is_refused() -> None:
    """Its resolver would take the one edge's word that the other VPN's names do not exist."""
    audit = {**AUDIT, "members": ["vm1-east", "vm2-west"], "names": {"domain": "Audit.payroll.vpn.internal"}}
    ((path, message),) = refused(World(), {**PAYROLL, "names": True}, audit)
    assert path == "vcc_vpns[1].names"
    assert "audit.payroll.vpn.internal (VPN audit) is below payroll.vpn.internal (VPN payroll)" in message
    assert "vm1-east is a member of both" in message
    world = World()
    world.plan(audit)
    ((path, _message),) = refused(world, {**PAYROLL, "names": True})
    assert path == "vcc_vpns[0].names"
    # Whom the agent does not tell, and who is in one of them only, asks the right edge.
    World().plan({**PAYROLL, "names": True}, {**audit, "mode": "nat"})
    World().plan({**PAYROLL, "names": True}, {**audit, "members": ["vm2-east", "vm2-west"]})
    World().plan({**PAYROLL, "names": True}, {**audit, "names": {"domain": "notpayroll.vpn.internal"}})


def test_two_organizations_may_have_the_same_domain() -> None:
    world = World({**lab(), **lab(org="umbra", tag="u")})
    other = {**NAMED, "members": [f"{name.partition('-')[0]}u-{name.partition('-')[2]}" for name in PAYROLL["members"]]}
    names = [name for name in world.hosts if name.startswith("vm1") and name not in ("vm1-east", "vm1-west")]
    world.plan(NAMED, {**other, "members": names})


def test_names_that_are_none_are_refused_at_their_place() -> None:
    hosts = changed(lab(), {f"{'x' * 64}.a": {"kinds": ["members"], "clouds": ["west"], "vcc_address": ["10.10.0.20"]}})
    hosts = changed(hosts, {"web-.a": {"kinds": ["members"], "clouds": ["west"], "vcc_address": ["10.10.0.21"]}})
    members = [*PAYROLL["members"], f"{'x' * 64}.a", "web-.a"]
    World(hosts).plan({**PAYROLL, "members": members})
    found = refused(World(hosts), {**NAMED, "members": members})
    assert [path for path, _message in found] == ["vcc_vpns[0].members"] * 2
    assert "'web-' is not a DNS label" in found[0][1] and "give it another name, or leave names out" in found[0][1]
    long = {".".join(["x" * 60] * 2): {"kinds": ["members"], "clouds": ["west"], "vcc_address": ["10.10.0.20"]}}
    vpn = {**PAYROLL, "members": ["vm1-east", *long], "names": {"domain": ".".join(["y" * 60] * 3)}}
    ((_path, message),) = refused(World(changed(lab(), long)), vpn)
    assert "and a DNS name has at most 253" in message


def test_names_that_differ_in_case_only_are_refused() -> None:
    hosts = changed(lab(), {"VM1-east": {"kinds": ["members"], "clouds": ["west"], "vcc_address": ["10.10.0.20"]}})
    members = [*PAYROLL["members"], "VM1-east"]
    World(hosts).plan({**PAYROLL, "members": members})
    ((path, message),) = refused(World(hosts), {**NAMED, "members": members})
    assert path == "vcc_vpns[0].members"
    assert message == "member vm1-east has the name of member VM1-east, and DNS ignores case; rename one of them"
    server = {"servers": [{**SERVER, "name": "vm1-east"}]}
    ((path, message),) = refused(World(), {**NAMED, "destinations": server})
    assert path == "vcc_vpns[0].destinations.servers[0].name"
    assert message == "server vm1-east has the name of member vm1-east; rename one of them"


def test_edges_are_told_all_names_and_members_whom_to_ask() -> None:
    plan = World().plan({**NAMED, "destinations": {"servers": [SERVER]}})
    (vpn,) = plan.vpns
    expected = {member["name"]: member["address"] for member in vpn["members"]}
    expected["erp"] = vpn["destinations"]["servers"][0]["address"]
    for edge in ("edge-east", "edge-west"):
        assert plan.documents[edge]["vpns"][0]["names"] == {"domain": "payroll.vpn.internal", "hosts": expected}
    for name in PAYROLL["members"]:
        edge = plan.documents[f"edge-{name.rpartition('-')[2]}"]["vpns"][0]
        told = {"domain": "payroll.vpn.internal", "servers": [edge["edge_address"]], "blocks": edge["blocks"]}
        assert plan.documents[name]["names"] == [told]
    assert "names" not in plan.documents["vapp1-east"]["vpns"][0]
    assert "+ vpn payroll: names in payroll.vpn.internal" in plan.diff


def test_without_names_documents_are_as_ever() -> None:
    world, other = World(), World()
    assert "names" not in json.dumps(dict(world.plan(PAYROLL).documents))
    other.plan(PAYROLL)
    other.plan(NAMED)
    again, first = other.plan({**PAYROLL, "names": False}), world.plan(PAYROLL)
    # Other plans share these documents: nothing may be taken out of them.
    said = [{node: {**one, "generation": 0} for node, one in plan.documents.items()} for plan in (again, first)]
    assert said[0] == said[1]


def test_a_member_that_joins_at_one_site_is_told_to_all() -> None:
    world = World(lab(3))
    vpn = {**NAMED, "members": [*PAYROLL["members"], "vm1-south"]}
    world.plan(vpn)
    plan = world.plan({**vpn, "members": [*vpn["members"], "vm2-south"]})
    for edge in ("edge-east", "edge-west", "edge-south"):
        assert plan.documents[edge]["vpns"][0]["names"]["hosts"]["vm2-south"].startswith("100.64.")
    assert {"edge-east", "edge-west"} <= set(plan.changed_nodes)
    assert "vm1-east" not in plan.changed_nodes


def test_what_is_stored_is_planned_again_with_its_names() -> None:
    world = World()
    first = world.plan(NAMED)
    plan = world.plan({**AUDIT})
    assert plan.documents["edge-east"]["vpns"][1]["names"] == first.documents["edge-east"]["vpns"][0]["names"]


def test_a_member_at_the_second_edge_of_a_cloud_asks_that_one() -> None:
    world = World(with_second_edge(lab()))
    plan = world.plan({**NAMED, "members": ["vm1-east", "vm2-east", "vm1-west"]})
    own = plan.documents["edge2-east"]["vpns"][0]["edge_address"]
    assert plan.documents["vm2-east"]["names"][0]["servers"] == [own]


def test_a_member_that_wants_them_in_its_hosts_file_is_told_all_names_and_of_whoever_joins() -> None:
    world = World(changed(lab(), "vm1-east: {vcc_names: hosts}"))
    plan = world.plan(NAMED)
    served = plan.documents["edge-east"]["vpns"][0]["names"]["hosts"]
    assert plan.documents["vm1-east"]["names"] == [{"domain": "payroll.vpn.internal", "hosts": served}]
    assert set(served) == {"vm1-east", "vm1-west", "vm3-west"}
    assert plan.documents["vm1-west"]["names"][0].keys() == {"domain", "servers", "blocks"}
    plan = world.plan({**NAMED, "members": [*NAMED["members"], "vm2-west"]})
    assert {"vm1-east", "edge-east"} <= {*plan.changed_nodes} and "vm1-west" not in plan.changed_nodes
    assert plan.documents["vm1-east"]["names"][0]["hosts"].keys() == served.keys() | {"vm2-west"}
