# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A renewed certificate is in use when the run ends, with two IKE_SAs for one interface meanwhile."""

from __future__ import annotations

import json

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES


def status(edge):
    return json.loads(lab.sh(edge, "/usr/local/lib/intercloud-vpn/agent status"))


@pytest.mark.parametrize("edge", EDGES)
def test_a_new_certificate_is_in_use_and_hardly_anything_is_lost(addresses, edge, say):
    """Of the end that initiates, and of the other one. What the responder sends while the initiator is still computing
    the new keys may be lost, twice (test_links.py)."""
    old, before = status(edge)["certificate"]["serial"], strongswan.spis(*EDGES)
    with vm.pinging(vm.ONE, addresses[vm.OTHER], interval=0.02) as pings:
        days = f"{{{{ 1000 if inventory_hostname == '{edge}' else 30 }}}}"
        playbooks.create(*vm.vpns(), verify=False, org_edge_certificate_days=days)
        lab.wait_for("one of each", vm.one_of_each, 60)
    begin, end = pings.longest_gap()
    say(f"{pings.lost} of {pings.sent} pings lost, the longest gap {end - begin:.2f} s")
    now = status(edge)
    assert now["certificate"]["serial"] != old and now["drift"] == []
    assert not {*strongswan.spis(*EDGES)[edge][vm.TUNNEL]} & {*before[edge][vm.TUNNEL]}
    assert pings.sent > 100
    assert pings.lost <= 8  # an emulated machine also answers late, all at once
