# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden pairs: an intent and a landscape, and the plan that they make, in tests/unit/golden/<story>/.

A change of the planner that changes a plan shows as a difference in review. To renew the plans, and then read what
`git diff` says of them:

    UPDATE_GOLDEN=1 .venv/bin/pytest tests/unit/plugins/module_utils/_plan/test_golden.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, lab

GOLDEN = Path(__file__).parents[3] / "golden"
STORIES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())


def read(story: str, name: str) -> Any:
    return yaml.safe_load((GOLDEN / story / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("story", STORIES)
def test_an_intent_and_a_landscape_make_this_plan(story: str) -> None:
    landscape, intent = read(story, "landscape.yml"), read(story, "intent.yml")
    world = World(landscape["hosts"], groups=landscape.get("groups", {}))
    plan = vars(world.ask({name.removeprefix("vcc_"): value for name, value in intent.items()}))
    plan["documents"] = dict(plan["documents"])
    text = json.dumps(plan, indent=2, sort_keys=True) + "\n"
    path = GOLDEN / story / "plan.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    # As data first: pytest then shows where they differ.
    assert plan == json.loads(path.read_text(encoding="utf-8"))
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("story", STORIES)
def test_a_golden_story_has_its_three_files(story: str) -> None:
    assert {file.name for file in (GOLDEN / story).iterdir()} == {"intent.yml", "landscape.yml", "plan.json"}


@pytest.mark.parametrize("clouds", [2, 8])
def test_the_landscapes_of_the_tests_are_those_of_the_lab(clouds: int) -> None:
    kinds = {"vcc_node": "vcc_nodes", "org_edge": "org_edges", "vapp_edge": "vapp_edges", "member": "members"}
    expected = {
        machine.name: {
            "kinds": [kinds[machine.kind]],
            "clouds": [machine.cloud],
            "vars": {
                "vcc_org": _lab.ORGANIZATION,
                **{key: list(value) for key, value in machine.variables.items()},
                **({"vcc_vapp": machine.vapp} if machine.vapp else {}),
            },
        }
        for machine in _lab.machines(_lab.cloud_names(clouds)).values()
    }
    assert lab(clouds) == expected
