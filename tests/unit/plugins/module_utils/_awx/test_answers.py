# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever AWX lets through, its answers are an intent that the planner reads, or a mistake in the survey's words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._awx.answers import (
    WHERE,
    describes_vpn,
    read_answers,
    reworded,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._awx.questions import FORMS, QUESTIONS
from ansible_collections.intercloud.vpn.plugins.module_utils._awx.survey import survey
from ansible_collections.intercloud.vpn.plugins.module_utils._awx.tenants import Intent, tenants
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.run import CHECKS
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._awx.rules import wrong_answer
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, lab

INTENT = Intent(("internal",), ("cnsa", "postquantum", "standard"))
TENANT = tenants(lab(3), {"acme": ["payroll"]})[0]
# The survey may be older than the fleet: choices that are gone, and names that never were.
OLDER = tenants(lab(4), {"acme": ["payroll", "gone"]})[0]
SPECS = {form: survey(form, "VPN", OLDER, INTENT)["spec"] for form in FORMS}
WORLD = World(lab(3))
WORLD.plan(PAYROLL)


def read(**answers: Any) -> tuple[dict[str, Any], list[str]]:
    problems = Problems()
    found = read_answers({f"vcc_survey_{name}": value for name, value in answers.items()}, problems)
    return found, [str(error) for error in problems]


def answer(element: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Everything that AWX takes for an answer, and no answer where it needs none."""
    kind = element["type"]
    if kind == "multiselect":
        given: st.SearchStrategy[Any] = st.lists(st.sampled_from(element["choices"]), max_size=5)
    elif kind == "multiplechoice":
        given = st.sampled_from(element["choices"])
    elif kind == "integer":
        given = st.integers(element["min"], element["max"]) | st.integers(0, 3)
    else:
        words = st.sampled_from(["payroll", "audit", " a", "no", "2026-01-31", "x\ny", "{{ 1 }}", "\t"])
        given = (words | st.text(max_size=40)).filter(lambda text: not [*wrong_answer(element, text)])
    return given if element["required"] else given | st.just("") | st.none()


@st.composite
def answered(draw: st.DrawFn, form: str) -> dict[str, Any]:
    return {element["variable"]: draw(answer(element)) for element in SPECS[form]}


def labelled(text: str, form: str) -> bool:
    """Whether each line of a report begins with the label of a question of the form."""
    labels = "|".join(re.escape(question.label) for question in FORMS[form])
    return all(re.match(rf"({labels}): ", line) for line in text.splitlines()[1:] if line)


@pytest.mark.parametrize("form", ["create", "add", "remove", "delete", "move", "rollback"])
@given(data=st.data())
def test_an_answer_is_planned_or_refused_in_the_surveys_words(form: str, data: st.DataObject) -> None:
    answers = data.draw(answered(form))
    problems = Problems()
    found = read_answers(answers, problems)
    if len(problems):
        assert labelled(IntentErrors(problems).report(WHERE), form)
        return
    assert {variable: CHECKS[variable](value) for variable, value in found.items() if variable in CHECKS} == {
        variable: None for variable in found if variable in CHECKS
    }
    request = {
        "vpns": found.get("vcc_vpns", []),
        "absent": found.get("vcc_delete", []) if form == "delete" else [],
        "move": found.get("vcc_move", []) if form == "move" else None,
        "to": found.get("vcc_to"),
        "generation": found.get("vcc_generation"),
        "only": found.get("vcc_only", ""),
        "create_tunnels": found.get("vcc_create_tunnels") != "never",
    }
    vpns = request.pop("vpns")
    try:
        WORLD.plan(*vpns, dry_run=True, **request)
    except IntentErrors as error:
        assert labelled(reworded(error.report(), answers), form), error.report()


@pytest.mark.parametrize("form", ["verify", "revoke", "history"])
@given(data=st.data())
def test_other_answers_are_values_that_the_run_takes(form: str, data: st.DataObject) -> None:
    problems = Problems()
    found = read_answers(data.draw(answered(form)), problems)
    assert labelled(IntentErrors(problems).report(WHERE), form)
    assert len(problems) or not [name for name, value in found.items() if CHECKS[name](value)]


def test_a_vpn_is_described_as_in_the_intent() -> None:
    found, mistakes = read(
        name="audit",
        pool="internal",
        members=["vm1-east", "vapp1-west"],
        topology="star",
        hubs=["edge-south"],
        tunnel="ssl",
        policy="cnsa",
        names="yes",
        create_tunnels="never",
    )
    assert mistakes == [] and found == {
        "vcc_vpns": [
            {
                "name": "audit",
                "pool": "internal",
                "members": ["vm1-east", "vapp1-west"],
                "topology": {"kind": "star", "hubs": ["edge-south"]},
                "tunnel": "ssl",
                "policy": "cnsa",
                "names": True,
            }
        ],
        "vcc_networks": [],
        "vcc_create_tunnels": "never",
    }


def test_lines_are_names_and_nothing_is_no_answer() -> None:
    assert read(vpn="payroll", add="vm1-south\nvapp1-east, vm1-south\n", hubs="") == (
        {"vcc_vpns": [{"name": "payroll", "add": ["vm1-south", "vapp1-east"]}], "vcc_networks": []},
        [],
    )
    assert read(only="", since=" ", to=None, agreed=[]) == ({}, [])
    assert read(generation="12", events=0, agreed=["audit"], edge="edge-east") == (
        {"vcc_delete": ["audit"], "vcc_generation": 12, "vcc_events": 0, "vcc_revoke": "edge-east"},
        [],
    )


def test_an_empty_list_is_no_answer() -> None:
    """AWX lets it pass where an answer is required, and delete_vpn without a name deletes the intent's only VPN."""
    assert read(delete=[]) == ({}, ["VPNs to delete: needs an answer"])
    assert read(name="audit")[1] == ["Pool: needs an answer", "Members: needs an answer"]


def test_all_mistakes_are_told_at_once_by_label() -> None:
    _found, mistakes = read(name="pay roll", members=[], hubs=["edge-east"], topology="mesh", names="perhaps", nam="x")
    assert [mistake.partition(":")[0] for mistake in mistakes] == [
        "vcc_survey_nam",
        "Members",
        "Pool",
        "Name of the VPN",
        "Hubs of a star",
        "Members have names",
    ]
    assert mistakes[0] == "vcc_survey_nam: is not a question of a survey; did you mean vcc_survey_name?"
    assert read(vpn="payroll")[1] == ["VPN: nothing is said of its members: answer Members to add or Members to remove"]


def test_a_vpn_that_is_there_is_not_blamed() -> None:
    """The new one comes first by its name."""
    answers = {"vcc_survey_name": "audit", "vcc_survey_policy": "postquantum"}
    vpn = {**PAYROLL, "name": "audit", "policy": "postquantum"}
    with pytest.raises(IntentErrors) as caught:
        WORLD.plan(vpn, dry_run=True)
    said = reworded(caught.value.report(), answers)
    assert "Policy: asks for other settings" in said and "ledger." not in said


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            {"name": "audit", "pool": "internal", "members": ["vm1u-east", "vm1u-west"]},
            "Members: are of another organization, and this run is of acme",
        ),
        ({"name": "audit", "pool": "internal", "members": ["vm1-east", "vm1u-west"]}, "Members: are not all of acme"),
        ({"vpn": "payroll", "add": ["vm1u-east"]}, "Members to add: are of another organization"),
        ({"vpn": "payroll", "remove": ["vm1u-east"]}, "Members to remove: are of another organization"),
    ],
)
def test_members_of_another_tenant_are_refused_and_not_left_out(answers: dict[str, Any], said: str) -> None:
    """Of an intent, the VPNs of others are left out. A survey asks one tenant, who would read that all was done."""
    world = World({**lab(2), **lab(2, org="umbra", tag="u")})
    world.plan(PAYROLL, organizations=["acme"])
    found, mistakes = read(**answers)
    given = {f"vcc_survey_{name}": value for name, value in answers.items()}
    assert mistakes == [] and describes_vpn(given)
    with pytest.raises(IntentErrors) as caught:
        world.plan(*found["vcc_vpns"], organizations=["acme"], answered=True)
    report = reworded(caught.value.report(), given)
    assert [line.startswith(said) for line in report.splitlines()[1:]] == [True], report


def test_what_the_inventory_declares_beside_a_survey_stays_as_it_is() -> None:
    """A stretched network of the inventory is neither planned anew nor deleted by a survey about a VPN."""
    world = World(lab(2))
    network = {"name": "office", "stretch": ["edge-east", "edge-west"], "members": ["vm3-east", "vm3-west"]}
    hosts = world.hosts
    for number, cloud in enumerate(("east", "west"), start=5):
        hosts[f"vm3-{cloud}"]["vars"].update(vcc_address=[f"10.10.0.{number}"], vcc_mac=f"02:00:5e:10:00:0{number}")
    world.ask({"vpns": [], "networks": [network]})
    found, _mistakes = read(name="audit", pool="internal", members=["vm1-east", "vm1-west"])
    plan = world.ask({"vpns": found["vcc_vpns"], "networks": found["vcc_networks"]})
    assert sorted(vpn["name"] for vpn in plan.vpns) == ["audit", "office"] and plan.named == ["acme/audit"]


def test_only_questions_that_have_an_answer_take_the_place_of_a_path() -> None:
    report = "vcc_vpns[0].members[1]: x is not a VM\nvcc_pools.a: is wrong\nvcc_delete: no"
    assert reworded(report, {}) == report
    said = reworded(report, {"vcc_survey_name": "a", "vcc_survey_members": ["x"]})
    assert said == "Members: x is not a VM\nvcc_pools.a: is wrong\nvcc_delete: no"
    assert len(QUESTIONS) == len({question.variable for question in QUESTIONS.values()})
