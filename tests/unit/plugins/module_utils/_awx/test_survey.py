# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every survey is one that AWX accepts and that people can answer, whatever the fleet is like."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._awx.questions import FORMS, MOST_CHOICES, QUESTIONS
from ansible_collections.intercloud.vpn.plugins.module_utils._awx.survey import survey
from ansible_collections.intercloud.vpn.plugins.module_utils._awx.tenants import Intent, Tenant, tenants
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.variables import OF_SURVEYS
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._awx.rules import wrong_survey
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import changed, lab

INTENT = Intent(("internal", "internal6"), ("cnsa", "postquantum", "standard", "strict"))
LARGE = Tenant(
    "acme", ("east",), ("edge-east",), (), tuple(f"vm{number:04}" for number in range(MOST_CHOICES + 1)), ("a",)
)
FLEETS = {
    "usual": (tenants(lab(3), {"acme": ["payroll", "audit"]})[0], INTENT),
    "no VPN yet": (tenants(lab(2), {})[0], INTENT),
    "one pool": (tenants(lab(2), {})[0], Intent(("internal",), ("standard",))),
    "nothing at all": (Tenant("acme"), Intent()),
    "large": (LARGE, INTENT),
}


def asked(form: str, fleet: str) -> dict[str, dict[str, Any]]:
    spec = survey(form, "VPN", *FLEETS[fleet])
    return {element["variable"]: element for element in spec["spec"]}


@pytest.mark.parametrize("fleet", FLEETS)
@pytest.mark.parametrize("form", FORMS)
def test_awx_accepts_it(form: str, fleet: str) -> None:
    assert list(wrong_survey(survey(form, "VPN", *FLEETS[fleet]))) == []


def test_the_choices_are_those_of_inventory_and_ledger() -> None:
    create, delete = asked("create", "usual"), asked("delete", "usual")
    assert create["vcc_survey_members"]["choices"][:3] == ["vm1-east", "vm1-south", "vm1-west"]
    assert "vapp1-east" in create["vcc_survey_members"]["choices"]
    assert create["vcc_survey_hubs"]["choices"] == ["edge-east", "edge-south", "edge-west"]
    assert create["vcc_survey_pool"]["choices"] == ["internal", "internal6"]
    assert create["vcc_survey_policy"]["default"] == "standard" and create["vcc_survey_pool"]["default"] == ""
    assert delete["vcc_survey_delete"]["choices"] == ["audit", "payroll"]
    assert asked("create", "one pool")["vcc_survey_pool"]["default"] == "internal"


def test_without_choices_and_with_too_many_a_text_is_asked_for() -> None:
    none, many = asked("delete", "no VPN yet")["vcc_survey_delete"], asked("create", "large")["vcc_survey_members"]
    assert (none["type"], many["type"]) == ("textarea", "textarea")
    assert "run awx_setup again" in none["question_description"]
    assert "One name, group or pattern per line" in many["question_description"]
    assert asked("add", "no VPN yet")["vcc_survey_vpn"]["type"] == "text"


def test_an_edge_of_a_partner_is_no_choice() -> None:
    hosts = changed(lab(2), {"edge-west": {"vcc_external": True}})
    assert tenants(hosts, {})[0].edges == ("edge-east",)


def test_every_question_has_a_variable_that_is_known_and_a_label_of_its_own() -> None:
    assert set(QUESTIONS) == set(OF_SURVEYS)
    for form in FORMS.values():
        assert len({question.label for question in form}) == len(form)
