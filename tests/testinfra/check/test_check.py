# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""--check predicts: the same tasks change on the same hosts, by the same actions, as in the run that follows it."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import ledger, playbooks, snapshot
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL

LARGER = {**PAYROLL, "members": [*PAYROLL["members"], "vm2-west"]}
APPLY = playbooks.SHARED / "apply.yml"
CERTIFICATE = "/etc/swanctl/x509/intercloud-vpn.pem"
CONCERNED = [*PAYROLL["members"], "vapp1-east", "vapp1-west", *EDGES, "node-east", "node-west"]


@pytest.fixture(scope="module")
def before():
    return {"machines": snapshot.of_all(), "ledger": ledger.contents()}


@pytest.fixture(scope="module")
def predicted(before):
    return playbooks.create(PAYROLL, arguments=("--check", "-v"), verify=False)


def test_plan_vpn_does_not_even_make_a_ledger(before, tmp_path):
    state = tmp_path / "state"
    run = playbooks.run("plan_vpn", vcc_state_dir=str(state), vcc_ledger=f"sqlite:///{state}/ledger.sqlite")
    assert "+ VPN payroll: number 1, mesh, pool internal\n    + block 100.64.0.0/24\n" in run.output
    assert "Plan: 1 VPN to add, 0 to change, 0 to delete; 9 of 9 nodes." in run.output
    assert run.hosts("changed") == set()
    assert not state.exists()


def test_planning_and_checking_touch_nothing(before, predicted):
    assert snapshot.differences(before["machines"], snapshot.of_all()) == []
    assert ledger.contents() == before["ledger"]


def test_creating_does_what_was_predicted(predicted):
    done = playbooks.create(PAYROLL, arguments=("-v",), verify=False)
    assert done.output.index("Plan: 1 VPN to add") < done.output.index("PLAY [Apply to the org edges]")
    assert predicted.hosts("changed") == {*CONCERNED}
    assert_same(predicted, done)


def test_so_does_adding_a_member():
    predicted, done = checked_and_done(lambda how: playbooks.create(LARGER, arguments=how, verify=False))
    assert predicted.actions["vm2-west"]["addresses"] != []
    assert_same(predicted, done)


def test_checking_a_rotation_tells_what_edges_get_and_touches_nothing():
    before = snapshot.of_all()
    checked = playbooks.run("rotate", ("--check",), vcc_rotate="authority")
    assert checked.hosts("changed") == {*EDGES}
    assert "acme: rotation of authority begins" in checked.output
    assert snapshot.differences(before, snapshot.of_all()) == []


@pytest.mark.thorough("so does creating; refused: a check predicts a revocation")
def test_and_new_certificates():
    """Every one that there is expires within so many days."""
    renewing = {"vpns": [LARGER], "org_edge_certificate_days": 5000}
    predicted, done = checked_and_done(lambda how: playbooks.run(APPLY, how, **renewing))
    for edge in EDGES:
        assert f"install {CERTIFICATE}" in predicted.actions[edge]["certificates"]
    assert_same(predicted, done)


def test_and_deleting():
    predicted, done = checked_and_done(lambda how: playbooks.delete("payroll", arguments=how))
    assert predicted.actions["edge-east"]["nftables"] != []
    assert_same(predicted, done)


def checked_and_done(run):
    """The check, which has to touch nothing, and the run itself."""
    some = [*EDGES, "vapp1-west", "vm2-west"]
    before = (snapshot.of_all(some), ledger.contents())
    predicted = run(("--check", "-v"))
    assert (snapshot.differences(before[0], snapshot.of_all(some)), ledger.contents()) == ([], before[1])
    return predicted, run(("-v",))


def assert_same(predicted, done):
    assert sorted(predicted.changed - done.changed) == []
    assert sorted(done.changed - predicted.changed) == []
    for host in predicted.actions:
        assert lasting(predicted.actions[host]) == lasting(done.actions[host]), host


def lasting(actions):
    """Without the end of an SA: it ends on both edges when one of them ends it, and both expect to be the first."""
    return {name: [word for word in words if not word.startswith("terminate ")] for name, words in actions.items()}
