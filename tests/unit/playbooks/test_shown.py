# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that has shown its plan, and asked, makes that plan or none."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.intercloud.vpn.tests.docs.pages import ROOT

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core 2.18 and earlier trust all

    def trust_as_template(text: str) -> str:  # type: ignore[misc]
        return text


TASKS = ROOT / "roles/vcc_server/tasks/planner.yml"
SHOWN = {"digest": "of what was shown", "deleting": []}


@pytest.mark.parametrize(
    ("given", "approved"),
    [
        ({}, ""),
        ({"__vcc_server_asked": False, "vcc_server_plan": SHOWN}, ""),
        ({"__vcc_server_asked": True, "vcc_server_plan": SHOWN}, "of what was shown"),
        ({"vcc_server_as_approved": True, "intercloud_vpn_plan": {"digest": "of a job"}}, "of a job"),
        ({"vcc_server_as_approved": True, "__vcc_server_preview": True}, ""),
    ],
)
def test_a_rollback_makes_the_plan_that_it_has_shown(given: dict[str, Any], approved: str) -> None:
    (task,) = (one for one in yaml.safe_load(TASKS.read_text(encoding="utf-8")) if "intercloud.vpn.vpn_plan" in one)
    known = {"vcc_server_as_approved": False, **given}
    template = trust_as_template(task["intercloud.vpn.vpn_plan"]["approved"])
    assert Templar(DataLoader(), variables=known).template(template) == approved
