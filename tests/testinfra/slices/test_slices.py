# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slices of a job: a run for the whole fleet plans, and runs that know a third of it each bring the nodes there."""

from __future__ import annotations

import json
import subprocess
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, EDGES, PAYROLL

EXCHANGE = {**PAYROLL, "name": "exchange"}
SLICES = 3
# Who sends is told to stop before edges stop guarding, and to begin after they begin.
STEPS = ("members:vapp_edges", "vcc_nodes:org_edges", "members:vapp_edges")


@pytest.fixture(scope="module")
def inventories(tmp_path_factory):
    """The lab's inventory in slices. AWX gives a slice every so many-th host, by name, and all groups and variables."""
    words = ["ansible-inventory", "-i", str(playbooks.INVENTORY), "--list", "--export"]
    listed = json.loads(subprocess.check_output(words, text=True, env=playbooks.environment(), cwd=lab.ROOT))
    hosts = sorted(name for name in listed["_meta"]["hostvars"] if name != "localhost")
    found = []
    for number in range(SLICES):
        mine = set(hosts[number::SLICES])
        part = {
            name: {**group, "hosts": [host for host in group.get("hosts", []) if host in mine]}
            for name, group in listed.items()
            if name != "_meta"
        }
        part["_meta"] = {"hostvars": {host: listed["_meta"]["hostvars"][host] for host in sorted(mine)}}
        path = tmp_path_factory.mktemp("inventory") / "slice.py"
        path.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(json.dumps(part))})\n", encoding="utf-8")
        path.chmod(0o755)
        found.append(path)
    return found


def apply(inventories, limit=None, succeeds=True, **variables):
    """All slices at once, as AWX starts them."""
    words = ("--limit", limit) if limit else ()

    def one(inventory):
        # localhost is in no slice.
        run = {"inventory": inventory, "succeeds": succeeds, "vcc_server_host": "localhost", **variables}
        return playbooks.run("apply_vpn", words, **run)

    return lab.at_once(one, inventories)


def generations():
    return {edge: lab.sh(edge, "readlink /var/lib/intercloud-vpn/current", check=False).strip() for edge in EDGES}


def vpns():
    return {row["name"]: row["state"] for row in ledger.rows("vpns")}


def test_a_run_that_prepares_touches_no_machine():
    run = playbooks.run("prepare_vpn", vpns=[PAYROLL])
    assert {task for _host, task in run.changed} == {"Plan the VPNs"}
    assert generations() == dict.fromkeys(EDGES, "")
    assert vpns() == {"payroll": "planned"}
    assert len(playbooks.addresses()) == 3


def test_slices_bring_the_vpn_up(inventories):
    """The members' step comes too early in the first round: nobody is told anything then."""
    before = ledger.rows("leases")
    early, *_others = apply(inventories, "members:vapp_edges")
    assert "100.64." not in "".join(lab.sh(vm, "ip -4 -o addr") for vm in PAYROLL["members"])
    assert early.hosts("failed") == set()
    apply(inventories, "vcc_nodes:org_edges", vpns=[AUDIT])  # what a slice is asked for, it does not plan
    apply(inventories, "members:vapp_edges")
    assert vpns() == {"payroll": "active"}
    assert ledger.rows("leases") == before
    addresses = playbooks.addresses()
    pings = lab.reach((source, addresses[to]) for source, to in permutations(PAYROLL["members"], 2))
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)
    playbooks.run("verify_vpn")


def test_a_second_round_changes_nothing(inventories):
    assert [run.changed for run in apply(inventories)] == [frozenset()] * SLICES


def test_a_run_of_all_adds_the_link_layer_addresses_of_other_slices_and_no_more():
    run = playbooks.create(PAYROLL, arguments=("-v",), verify=False)
    assert {subsystem for done in run.actions.values() for subsystem, actions in done.items() if actions} <= {
        "generation",
        "neighbours",
        "nftables",
    }
    if lab.thorough("a second run in other scenarios has nothing to do"):
        assert playbooks.create(PAYROLL).changed == frozenset()


@pytest.mark.thorough("slices bring one up and delete it, with the same looks")
def test_slices_change_one_vpn_for_another_and_nothing_leaves_in_clear(inventories):
    """Edges let the old one go when no member has it any more, and members get the new one when their edge has it."""
    addresses = playbooks.addresses()
    playbooks.run("prepare_vpn", vcc_delete=["payroll"])
    playbooks.run("prepare_vpn", vpns=[EXCHANGE])
    with lab.pinging("vm1-east", addresses["vm1-west"]) as pings:
        pass
    assert pings.lost == 0, "nobody was told yet"
    assert in_clear_while_told(inventories, addresses["vm1-west"]) == []
    assert vpns() == {"exchange": "active"}
    addresses = playbooks.addresses("exchange")
    assert lab.reach([("vm1-east", addresses["vm1-west"])])["vm1-east", addresses["vm1-west"]].lost == 0


def test_slices_delete_it_and_nothing_leaves_in_clear(inventories):
    (name,) = vpns()
    address = playbooks.addresses(name)["vm1-west"]
    playbooks.run("prepare_vpn", vcc_delete=[name])
    assert in_clear_while_told(inventories, address) == []
    assert (vpns(), ledger.rows("leases")) == ({}, [])
    for edge in EDGES:
        assert "intercloud" not in lab.sh(edge, "nft list tables")


def in_clear_while_told(inventories, address):
    """Bring all slices there while two members send to an address; what of it crossed the internet in clear."""
    with lab.looking_for_clear(("vm1-east", "vm3-west"), address) as lines:
        for step in STEPS:
            apply(inventories, step)
    return lines
