# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever becomes of a run, a node is on its old generation or on the new one, and the next run mends the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, EDGES, PAYROLL


def generations():
    return {edge: lab.sh(edge, "readlink /var/lib/intercloud-vpn/current") for edge in EDGES}


def unconfirmed():
    return [edge for edge in EDGES if lab.host(edge).file("/var/lib/intercloud-vpn/unconfirmed").exists]


@pytest.fixture(scope="module")
def addresses():
    return playbooks.addresses()


@pytest.fixture
def as_before(addresses):
    """After the test the edges have the same generation and the same SAs as before, and lost no packet in between."""
    before = (generations(), strongswan.spis(*EDGES))
    with lab.pinging("vm1-east", addresses["vm1-west"]) as pings:
        yield
    after = (generations(), strongswan.spis(*EDGES))
    assert after == before, "\n".join(f"{edge}:\n{strongswan.journal(edge)}" for edge in EDGES)
    assert pings.lost == 0, pings.text


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    """Of org edges, with mistakes: whatever is rendered from them is refused."""
    mistakes = {
        "nftables.nft": "table inet intercloud_vpn { chain forward { ip saddr drop everything } }",
        "swanctl.conf": "connections { edge-east--edge-west { version = 2",
    }
    paths = {name: tmp_path_factory.mktemp("templates") / f"{name}.j2" for name in mistakes}
    for name, mistake in mistakes.items():
        ours = (lab.ROOT / f"roles/org_edge/templates/{name}.j2").read_text(encoding="utf-8")
        paths[name].write_text(f"{ours}\n{mistake}\n", encoding="utf-8")
    return {name: str(path) for name, path in paths.items()}


def test_templates_with_mistakes_fail_before_anything_is_touched(as_before, templates):
    """Both of them at once: everything is validated before anything of it is applied."""
    run = playbooks.create(PAYROLL, succeeds=False, verify=False, org_edge_templates=templates)
    assert run.hosts("failed") == set(EDGES)
    said = " ".join(run.output.split())
    assert "not applied, nothing was touched: nftables: " in said
    assert "Error: syntax error, unexpected drop" in said
    assert "swanctl.conf: connection edge-east--edge-west of the document is missing" in said


def test_a_vpn_that_no_edge_took_is_applied_by_no_run_for_another(addresses, templates):
    """Not even by one with a name that is mistyped: that one touches nothing."""
    keys = strongswan.spis(*EDGES)
    run = playbooks.create(AUDIT, succeeds=False, verify=False, org_edge_templates=templates)
    assert run.hosts("failed") == set(EDGES)
    assert [(row["name"], row["state"]) for row in ledger.rows("vpns")] == [("audit", "planned"), ("payroll", "active")]

    before = (generations(), ledger.contents())
    run = playbooks.delete("paroll", succeeds=False)
    assert "vcc_delete: there is no VPN paroll; did you mean payroll?" in run.output
    assert run.changed == frozenset()
    assert (generations(), ledger.contents()) == before

    leased = ledger.leases("audit")
    run = playbooks.create(PAYROLL, verify=False)
    assert "audit never came up: this run leaves it out, its addresses stay leased." in " ".join(run.output.split())
    assert strongswan.spis(*EDGES) == keys
    assert ledger.leases("audit") == leased
    for edge in EDGES:
        assert not lab.host(edge).file("/etc/swanctl/conf.d/intercloud-vpn.conf").contains("audit")
    if lab.thorough("a second run in other scenarios has nothing to do"):
        assert playbooks.create(PAYROLL).changed == frozenset()


def test_what_nobody_confirms_rolls_back_by_itself(as_before):
    before = generations()
    playbooks.run(playbooks.SHARED / "unconfirmed.yml", vpns=[PAYROLL, AUDIT], vcc_confirm_timeout=6)
    assert unconfirmed() == list(EDGES)
    assert set(generations().values()) & set(before.values()) == set()
    lab.wait_for("rolled back", lambda: not unconfirmed() and generations() == before, 30)
    assert not lab.host("edge-east").file("/etc/swanctl/conf.d/intercloud-vpn.conf").contains("audit")


@pytest.mark.parametrize(
    "task",
    [
        pytest.param("Keep the cloud's slices", marks=pytest.mark.thorough("killed later; tests/faults at every step")),
        "Bring the edge to its generation",
    ],
)
def test_a_killed_run_is_finished_by_the_next_one(addresses, task):
    words = playbooks.command("create_vpn", vpns=[PAYROLL, AUDIT])
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=playbooks.environment(), cwd=lab.ROOT, start_new_session=True,
    ) as doomed:  # fmt: skip
        assert any(task in line for line in doomed.stdout)
        time.sleep(0.5)  # into the task
        os.killpg(doomed.pid, signal.SIGKILL)
    assert lab.answers("vm1-east", addresses["vm1-west"])


def test_and_that_one_finds_all_of_it(addresses):
    playbooks.create(PAYROLL, AUDIT, verify=False)
    assert playbooks.addresses() == addresses
    assert lab.answers("vm1-east", addresses["vm1-west"])
    assert lab.answers("vm2-east", playbooks.addresses("audit")["vm2-west"])
    assert unconfirmed() == []


def test_a_deletion_that_nobody_confirms_is_undone(addresses):
    """Members that let go of the VPN get it back, and the next run deletes it."""
    theirs = playbooks.addresses("audit")
    playbooks.run(Path(__file__).with_name("left.yml"), vcc_delete=["audit"], vcc_confirm_timeout=6)
    assert not lab.answers("vm2-east", theirs["vm2-west"])
    lab.wait_for("an answer", lambda: lab.answers("vm2-east", theirs["vm2-west"], count=1), 30)
    assert lab.answers("vm1-east", addresses["vm1-west"])
    playbooks.delete("audit", verify=False)
    assert not lab.host("vm2-east").file("/var/lib/intercloud-vpn").exists
