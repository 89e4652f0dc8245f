# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second run changes nothing, and --check knows that beforehand."""

from __future__ import annotations

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL

STRICTER = {**PAYROLL, "policy": {"extends": "standard", "encryption": {"esp_rekey": 1800}}}


def test_creating_again_changes_nothing(addresses):
    spis = strongswan.spis(*EDGES)
    assert playbooks.create(*vm.vpns(), verify=False).changed == frozenset()
    assert strongswan.spis(*EDGES) == spis


def test_check_says_so_too(addresses):
    run = playbooks.create(*vm.vpns(), verify=False, arguments=("--check", "--limit", "org_edges"))
    assert run.changed == frozenset()


def test_check_predicts_a_change_and_makes_none(addresses):
    spis = strongswan.spis(*EDGES)
    run = playbooks.create(STRICTER, verify=False, arguments=("--check", "--limit", "org_edges"))
    assert run.hosts("changed") >= {*EDGES}
    assert strongswan.spis(*EDGES) == spis
