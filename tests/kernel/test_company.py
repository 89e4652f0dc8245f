# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A star of three clouds, IPv6 inside IPv4; the third cloud's edge is behind a NAT and runs another Debian."""

from __future__ import annotations

from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, strongswan

EDGES = ["edge-east", "edge-south", "edge-west"]
EAST, WEST, SOUTH = (f"host 203.0.113.{number}" for number in (2, 18, 34))


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


@pytest.mark.parametrize(("edge", "in_udp", "others"), [("edge-east", 2, 4), ("edge-west", 0, 4), ("edge-south", 2, 0)])
def test_to_the_edge_behind_the_nat_esp_is_in_udp(company, edge, in_udp, others):
    """Between the two others it is not, and both are as strong. The others share a tunnel with payroll."""
    found = {sa.name: sa for sa in strongswan.ike_sas(edge)}
    assert {sa.algorithms for sa in found.values()} == {"AES_GCM_16-256 PRF_HMAC_SHA2_384 ECP_384"}
    states = vm.netns(edge, "ip", "-o", "xfrm", "state", "list", "nokeys").splitlines()
    assert len([state for state in states if "encap type espinudp" in state]) == in_udp
    assert len([state for state in states if "encap type" not in state]) == others


def test_packets_between_the_leaves_cross_the_hub(company):
    """In by one tunnel and out by the other, by one XFRM interface."""
    with vm.capturing("leaves") as seen:
        pings = lab.ping("vm2-west", company["vm3-south"], count=10, size=1300)
    assert pings.lost == 0
    assert len(seen.packets(f"ip proto 50 and {EAST} and {WEST}")) >= 20
    assert len(seen.packets(f"udp port 4500 and {EAST} and {SOUTH}")) >= 20
    assert seen.packets(f"{WEST} and {SOUTH}") == []


def test_the_hub_lets_nobody_else_through(addresses, company):
    """A member of the other VPN reaches neither leaf, nor does who is not a member."""
    for stranger in ("vm1-west", "vm3-east", "vm1-south"):
        assert not lab.answers(stranger, company["vm3-south" if stranger != "vm1-south" else "vm2-west"], count=2)


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
