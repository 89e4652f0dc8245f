# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One VPN for all tests on the kernel's IPsec: each playbook run costs a minute or more under emulation."""

from __future__ import annotations

import os

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks


@pytest.fixture(scope="session", autouse=True)
def a_lab_with_machines():
    """Without hosts everything would succeed."""
    vm.prepare()
    assert len(lab.machines()) >= 12, "no lab in a virtual machine: make lab-kernel"
    playbooks.start_log()


@pytest.fixture(scope="session")
def life(a_lab_with_machines):
    """All that the internet sees, from before the VPN is created; whoever wants to look stops it."""
    capture = vm.Capture("life").start()
    yield capture
    vm.sh("pkill -INT tcpdump", check=False)


@pytest.fixture(scope="session")
def addresses(life):
    """member → its address in payroll, which has been created. VPN_IS_THERE=1: by an earlier run of the tests."""
    if not os.environ.get("VPN_IS_THERE"):
        # In the short form the tests look at what verify would: a minute less under emulation.
        playbooks.create(*vm.vpns(), verify=not vm.SHORT)
    return playbooks.addresses()


@pytest.fixture(scope="session")
def company(addresses):
    """member → its address in company, the VPN of three clouds."""
    return playbooks.addresses("company")


@pytest.fixture
def say(capsys):
    """Tell who watches the test: a time that was measured."""

    def tell(text):
        with capsys.disabled():
            print(f"\n    {text}", end=" ", flush=True)

    return tell
