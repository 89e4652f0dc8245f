# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/address_plan.md: its playbook writes what the page says, and what the tables promise is so."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.intercloud.vpn.tests.docs.pages import ROOT, SPAN, blocks

PAGE = ROOT / "docs/address_plan.md"
PLAYBOOK, WRITTEN, _NETWORKS = (block.text for block in blocks(PAGE) if block.language == "yaml")
QUESTIONS = {  # the expression of the table, and what it says of the page's plan
    "plan | intercloud.vpn.overlaps": [],
    "'10.64.4.0/23' | intercloud.vpn.overlaps(plan)": ["rome"],
    "plan | intercloud.vpn.overlaps(in_use)": [],
    "pools | intercloud.vpn.carve([24], reserved=(plan | intercloud.vpn.summarize) + in_use) | first": "10.64.3.0/24",
    "plan | intercloud.vpn.summarize": ["10.64.1.0/26", "10.64.2.0/24", "10.64.4.0/24", "10.64.16.0/22"],
    "plan | intercloud.vpn.summarize(within='10.64.0.0/16')": [
        "10.64.1.0/26",
        "10.64.2.0/24",
        "10.64.4.0/24",
        "10.64.16.0/22",
    ],
}
FREE = "plan | intercloud.vpn.summarize(within=pools, exclude=in_use, free=true)"


def run(directory: Path, playbook: list[dict[str, Any]]) -> str:
    (directory / "address_plan.yml").write_text(json.dumps(playbook))
    outcome = subprocess.run(
        [sys.executable, "-m", "ansible.cli.playbook", "address_plan.yml"],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "ANSIBLE_HOME": str(directory)},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


def test_the_playbook_writes_the_plan_of_the_page_and_keeps_it(tmp_path: Path) -> None:
    (first,) = yaml.safe_load(PLAYBOOK)
    second = copy.deepcopy(first)
    written = "lookup('ansible.builtin.file', plan_file, rstrip=false)"
    answers = {"content": f"{{{{ [{', '.join([written, *QUESTIONS, FREE])}] | to_json }}}}", "dest": "answers"}
    first["tasks"].append({"name": "Ask", "ansible.builtin.copy": {**answers, "mode": "0600"}})
    # What the table says: a site is added, one is larger and has a second network, one is gone from the list.
    second["vars"]["sites"] = {"aarhus": 24, "berlin": [21, 24], "rome": [24, 26]}
    second["vars"]["plan"] = first["vars"]["plan"].replace("room=1", "room=1, grow=true")
    run(tmp_path, [first, second])
    kept, *given, free = json.loads((tmp_path / "answers").read_text())
    assert kept == WRITTEN
    assert given == list(QUESTIONS.values())
    assert (free[0], free[-1]) == ("10.64.1.64/26", "10.72.0.0/16")
    before, after = yaml.safe_load(WRITTEN), yaml.safe_load((tmp_path / "networks.yml").read_text())
    assert {name: after[name] for name in ("oslo", "rome")} == {name: before[name] for name in ("oslo", "rome")}
    assert after["berlin"][0] == "10.64.16.0/21" and len(after["berlin"]) == 2
    assert set(after) == {*before, "aarhus"}


def test_the_questions_of_the_page_are_asked() -> None:
    spans = (span.replace("\\|", "|") for span in SPAN.findall(PAGE.read_text(encoding="utf-8")))
    asked = {span for span in spans if "| intercloud.vpn" in span and not span.startswith("{{")}
    assert asked == {*QUESTIONS, FREE}
