# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to hold in every scenario."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks


@pytest.fixture(scope="session", autouse=True)
def a_lab_with_machines():
    """Without hosts everything would succeed."""
    assert len(lab.machines()) >= 12, "no lab, or not of two clouds"
    playbooks.start_log()


@pytest.fixture
def addresses():
    """member → its address in payroll."""
    return playbooks.addresses()


@pytest.fixture
def say(capsys):
    """Tell who watches the test: a time that was measured."""

    def tell(text):
        with capsys.disabled():
            print(f"\nmeasured: {text}", flush=True)

    return tell
