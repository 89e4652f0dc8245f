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

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile import inputs, links
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


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
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
        with mock.patch.object(
            links._LinkCompiler, "link", autospec=True, side_effect=links._LinkCompiler.link
        ) as link:
            world.plan(*entries)
        return link.call_count

    assert compiled(mesh) == 2 * 28 - 28  # nothing was there before
    assert compiled(mesh) == compiled() == 0
    more = {**mesh, "members": [*members, "vm3-east"]}
    assert compiled(more) == 2 * 7, "one site's tunnels, as they were and as they are"


def test_with_other_code_everything_is_compiled_again() -> None:
    world = World()
    world.plan(PAYROLL)
    with (
        mock.patch.object(inputs, "code_digest", return_value="other"),
        mock.patch.object(links._LinkCompiler, "link", autospec=True, side_effect=links._LinkCompiler.link) as link,
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
