# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook rotate: certificates, keys and the authority are replaced under pings, also when it is interrupted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL
from ansible_collections.intercloud.vpn.tests.testinfra.rotation.test_rotation import killed, pinging

EAST, WEST = EDGES
TUNNEL = "edge-east--edge-west"
CA = Path(_lab.STATE_DIR, "ca/acme")
ONE = ("--limit", f"localhost,node-east,{EAST}")


@pytest.fixture(scope="module", autouse=True)
def there():
    playbooks.create(PAYROLL, verify=False)


def certificate(edge):
    return json.loads(lab.sh(edge, "/usr/local/lib/intercloud-vpn/agent status"))["certificate"]


def loaded(edge):
    """How many authorities an edge's charon has."""
    return int(lab.sh(edge, "swanctl --list-certs 2>/dev/null | grep -c 'flags:.*self-signed'"))


def keys(edge):
    return sorted(lab.sh(edge, "ls /etc/swanctl/private").split())


def one_of_each():
    found = {edge: strongswan.ike_sas(edge) for edge in EDGES}
    return all([sa.name for sa in sas] == [TUNNEL] and len(sas[0].children) == 1 for sas in found.values())


def unchanged():
    """A create_vpn after it has nothing to do, and verify is content."""
    again = playbooks.create(PAYROLL)
    assert again.hosts("changed") == set(), again.output[-3000:]


def test_keys_are_replaced(addresses, say):
    before = {edge: certificate(edge) for edge in EDGES}
    with pinging(addresses, say, "keys rotated", renewals=2):
        playbooks.run("rotate", vcc_rotate="keys")
    lab.wait_for("one of each SA", one_of_each, 15)
    for edge in EDGES:
        now = certificate(edge)
        assert now["fits"] and now["signed"]
        assert {now[what] == before[edge][what] for what in ("serial", "key_sha256")} == {False}
        assert keys(edge) == ["intercloud-vpn.key"]
    unchanged()


def test_an_authority_is_replaced_while_runs_come_in_between(addresses, say):
    """An edge is away in the first phase: the rotation stops, create_vpn and verify find all well, and it goes on."""
    before = {edge: certificate(edge) for edge in EDGES}
    with pinging(addresses, say, "the authority rotated, interrupted once", renewals=8):
        stopped = playbooks.run("rotate", vcc_rotate="authority", arguments=ONE, succeeds=False)
        assert "edge-west: did not answer" in stopped.output
        assert (CA / "next/ca.key").stat().st_mode & 0o777 == 0o600
        playbooks.create(PAYROLL)
        assert {edge: certificate(edge)["serial"] for edge in EDGES} == {e: before[e]["serial"] for e in EDGES}
        playbooks.run("rotate", vcc_rotate="authority")
    lab.wait_for("one of each SA", one_of_each, 15)
    for edge in EDGES:
        now = certificate(edge)
        assert len(now["authorities"]) == 1 and now["authorities"] != before[edge]["authorities"]
        assert now["signed"] and now["key_sha256"] == before[edge]["key_sha256"]
        assert loaded(edge) == 1  # charon has forgotten the old one
    assert not (CA / "next").exists() and not (CA / "rotation.json").exists()
    unchanged()


@pytest.mark.thorough("unit tests kill an edge between its files")
def test_an_edge_is_killed_while_it_gets_its_key(addresses, say):
    """It has written key and certificate, and loaded nothing: the same command has it do the rest."""
    before = {edge: certificate(edge)["key_sha256"] for edge in EDGES}
    with pinging(addresses, say, "keys rotated, edge-east killed in between", renewals=4):
        with killed(EAST, "CHILD_SA payroll.* established with SPIs"):  # of the bridge
            playbooks.run("rotate", vcc_rotate="keys", succeeds=None)
        assert certificate(EAST)["fits"]
        playbooks.run("rotate")
    lab.wait_for("one of each SA", one_of_each, 15)
    for edge in EDGES:
        assert certificate(edge)["key_sha256"] != before[edge] and certificate(edge)["fits"]
        assert keys(edge) == ["intercloud-vpn.key"]
    unchanged()


@pytest.mark.thorough("unit tests kill the VCC server at each step")
@pytest.mark.parametrize("phase", ["both", "issue"])
def test_one_edge_is_ahead_in_each_phase(addresses, say, phase):
    """A mixed state is a working one: tunnels that are made from nothing come up in it."""
    with pinging(addresses, say, f"the authority rotated, edge-east ahead in phase {phase}", renewals=8):
        playbooks.run(
            "rotate", vcc_rotate="authority", arguments=("--limit", f"localhost,node-east,{EAST}"), succeeds=False
        )
        if phase == "issue":
            state = CA / "rotation.json"
            playbooks.create(PAYROLL, verify=False)  # brings edge-west to the phase; nobody takes it further
            state.write_text(state.read_text().replace('"both"', '"issue"'))
            playbooks.run("rotate", arguments=ONE, succeeds=False)
    lab.sh(EAST, f"swanctl --terminate --ike {TUNNEL} --force >/dev/null 2>&1", check=False)
    lab.wait_for("the tunnel is up again", one_of_each, 30)
    playbooks.run("rotate")
    lab.wait_for("one of each SA", one_of_each, 15)
    unchanged()
