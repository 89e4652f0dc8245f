# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of a survey plan what the intent would; awx_setup writes its objects, and hands them to awx.awx.

AWX itself is not here. What it accepts is checked by tests/unit/plugins/module_utils/_awx.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.intercloud.vpn.tests.integration.test_slips import VARS, edit, example, run
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._awx.rules import VARIABLES, wrong_arguments

SETTINGS = {
    "image": "registry.example/intercloud-vpn:1.0",
    "inventory_project": "https://git.example/fleet.git",
    "inventory": "inventories/fleet/hosts.yml",
    "credentials": ["machine", "ledger"],
    "approval_timeout": 3600,
}
ANSWERS = {
    "vcc_survey_name": "audit",
    "vcc_survey_pool": "internal",
    "vcc_survey_members": ["shop-berlin", "web-oslo"],
    "vcc_survey_topology": "star",
    "vcc_survey_hubs": ["edge-oslo"],
    "vcc_survey_tunnel": "ipsec",
    "vcc_survey_policy": "strict",
    "vcc_survey_names": "no",
    "vcc_survey_create_tunnels": "always",
}
INTENT = {
    "name": "audit",
    "pool": "internal",
    "members": ["shop-berlin", "web-oslo"],
    "topology": {"kind": "star", "hubs": ["edge-oslo"]},
    "policy": "strict",
}
# Of each module of awx.awx: notes what it was given, as Ansible handed it over.
RECORDER = """
import json
from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        with open(task_vars['recorded'], 'a') as file:
            file.write(json.dumps([self._task.action.rpartition('.')[2], self._task.args]) + '\\n')
        return {'changed': True}
"""


def given(variables: dict[str, Any]) -> tuple[str, str]:
    return "-e", json.dumps(variables)


def plan(lines: list[str]) -> list[str]:
    return [line for line in lines if re.match(r"\s*([+~-] |Plan: |Nodes: )", line)]


def test_a_plan_of_answers_is_the_plan_of_the_intent(tmp_path: Path) -> None:
    copy = example(tmp_path)
    code, answered = run(tmp_path, *given(ANSWERS))
    assert code == 0, "\n".join(answered)
    described = yaml.safe_load((copy / VARS).read_text(encoding="utf-8"))
    (copy / VARS).write_text(yaml.safe_dump({**described, "vcc_vpns": [INTENT]}), encoding="utf-8")
    code, asked = run(tmp_path)
    assert code == 0 and plan(answered) == plan(asked) and "+ VPN audit" in "\n".join(plan(asked))


@pytest.mark.thorough("unit tests have every mistake in the words of its question")
def test_what_the_inventory_lacks_is_told_in_the_surveys_words(tmp_path: Path) -> None:
    example(tmp_path)
    code, lines = run(tmp_path, *given({**ANSWERS, "vcc_survey_members": ["shop-berlin", "web-osl"]}))
    output = " ".join("\n".join(lines).split())
    assert code == 2 and "Members: web-osl is not a VM, vApp, group or pattern of the inventory; did you mean" in output


APPROVED = ("-e", "vcc_as_approved=true")


def test_nothing_is_prepared_that_no_job_has_planned(tmp_path: Path) -> None:
    example(tmp_path)
    code, lines = run(tmp_path, *APPROVED, playbook="prepare_vpn")
    assert code == 2 and "No job before this one has planned" in " ".join("\n".join(lines).split())
    assert not (tmp_path / "state").exists()


@pytest.mark.thorough("with the plan of a job before it; without one, it is refused in the short form as well")
def test_the_approved_plan_is_prepared_and_another_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_SHOW_CUSTOM_STATS", "1")
    copy = example(tmp_path)
    _code, lines = run(tmp_path)
    (digest,) = set(re.findall(r"digest: ([0-9a-f]{64})", "\n".join(lines)))
    approved = (*APPROVED, *given({"intercloud_vpn_plan": {"digest": digest}}))
    edit(copy / VARS, "      - web-oslo\n", "")
    code, lines = run(tmp_path, *approved, playbook="prepare_vpn")
    assert code == 2 and "The plan is not the one that was approved" in " ".join("\n".join(lines).split())
    assert not (tmp_path / "state").exists()
    edit(copy / VARS, "      - shop-berlin\n", "      - shop-berlin\n      - web-oslo\n")
    code, lines = run(tmp_path, *approved, playbook="prepare_vpn")
    assert code == 0 and (tmp_path / "state/ledger.sqlite").exists(), "\n".join(lines)


@pytest.mark.thorough("the same objects as in the unit tests, by way of Ansible and a file")
def test_the_objects_are_written_and_written_again_for_a_change_only(tmp_path: Path) -> None:
    copy, file = example(tmp_path), tmp_path / "awx.yml"
    options = given({"vcc_awx": SETTINGS, "vcc_awx_write": str(file)})
    for changed in (True, False):
        code, lines = run(tmp_path, *options, playbook="awx_setup")
        assert code == 0 and (f"changed={changed:d}" in "\n".join(lines)), "\n".join(lines)
    assert "vcc_ledger: !unsafe '{{ ledger }}'" in file.read_text(encoding="utf-8")
    edit(copy / VARS, "  internal6:", "  other6:")
    code, lines = run(tmp_path, *options, playbook="awx_setup")
    assert code == 0 and "- other6" in file.read_text(encoding="utf-8")


@pytest.mark.thorough("a unit test has every mistake; this is the way of one to the user")
def test_the_settings_mistakes_are_told(tmp_path: Path) -> None:
    example(tmp_path)
    code, lines = run(tmp_path, *given({"vcc_awx": {**SETTINGS, "slices": "many"}}), playbook="awx_setup")
    assert code == 2 and "vcc_awx.slices: must be a whole number from 1 to 1000, not 'many'" in "\n".join(lines)


@pytest.mark.thorough("a unit test compares the tasks with the objects and with the arguments of awx.awx")
def test_awx_awx_is_given_every_object(tmp_path: Path) -> None:
    """With recorders in place of its modules."""
    example(tmp_path)
    stub = tmp_path / "ansible_collections/awx/awx"
    for folder in ("plugins/action", "plugins/modules"):
        (stub / folder).mkdir(parents=True)
    for entry in VARIABLES.values():
        (stub / f"plugins/action/{entry['module']}.py").write_text(RECORDER)
        (stub / f"plugins/modules/{entry['module']}.py").write_text("")
    (stub / "galaxy.yml").write_text("{namespace: awx, name: awx, version: 24.6.1, authors: [x], readme: x}\n")
    settings, recorded, written = {"vcc_awx": SETTINGS}, tmp_path / "recorded", tmp_path / "awx.yml"
    code, lines = run(tmp_path, *given({**settings, "vcc_awx_write": str(written)}), playbook="awx_setup")
    assert code == 0, "\n".join(lines)
    code, lines = run(tmp_path, *given(settings), playbook="awx_setup")
    assert code == 2 and "ansible-galaxy collection install awx.awx" in "\n".join(lines)
    code, lines = run(tmp_path, *given({**settings, "recorded": str(recorded)}), playbook="awx_setup", more=tmp_path)
    assert code == 0, "\n".join(lines)
    calls = [json.loads(line) for line in recorded.read_text(encoding="utf-8").splitlines()]
    text = written.read_text(encoding="utf-8").replace("!unsafe ", "")
    expected = yaml.safe_load(text)
    assert calls == [[VARIABLES[name]["module"], entry] for name, entries in expected.items() for entry in entries]
    assert [wrong for module, arguments in calls for wrong in wrong_arguments(module, arguments)] == []
