# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An org edge and a VPN get other names, and another machine takes an edge's place: addresses stay."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import inventories, lab, ledger, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, EDGES

CONTROL = {**AUDIT, "name": "control", "formerly": "audit"}
# Of pings 100 a second. The end that answers sends by a new link before the other end can read that: 2 ms, and up to
# 38 ms at load 15 on two cores.
FEW = 5
CERTIFICATE = "openssl x509 -noout -subject -serial -in /etc/swanctl/x509/intercloud-vpn.pem"


@pytest.fixture(scope="module")
def was():
    return {vpn: playbooks.addresses(vpn) for vpn in ("payroll", "audit")}


def pinging(stack, was):
    """Members of both VPNs ping each other, 100 times a second, in both directions."""
    pairs = (("vm1-east", was["payroll"]["vm1-west"]), ("vm3-west", was["payroll"]["vm1-east"]))
    pairs += (("vm2-east", was["audit"]["vm2-west"]), ("vm2-west", was["audit"]["vm2-east"]))
    return [stack.enter_context(lab.pinging(*pair, interval=0.01)) for pair in pairs]


def links(edge):
    return {(tunnel.name, child.name) for tunnel in strongswan.ike_sas(edge) for child in tunnel.children}


def test_another_machine_takes_the_place_of_an_edge_in_one_run(was, say):
    """New disk, new host key, no key, no state."""
    before = lab.sh("edge-west", CERTIFICATE)
    lab.labctl("kill", "edge-west")
    shutil.rmtree(Path(_lab.STATE_DIR, "machines", "edge-west"))
    playbooks.run("lab_up")
    run = playbooks.create()
    assert playbooks.result()["findings"] == []
    # In a slow run, the peer gives the old machine up by itself before that: by DPD, 16 s after it was gone.
    told = ("edge-east", "Confirm, and bring the links up") in run.changed
    say(f"edge-east {'was told' if told else 'knew'} that the new edge-west had nothing of the tunnel")
    assert {vpn: playbooks.addresses(vpn) for vpn in was} == was
    assert lab.sh("edge-west", CERTIFICATE) != before
    for edge in EDGES:
        assert links(edge) == {("edge-east--edge-west", "payroll"), ("edge-east--edge-west", "audit")}
    assert playbooks.create(verify=False).changed == frozenset()


@pytest.mark.thorough("a VM, a vApp and a VPN get other names in the short form")
def test_an_edge_by_another_name_keeps_all_addresses(was, say, tmp_path):
    inventory = inventories.renamed(tmp_path / "gate.sh", "edge-west", "gate-west", vcc_formerly="edge-west")
    predicted = playbooks.run("create_vpn", ["--check"], inventory=inventory)
    with ExitStack() as stack:
        pings = pinging(stack, was)
        run = playbooks.run("create_vpn", inventory=inventory)
    say(f"while edge-west became gate-west, {[one.lost for one in pings]} of {pings[0].sent} pings had no answer")
    assert max(one.lost for one in pings) <= FEW, [one.text for one in pings]
    assert "gate-west was edge-west" in run.output
    assert run.hosts("changed") == predicted.hosts("changed")
    assert playbooks.result()["findings"] == []
    assert {vpn: playbooks.addresses(vpn) for vpn in was} == was
    assert "CN = gate-west.acme" in lab.sh("edge-west", CERTIFICATE)
    for edge in EDGES:
        assert links(edge) == {("edge-east--gate-west", "payroll"), ("edge-east--gate-west", "audit")}
        assert "edge-west" not in lab.sh(edge, "cat /etc/swanctl/conf.d/*; swanctl --list-conns; ls /etc/swanctl/x509")
    for table in ("documents", "tunnels", "leases"):
        assert "edge-west" not in str(ledger.rows(table))
    assert playbooks.run("create_vpn", inventory=inventory).changed == frozenset()


@pytest.mark.thorough("a VM, a vApp and a VPN get other names in the short form")
def test_and_back(was, say, tmp_path):
    back = inventories.renamed(tmp_path / "back.sh", "edge-west", "edge-west", vcc_formerly="gate-west")
    with ExitStack() as stack:
        pings = pinging(stack, was)
        playbooks.run("create_vpn", inventory=back)
    say(f"and back, {[one.lost for one in pings]} of {pings[0].sent}")
    assert max(one.lost for one in pings) <= FEW, [one.text for one in pings]
    assert playbooks.run("create_vpn").changed == frozenset()


def test_a_vpn_by_another_name_keeps_its_addresses(was, say):
    before = {edge: strongswan.link(edge, "payroll").spis for edge in EDGES}
    predicted = None
    if lab.thorough("a check predicts what a VM's new name does"):
        predicted = playbooks.run("create_vpn", ["--check"], vpns=[CONTROL])
    with ExitStack() as stack:
        pings = pinging(stack, was)
        run = playbooks.run("create_vpn", vpns=[CONTROL])
    say(f"while audit became control, {[one.lost for one in pings]} of {pings[0].sent} pings had no answer")
    assert max(one.lost for one in pings) <= FEW, [one.text for one in pings]
    assert "control was audit" in run.output
    assert predicted is None or run.hosts("changed") == predicted.hosts("changed")
    assert playbooks.result()["findings"] == []
    assert playbooks.addresses("control") == was["audit"]
    for edge in EDGES:
        assert links(edge) == {("edge-east--edge-west", "payroll"), ("edge-east--edge-west", "control")}
        assert "audit" not in lab.sh(edge, "cat /etc/swanctl/conf.d/*; swanctl --list-conns; nft list ruleset")
    assert {edge: strongswan.link(edge, "payroll").spis for edge in EDGES} == before
    if lab.thorough("a second run after another change has nothing to do"):
        assert playbooks.run("create_vpn", vpns=[CONTROL]).changed == frozenset()
    assert "two VPNs" not in playbooks.create({**AUDIT, "formerly": "control"}, verify=False).output
    assert playbooks.addresses("audit") == was["audit"]
