# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status and report are asked for when nothing answers, too: they show what the ledger knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.tests.integration.test_slips import example, run

# A jump that fails at once, and is another for each host: a connection that two hosts share is refused.
SILENT = ("-e", """{"ansible_ssh_common_args": "-o ProxyCommand='false {{ inventory_hostname }}'"}""")


@pytest.fixture(autouse=True)
def _artifacts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible shows what a job leaves to those after it."""
    monkeypatch.setenv("ANSIBLE_SHOW_CUSTOM_STATS", "1")


def left(said: str) -> str:
    """What a run of status leaves, in one line."""
    return " ".join(said.partition("intercloud_vpn_status:")[2].split())


def test_a_fleet_that_does_not_answer_has_a_status_and_a_report(tmp_path: Path) -> None:
    example(tmp_path)
    assert run(tmp_path, playbook="prepare_vpn")[0] == 0
    code, lines = run(tmp_path, *SILENT, playbook="status_vpn")
    said = "\n".join(lines)
    assert code == 0 and "ignored=1" in said, said
    assert "edge-berlin  no answer" in said and "No answer from edge-berlin, edge-oslo, " in said, said
    assert "agree with the plan" not in said
    # The VPN has not come up: no node has to run it yet.
    assert left(said).startswith("errors: 0 findings: [] ok: true warnings: 0"), left(said)
    file = tmp_path / "report.html"
    code, lines = run(tmp_path, *SILENT, "-e", f"vcc_report_file={file}", playbook="report_vpn")
    assert code == 0 and file.exists(), "\n".join(lines)
