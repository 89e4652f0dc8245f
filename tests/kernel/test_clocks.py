# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All machines' clocks are a day behind the controller's: what is up stays up, and verify says what is coming."""

from __future__ import annotations

import re
import time

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

DAY = 86400


SERVICE = "intercloud-vpn.service"


@pytest.fixture(scope="module")
def cursors():
    """Where the edges' journals ended before: no time says that, as clocks are set."""
    return {edge: lab.sh(edge, "journalctl -n 0 --show-cursor").partition("cursor: ")[2].strip() for edge in EDGES}


@pytest.fixture
def a_day_behind(addresses, cursors):
    """The virtual machine's clock, and so that of all machines in it."""
    before = vm.spis()
    vm.sh(f"date --set @{time.time() - DAY:.0f}")
    yield before
    vm.sh(f"date --set @{time.time():.0f}")


def test_a_clock_that_is_a_day_behind(addresses, a_day_behind):
    """An edge's certificate is not valid yet by the edge's own clock: its next authentication would fail."""
    playbooks.run("verify_vpn", succeeds=False, vpns=vm.vpns())
    findings = [(found["subject"], found["seen"]) for found in playbooks.result()["findings"]]
    for edge in EDGES:
        (seen,) = [seen for subject, seen in findings if subject == f"clock of {edge}"]
        behind = int(re.search(r"(\d+) s behind", seen)[1])
        assert abs(behind - DAY) < 60
        assert [seen for subject, seen in findings if edge in subject and "is not valid before" in seen] != []
    assert vm.spis() == a_day_behind
    assert lab.ping("vm1-east", addresses["vm1-west"], count=5).lost == 0


def test_nobody_did_anything_about_it(addresses, cursors):
    """No agent took the day for one in which a deadline was over, or in which nothing was heard."""
    assert vm.one_of_each()
    for edge in EDGES:
        said = lab.sh(edge, f"journalctl -o cat -u {SERVICE} --after-cursor '{cursors[edge]}'")
        assert "rolled back" not in said
        assert "lost: " not in said
