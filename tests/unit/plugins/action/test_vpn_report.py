# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What verify leaves to the jobs that follow."""

from __future__ import annotations

from ansible_collections.intercloud.vpn.plugins.action.vpn_report import brief


def finding(number: int, severity: str) -> dict[str, str]:
    return {"severity": severity, "subject": f"edge-{number}", "expected": "up", "seen": "x" * 900, "repair": "restart"}


def test_the_result_of_a_job_is_small_and_begins_with_errors() -> None:
    found = brief([*(finding(number, "warning") for number in range(30)), finding(30, "error")])
    assert len(found) == 20
    assert [(one["severity"], one["subject"]) for one in found[:2]] == [("error", "edge-30"), ("warning", "edge-0")]
    assert set(found[0]) == {"severity", "subject", "expected", "seen"} and len(found[0]["seen"]) == 500
