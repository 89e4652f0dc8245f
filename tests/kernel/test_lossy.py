# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A slow internet that loses packets: 80 ms there and back, 2 % lost each way."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES


@pytest.fixture(scope="module")
def lossy(addresses):
    for edge in EDGES:
        vm.netns("internet", "tc", "qdisc", "add", "dev", edge, "root", "netem", "delay", "40ms", "loss", "2%")
    yield
    for edge in EDGES:
        vm.netns("internet", "tc", "qdisc", "del", "dev", edge, "root")


def test_the_internet_is_slow_and_loses_packets(lossy, addresses):
    pings = lab.ping("vm1-east", addresses["vm1-west"], count=300, interval=0.05)
    assert 0 < pings.lost < 60
    assert float(pings.text.rpartition(" = ")[2].split("/")[0]) >= 80


def test_a_lost_tunnel_comes_back(lossy, addresses, say):
    for edge in EDGES:
        lab.sh(edge, f"swanctl --terminate --ike {vm.TUNNEL} --force 2>/dev/null", check=False)
    _answered, seconds = lab.wait_for("an answer", lambda: lab.answers("vm1-east", addresses["vm1-west"], count=10), 60)
    say(f"{seconds:.1f} s")
    vm.settle()


def test_creating_brings_a_lost_tunnel_up_and_proves_it(lossy, addresses):
    """The agents are off, so that only the run does."""
    for edge in EDGES:
        lab.sh(edge, "systemctl stop intercloud-vpn.service")
        lab.sh(edge, f"swanctl --terminate --ike {vm.TUNNEL} --force 2>/dev/null", check=False)
    try:
        run = playbooks.create(*vm.vpns())
    finally:
        for edge in EDGES:
            lab.sh(edge, "systemctl start intercloud-vpn.service")
    assert "ERROR" not in run.output
    assert playbooks.result()["ok"] is True
    assert vm.one_of_each()
