# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a reboot or a crash everything comes back by itself, and there is nothing left to mend."""

from __future__ import annotations

import re
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL


def all_answer(addresses):
    pairs = permutations(PAYROLL["members"], 2)
    return all(found.received for found in lab.reach(((one, addresses[two]) for one, two in pairs), count=1).values())


def sa_counts():
    """{edge: [(IKE_SA, its CHILD_SAs) …]}."""
    return {
        edge: [(sa.name, [child.name for child in sa.children]) for sa in strongswan.ike_sas(edge)] for edge in EDGES
    }


FORWARDING = "/proc/sys/net/ipv4/ip_forward"
ONE_OF_EACH = {edge: [("edge-east--edge-west", ["payroll"])] for edge in EDGES}


@pytest.mark.parametrize(
    "machine",
    [
        pytest.param("edge-east", marks=pytest.mark.thorough("the other edge; nat and limits reboot this one")),
        "edge-west",
        "vapp1-east",
        "vm1-west",
    ],
)
def test_after_a_reboot_all_members_reach_each_other_again(addresses, machine, say):
    lab.sh(machine, "touch /run/before")
    lab.labctl("reboot", machine)
    assert not lab.host(machine).file("/run/before").exists
    _answered, seconds = lab.wait_for("all members answer", lambda: all_answer(addresses), 60)
    say(f"{machine} has booted; {seconds:.1f} s later all members answer")
    lab.wait_for("one tunnel, one link", lambda: sa_counts() == ONE_OF_EACH, 30)


def test_then_there_is_nothing_to_mend():
    assert playbooks.create(PAYROLL).changed == frozenset()


@pytest.mark.parametrize(
    "edge", [pytest.param("edge-east", marks=pytest.mark.thorough("agent has both edges")), "edge-west"]
)
def test_after_a_crash_of_the_daemon_packets_pass_again_within_20_seconds(addresses, edge, say):
    killed = lab.sh(edge, "pidof charon-systemd")
    lab.sh(edge, "kill -KILL $(pidof charon-systemd)")
    _answered, seconds = lab.wait_for("all members answer", lambda: all_answer(addresses), 20)
    say(f"charon of {edge} was killed; {seconds:.1f} s later all members answer")
    assert lab.sh(edge, "pidof charon-systemd") != killed
    lab.wait_for("one tunnel, one link", lambda: sa_counts() == ONE_OF_EACH, 30)


def test_a_daemon_that_starts_says_no_to_nobody(addresses):
    """Before it has its connections it is deaf, and its peer tries again: a no would have had that give up."""
    unit = lab.sh("edge-west", "systemctl cat strongswan")
    deaf, hears = (
        re.search(rf"^Exec{when}=-/usr/sbin/nft '(.*)'$", unit, re.M)[1] for when in ("StartPre", "StartPost")
    )
    assert lab.sh("edge-west", "nft list tables inet").split() == ["table", "inet", "intercloud_vpn"]
    lab.netns("edge-west", "nft", deaf)
    try:
        for edge in EDGES:
            lab.sh(edge, "swanctl --terminate --ike edge-east--edge-west --force --timeout 3", check=False)
        said = lab.sh("edge-east", "swanctl --initiate --child payroll --timeout 3 2>&1", check=False)
        assert "retransmit" in said
        assert "received NO_PROPOSAL_CHOSEN" not in said
        assert not lab.answers("vm1-east", addresses["vm1-west"])
    finally:
        lab.netns("edge-west", "nft", hears)
    lab.wait_for("all members answer", lambda: all_answer(addresses), 20)
    lab.wait_for("one tunnel, one link", lambda: sa_counts() == ONE_OF_EACH, 30)


def test_when_the_last_vpn_is_deleted_gateways_forward_as_they_did_before_it_came():
    """At boot, what the machine's own files say may be set after ours."""
    playbooks.delete("payroll", verify=False)
    gateways = (*EDGES, "vapp1-east", "vapp1-west")
    assert {name: lab.netns(name, "cat", FORWARDING).strip() for name in gateways} == dict.fromkeys(gateways, "1")
