# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What IPv6 has besides: routers that introduce themselves. (Lies of neighbours: test_senders.py.)"""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.tests.attack import wire
from ansible_collections.intercloud.vpn.tests.testinfra import lab

WIRES = [("vm2-east", "vapp1-east", "vapp"), ("vm3-east", "edge-east", "org"), ("vm3-east", "vapp1-east", "org")]


@pytest.mark.parametrize(("attacker", "gateway", "device"), WIRES)
def test_a_gateway_takes_no_router_at_its_word(addresses, attacker, gateway, device, say):
    look = ("ip", "-6", "-o", "route", "show", "table", "all"), ("ip", "-6", "-o", "addr", "show")
    before = [lab.netns(gateway, *words) for words in look]
    prefix = "fd64:5::/48"
    frame = wire.router_advertisement(wire.mac(attacker, "eth0"), prefix)
    sent = wire.send(attacker, "eth0", [frame], rounds=10, pause=0.05)
    after = [lab.netns(gateway, *words) for words in look]
    say(f"advertisements {sent}")
    assert after == before
    assert lab.ping("vm1-east", addresses[6]["vm1-west"]).lost == 0
