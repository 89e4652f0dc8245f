# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan compiles what changed, and is the same byte for byte as one that compiles everything."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile import inputs, links, recompile
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import render
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    as_bytes,
    changed,
    lab,
    with_second_edge,
)

CLOUDS = ("east", "west", "south", "north")
EDGES = [f"edge-{cloud}" for cloud in CLOUDS]
HOSTS = with_second_edge(lab(4))
VMS = [f"vm{number}-{cloud}" for cloud in CLOUDS for number in (1, 2, 3)]
MODULE_UTILS = "ansible_collections.intercloud.vpn.plugins.module_utils."

topologies = st.sampled_from(
    [
        "mesh",
        {"kind": "star", "hub": "edge-east"},
        {"kind": "chain", "order": EDGES},
        {"kind": "tree", "root": "edge-west"},
        {
            "kind": "graph",
            "links": [[EDGES[0], EDGES[1]], [EDGES[1], EDGES[2]], [EDGES[2], EDGES[3]], [EDGES[3], EDGES[0]]],
        },
    ]
)
policies = st.sampled_from(["standard", "cnsa", {"rate": {"member": "10mbit"}}])
SERVERS = {"servers": [{"name": "printer", "address": "10.10.0.50", "ports": ["tcp/9100"]}]}
NETWORKS = {"networks": [{"network": "198.51.100.0/24"}]}


@st.composite
def vpns(draw: st.DrawFn) -> dict[str, Any]:
    """A VPN as one may ask for it; some are refused."""
    members = draw(st.lists(st.sampled_from(VMS), min_size=3, max_size=8, unique=True))
    entry = {
        "name": draw(st.sampled_from(["audit", "payroll", "zeta"])),
        "pool": "internal",
        "members": [
            {"name": vm, "mode": draw(st.sampled_from(["address", "address", "nat"]))}
            | draw(st.sampled_from([{}, {}, {"ports": ["tcp/443"]}]))
            for vm in members
        ],
        "topology": draw(topologies),
        "policy": draw(policies),
        "tunnel": draw(st.sampled_from(["ipsec", "ipsec", "ssl"])),
    }
    behind = {"behind": f"edge-{members[0].partition('-')[2]}"}
    there = draw(st.sampled_from([{}, {}, SERVERS, NETWORKS]))
    destinations = {kind: [one | behind for one in listed] for kind, listed in there.items()}
    return entry | ({"destinations": destinations} if destinations else {})


def hosts_changed() -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(
        [
            {"edge-east": {"vcc_public_address": ["203.0.113.77"]}},
            {"edge-west": {"vcc_mac": "02:00:5e:10:00:01"}},
            {"edge-south": {"vcc_underlay_mtu": 1400}},
            {"vapp1-east": {"vcc_mac": "02:00:5e:10:00:02"}},
            {"vm1-west": {"vcc_address": ["192.168.1.77"]}},
            {"vm3-north": {"vcc_mac": "02:00:5e:10:00:03"}},
            {"edge-north": {"vcc_behind_nat": True}},
            {"vm2-east": {"vcc_edge": "edge-east"}},
            {"vapp1-east": {"vcc_dhcp": True}},
            {"vapp1-east": {"vcc_dhcp": {"lease": "10m"}}},
            {"edge-west": {"vcc_dhcp": {"range": ["10.10.0.100", "10.10.0.120"]}}},
            {
                "vm8-east": {
                    "kinds": ["members"],
                    "clouds": ["east"],
                    "vcc_vapp": "vapp1-east",
                    "vcc_address": "192.168.1.8",
                }
            },
        ]
    )


steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), vpns()),
        st.tuples(st.just("ask"), vpns()),
        st.tuples(st.just("delete"), st.sampled_from(["audit", "payroll", "zeta"])),
        st.tuples(st.just("host"), hosts_changed()),
        st.tuples(st.just("settle"), st.lists(st.sampled_from(sorted(HOSTS)), unique=True)),
        st.tuples(st.just("settle"), st.just(sorted(HOSTS))),
    ),
    min_size=2,
    max_size=8,
)


@settings(
    max_examples=max(20, settings.default.max_examples * 6 // 5),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(steps=steps, comes_up=st.booleans())
def test_what_is_left_out_would_have_come_to_the_same(steps: list[tuple[str, Any]], comes_up: bool) -> None:
    world = World(HOSTS)
    for what, which in [("ask", PAYROLL), *steps]:
        if what == "settle":
            world.settle(which)
            continue
        if what == "host":
            world.hosts = changed(world.hosts, which)
        asked = {"absent": [which]} if what == "delete" else {}
        entries = [which] if what == "ask" else []
        try:
            whole = world.plan(*entries, dry_run=True, anew=True, allow_renumber=True, **asked)
        except Exception as refused:
            with pytest.raises(type(refused)):
                world.plan(*entries, allow_renumber=True, **asked)
            continue
        assert as_bytes(world.plan(*entries, allow_renumber=True, comes_up=comes_up, **asked)) == as_bytes(whole)


def test_nothing_is_compiled_for_sites_that_stay_as_they_are() -> None:
    world = World(lab(8))
    members = [f"vm1-{edge.removeprefix('edge-')}" for edge in world.hosts if edge.startswith("edge-")]
    mesh = {"name": "payroll", "pool": "internal", "members": members}

    def compiled(*entries: Any) -> int:
        with mock.patch.object(links._EdgeLinks, "_link", autospec=True, side_effect=links._EdgeLinks._link) as link:
            world.plan(*entries)
        return link.call_count

    assert compiled(mesh) == 2 * 28, "both ends of each"
    assert compiled(mesh) == compiled() == 0
    more = {**mesh, "members": [*members, "vm3-east"]}
    assert compiled(more) == 7, "one site's"


def test_with_other_code_everything_is_compiled_again() -> None:
    world = World()
    world.plan(PAYROLL)
    with (
        mock.patch.object(inputs, "code_digest", return_value="other"),
        mock.patch.object(links._EdgeLinks, "_link", autospec=True, side_effect=links._EdgeLinks._link) as link,
    ):
        assert world.plan(PAYROLL).changed_nodes == []
        assert link.call_count == 2
        assert world.plan(PAYROLL).changed_nodes == []
        assert link.call_count == 2


def test_all_code_that_documents_depend_on_counts() -> None:
    """In a process of its own: here, other tests have imported the rest."""
    module = f"{MODULE_UTILS}_plan.compile.recompile"
    program = f"import sys; sys.path[:] = {sys.path!r}; import {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.removeprefix(MODULE_UTILS) for name in done.stdout.split() if name.startswith(MODULE_UTILS)}
    packages = {name for name in loaded if hasattr(importlib.import_module(MODULE_UTILS + name), "__path__")}
    ledger = {name for name in loaded if name.startswith("_ledger.")}  # how they are kept, not what they say
    assert loaded - packages - ledger == set(inputs.CODE)


def test_a_vapp_edge_is_compiled_again_when_one_of_its_sites_leaves() -> None:
    """Seen: its other site stayed as it was, and it kept a VPN that was deleted."""
    world = World(HOSTS)
    world.plan(PAYROLL, {**PAYROLL, "name": "audit", "members": ["vm2-east", "vm3-east", "vm1-west"]})
    plan = world.plan(absent=["audit"])
    assert [entry["name"] for entry in plan.documents["vapp1-east"]["vpns"]] == ["payroll"]
    assert "vapp1-east" in plan.changed_nodes


@pytest.mark.parametrize("backend", ["xfrm", "libipsec"])
def test_what_is_still_guarded_can_be_rendered(backend: str) -> None:
    """Seen: entries of a VPN that is being deleted said no MTU, and no edge of it could be told of another VPN."""
    world = World(lab(3))
    world.plan(PAYROLL, {"name": "audit", "pool": "internal", "members": ["vm1-east", "vm1-west"]})
    whole = world.settle(sorted(world.hosts)) and world.plan().documents["edge-east"]["vpns"]
    world.plan(absent=["audit"])
    plan = world.plan({**PAYROLL, "members": [*PAYROLL["members"], "vm3-south"]})
    (guarded,) = (vpn for vpn in plan.documents["edge-east"]["vpns"] if vpn["name"] == "audit")
    (before,) = (vpn for vpn in whole if vpn["name"] == "audit")
    assert [guarded[key] for key in ("mtu", "mss", "number", "blocks")] == [
        before[key] for key in ("mtu", "mss", "number", "blocks")
    ]
    assert "vpn2" in render("org_edge", "nftables.nft.j2", plan.documents["edge-east"], backend)


def test_a_vapp_edge_at_two_sites_keeps_no_vpn_that_was_settled() -> None:
    world = World(HOSTS)
    audit = {"name": "audit", "pool": "internal", "members": ["vm1-east", "vm1-south"]}
    pay = {"name": "payroll", "pool": "internal", "members": ["vm2-east", "vm3-west"]}
    world.plan(audit, pay)
    world.settle(sorted(world.hosts))
    world.plan(absent=["audit"])
    world.settle(["vm1-east"])
    more = {**pay, "members": [*pay["members"], "vm3-north"]}
    world.plan(more)
    world.settle(sorted(world.hosts))
    whole = world.plan(more, dry_run=True, anew=True)
    assert world.plan(more).documents["vapp1-east"] == whole.documents["vapp1-east"]
    assert [vpn["name"] for vpn in whole.documents["vapp1-east"]["vpns"]] == ["payroll"]


def test_a_few_sites_at_a_time_come_to_the_same() -> None:
    def planned() -> bytes:
        world = World(HOSTS)
        world.plan(PAYROLL, {**PAYROLL, "name": "audit", "members": ["vm2-east", "vm3-east", "vm1-west"]})
        return as_bytes(world.plan({**PAYROLL, "members": [*PAYROLL["members"], "vm3-south", "vm1-north"]}))

    whole = planned()
    with mock.patch.object(recompile, "AT_ONCE", 1):
        assert planned() == whole
