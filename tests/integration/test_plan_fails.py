# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plan_vpn for CI: it changes nothing, and fails on request where create_vpn would change something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.tests.integration.test_silent_fleet import SILENT
from ansible_collections.intercloud.vpn.tests.integration.test_slips import example, run

FAILS = ("-e", "vcc_plan_fails=true")


def changed(lines: list[str]) -> set[str]:
    return {found[1] for line in lines if (found := re.search(r"\bchanged=(\d+)", line))}


def test_a_plan_that_changes_something_fails_on_request(tmp_path: Path) -> None:
    example(tmp_path)
    code, lines = run(tmp_path, *SILENT, *FAILS, playbook="plan_vpn")
    said = " ".join(" ".join(lines).split())
    assert code == 2 and "because vcc_plan_fails is set" in said, said
    assert "Plan: 1 VPN to add, 0 to change, 0 to delete; " in said
    assert changed(lines) == {"0"}
    assert not list(tmp_path.rglob("ledger.sqlite*"))


@pytest.mark.thorough("the planner's tests: a plan of what is planned changes nothing")
def test_a_plan_that_changes_nothing_does_not_fail(tmp_path: Path) -> None:
    example(tmp_path)
    assert run(tmp_path, playbook="prepare_vpn")[0] == 0
    code, lines = run(tmp_path, *SILENT, *FAILS, playbook="plan_vpn")
    assert (code, changed(lines)) == (0, {"0"}), lines
