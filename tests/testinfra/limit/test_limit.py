# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that reaches only some machines plans for all of them, says whom it did not reach, and breaks nothing."""

from __future__ import annotations

from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, EDGES, PAYROLL


def unreached(vpn):
    """Ordered pairs of members of which no answer comes."""
    addresses = playbooks.addresses(vpn["name"])
    pairs = permutations(vpn["members"], 2)
    pings = lab.reach((one, addresses[two]) for one, two in pairs)
    return [pair for pair, found in pings.items() if not found.received]


@pytest.fixture
def switched_off(request):
    """A machine that is off during the test's first half; `lab.labctl("start", …)` ends that."""
    lab.labctl("stop", request.param)
    yield request.param
    lab.labctl("start", request.param)


def test_the_plan_is_the_same_byte_for_byte_whatever_the_run_is_limited_to(tmp_path):
    def documents(limit):
        state = tmp_path / limit
        playbooks.run(
            lab.ROOT / "playbooks/stages/plan.yml", ("--limit", limit), vpns=[PAYROLL, AUDIT],
            vcc_state_dir=str(state), vcc_ledger=f"sqlite:///{state}/ledger.sqlite",
        )  # fmt: skip
        return ledger.rows("documents", state / "ledger.sqlite")

    whole, edge, cloud = lab.at_once(documents, ("all", "edge-east", "cloud_east"))
    assert len(whole) == 11  # every machine but vm3-east, which is in neither VPN
    assert edge == whole
    assert cloud == whole


@pytest.mark.parametrize("switched_off", ["vm3-west"], indirect=True)
def test_one_member_is_dead_the_others_get_their_vpn(switched_off):
    run = playbooks.create(PAYROLL, succeeds=False)
    assert run.hosts("unreachable") == {"vm3-west"}
    assert "ERROR  vm3-west" in run.output
    alive = {**PAYROLL, "members": ["vm1-east", "vm1-west"]}
    assert unreached(alive) == []

    lab.labctl("start", switched_off)
    run = playbooks.create(PAYROLL, verify=False)
    # Its edge has seen its link-layer address only now, and binds its VPN address to it.
    assert run.hosts("changed") == {"vm3-west", "edge-west"}
    assert not playbooks.create(PAYROLL, verify=False).hosts("changed")
    assert unreached(PAYROLL) == []


def test_a_limited_run_drops_no_peer():
    before = strongswan.spis(*EDGES)
    run = playbooks.create(PAYROLL, arguments=("--limit", "edge-east"), verify=False)
    assert run.changed == frozenset()
    assert strongswan.spis(*EDGES) == before
    assert unreached(PAYROLL) == []


@pytest.mark.parametrize("switched_off", ["edge-west"], indirect=True)
def test_one_edge_is_dead_and_gets_its_part_when_it_is_back(switched_off):
    # The other one waits for its links in vain.
    run = playbooks.create(PAYROLL, AUDIT, succeeds=False, vcc_link_timeout=8)
    assert run.hosts("unreachable") == {"edge-west"}
    assert "ERROR  edge-west" in run.output

    lab.labctl("start", switched_off)
    playbooks.create(PAYROLL, AUDIT, verify=False)
    assert unreached(PAYROLL) == []
    assert unreached(AUDIT) == []


@pytest.mark.thorough("a dead member is named, and the others get their VPN")
@pytest.mark.parametrize("switched_off", ["vm3-west"], indirect=True)
def test_a_dead_member_that_leaves_ends_nobody_elses_run(switched_off):
    """It is the only one that loses something: Ansible ends a run when all hosts of a play failed."""
    fewer = {**PAYROLL, "members": ["vm1-east", "vm1-west"]}
    audit = {**AUDIT, "members": ["vm2-east", "vm2-west"]}
    run = playbooks.create(fewer, audit, succeeds=False)
    assert run.hosts("unreachable") == {"vm3-west"}
    assert run.hosts("changed") >= {"edge-west"} and ": Judge]" in run.output
    assert unreached(fewer) == []
    # Until somebody says that it will never come back, it is tried again.
    assert playbooks.create(audit, succeeds=False).hosts("unreachable") == {"vm3-west"}
    # (Verify would try to get in from it, too: it is still in the inventory.)
    run = playbooks.create(fewer, audit, verify=False, vcc_forget=["vm3-west"])
    assert not run.hosts("unreachable")
    if lab.thorough("a second run after another change has nothing to do"):
        assert playbooks.create(fewer, audit, verify=False).changed == frozenset()
