# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whichever edge starts first, or last: in the end there is one tunnel, and nothing twice."""

from __future__ import annotations

import time

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

ORDERS = {"initiator first": EDGES, "responder first": EDGES[::-1], "both at once": [EDGES]}
AGENT_SECONDS = 60  # within which the agent initiates what is down, under emulation


@pytest.mark.parametrize("order", ORDERS)
def test_no_order_leaves_a_duplicate_or_nothing(addresses, order, say):
    lab.at_once(lambda edge: lab.sh(edge, "systemctl stop strongswan"), EDGES)
    assert not lab.answers("vm1-east", addresses["vm1-west"], count=1)
    for step in ORDERS[order]:
        edges = [step] if isinstance(step, str) else step
        lab.at_once(lambda edge: lab.sh(edge, "systemctl start strongswan"), edges)
    begin = time.monotonic()
    lab.wait_for("one tunnel, one link", vm.one_of_each, 2 * AGENT_SECONDS)
    say(f"{time.monotonic() - begin:.1f} s")
    assert lab.ping("vm1-east", addresses["vm1-west"], count=5).lost == 0


def test_nor_do_agents_that_start(addresses):
    """After all of the above, and on both edges at the same moment."""
    before = vm.spis()
    for _time in range(2):
        lab.at_once(lambda edge: lab.sh(edge, "systemctl restart intercloud-vpn.service"), EDGES)
    assert vm.one_of_each()
    assert vm.spis() == before
