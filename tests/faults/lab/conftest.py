# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab of two clouds, and the one story that all tests of a session tell on it."""

from __future__ import annotations

import os

import pytest

from ansible_collections.intercloud.vpn.tests.faults.lab.episode import Story
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks


@pytest.fixture(scope="session")
def story():
    assert len(lab.machines()) >= 12, "no lab, or not of two clouds"
    playbooks.start_log()
    return Story()


@pytest.fixture(scope="session")
def every():
    """FAULTS_EVERY=k: one place in so many, of all moves."""
    return int(os.environ.get("FAULTS_EVERY", "0"))
