# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vapp1-east is restored in the cloud west as a whole, its edge and both VMs, on the machines of vapp1-west.

These have held nothing yet: so this is the first of the scenario.
"""

from __future__ import annotations

from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import inventories, lab, playbooks, strongswan

YARD = {"name": "yard", "pool": "internal", "members": ["vm1-east", "vm2-east", "vm3-east", "vm3-west"]}
PLACES = {"vapp1-east": "vapp1-west", "vm1-east": "vm1-west", "vm2-east": "vm2-west"}


@pytest.mark.thorough("a VM moves, by the same code")
def test_a_vapp_moves_as_a_whole_and_keeps_all_addresses(tmp_path):
    playbooks.run("lab_up", lab_releases={"edge-west": "trixie"})
    playbooks.create(YARD, verify=False)
    was = playbooks.addresses("yard")
    west = inventories.moved(tmp_path / "west.sh", PLACES)
    for machine in PLACES:
        lab.labctl("kill", machine)
    try:
        with lab.pinging("vm3-east", was["vm3-west"]) as others:
            run = playbooks.run("create_vpn", vpns=[YARD], inventory=west)
        assert others.lost <= 1, others.text
        for name in ("vm1-east", "vm2-east"):
            assert f"yard: {name} keeps {was[name]} (moved from cloud east to cloud west)" in run.output
        assert playbooks.addresses("yard") == was
        assert playbooks.result()["findings"] == []
        pairs = [(PLACES.get(one, one), was[two]) for one, two in permutations(was, 2)]
        assert [pair for pair, pings in lab.reach(pairs, count=3).items() if not pings.received] == []
        (tunnel,) = strongswan.ike_sas("edge-east")
        assert {child.name for child in tunnel.children} == {"yard", "yard+edge-west"}
        if lab.thorough("a second run after a VM's move has nothing to do"):
            assert playbooks.run("create_vpn", vpns=[YARD], inventory=west).changed == frozenset()
        playbooks.delete("yard", verify=False, inventory=west)
    finally:
        for machine in PLACES:
            lab.labctl("start", machine)
