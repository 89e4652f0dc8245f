# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way between two edges is cut: each side notices, neither sends in clear, and the tunnel comes back by itself.

What strongSwan's scenarios dpd-restart (the initiator), dpd-clear and dpd-trap (the responder) are about.
"""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

# A probe after 5 s without a packet, given up 11 s later; and as much again for a slow machine.
NOTICED_SECONDS = 35
BACK_SECONDS = 25
CUT = "table inet cut { chain forward { type filter hook forward priority 0; policy drop; }; }"


def established(edge):
    return [sa for sa in strongswan.ike_sas(edge) if sa.name == vm.TUNNEL and sa.state == "ESTABLISHED"]


@pytest.fixture(scope="module")
def cut(addresses):
    """Cut until both sides have noticed, while both send; then mended. Gives (capture, time it took to be back)."""
    vm.settle()
    with vm.capturing("cut") as seen, vm.pinging("vm1-west", addresses["vm1-east"]):
        vm.netns(lab.INTERNET, "nft", CUT)
        try:
            _yes, noticed = lab.wait_for(
                "both sides notice", lambda: not any(map(established, EDGES)), NOTICED_SECONDS
            )  # fmt: skip
            states = {edge: [child for sa in strongswan.ike_sas(edge) for child in sa.children] for edge in EDGES}
        finally:
            vm.netns(lab.INTERNET, "nft", "delete table inet cut")
        _yes, back = lab.wait_for("an answer", lambda: lab.answers("vm1-east", addresses["vm1-west"]), BACK_SECONDS)
    return {"noticed": noticed, "back": back, "children": states, "seen": seen}


def test_both_sides_notice_and_keep_no_link(cut, say):
    say(f"noticed after {cut['noticed']:.1f} s, back {cut['back']:.1f} s after the cut was mended")
    assert cut["children"] == {edge: [] for edge in EDGES}


def test_nothing_was_sent_in_clear_meanwhile(cut):
    assert len(cut["seen"].packets("udp port 500 or ip proto 50")) > 10
    assert cut["seen"].packets(vm.INNER) == []


def test_the_tunnel_is_back_once(cut):
    vm.settle()
