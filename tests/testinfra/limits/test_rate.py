# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rate: iperf3 lands within a tenth of it, in either direction, for one member and for all of a site."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import iperf, lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL

MEMBERS = [*PAYROLL["members"], "vm3-east"]
# Each edge limits its own members. What is asked for one direction only is told from the other by that.
COMING = {"vpn": {"in": "16mbit"}, "member": {"in": "10mbit"}}
GOING = {"member": {"out": "6mbit"}}
ALL_GOING = {"vpn": {"out": "16mbit"}}
FIRST, SECOND = ("vm1-east", "vm1-west"), ("vm3-east", "vm3-west")


def limited(**policy):
    return {**PAYROLL, "members": MEMBERS, "policy": policy}


def within_a_tenth(mbit, of):
    assert 0.9 * of <= mbit <= 1.1 * of, f"{mbit:.2f} Mbit/s, not {of}"


def send(pair, addresses, *options, **times):
    return iperf.flow(*pair, addresses[pair[1]], *options, **times)


def flood(pair, addresses, seconds=iperf.SECONDS):
    """More than is allowed, by one who does not care what is lost."""
    return iperf.flowing(*pair, addresses[pair[1]], "-u", "-b", "60M", "-l", "1300", seconds=seconds)


@pytest.fixture(scope="module", autouse=True)
def spis():
    """None of the changes takes a new SA."""
    playbooks.create(limited(rate=COMING))
    before = strongswan.spis(*EDGES)
    yield before
    assert strongswan.spis(*EDGES) == before


@pytest.fixture(scope="module")
def addresses(spis):
    return playbooks.addresses()


def test_verify_is_content(addresses):
    """Its probes and packets of full size pass beside a rate."""
    assert playbooks.result()["findings"] == []


def test_the_second_run_changes_nothing(addresses):
    assert not playbooks.create(limited(rate=COMING), verify=False).hosts("changed")


def test_what_comes_to_one_member(addresses, say):
    found = send(FIRST, addresses)
    say(f"in, one member: {found.mbit:.2f} of 10 Mbit/s")
    within_a_tenth(found.mbit, 10)


@pytest.mark.thorough("what goes from all of a site is limited by the same rules")
def test_what_comes_to_all_of_a_site(addresses, say):
    """Two members could have 20 together: they share 16."""
    with iperf.flowing(*SECOND, addresses["vm3-west"]) as second:
        first = send(FIRST, addresses)
    say(f"in, all of a site: {first.mbit:.2f} and {second.mbit:.2f} of 16 Mbit/s")
    within_a_tenth(first.mbit + second.mbit, 16)


def test_the_rate_changes_under_traffic(addresses, spis, say):
    """The flow goes on, at the new rate. Other members' answers are not lost."""
    with (
        iperf.streaming(*FIRST, addresses["vm1-west"]) as arriving,
        lab.pinging("vm3-west", addresses["vm3-east"]) as pings,
    ):
        arriving(2)  # what may pass at once after a pause
        before = arriving()
        playbooks.create(limited(rate=GOING), verify=False)
        after = arriving()
    say(f"changed under traffic: from {before:.2f} to {after:.2f} Mbit/s on the wire, of 10 and 6")
    within_a_tenth(before, 10)
    within_a_tenth(after, 6)
    # Beside a flow that takes all it gets, ESP in userspace may lose some for a moment on a busy machine (seen: 4
    # within 0.1 s, at load 6). All that is sent in 0.1 s are five.
    assert pings.lost <= 5, pings.text
    assert strongswan.spis(*EDGES) == spis


@pytest.mark.thorough("the rate that changes under traffic is this one")
def test_what_goes_from_one_member(addresses, say):
    found = send(FIRST, addresses)
    say(f"out, one member: {found.mbit:.2f} of 6 Mbit/s")
    within_a_tenth(found.mbit, 6)


def test_one_member_does_not_slow_another(addresses, say):
    """The first floods; it gets what it may have, and so does the second."""
    with flood(FIRST, addresses) as flooding:
        found = send(SECOND, addresses)
    say(f"out, beside a flood: {found.mbit:.2f} of 6 Mbit/s; the flood (UDP): {flooding.mbit:.2f} of 6")
    within_a_tenth(found.mbit, 6)
    within_a_tenth(flooding.mbit, 6)


@pytest.mark.thorough("either direction is measured by itself")
def test_what_is_asked_for_one_direction_is_not_for_the_other(addresses):
    """What comes has no rate here, save that of the sender at the other edge: the same. So, from both: twice 6."""
    with iperf.flowing("vm3-east", "vm1-west", addresses["vm1-west"]) as other:
        found = send(FIRST, addresses)
    within_a_tenth(found.mbit + other.mbit, 12)


def test_what_goes_from_all_of_a_site(addresses, say):
    playbooks.create(limited(rate=ALL_GOING), verify=False)
    with iperf.flowing(*SECOND, addresses["vm3-west"]) as second:
        first = send(FIRST, addresses)
    say(f"out, all of a site: {first.mbit:.2f} and {second.mbit:.2f} of 16 Mbit/s")
    within_a_tenth(first.mbit + second.mbit, 16)


def test_no_rate_any_more(addresses):
    playbooks.create(limited(), verify=False)
    assert send(FIRST, addresses, seconds=4).mbit > 2 * 16
