# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A quota: counted at the edge, through everything; when it is used up, exactly that member or VPN is stopped, or it is
told."""

from __future__ import annotations

import json
import time

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.limits.test_rate import limited
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

MB = 10**6
AGENT = "/usr/local/lib/intercloud-vpn/agent"
FILE = "/var/lib/intercloud-vpn/usage.json"
QUOTA = {"member": "5MB/day"}
BEGUN = int(time.time())
MEMBER = "vm1-east"


def used(edge, member=None):
    """Octets that an edge says were used, by a member's name or by all."""
    address = member and playbooks.addresses()[member]
    usage = json.loads(lab.sh(edge, f"{AGENT} status"))["usage"]
    return next(entry["used"] for entry in usage if entry["member"] == address)


def carried(machine, address):
    """Octets of IP packets that a machine's device towards an address has carried both ways, so far."""
    device = json.loads(lab.sh(machine, f"ip -j route get {address}"))[0]["dev"]
    link = json.loads(lab.sh(machine, f"ip -j -s link show {device}"))[0]["stats64"]
    return sum(link[way]["bytes"] - 14 * link[way]["packets"] for way in ("rx", "tx"))


def spend(source, address):
    """3.4 MB: packets of full size and their answers, as far as they get."""
    lab.ping(source, address, count=1200, interval=0.002, size=1400)


def told(edge):
    """Lines of the journal that say that a quota is used up, since the story began."""
    journal = lab.sh(edge, f"journalctl -o cat -p warning -u intercloud-vpn --since @{BEGUN}")
    return [line for line in journal.splitlines() if "used up" in line]


@pytest.fixture(scope="module", autouse=True)
def spis():
    playbooks.create(limited(quota=QUOTA))
    return strongswan.spis(*EDGES)


@pytest.fixture(scope="module")
def addresses(spis):
    return playbooks.addresses()


def test_verify_shows_what_is_used(addresses):
    (entry,) = [entry for entry in playbooks.result()["usage"] if entry["member"] == MEMBER]
    assert (entry["edge"], entry["vpn"], entry["octets"], entry["period"]) == ("edge-east", "payroll", 5 * MB, "day")
    assert 0 < entry["used"] < MB and not entry["used_up"]


def test_what_is_refused_counts_for_nobody(addresses):
    before = used("edge-east", MEMBER)
    assert not lab.answers("vm2-east", addresses["vm1-west"])
    assert used("edge-east", MEMBER) == before


def test_what_passes_is_counted(addresses):
    before, carried_before = used("edge-east", MEMBER), carried(MEMBER, addresses["vm1-west"])
    assert lab.transfer(MEMBER, "vm1-west", addresses["vm1-west"], 2 * MB)
    counted, sent = used("edge-east", MEMBER) - before, carried(MEMBER, addresses["vm1-west"]) - carried_before
    assert counted > 2 * MB
    assert 0.98 * sent < counted <= sent, "with headers, acknowledgements and what TCP sends again, each of them once"
    assert used("edge-east", "vm3-east") < MB


def test_a_run_that_changes_the_table_forgets_nothing(addresses):
    before = used("edge-east", MEMBER)
    run = playbooks.create(limited(quota=QUOTA, rate={"vpn": "500mbit"}), verify=False)
    assert run.actions.get("edge-east", {}).get("nftables", []) or "edge-east" in run.hosts("changed")
    assert used("edge-east", MEMBER) >= before
    if lab.thorough("a second run with limits has nothing to do"):
        assert not playbooks.create(limited(quota=QUOTA, rate={"vpn": "500mbit"}), verify=False).hosts("changed")


def test_nor_does_a_restart_of_nftables(addresses):
    before = used("edge-east", MEMBER)
    lab.sh("edge-east", "systemctl restart nftables")
    assert used("edge-east", MEMBER) >= before
    assert lab.answers(MEMBER, addresses["vm1-west"])


def test_nor_a_reboot(addresses):
    before = used("edge-east", MEMBER)
    lab.labctl("reboot", "edge-east")
    lab.wait_for("the tunnel", lambda: lab.answers(MEMBER, addresses["vm1-west"]), 90)
    assert used("edge-east", MEMBER) >= before > 2 * MB


def test_used_up_it_stops_that_member_and_nobody_else(addresses):
    spend(MEMBER, addresses["vm3-west"])
    assert not lab.answers(MEMBER, addresses["vm1-west"])
    assert not lab.answers("vm3-west", addresses[MEMBER])
    assert lab.answers(MEMBER, addresses["vm3-east"]), "within its site, nothing is counted"
    assert lab.answers("vm3-east", addresses["vm1-west"])
    assert lab.answers("vm1-west", addresses["vm3-east"])
    assert used("edge-east", MEMBER) < 5.2 * MB, "what is stopped is not counted"


def counts(edge):
    """The agent has counted once more: it does so when it starts."""
    written = f"stat -c %.9Y {FILE}"
    before = lab.sh(edge, written)
    lab.sh(edge, "systemctl restart intercloud-vpn")
    lab.wait_for("the agent counts", lambda: lab.sh(edge, written) != before, 30)


def test_the_edge_says_so_once(addresses):
    lab.wait_for("the journal", lambda: told("edge-east"), 30)
    for _again in range(2):
        assert lab.answers("vm3-east", addresses["vm1-west"]), "so that there is something to count"
        counts("edge-east")
    (line,) = told("edge-east")
    assert addresses[MEMBER] in line and "nothing passes until" in line


def test_verify_names_the_quota_and_not_the_tunnel(addresses):
    playbooks.run("verify_vpn", succeeds=False)
    findings = playbooks.result()["findings"]
    assert {finding["subject"] for finding in findings} == {"payroll: quota of vm1-east at edge-east"}
    (finding,) = findings
    assert finding["severity"] == "error" and "dropped by edge-east" in finding["seen"]
    dead = {pair["src"] for pair in playbooks.result()["pairs"] if not pair["reachable"]}
    assert MEMBER in dead


@pytest.mark.thorough("what was counted survives one, and decides")
def test_used_up_survives_a_reboot(addresses):
    lab.labctl("reboot", "edge-east")
    lab.wait_for("the tunnel", lambda: lab.answers("vm3-east", addresses["vm1-west"]), 90)
    assert not lab.answers(MEMBER, addresses["vm1-west"])


@pytest.mark.thorough("unit tests of the firewall and of verify")
def test_report_only_says_so(addresses):
    playbooks.create(limited(quota={**QUOTA, "when_used_up": "report"}))
    assert lab.answers(MEMBER, addresses["vm1-west"])
    (finding,) = playbooks.result()["findings"]
    assert finding["severity"] == "warning" and "reported only" in finding["seen"]


@pytest.mark.thorough("it goes with the test before")
def test_and_back(addresses):
    playbooks.create(limited(quota=QUOTA), verify=False)
    assert not lab.answers(MEMBER, addresses["vm1-west"])


def test_a_new_period_opens_it(addresses):
    lab.sh("edge-east", f'{AGENT} save && sed -i \'s/"period": ".*"/"period": "2026-01-31"/\' {FILE}')
    counts("edge-east")
    lab.wait_for("it is open", lambda: lab.answers(MEMBER, addresses["vm1-west"]), 30)
    assert used("edge-east", MEMBER) < MB
    playbooks.run("verify_vpn")
    assert playbooks.result()["findings"] == []


@pytest.mark.thorough("a quota of a member; unit tests have that of a VPN")
def test_the_whole_vpn_at_one_site(addresses):
    """3 MB for all members of a site together. With two sites, both count the same. Within a site, all goes on."""
    playbooks.create(limited(quota={"vpn": "3MB/day"}), verify=False)
    spend("vm3-east", addresses["vm3-west"])
    assert not lab.answers(MEMBER, addresses["vm1-west"])
    assert not lab.answers("vm1-west", addresses["vm3-east"])
    assert lab.answers(MEMBER, addresses["vm3-east"])
    playbooks.run("verify_vpn", succeeds=False)
    found = {finding["subject"] for finding in playbooks.result()["findings"]}
    assert found <= {f"payroll: quota of all members at {edge}" for edge in EDGES}
    assert found


@pytest.mark.thorough("a quota of a member; unit tests have that of a VPN")
def test_a_larger_one_counts_at_once(addresses, spis):
    playbooks.create(limited(quota={"vpn": "50MB/day"}))
    assert playbooks.result()["findings"] == []
    assert used("edge-east") > 3 * MB


def test_nothing_is_left_of_it_without(addresses):
    playbooks.create(limited())
    assert playbooks.result()["usage"] == []
    assert lab.sh("edge-east", "nft list table inet intercloud_vpn").count("quota") == 0
    assert not lab.host("edge-east").service("intercloud-vpn-usage").is_running


def test_nor_of_what_was_used_without_a_vpn(addresses):
    playbooks.create(limited(quota=QUOTA), verify=False)
    lab.wait_for("it is written down", lambda: lab.host("edge-east").file(FILE).exists, 40)
    playbooks.delete("payroll", verify=False)
    assert not lab.host("edge-east").file(FILE).exists
    assert "intercloud-vpn" not in lab.sh(
        "edge-east", "systemctl list-unit-files; ls /var/lib/intercloud-vpn", check=False
    )
