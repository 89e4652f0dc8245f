# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deleting leaves nothing in the kernel and no file; nothing was in clear, from before creating to after deleting."""

from __future__ import annotations

import time

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import libreswan, vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

# The last two: a VPN of kind ssl of test_options.
ENCRYPTED = "ip proto 50 or ip6 proto 50 or udp port 500 or udp port 4500 or udp port 1194 or tcp port 443"
# Neighbours among themselves; and "unreachable", of which an edge that reboots is the reason.
HOUSEKEEPING = (
    "arp or igmp or icmp[0] == 3 or dst net ff02::/16 or (icmp6 and (ip6[40] <= 2 or ip6[40] == 135 or ip6[40] == 136))"
)
NOT_OURS = "-not -path '/proc/*' -not -path '/sys/*'"


@pytest.fixture(scope="module")
def deleted(addresses):
    file = "/tmp/ping-while-deleting"
    words = f"ip netns exec vm3-west ping -n -i0.1 -I {addresses['vm3-west']} {addresses[vm.ONE]}"
    vm.sh(f"setsid {words} > {file} 2>&1 < /dev/null &")
    playbooks.delete(*(row["name"] for row in ledger.rows("vpns")), verify=False)
    vm.sh("pkill -INT ping", check=False)
    time.sleep(1)


@pytest.mark.parametrize("edge", EDGES)
def test_nothing_is_left_in_the_kernel(deleted, edge):
    # Sockets of charon have policies of their own; with charon they go.
    assert vm.netns(edge, "ip", "-o", "xfrm", "state") == ""
    assert vm.netns(edge, "ip", "-o", "xfrm", "policy") == ""
    assert vm.netns(edge, "ip", "-o", "link", "show", "type", "xfrm") == ""
    assert vm.netns(edge, "ip", "route", "show", "table", "all", "proto", "155") == ""
    assert "100.64." not in vm.netns(edge, "ip", "-o", "address")


@pytest.mark.thorough("delete, on an ordinary lab: it is the same code")
def test_no_file_with_our_name_is_left_on_any_machine(deleted):
    search = f"find / -xdev \\( -name '*intercloud*' -o -name '*vcc*' \\) {NOT_OURS}"
    found = {name: lab.sh(name, search, check=False) for name in lab.machines()}
    assert found == dict.fromkeys(found, "")


def test_the_internet_saw_esp_and_ike_and_nothing_else(deleted, life):
    life.stop()
    assert len(life.packets(f"ip proto 50 and ({ENCRYPTED})")) > 1000
    assert life.packets(f"({vm.INNER}) and not {libreswan.STRAY}") == []
    assert life.packets(f"not ({ENCRYPTED}) and not ({HOUSEKEEPING}) and not {libreswan.STRAY}") == []
