# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second VPN shares the tunnel; a member comes and goes; who is not concerned loses no packet and keeps its keys."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
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
