# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clouds that apply and verify by themselves: the controller plans, and speaks to VCC nodes only."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks, workers
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL

NODES = ("node-east", "node-west")
LARGER = {**PAYROLL, "members": [*PAYROLL["members"], "vm2-west"]}
# No host but a VCC node can be reached from the controller; a VCC node reaches the hosts of its cloud.
ONLY_NODES = "{{ lab_ssh if inventory_hostname in groups.vcc_nodes else '-o ProxyCommand=false -o ControlPath=none' }}"
TRUSTING = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"


@pytest.fixture(scope="module", autouse=True)
def _workers():
    workers.install(NODES)
    yield
    for node in NODES:
        lab.sh(node, f"rm -rf {workers.HOME} /root/.ssh/id_ed25519 /root/.ansible")


def clouds(playbook, *arguments, succeeds=True):
    """A run that can reach the VCC nodes only."""
    machines = lab.machines()
    return playbooks.run(
        playbook,
        arguments,
        succeeds,
        lab_ssh=f"-F {_lab.SSH_CONFIG} -o ControlPath={_lab.SSH_CONTROL_PATH}",
        lab_management={name: _lab.management_address(machine) for name, machine in machines.items()},
        ansible_ssh_common_args=ONLY_NODES,
        vcc_node_runner=workers.RUNNER,
        vcc_from_node={
            "ansible_host": "{{ lab_management[inventory_hostname] }}",
            "ansible_ssh_common_args": TRUSTING,
        },
    )


def vpns():
    return {row["name"]: row["state"] for row in ledger.rows("vpns")}


@contextmanager
def off(name):
    """A machine without power."""
    lab.labctl("kill", name)
    try:
        yield
    finally:
        lab.labctl("start", name)
        lab.wait_for(f"{name} to answer", lambda: lab.sh(name, "echo up", check=False).strip() == "up", 60)


def left_on(node):
    look = "ls -d /tmp/intercloud-vpn* 2>/dev/null; pgrep -f 'ansible[-]runner|ansible[-]playbook'"
    return lab.sh(node, look, check=False)


def test_they_bring_a_vpn_up():
    playbooks.run("prepare_vpn", vpns=[PAYROLL])
    if lab.thorough("a check without clouds predicts what a run does"):
        predicted = clouds("apply_clouds", "--check")
        assert predicted.hosts("changed") == {*NODES}
        assert vpns() == {"payroll": "planned"}, "--check brings nothing up"
    clouds("apply_clouds")
    assert vpns() == {"payroll": "active"}
    addresses = playbooks.addresses()
    pings = lab.reach((source, addresses[to]) for source, to in permutations(PAYROLL["members"], 2))
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)


@pytest.mark.thorough("verify_clouds names a dead host, and is content without one")
def test_they_prove_as_much_as_verify_vpn_does():
    clouds("verify_clouds")
    there = playbooks.result()
    playbooks.run("verify_vpn")
    here = playbooks.result()
    assert (there["findings"], here["findings"]) == ([], [])
    for what in ("pairs", "links", "edges", "ports", "negative"):
        assert len(there[what]) == len(here[what]), what
    assert there["pairs"] != []


@pytest.mark.thorough("each cloud runs the stages that every other scenario runs twice")
def test_a_second_run_changes_nothing():
    assert clouds("apply_clouds").changed == frozenset()


def test_the_authority_and_all_that_was_sent_stay_away():
    for node in NODES:
        assert left_on(node) == ""
        assert lab.sh(node, "find / -xdev -name ca.key -o -xdev -name ledger.sqlite", check=False) == ""


def test_a_dead_host_is_named_and_holds_nobody_up():
    playbooks.run("prepare_vpn", vpns=[LARGER])
    with off("vm2-west"):
        run = clouds("apply_clouds", succeeds=False)
        assert run.hosts("failed") == {"node-west"}
        assert "vm2-west: " in run.output
        clouds("verify_clouds", succeeds=False)
        assert {host for finding in playbooks.result()["findings"] for host in finding["hosts"]} == {"vm2-west"}
    if lab.thorough("limit: a machine that was dead gets its part when it is back"):
        clouds("apply_clouds")
        clouds("verify_clouds")


@pytest.mark.thorough("a dead host holds nobody up; limit has machines of each kind")
def test_a_dead_vcc_node_holds_no_other_cloud_up():
    with off("node-east"):
        run = clouds("apply_clouds", succeeds=False)
        assert run.hosts("unreachable") == {"node-east"}
        assert run.hosts("failed") == set()


def test_they_take_it_away_and_nothing_leaves_in_clear():
    address = playbooks.addresses()["vm1-west"]
    playbooks.run("prepare_vpn", vcc_delete=["payroll"])
    with lab.looking_for_clear(("vm1-east", "vm3-west"), address) as lines:
        clouds("apply_clouds")
    assert lines == []
    assert (vpns(), ledger.rows("leases")) == ({}, [])
    for edge in EDGES:
        assert "intercloud" not in lab.sh(edge, "nft list tables")
