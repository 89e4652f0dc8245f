# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second VPN shares the tunnel; a member comes and goes; who is not concerned loses no packet and keeps its keys."""

from __future__ import annotations

import json

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import inventories, lab, ledger, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, EDGES, PAYROLL

LARGER = {**PAYROLL, "members": ["vm2-west", *PAYROLL["members"]]}


@pytest.fixture(scope="module")
def addresses():
    return playbooks.addresses()


@pytest.fixture
def undisturbed(addresses):
    """Others ping each other, ten times in 0.1 s, while the test does what it does; none of it is lost."""
    links = {edge: strongswan.link(edge, "payroll").spis for edge in EDGES}
    with (
        lab.pinging("vm1-east", addresses["vm1-west"]) as pings,
        lab.pinging("vm3-west", addresses["vm1-east"]) as more,
    ):
        yield
    assert (pings.lost, more.lost) == (0, 0), (pings.text, more.text)
    assert {edge: strongswan.link(edge, "payroll").spis for edge in EDGES} == links


def test_a_second_vpn_reuses_the_tunnel(addresses, undisturbed):
    """`payroll` is not in the intent of this run, and stays."""
    before = strongswan.spis(*EDGES)
    run = playbooks.create(AUDIT)
    assert "ERROR" not in run.output
    for edge in EDGES:
        (tunnel,) = strongswan.ike_sas(edge)
        assert tunnel.spis == before[edge]["edge-east--edge-west"]
        assert sorted(child.name for child in tunnel.children) == ["audit", "payroll"]
        assert not strongswan.link(edge, "audit").spis & before[edge]["payroll"]
    assert lab.answers("vm2-east", playbooks.addresses("audit")["vm2-west"])
    assert playbooks.addresses("payroll") == addresses


def test_the_two_vpns_do_not_meet(addresses):
    assert not lab.answers("vm2-east", addresses["vm1-west"])
    assert not lab.answers("vm1-east", playbooks.addresses("audit")["vm2-west"])


def test_a_member_is_added(addresses, undisturbed):
    playbooks.create(LARGER, verify=False)
    assert playbooks.addresses().items() > addresses.items()
    assert lab.answers("vm2-west", addresses["vm1-east"])
    assert lab.answers("vm1-east", playbooks.addresses()["vm2-west"])


def test_and_taken_out_again(addresses, undisturbed):
    was = playbooks.addresses()["vm2-west"]
    playbooks.create(PAYROLL)
    assert playbooks.addresses() == addresses
    assert not lab.answers("vm2-west", addresses["vm1-east"])
    assert not lab.answers("vm2-west", addresses["vm1-west"])
    assert not lab.answers("vm1-east", was)
    assert was not in lab.netns("vm2-west", "ip", "address")


def test_what_it_was_in_besides_is_still_there():
    assert lab.answers("vm2-west", playbooks.addresses("audit")["vm2-east"])


def test_a_rollback_brings_the_member_back(addresses, undisturbed, tmp_path):
    """And is refused where it would delete a VPN that the run does not name."""
    file = tmp_path / "history.json"
    playbooks.run("history_vpn", vcc_json=str(file))
    generations = json.loads(file.read_text())["rollbacks"]["acme"]
    assert generations == list(range(1, generations[-1] + 1))
    larger = generations[-2]  # the last one took the member out again
    back = {"vcc_generation": larger, "vcc_only": "payroll"}
    predicted = playbooks.run("rollback_vpn", ["--check"], **back)
    run = playbooks.run("rollback_vpn", **back)
    assert "~ VPN payroll" in run.output and "+ member vm2-west" in run.output
    assert run.hosts("changed") == predicted.hosts("changed")
    assert playbooks.addresses().items() > addresses.items()
    assert lab.answers("vm2-west", addresses["vm1-east"])

    before = ledger.contents()
    alone = playbooks.run("rollback_vpn", vcc_generation=1, succeeds=False)
    assert "- VPN audit" in alone.output and "has to name what it deletes: -e vcc_delete=audit" in alone.output
    unknown = playbooks.run("rollback_vpn", vcc_generation=99, succeeds=False)
    assert f"acme can go back to 1-{generations[-1] + 1} (" in unknown.output
    assert ledger.contents() == before
    playbooks.create(PAYROLL, verify=False)


@pytest.fixture
def renamed(tmp_path):
    return inventories.renamed(tmp_path / "renamed.sh", "vm2-west", "web-west")


@pytest.mark.thorough("unit tests of the plan; a former name keeps addresses below")
def test_a_vm_by_another_name_is_not_renumbered_unless_that_is_allowed(renamed, undisturbed):
    was = playbooks.addresses("audit")["vm2-west"]
    audit = {**AUDIT, "members": ["vm2-east", "web-west", "vm3-west"]}
    before = ledger.contents()
    for playbook in ("plan_vpn", "create_vpn"):
        run = playbooks.run(playbook, vpns=[audit], inventory=renamed, succeeds=False)
        assert f"vm2-west: {was} \u2192 " in run.output and "-e vcc_allow_renumber=true" in run.output
        assert run.changed == frozenset()
    assert ledger.contents() == before

    # The machine was told that it is vm2-west: that, too, changes on purpose only. And that name will never come back.
    allowed = {"vcc_allow_renumber": True, "vcc_adopt": ["vm2-west"], "vcc_forget": ["vm2-west"]}
    run = playbooks.run("create_vpn", vpns=[audit], inventory=renamed, **allowed)
    new = playbooks.addresses("audit")["web-west"]
    assert f"audit renumbers vm2-west: {was} \u2192 {new} (renamed to web-west)" in run.output
    assert lab.answers("vm2-east", new)
    assert not lab.answers("vm2-east", was)


@pytest.mark.thorough("unit tests of the plan; a former name keeps addresses below")
def test_and_back_to_the_old_name_gets_the_old_address(undisturbed):
    was = playbooks.addresses("audit")["web-west"]
    allowed = {"vcc_allow_renumber": True, "vcc_adopt": ["web-west"], "vcc_forget": ["web-west"]}
    playbooks.run("create_vpn", vpns=[AUDIT], **allowed)
    assert playbooks.addresses("audit")["vm2-west"] != was
    assert lab.answers("vm2-east", playbooks.addresses("audit")["vm2-west"])
    assert not lab.answers("vm2-east", was)
    assert "web-west" not in [row["node"] for row in ledger.rows("documents")]


def test_a_vm_that_says_its_former_name_keeps_its_address(tmp_path, undisturbed):
    was = playbooks.addresses("audit")["vm2-west"]
    inventory = inventories.renamed(tmp_path / "renamed.sh", "vm2-west", "web-west", vcc_formerly="vm2-west")
    audit = {**AUDIT, "members": ["vm2-east", "web-west", "vm3-west"]}
    before = ledger.contents()
    predicted = playbooks.run("create_vpn", ["--check"], vpns=[audit], inventory=inventory)
    assert ledger.contents() == before
    with lab.pinging("vm2-east", was) as pings:
        run = playbooks.run("create_vpn", vpns=[audit], inventory=inventory)
    assert pings.lost == 0, pings.text
    assert "web-west was vm2-west" in run.output
    assert run.hosts("changed") == predicted.hosts("changed")
    assert playbooks.addresses("audit")["web-west"] == was
    if lab.thorough("a second run after another change has nothing to do"):
        assert playbooks.run("create_vpn", vpns=[audit], inventory=inventory).changed == frozenset()
    assert "vm2-west" not in [row["node"] for row in ledger.rows("documents")]


def test_so_does_a_vapp_and_the_vm_takes_its_old_name_again(tmp_path, undisturbed):
    was = playbooks.addresses("audit")["web-west"]
    inventory = inventories.renamed(tmp_path / "vapp.sh", "vapp1-west", "shop-west", vcc_formerly="vapp1-west")
    inventories.told(inventory, vm2_west={"vcc_formerly": ["web-west"]})
    with lab.pinging("vm2-east", was) as pings:
        run = playbooks.run("create_vpn", vpns=[AUDIT], inventory=inventory)
    assert pings.lost == 0, pings.text
    assert "shop-west was vapp1-west" in run.output
    assert playbooks.addresses("audit")["vm2-west"] == was
    if lab.thorough("a second run after another change has nothing to do"):
        assert playbooks.run("create_vpn", vpns=[AUDIT], inventory=inventory).changed == frozenset()

    back = inventories.renamed(tmp_path / "back.sh", "vapp1-west", "vapp1-west", vcc_formerly="shop-west")
    assert "vapp1-west was shop-west" in playbooks.create(AUDIT, verify=False, inventory=back).output
    assert playbooks.create(AUDIT, verify=False).changed == frozenset()
