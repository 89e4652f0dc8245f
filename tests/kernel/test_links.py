# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link that is gone comes back with the first packets that need it; a link that is rekeyed loses none."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

TUNNEL = "edge-east--edge-west"
INTO = {"edge-east": ("vm1-east", "vm1-west"), "edge-west": ("vm1-west", "vm1-east")}


def one_of_each():
    """Whether each edge has one IKE_SA with one CHILD_SA, and the kernel that one's states and no other."""
    for edge in EDGES:
        sas = [(sa.name, [child.name for child in sa.children]) for sa in strongswan.ike_sas(edge)]
        states = vm.netns(edge, "ip", "-o", "xfrm", "state").splitlines()
        if sas != [(TUNNEL, ["payroll"])] or len([line for line in states if "spi 0x00000000" not in line]) != 2:
            return False
    return True


def quiet():
    """No timer of ours may do the trap's work."""
    for edge in EDGES:
        lab.sh(edge, "systemctl stop intercloud-vpn-keep.timer intercloud-vpn-keep.service", check=False)


@pytest.fixture
def no_timers(addresses):
    quiet()
    yield
    for edge in EDGES:
        if lab.sh(edge, "systemctl is-enabled intercloud-vpn-keep.timer", check=False).strip() == "enabled":
            lab.sh(edge, "systemctl start intercloud-vpn-keep.timer")


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("what", ["--child payroll", f"--ike {TUNNEL}"])
def test_the_first_packets_bring_a_lost_link_back(addresses, no_timers, edge, what, say):
    """From either side, and the side that terminates is not the one that sends."""
    before = strongswan.spis(*EDGES)
    lab.sh(EDGES[1 - EDGES.index(edge)], f"swanctl --terminate {what} 2>/dev/null")
    source, destination = INTO[edge]
    answered, seconds = lab.wait_for(
        "an answer", lambda: lab.answers(source, addresses[destination], count=5, interval=0.2), 60
    )
    assert answered
    say(f"{seconds:.1f} s")
    lab.wait_for("one tunnel, one link", one_of_each, 60)
    assert strongswan.spis(*EDGES) != before


@pytest.mark.parametrize("what", ["--child payroll", f"--ike {TUNNEL}"])
def test_rekeying_loses_no_packet(addresses, what):
    spis = [strongswan.spis(*EDGES)]
    with vm.pinging("vm1-east", addresses["vm1-west"], interval=0.02) as pings:
        for edge in (*EDGES, *EDGES):
            lab.sh(edge, f"swanctl --rekey {what} 2>/dev/null")
            lab.wait_for("new keys", lambda: strongswan.spis(*EDGES) not in spis and one_of_each(), 60)
            spis.append(strongswan.spis(*EDGES))
    assert pings.sent > 100
    assert pings.lost == 0
