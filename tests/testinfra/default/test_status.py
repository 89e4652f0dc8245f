# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user reads on the second day: how the VPNs are, what happened to them, and who has which address."""

from __future__ import annotations

import json

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks

MEMBERS = ["vm1-east", "vm1-west", "vm3-west"]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "written"


def status(file, **options):
    return playbooks.run("status_vpn", vcc_json=str(file), **options)


def test_all_is_well_and_no_host_is_changed(file):
    run = status(file)
    found = json.loads(file.read_text())
    assert found["ok"] and found["findings"] == []
    (vpn,) = found["vpns"]
    assert (vpn["name"], vpn["state"], vpn["links"]) == ("payroll", "active", {"up": 1, "of": 1})
    assert {node["node"] for node in found["nodes"] if node["runs"] == node["generation"]} >= {"edge-east", *MEMBERS}
    assert run.hosts("changed") == set()
    assert "Nodes and ledger agree with the plan" in run.output
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_is_wrong_is_told_and_fails_only_where_asked(file):
    """The agent is stopped, too: it would put the routes back before anybody looks."""
    edge = lab.host("edge-west")
    edge.check_output("systemctl stop intercloud-vpn.service && ip route flush type blackhole proto 155")
    try:
        run = status(file)
        found = json.loads(file.read_text())
        (node,) = (node for node in found["nodes"] if node["node"] == "edge-west")
        assert not found["ok"]
        assert {change["subsystem"] for change in node["drift"]} == {"routes", "units"}
        assert "ERROR  edge-west" in run.output
        failed = status(file, vcc_status_fails=True, succeeds=False)
        assert "1 finding: edge-west" in failed.output
    finally:
        edge.check_output("systemctl start intercloud-vpn.service")
    lab.wait_for("the route is back", lambda: edge.check_output("ip route show type blackhole"), 20)


def test_what_happened_is_told_with_who_did_it(file):
    run = playbooks.run("history_vpn", vcc_only="payroll", vcc_json=str(file))
    assert "VPN payroll: created, number 1" in run.output
    assert "VPN payroll: is up" in run.output
    events = json.loads(file.read_text())["events"]
    leased = {event["subject"] for event in events if event["what"] == "lease taken"}
    assert {name for name in MEMBERS if any(key.endswith(f"/vm/{name}") for key in leased)} == {*MEMBERS}
    assert all(event["who"] for event in events)


def test_other_programs_get_the_addresses_that_members_have(addresses, file):
    playbooks.run("export_vpn", vcc_export_file=str(file))
    lines = dict(line.split("\t")[::-1] for line in file.read_text().splitlines())
    assert lines == {f"{member}.payroll.vpn.internal": address for member, address in addresses.items()}
    playbooks.run("export_vpn", vcc_export="inventory", vcc_export_file=str(file))
    hosts = json.loads(file.read_text())["vpns"]["children"]["payroll"]["hosts"]
    assert {host: known["payroll_address"] for host, known in hosts.items()} == addresses
    wrong = playbooks.run("export_vpn", vcc_only="payrol", succeeds=False)
    assert "did you mean payroll?" in wrong.output
