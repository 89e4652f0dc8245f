# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status and report are asked for when nothing answers, too: they show what the ledger knows."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.intercloud.vpn.tests.integration.test_slips import example, run

# A jump that fails at once, and is another for each host: a connection that two hosts share is refused.
SILENT = ("-e", """{"ansible_ssh_common_args": "-o ProxyCommand='false {{ inventory_hostname }}'"}""")


def test_a_fleet_that_does_not_answer_has_a_status_and_a_report(tmp_path: Path) -> None:
    example(tmp_path)
    assert run(tmp_path, playbook="prepare_vpn")[0] == 0
    code, lines = run(tmp_path, *SILENT, playbook="status_vpn")
    said = "\n".join(lines)
    assert code == 0 and "ignored=1" in said, said
    assert "edge-berlin  no answer" in said and "No answer from edge-berlin, edge-oslo, " in said, said
    assert "agree with the plan" not in said
    file = tmp_path / "report.html"
    code, lines = run(tmp_path, *SILENT, "-e", f"vcc_report_file={file}", playbook="report_vpn")
    assert code == 0 and file.exists(), "\n".join(lines)
