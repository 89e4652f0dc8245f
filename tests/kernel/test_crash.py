# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Crashes and reboots: how long until packets pass again, and that nothing is left twice."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

# After charon is ready again.
TARGET_SECONDS = 3
# edge-east is the initiator: the first by name.
CRASHES = {"initiator": EDGES[:1], "responder": EDGES[1:], "both": EDGES}


@pytest.mark.parametrize("crash", CRASHES)
def test_after_a_crash_of_charon_packets_pass_again_at_once(addresses, crash, say):
    edges = CRASHES[crash]
    vm.settle()
    with vm.capturing("crash") as seen, vm.pinging(vm.ONE, addresses[vm.OTHER]) as pings:
        killed = float(vm.sh("date +%s.%N"))
        lab.at_once(lambda edge: lab.sh(edge, "kill -KILL $(pidof charon-systemd)"), edges)
        lab.wait_for("charon", lambda: all(min(vm.started(edge)) > killed for edge in edges), 120)
        ready = max(vm.started(edge)[1] for edge in edges)
        lab.wait_for("a steady flow", lambda: pings.steady_since(ready), 120)
    begin, end = pings.longest_gap()
    say(f"charon ready {ready - killed:.1f} s after the kill; packets stopped for {end - begin:.1f} s "
        f"({pings.lost} lost), until {end - ready:+.1f} s of charon's being ready")  # fmt: skip
    vm.settle()
    assert end - ready <= TARGET_SECONDS
    assert seen.packets(vm.INNER) == []


@pytest.mark.parametrize("edges", [EDGES[:1], EDGES[1:], EDGES], ids=["initiator", "responder", "both"])
def test_after_a_reboot_packets_pass_again_at_once(addresses, edges, say):
    with vm.capturing("reboot") as seen, vm.pinging("vm1-east", addresses["vm1-west"], interval=0.1) as pings:
        lab.at_once(lambda edge: vm.labctl("reboot", edge), edges)
        lab.wait_for("charon", lambda: all(vm.started(edge)[1] for edge in edges), 120)
        ready = max(vm.started(edge)[1] for edge in edges)
        lab.wait_for("a steady flow", lambda: pings.steady_since(ready), 120)
    begin, end = pings.longest_gap()
    say(f"no answer for {end - begin:.1f} s, until {end - ready:+.1f} s of charon's being ready")
    vm.settle()
    assert end - ready <= TARGET_SECONDS
    assert seen.packets(vm.INNER) == []
