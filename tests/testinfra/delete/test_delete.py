# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deleting: one VPN of two goes and the other notices nothing; the last one goes and leaves no trace."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks, snapshot, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, EDGES, PAYROLL

TEXTFILES = "/var/lib/prometheus/node-exporter"  # where node_exporter looks


@pytest.fixture(scope="module")
def before():
    lab.sh("edge-east", f"mkdir -p {TEXTFILES}")
    return snapshot.of_all()


@pytest.fixture(scope="module")
def both(before):
    playbooks.create(PAYROLL, AUDIT, verify=False)
    return {name: playbooks.addresses(name) for name in ("payroll", "audit")}


@pytest.fixture(scope="module")
def audit_deleted(both):
    """The SPIs before, and pings of a member of payroll meanwhile."""
    spis = strongswan.spis(*EDGES)
    with lab.pinging("vm1-east", both["payroll"]["vm1-west"]) as pings:
        playbooks.delete("audit", verify=False)
    return spis, pings


@pytest.fixture(scope="module")
def all_deleted(audit_deleted):
    playbooks.delete("payroll")
    return snapshot.of_all()


def test_two_vpns_are_there(both):
    assert lab.answers("vm1-east", both["payroll"]["vm1-west"])
    assert lab.answers("vm2-east", both["audit"]["vm2-west"])


def test_metrics_are_where_node_exporter_looks(both):
    lab.sh("edge-east", "systemctl start intercloud-vpn-metrics.service")
    said = lab.sh("edge-east", f"cat {TEXTFILES}/*")
    for vpn in both:
        assert f'link_up{{vpn="{vpn}",tunnel="edge-east--edge-west",peer="edge-west"}} 1\n' in said
    assert lab.host("edge-east").file(f"{TEXTFILES}/intercloud_vpn.prom").mode == 0o644
    assert not lab.host("edge-west").file(TEXTFILES).exists


def test_of_two_vpns_one_is_deleted_and_the_other_loses_no_packet(both, audit_deleted):
    spis, pings = audit_deleted
    assert pings.lost == 0, pings.text
    assert strongswan.spis(*EDGES) == {edge: {k: v for k, v in spis[edge].items() if k != "audit"} for edge in EDGES}
    assert not lab.answers("vm2-east", both["audit"]["vm2-west"])
    assert [row["name"] for row in ledger.rows("vpns")] == ["payroll"]


def test_the_last_one_is_deleted_and_leaves_no_trace_on_any_machine(before, all_deleted):
    assert snapshot.differences(before, all_deleted) == []


def test_nor_any_metrics(all_deleted):
    assert lab.sh("edge-east", f"ls {TEXTFILES}; systemctl list-timers --all | grep intercloud || true") == ""


def test_nor_anything_with_our_name(all_deleted):
    """What an earlier test left behind would be in the first snapshot, too."""
    left = [
        f"{name}: {line}"
        for name, subjects in all_deleted.items()
        for lines in subjects.values()
        for line in lines
        if "intercloud" in line or "vcc" in line
    ]
    assert left == []


def test_nor_anything_in_the_ledger_but_that_it_happened(all_deleted):
    tables = ("leases", "vpns", "tunnels", "landscape", "documents")
    assert {table: ledger.rows(table) for table in tables} == {table: [] for table in tables}
    assert ledger.rows("events")


def test_deleting_again_changes_nothing(all_deleted):
    run = playbooks.delete("payroll")
    assert run.changed == frozenset()
    assert snapshot.differences(all_deleted, snapshot.of_all()) == []


def test_an_agent_that_is_killed_on_its_way_back_to_nothing_arrives(all_deleted):
    """Nobody confirms the edges' first generation, and their agents are killed again and again while they undo it."""
    playbooks.run(playbooks.SHARED / "unconfirmed.yml", vpns=[PAYROLL], vcc_confirm_timeout=5)
    assert all(lab.host(edge).file("/var/lib/intercloud-vpn/unconfirmed").exists for edge in EDGES)

    def kill(edge):
        """How often there was an agent to kill."""
        agent = "systemctl show --property MainPID --value intercloud-vpn.service"
        killed = 0
        for turn in range(1, 15):  # from a restart that has hardly begun to one that is nearly done
            time.sleep(0.05 * turn)
            killed += (
                lab.sh(edge, f'pid=$({agent}); test "$pid" -gt 0 && kill -KILL "$pid" && echo killed || true') != ""
            )
        return killed

    def left_when_the_unit_goes(edge):
        """What systemd would start nobody for any more."""
        gone = "while test -e /etc/systemd/system/intercloud-vpn.service; do sleep 0.001; done"
        return lab.sh(edge, f"{gone}; ls /var/lib/intercloud-vpn 2>/dev/null || true")

    with ThreadPoolExecutor(2) as pool:
        left = [pool.submit(left_when_the_unit_goes, edge) for edge in EDGES]
        assert min(lab.at_once(kill, EDGES)) > 1
        assert [one.result() for one in left] == ["", ""]
    active = "systemctl is-active intercloud-vpn.service || true"
    lab.wait_for("no agent", lambda: all(lab.sh(edge, active) in ("inactive\n", "failed\n") for edge in EDGES), 20)
    playbooks.delete("payroll", verify=False)
    for edge in EDGES:
        lab.sh(
            edge, "systemctl reset-failed"
        )  # systemd itself remembers that the last thing a unit did was to be killed
    assert snapshot.differences(all_deleted, snapshot.of_all()) == []
