# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report, made of a fleet that runs: one file, with what the nodes say and what verify measured, and no secrets."""

from __future__ import annotations

import json
import re

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks

MEMBERS = ["vm1-east", "vm1-west", "vm3-west"]


def test_one_file_shows_the_fleet_as_it_is(tmp_path):
    file = tmp_path / "report.html"
    run = playbooks.run("report_vpn", vcc_report_file=str(file))
    assert run.hosts("changed") == set() and str(file) in run.output
    assert file.stat().st_mode & 0o777 == 0o600
    page = file.read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])
    (tunnel,) = data["tunnels"]
    assert (tunnel["name"], tunnel["state"]) == ("edge-east--edge-west", "up")
    assert {site["name"]: site["state"] for site in data["sites"]} == {"edge-east": "ok", "edge-west": "ok"}
    assert data["measured"] == playbooks.result()["time"]
    (matrix,) = data["reach"]
    assert matrix["names"] == MEMBERS
    assert {cell["seen"] for row in matrix["cells"] for cell in row if cell} == {"up"}
    assert {probe["ok"] for probe in data["refused"]} == {True}
    assert any("VPN payroll: created" in change["text"] for change in data["changes"])
    key = lab.host("edge-east").check_output("cat /etc/swanctl/private/*")
    secrets = [line for line in key.splitlines() if line and "-----" not in line]
    assert secrets and not [line for line in secrets if line in page] and "PRIVATE KEY" not in page
