# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All machines' clocks are a day behind the controller's: what is up stays up, and verify says what is coming."""

from __future__ import annotations

import re
import time
from collections import Counter

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

DAY = 86400


SERVICE = "intercloud-vpn.service"


def said(edge):
    """All that the agent of an edge has said, each line with how often. Times and cursors order nothing here."""
    return Counter(lab.sh(edge, f"journalctl -o cat -u {SERVICE}").splitlines())


@pytest.fixture(scope="module")
def before(addresses):
    """What the agents had said before."""
    return {edge: said(edge) for edge in EDGES}


def told(edge, before):
    """What the agent of an edge has said since."""
    return "\n".join(said(edge) - before[edge])


@pytest.fixture(scope="module")
def a_day_behind(addresses, before):
    """The virtual machine's clock, and so that of all machines in it. Gives the pings that were sent meanwhile."""
    spis = vm.spis()
    vm.sh(f"date --set @{time.time() - DAY:.0f}")
    with vm.pinging("vm1-east", addresses["vm1-west"]) as pings:
        lab.wait_for("tunnels are rekeyed", lambda: not spis & vm.spis(), 30)
        time.sleep(12)  # by when the other ends would have done it
    yield pings
    vm.sh(f"date --set @{time.time():.0f}")


def test_tunnels_are_rekeyed_when_it_is_set_back(before, a_day_behind):
    """Otherwise charon would look for dead peers a day later. That it does look, test_dead_peer.py shows next."""
    assert all("the clock was set back by 86" in told(edge, before) for edge in EDGES)
    assert vm.one_of_each()
    assert a_day_behind.read().lost <= 2


def test_a_clock_that_is_a_day_behind(addresses, a_day_behind):
    """An edge's certificate is not valid yet by the edge's own clock: its next authentication would fail."""
    playbooks.run("verify_vpn", succeeds=False, vpns=vm.vpns())
    findings = [(found["subject"], found["seen"]) for found in playbooks.result()["findings"]]
    for edge in EDGES:
        (seen,) = [seen for subject, seen in findings if subject == f"clock of {edge}"]
        behind = int(re.search(r"(\d+) s behind", seen)[1])
        assert abs(behind - DAY) < 60
        assert [seen for subject, seen in findings if edge in subject and "is not valid before" in seen] != []
    assert lab.ping("vm1-east", addresses["vm1-west"], count=5).lost == 0


def test_nobody_did_anything_else_about_it(addresses, before):
    """No agent took the day for one in which a deadline was over, or in which nothing was heard."""
    assert vm.one_of_each()
    for edge in EDGES:
        since = told(edge, before)
        assert "rolled back" not in since
        assert "lost: " not in since
