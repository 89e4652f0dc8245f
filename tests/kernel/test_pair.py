# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site with two edges: one is switched off, and comes back. The last tests: they make a second edge in a cloud."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks

PAIR, WEST = ("edge-east", "edge-east-2"), "edge-west"
OTHER = dict(zip(PAIR, reversed(PAIR)))
GATEWAY = "10.10.0.1"
PAYROLL = {**vm.PAYROLL, "members": ["vm3-east", "vm3-west"]}
EVERY = 0.05  # seconds between pings
OUTAGE = 3.0  # seconds without an answer, ten times slower than hardware


@pytest.fixture(scope="module", autouse=True)
def pair(a_lab_with_machines):
    """A pair in one cloud, a VPN through it."""
    if not os.environ.get("VPN_IS_THERE"):
        playbooks.run("lab_up", lab_pairs=["east"])
        playbooks.create(PAYROLL)
    yield
    if not os.environ.get("VPN_IS_THERE"):
        playbooks.delete("payroll", verify=False)
        playbooks.run("lab_up", lab_pairs=[])


@pytest.fixture(scope="module")
def there(pair):
    """The address of the member behind the pair."""
    return playbooks.addresses()["vm3-east"]


def masters():
    """The edges that have the gateway address."""
    return [edge for edge in PAIR if _has_gateway(edge)]


def _has_gateway(edge):
    found = json.loads(vm.netns(edge, "ip", "-j", "address", "show", "org", check=False) or "[]")  # it may be off
    return any(one.get("local") == GATEWAY for device in found for one in device["addr_info"])


def settled():
    """Wait until both tunnels are there once, and one edge has the gateway address; that edge."""
    vm.settle((*PAIR, WEST))
    lab.wait_for("one edge has the gateway address", lambda: len(masters()) == 1, 30)
    return masters()[0]


def test_both_lanes_have_an_interface_and_policies_of_their_own():
    settled()
    number = vm.number("payroll")
    lanes = {f"vcc{number}": number, f"vcc{number}b": number | 1 << 16}
    links = json.loads(vm.netns(WEST, "ip", "-j", "-d", "link", "show", "type", "xfrm"))
    found = {link["ifname"]: int(str(link["linkinfo"]["info_data"]["if_id"]), 0) for link in links}
    assert found == lanes
    policies = vm.netns(WEST, "ip", "-o", "xfrm", "policy")
    assert all(f"if_id {number:#x}" in policies for number in lanes.values())


def test_an_edge_that_is_switched_off_is_replaced(there, say):
    """It comes back, and neither takes the gateway address nor costs anything worth naming."""
    first = settled()
    with vm.capturing("pair") as seen:
        with vm.pinging("vm3-west", there, EVERY) as pings:
            off = float(vm.sh("date +%s.%N"))
            vm.labctl("kill", first)
            lab.wait_for("a steady flow", lambda: pings.steady_since(off + OUTAGE), 60)
        begin, end = pings.longest_gap()
        say(f"the master was switched off: no answer for {end - begin:.2f} s, {pings.lost} lost (load {load()})")
        assert end - begin <= OUTAGE
        assert masters() == [OTHER[first]]
        with vm.pinging("vm3-west", there, EVERY) as pings:
            vm.labctl("start", first)
            assert settled() == OTHER[first]
        begin, end = pings.longest_gap()
        say(f"it came back: no answer for {end - begin:.2f} s, {pings.lost} of {pings.sent} lost (load {load()})")
        assert end - begin <= OUTAGE
    assert seen.packets(vm.INNER) == []


def load():
    """The host's, which emulates."""
    return round(os.getloadavg()[0])
