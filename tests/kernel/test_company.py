# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VPN of three clouds, IPv6 inside IPv4; the third cloud's edge is behind a NAT and runs another Debian."""

from __future__ import annotations

from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, strongswan

EDGES = ["edge-east", "edge-south", "edge-west"]
SOUTH = {"edge-east": "edge-east--edge-south", "edge-west": "edge-south--edge-west"}


def test_the_third_edge_is_another_debian(company):
    versions = {edge: lab.sh(edge, "swanctl --version 2>/dev/null").split()[-1] for edge in EDGES}
    assert versions["edge-south"].startswith("6."), versions
    assert versions["edge-east"].startswith("5."), versions


def test_every_member_reaches_every_other_without_loss(company):
    pings = lab.reach(((source, company[to]) for source, to in permutations(company, 2)), count=10)
    assert len(pings) == 6
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)


def test_there_is_one_of_each_everywhere(company):
    lab.wait_for("one tunnel, one link", lambda: vm.one_of_each(EDGES), 60)


@pytest.mark.parametrize("edge", SOUTH)
def test_to_the_edge_behind_the_nat_esp_is_in_udp(company, edge):
    """Between the two others it is not, and both are as strong."""
    found = {sa.name: sa for sa in strongswan.ike_sas(edge)}
    assert {sa.algorithms for sa in found.values()} == {"AES_GCM_16-256 PRF_HMAC_SHA2_384 ECP_384"}
    states = vm.netns(edge, "ip", "-o", "xfrm", "state", "list", "nokeys").splitlines()
    assert len([state for state in states if "encap type espinudp" in state]) == 2
    assert len([state for state in states if "encap type" not in state]) == 4


def test_the_internet_sees_no_more_than_that(company):
    with vm.capturing("company") as seen:
        pings = lab.reach(((source, company[to]) for source, to in permutations(company, 2)), count=10)
    assert {found.lost for found in pings.values()} == {0}
    assert len(seen.packets("udp port 4500")) >= 40
    assert len(seen.packets("ip proto 50")) >= 20
    assert seen.packets(vm.INNER) == []


def test_the_two_vpns_do_not_meet(addresses, company):
    """payroll's members and company's, on the same two edges."""
    assert not lab.answers("vm1-east", company["vm2-west"], count=2)
    assert not lab.answers("vm2-east", addresses["vm1-west"], count=2)
