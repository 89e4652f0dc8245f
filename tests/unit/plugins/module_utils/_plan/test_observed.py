# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machines say refuses a plan or adds notes to it. It changes no document."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.survey_facts import read_facts
from ansible_collections.intercloud.vpn.plugins.plugin_utils._neighbours import macs_of
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    bodies,
    changed,
    lab,
    with_pair,
)

AUDIT = {"name": "audit", "pool": "10.99.0.0/16", "members": ["vm2-east", "vm2-west", "vm3-west"]}
PUBLIC = {"edge-east": "203.0.113.2/28", "edge-west": "203.0.113.18/28"}


def facts(host: str, generation: int = 0, routes: tuple[str, ...] = (), **devices: str) -> dict[str, Any]:
    """What a host of the lab says of itself: ``devices`` are addresses by name, besides its own."""
    held = {"eth0": PUBLIC.get(host, "172.16.0.9/24"), **devices}
    return {
        "node": host if generation else "",
        "organization": "acme" if generation else "",
        "generation": generation,
        "slices": {},
        "python": "3.11.2",
        "devices": {
            name: {"mac": f"02:{hash((host, name)) & 255:02x}", "addresses": [text]} for name, text in held.items()
        },
        "own": [],
        "routes": list(routes),
        "boot": "b0" + host,
        "time": 0,
    }


def refused(world: World, *vpns: Any, **observed: dict[str, Any]) -> dict[str, str]:
    """What is refused, by path."""
    with pytest.raises(IntentErrors) as caught:
        world.plan(*vpns, observed=_hosts(observed))
    return {error.path: error.message for error in caught.value.errors}


def _hosts(observed: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name.replace("_", "-"): what for name, what in observed.items()}


def test_facts_change_no_document() -> None:
    quiet, asked = World(), World()
    observed = {host: facts(host) for host in asked.hosts}
    observed["vm1-east"] = {"silent": "no route to host"}
    observed["vapp1-west"]["routes"] = ["100.64.0.0/10 via 10.0.0.1 dev eth0 table 52"]
    one, other = quiet.plan(PAYROLL), asked.plan(PAYROLL, observed=observed)
    assert bodies(one) == bodies(other)
    assert quiet.dump() == asked.dump()


def test_on_a_first_run_nobody_is_new_or_behind() -> None:
    world = World()
    assert world.plan(PAYROLL, observed={host: facts(host) for host in world.hosts}).notes == []


def test_a_machine_that_is_silent_on_its_first_run_is_named_where_the_plan_needs_it() -> None:
    observed = {"vm1-west": {"silent": "Connection refused"}, "vm2-west": {"silent": "Connection refused"}}
    assert World().plan(PAYROLL, observed=observed).notes == ["vm1-west did not answer: Connection refused"]


def test_who_is_behind_ahead_new_or_silent_is_named() -> None:
    world = World()
    world.plan(PAYROLL)
    world.plan(PAYROLL, AUDIT)
    observed = {host: facts(host, 2) for host in world.hosts}
    for host in ("node-east", "node-west"):
        observed[host]["slices"] = {"acme": 2}
    observed |= {
        "edge-west": facts("edge-west", 1),
        "edge-east": facts("edge-east", 6),
        "vm1-west": facts("vm1-west"),
        "vm3-west": {"silent": "Connection timed out"},
    }
    observed["node-west"]["slices"] = {"acme": 1}
    notes = world.plan(PAYROLL, AUDIT, observed=observed, dry_run=True).notes
    assert [note.split(":")[0] for note in notes] == [
        "edge-east runs generation 6, and the ledger knows 2 for it",
        "edge-west runs generation 1, the plan is 2",
        "node-west runs generation 1, the plan is 2",
        "vm1-east runs generation 2, and the ledger knows 1 for it",
        "vm1-west has no record of a VPN, the plan is 1",
        "vm3-west did not answer",
    ]


def test_who_runs_what_another_ledger_gave_is_named() -> None:
    """The numbers are the same, as after a restore from a backup."""
    world = World()
    world.plan(PAYROLL)
    observed = {"edge-west": {**facts("edge-west", 1), "ledger": "5f", "chain": "a" * 64}}
    (note,) = world.plan(PAYROLL, observed=observed).notes
    assert note.startswith("edge-west runs generation 1 of the ledger 5f, which this ledger does not know")


def test_who_was_not_asked_is_not_called_silent() -> None:
    """As under ``--limit``."""
    world = World()
    world.plan(PAYROLL)
    assert world.plan(PAYROLL, observed={"edge-east": facts("edge-east", 1)}).notes == []


def test_a_node_that_has_nothing_any_more_is_not_behind() -> None:
    world = World()
    world.plan(PAYROLL)
    world.ask({}, absent=["payroll"])
    observed = {host: facts(host) for host in world.hosts}
    assert world.ask({}, observed=observed).notes == []


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"node": "edge-east", "organization": "acme"}, "the machine that answers is edge-east of organization acme"),
        ({"node": "edge-west", "organization": "umbra"}, "the inventory says acme, and an earlier run told"),
    ],
)
def test_a_machine_that_is_another_host_is_refused(told: dict[str, str], words: str) -> None:
    found = refused(World(), PAYROLL, edge_west={**facts("edge-west", 3), **told})
    (message,) = found.values()
    assert words in message
    assert "ansible_control_path" in message
    adopted = World()
    adopted.plan(
        PAYROLL, observed={"edge-west": {**facts("edge-west", 3), **told}}, adopt=["acme/edge-east", "umbra/edge-west"]
    )


def test_a_host_that_changed_hands_is_known_by_the_ledger() -> None:
    world = World()
    world.hosts |= lab(org="umbra", tag="-u")
    world.plan(PAYROLL)
    world.ask({}, absent=["payroll"])
    world.settle(set(world.hosts) - {"vm1-west"})
    world.hosts = changed(world.hosts, {"vm1-west": {"vcc_org": "umbra", "vcc_vapp": "vapp1-u-west"}})
    vpn = {"name": "other", "pool": "internal", "members": ["vm1-west", "vm1-u-east"]}
    world.plan(vpn, observed={"vm1-west": facts("vm1-west", 1)})


def test_two_hosts_that_are_one_machine_are_refused() -> None:
    same = facts("edge-east")
    found = refused(World(), PAYROLL, edge_east=same, edge_west=same, node_east=same)
    assert "is the one that answers for edge-east; hosts that have the same ansible_host" in found["hosts.edge-west"]


def test_an_old_python_is_refused_by_name() -> None:
    found = refused(World(), PAYROLL, vm1_east={"python": "3.6.8"})
    assert "has Python 3.6.8, and 3.9 or later is needed" in found["hosts.vm1-east"]


def test_a_block_over_a_network_of_the_machine_is_refused_wherever_it_is() -> None:
    found = refused(
        World(),
        PAYROLL,
        edge_west=facts("edge-west", hidden="100.64.0.130/24"),
        vapp1_east=facts("vapp1-east", routes=("100.64.0.128/25 via 10.0.0.1 dev eth0 table 52",)),
        vm1_west=facts("vm1-west", mgmt="100.64.0.9/32"),
        vm2_west=facts("vm2-west", hidden="100.64.0.130/24"),  # in no VPN
    )
    assert set(found) == {"hosts.edge-west", "hosts.vapp1-east", "hosts.vm1-west"}
    assert "device hidden has the address 100.64.0.130/24" in found["hosts.edge-west"]
    assert "route 100.64.0.128/25 via 10.0.0.1 dev eth0 table 52" in found["hosts.vapp1-east"]


def test_nothing_of_a_refused_plan_is_kept() -> None:
    world = World()
    before = world.dump()
    refused(world, PAYROLL, edge_west=facts("edge-west", hidden="100.64.0.130/24"))
    assert world.dump() == before


def test_what_a_machine_runs_already_is_noted_and_stops_no_other_run() -> None:
    world = World()
    world.plan(PAYROLL)
    west = facts("edge-west", 1, hidden="100.64.0.130/24")
    west["runs"] = {"blocks": ["100.64.0.0/24"], "tunnels": {}}
    (note,) = world.plan(PAYROLL, AUDIT, observed={"edge-west": west}).notes
    assert note.startswith("edge-west: device hidden has the address 100.64.0.130/24")


def test_a_run_that_asks_for_no_vpn_is_not_refused() -> None:
    world = World()
    world.plan(PAYROLL, AUDIT)
    west = facts("edge-west", hidden="100.64.0.130/24")
    notes = world.ask({}, absent=["audit"], observed={"edge-west": west}).notes
    assert "edge-west has no record of a VPN" in notes[0]
    assert notes[1].startswith("hosts.edge-west: device hidden has the address 100.64.0.130/24")


def test_a_public_address_that_the_edge_does_not_have_is_refused() -> None:
    found = refused(World(), PAYROLL, edge_west=facts("edge-west", eth0="192.0.2.7/24"))
    message = found["hosts.edge-west.vcc_public_address"]
    assert message.startswith("no device has the address 203.0.113.18; this machine has 192.0.2.7. ")
    behind = World(changed(lab(), {"edge-west": {"vcc_behind_nat": True}}))
    behind.plan(PAYROLL, observed={"edge-west": facts("edge-west", eth0="192.0.2.7/24")})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("devices", [1]),
        ("devices", {"eth0": 1}),
        ("devices", {"eth0": {"addresses": []}}),
        ("devices", {"eth0": {"mac": "", "addresses": ["junk"]}}),
        ("own", ["100.64.0.300/32"]),
        ("routes", ["junk"]),
        ("routes", [""]),
        ("routes", ["10.0.0.0/8 via 10.0.0.1 dev"]),
        ("routes", "10.0.0.0/8"),
        ("python", "3.x"),
        ("python", 3.11),
        ("generation", "x"),
        ("generation", True),
        ("slices", {"acme": "x"}),
        ("slices", [1]),
        ("runs", [1]),
        ("runs", {"blocks": [[]]}),
        ("runs", {"tunnels": {"a--b": {}}}),
        ("node", ["edge-east"]),
    ],
)
@pytest.mark.parametrize("host", ["edge-east", "vm1-east", "vm2-west", "node-west"])
def test_an_answer_that_cannot_be_read_is_no_answer(host: str, key: str, value: Any) -> None:
    world = World()
    world.plan(PAYROLL)
    plan = world.plan(PAYROLL, observed={host: {**facts(host), key: value}})
    notes = [] if host == "vm2-west" else [f"{host} did not answer: gave an answer that cannot be read ({key}: "]
    assert [note[: len(notes[0])] for note in plan.notes] == notes
    assert macs_of({host: read_facts({**facts(host), key: value})}) == {}


def test_public_addresses_that_have_to_be_routed_to_the_edge_are_noted_until_it_has_them() -> None:
    near = {"source": {"edge-east": ["203.0.113.5"], "edge-west": "masquerade"}}
    far = {"source": {"edge-east": ["198.51.100.5"], "edge-west": "masquerade"}}
    observed = {host: facts(host) for host in lab()}
    assert World().plan({**PAYROLL, "outside": near}, observed=observed).notes == []
    (note,) = World().plan({**PAYROLL, "outside": far}, observed=observed).notes
    assert note == (
        "edge-east: outside of payroll: 198.51.100.5 is not in 203.0.113.0/28, the network of its public device; the "
        "provider has to route them to the edge"
    )
    observed["edge-east"]["own"] = ["198.51.100.5/32"]
    assert World().plan({**PAYROLL, "outside": far}, observed=observed).notes == []


def test_an_edge_of_a_pair_has_its_own_address_before_it_is_told_of_the_pair() -> None:
    world = World(with_pair(lab()))
    own = {"org": "10.10.0.2/24", "org6": "fd10:10::2/64"}
    twin = facts("edge-east-2", eth0="203.0.113.3/28", org="10.10.0.1/24")
    found = refused(world, PAYROLL, edge_east=facts("edge-east", **own), edge_east_2=twin)
    assert [*found] == ["hosts.edge-east-2.vcc_own_org_address"]
    assert "no device has 10.10.0.3 and fd10:10::3" in found["hosts.edge-east-2.vcc_own_org_address"]
    twin = facts("edge-east-2", eth0="203.0.113.3/28", org="10.10.0.3/24", org6="fd10:10::3/64")
    plan = world.plan(PAYROLL, observed=_hosts({"edge_east": facts("edge-east", **own), "edge_east_2": twin}))
    assert plan.documents["edge-east-2"]["pair"]
