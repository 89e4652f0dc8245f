# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No playbook leaves a variable with hosts that the next plan refuses as unknown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._awx.questions import PREFIX
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.variables import KNOWN

ROOT = Path(__file__).resolve().parents[3]
# Roles and groups, which are no variables, and what answers of surveys begin with.
NAMES = {"vcc_node", "vcc_nodes", "vcc_server", "vcc_survey_"}


def test_every_variable_of_roles_and_playbooks_is_known() -> None:
    files = [path for folder in ("roles", "playbooks", "inventories") for path in (ROOT / folder).rglob("*.yml")]
    found = {name: path for path in files for name in re.findall(r"(?<!_)\bvcc_[a-z0-9_]+", path.read_text())}
    assert len(found) > 40
    assert {name: str(path) for name, path in found.items() if name not in KNOWN | NAMES} == {}


def test_what_is_asked_about_is_what_is_planned() -> None:
    """Else the question ends a run that the plan allows. Only the plan knows the answer: what it may delete."""
    preview, plan = (_planning(name) for name in ("ask.yml", "plan.yml"))
    assert set(plan["vars"]) - {"__vcc_server_asked"} < set(preview["vars"])
    assert "vcc_server_rollback" in plan["vars"]["__vcc_server_asked"]
    assert preview["vars"]["__vcc_server_preview"] is True


def test_the_plan_itself_is_compared_with_the_approved_one() -> None:
    """Not only the preview: another run may come between the two."""
    (task,) = yaml.safe_load((ROOT / "roles/vcc_server/tasks/planner.yml").read_text())
    approved = task["intercloud.vpn.vpn_plan"]["approved"]
    assert "intercloud_vpn_plan.digest if vcc_server_as_approved" in approved
    assert "not (__vcc_server_preview" in approved


def test_what_was_read_of_a_survey_is_not_taken_for_an_answer() -> None:
    """By the next playbook of the same run, which reads the answers again."""
    tasks = yaml.safe_load((ROOT / "playbooks/tasks/survey.yml").read_text())
    registered = [task["register"] for task in tasks if "register" in task]
    assert registered and not [name for name in registered if name.startswith(PREFIX)]


def _planning(name: str) -> dict[str, Any]:
    tasks: list[dict[str, Any]] = yaml.safe_load((ROOT / "roles/vcc_server/tasks" / name).read_text())
    return next(task for task in tasks if task.get("ansible.builtin.import_tasks") == "planner.yml")
