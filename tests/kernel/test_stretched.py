# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two org networks are one, over an XFRM interface, with Debian's own kernel: VXLAN and nftables as modules."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import inventories, lab, playbooks

MEMBERS = {"vm3-east": ["10.10.0.13", "fd10:10::13"], "vm3-west": ["10.10.0.23", "fd10:10::23"]}
WEB = {"name": "web-tier", "stretch": ["edge-east", "edge-west"], "members": [*MEMBERS]}


def readdressed(four, six):
    for words in (
        ("address", "flush", "dev", "eth0", "scope", "global"),
        ("address", "add", f"{four}/24", "dev", "eth0"),
        ("address", "add", f"{six}/64", "dev", "eth0", "nodad"),
        ("route", "replace", "default", "via", "10.10.0.1"),
    ):
        vm.netns("vm3-west", "ip", *words)


@pytest.fixture(scope="module")
def stretched(a_lab_with_machines, tmp_path_factory):
    readdressed(*MEMBERS["vm3-west"])
    inventory = inventories.placed(tmp_path_factory.mktemp("stretched") / "lab.sh", MEMBERS)
    playbooks.run("create_vpn", vpns=[], inventory=inventory, vcc_networks=[WEB])
    yield inventory
    playbooks.run("delete_vpn", vpns=[], inventory=inventory, vcc_delete=["web-tier"])
    readdressed(*MEMBERS["vm3-east"])


@pytest.mark.parametrize("family", [0, 1], ids=["IPv4", "IPv6"])
def test_members_are_beside_each_other(stretched, family):
    there = MEMBERS["vm3-west"][family]
    assert " via " not in vm.netns("vm3-east", "ip", "route", "get", there)
    assert lab.ping("vm3-east", there, count=5, interval=0.3).received >= 4
    assert lab.ping("vm3-east", there, count=5, interval=0.3, size=1500).received >= 4
    number = vm.number("web-tier")
    assert f"dev vcc{number}" in vm.netns("edge-east", "ip", "route", "show", "proto", "155")
    assert playbooks.result()["findings"] == []


def test_a_second_run_changes_nothing(stretched):
    run = playbooks.run("create_vpn", vpns=[], inventory=stretched, vcc_networks=[WEB])
    assert run.changed == frozenset()
