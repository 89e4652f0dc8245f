# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A member in mode nat reaches and is reached like any other, and nothing is written on it."""

from __future__ import annotations

import subprocess
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, snapshot

# Behind vApp edges: two in the west, side by side. On the org network: vm3-east. With an address of its own: vm1-east.
NAT = ["vm1-west", "vm2-west", "vm3-east"]
MEMBERS = ["vm1-east", *NAT]
POOLS = {"internal": "100.64.0.0/10", "six": "fd64:7663:6300::/48"}
VPNS = [
    {"name": name, "pool": pool, "members": ["vm1-east", *({"name": vm, "mode": "nat"} for vm in NAT)]}
    for name, pool in (("four", "internal"), ("six", "six"))
]


@pytest.fixture(scope="module")
def before():
    return {name: snapshot.of(name) for name in NAT}


@pytest.fixture(scope="module", autouse=True)
def created(before):
    return playbooks.create(*VPNS, vcc_pools=POOLS, verify=False)


@pytest.mark.parametrize("vpn", ["four", "six"])
def test_every_member_reaches_every_other(vpn):
    """Translated or not, across the tunnel, within a site, and behind one and the same gateway."""
    addresses = playbooks.addresses(vpn)
    assert sorted(addresses) == sorted(MEMBERS)
    pings = lab.reach((source, addresses[to]) for source, to in permutations(MEMBERS, 2))
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)


@pytest.mark.parametrize("vpn", ["four", "six"])
def test_others_do_not(vpn):
    pings = lab.reach((other, a) for other in ("vm2-east", "vm3-west") for a in playbooks.addresses(vpn).values())
    assert [pair for pair, found in pings.items() if found.received] == []


@pytest.mark.parametrize(("vpn", "pair"), [("four", ("vm1-east", "vm1-west")), ("six", ("vm1-east", "vm3-east"))])
def test_large_segments_pass_in_both_directions(vpn, pair):
    """To a translated member one connects at its VPN address, and it answers from there."""
    source, translated = pair
    addresses = playbooks.addresses(vpn)
    assert lab.transfer(source, translated, addresses[translated], octets=2_000_000, listen="::")
    assert lab.transfer(translated, source, addresses[source], octets=2_000_000)


def test_a_member_is_seen_at_its_vpn_address():
    """Not at the private one, which its peer has too."""
    addresses = playbooks.addresses("four")
    words = [
        "tcpdump",
        "-n",
        "-l",
        "-i",
        "any",
        "-c",
        "1",
        f"icmp[icmptype] = icmp-echo and dst {addresses['vm1-east']}",
    ]
    command = ["timeout", "20", "ip", "netns", "exec", "vm1-east", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as capture:
        for line in capture.stderr:  # "listening on …": from here on, it does
            if "listening" in line:
                break
        assert lab.answers("vm1-west", addresses["vm1-east"])
        seen = capture.communicate(timeout=30)[0]
    assert f"IP {addresses['vm1-west']} > {addresses['vm1-east']}" in seen


def test_nothing_is_written_on_them(before):
    assert snapshot.differences(before, {name: snapshot.of(name) for name in NAT}) == []


def test_again_changes_nothing():
    assert playbooks.create(*VPNS, vcc_pools=POOLS, verify=False).hosts("changed") == set()
