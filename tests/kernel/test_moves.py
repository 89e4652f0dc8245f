# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm1-west is restored in the east, on the machine that was vm3-east: selectors of two lengths in one ``if_id``."""

from __future__ import annotations

from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import inventories, lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

NAME, PLACE = "vm1-west", "vm3-east"
MOVED = "payroll+edge-east"


def children(edge):
    return sorted(child.name for sa in strongswan.ike_sas(edge) if sa.name == vm.TUNNEL for child in sa.children)


def lost(addresses, place):
    """Who does not answer whom."""
    at = {NAME: place}
    asked = {(at.get(one, one), addresses[two]): two for one, two in permutations(addresses, 2)}
    return [pair for pair, pings in lab.reach(asked, count=3, interval=0.3).items() if not pings.received]


@pytest.fixture(scope="module")
def in_the_east(addresses, tmp_path_factory):
    return inventories.moved(tmp_path_factory.mktemp("east") / "east.sh", {NAME: PLACE})


def test_the_policies_that_are_more_specific_win(addresses, in_the_east, say):
    before = vm.spis()
    with vm.pinging("vm1-east", addresses["vm3-west"]) as others, vm.pinging("vm3-west", addresses[NAME]) as its:
        playbooks.run("create_vpn", vpns=vm.vpns(), inventory=in_the_east)
    say(f"{its.lost} of {its.sent} pings to it, 20 a second, had no answer while it moved")
    assert others.lost <= 9, others.missing  # under emulation, others' tests allow as many
    assert vm.spis() > before
    lab.labctl("kill", NAME)
    assert lost(addresses, PLACE) == []
    for edge in EDGES:
        assert set(children(edge)) >= {"payroll", MOVED}
        own = [
            line
            for line in vm.netns(edge, "ip", "-o", "xfrm", "policy").splitlines()
            if f"{addresses[NAME]}/32" in line
        ]
        assert own and all(f"if_id {hex(vm.number('payroll'))}" in line for line in own)


def test_back_again_none_of_them_is_left(addresses, in_the_east, tmp_path):
    lab.labctl("start", NAME)
    back = inventories.moved(tmp_path / "back.sh", {}, without=[PLACE])
    playbooks.run("create_vpn", vpns=vm.vpns(), inventory=back)
    lab.sh(
        PLACE, "systemctl disable --now intercloud-vpn.service; rm -rf {/etc,/var/lib,/usr/local/lib}/intercloud-vpn"
    )
    lab.sh(PLACE, "rm -f /etc/systemd/system/intercloud-vpn.service")
    lab.labctl("reboot", PLACE)  # it is nobody's now
    assert lost(addresses, NAME) == []
    for edge in EDGES:
        assert MOVED not in children(edge)
        assert f"{addresses[NAME]}/32" not in vm.netns(edge, "ip", "-o", "xfrm", "policy")
