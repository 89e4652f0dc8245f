# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One IPv4 and one IPv6 VPN of the lab, which every attack is made on. A machine that attacks is in neither."""

from __future__ import annotations

import os

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks

MEMBERS = ["vm1-east", "vm1-west", "vm3-west"]
VPNS = {
    4: {"name": "payroll", "pool": "internal", "members": [*MEMBERS, {"name": "vm2-west", "mode": "nat"}]},
    6: {"name": "six", "pool": "fd64:5::/48", "members": MEMBERS},
}


@pytest.fixture(scope="session", autouse=True)
def a_lab_with_machines():
    """Without hosts every attack would fail."""
    assert len(lab.machines()) >= 12, "no lab, or not of two clouds"
    playbooks.start_log()


@pytest.fixture(scope="session")
def addresses(a_lab_with_machines):
    """family → member → its address. VPN_IS_THERE=1: the VPNs were created by an earlier run of the tests."""
    if not os.environ.get("VPN_IS_THERE"):
        playbooks.create(*VPNS.values(), verify=False, vcc_certified_addresses=True)
    found = {family: playbooks.addresses(vpn["name"]) for family, vpn in VPNS.items()}
    for members in found.values():
        assert lab.answers("vm1-east", members["vm1-west"]), "there is nothing to attack"
    return found


@pytest.fixture
def say(capsys):
    """Print what was counted."""

    def tell(text):
        with capsys.disabled():
            print(f"\n    {text}", end=" ", flush=True)

    return tell
