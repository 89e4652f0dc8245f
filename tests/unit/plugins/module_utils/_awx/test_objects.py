# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's objects: modules and roles take them, what they name is there, and a tenant gets nothing of another one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._awx.objects import objects
from ansible_collections.intercloud.vpn.plugins.module_utils._awx.settings import read_settings
from ansible_collections.intercloud.vpn.plugins.module_utils._awx.tenants import Intent, tenants
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._awx.rules import (
    MODULES,
    VARIABLES,
    wrong_answer,
    wrong_arguments,
    wrong_rrule,
    wrong_survey,
)
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import lab

ROOT = Path(__file__).resolve().parents[5]
GIVEN = {
    "image": "registry.example/intercloud-vpn:1.0",
    "inventory_project": "https://git.example/fleet.git",
    "inventory": "inventories/fleet/hosts.yml",
    "credentials": ["machine", "vault", "ledger"],
    "report": "/var/lib/intercloud-vpn/report.html",
    "organizations": {"umbra": "Umbra Corp"},
    "variables": {"vcc_state_dir": "/var/lib/intercloud-vpn"},
}
HOSTS = {**lab(3), **lab(2, org="umbra", tag="u")}
VPNS = {"acme": ["payroll"], "umbra": ["audit"]}
INTENT = Intent(("internal",), ("standard",))


def made(hosts: Any = None, **more: Any) -> dict[str, list[dict[str, Any]]]:
    problems, owners = Problems(), tenants(HOSTS if hosts is None else hosts, VPNS)
    settings = read_settings({**GIVEN, **more}, owners, problems)
    assert settings is not None, [*map(str, problems)]
    return objects(owners, INTENT, settings)


def names(found: dict[str, list[dict[str, Any]]], variable: str) -> set[tuple[str, str]]:
    return {(one.get("organization", ""), one["name"]) for one in found[variable]}


@pytest.fixture(name="found", params=[1, 4], ids=["one job", "slices"])
def _found(request: pytest.FixtureRequest) -> dict[str, list[dict[str, Any]]]:
    return made(slices=request.param)


def test_modules_and_roles_take_every_entry(found: dict[str, list[dict[str, Any]]]) -> None:
    assert set(found) == set(VARIABLES)
    for variable, entries in found.items():
        assert entries, variable
        for entry in entries:
            assert list(wrong_arguments(VARIABLES[variable]["module"], entry)) == []
            assert set(entry) <= set(VARIABLES[variable]["keys"]), variable


def test_the_playbook_hands_over_every_argument() -> None:
    """Each task has one module, one variable, and all keys that the entries of that variable have."""
    found, tasks = made(), yaml.safe_load((ROOT / "playbooks/tasks/awx.yml").read_text(encoding="utf-8"))
    done = []
    for task in tasks:
        (module,) = (key.removeprefix("awx.awx.") for key in task if key.startswith("awx.awx."))
        variable = task["loop"].removeprefix("{{ vcc_server_awx.objects.").removesuffix(" }}")
        assert VARIABLES[variable]["module"] == module
        given = task[f"awx.awx.{module}"]
        assert set(given) == {key for entry in found[variable] for key in entry}
        for key, value in given.items():
            everywhere = all(key in entry for entry in found[variable])
            assert value == f"{{{{ item.{key}{'' if everywhere else ' | default(omit)'} }}}}"
            assert key in MODULES[module]
        done.append(variable)
    assert done == list(found), "in the order in which AWX knows what the next object names"


def test_what_is_named_is_there(found: dict[str, list[dict[str, Any]]]) -> None:
    projects, templates = names(found, "controller_projects"), names(found, "controller_templates")
    inventories, credentials = names(found, "controller_inventories"), names(found, "controller_credentials")
    teams, workflows = names(found, "aap_teams"), names(found, "controller_workflows")
    (environment,) = (one["name"] for one in found["controller_execution_environments"])
    for one in found["controller_templates"]:
        owner = one["organization"]
        assert (owner, one["project"]) in projects and (owner, one["inventory"]) in inventories
        assert {(owner, name) for name in one["credentials"]} <= credentials
        assert (ROOT / one["playbook"]).is_file() and one["execution_environment"] == environment
    for one in found["controller_inventory_sources"]:
        assert (one["organization"], one["source_project"]) in projects
    for one in found["controller_schedules"]:
        assert (one["organization"], one["unified_job_template"]) in templates
    for one in found["controller_roles"]:
        owner = one["lookup_organization"]
        assert {(owner, name) for name in one["teams"]} <= teams
        assert {(owner, name) for name in one.get("job_templates", ())} <= templates
        assert {(owner, name) for name in one.get("workflows", ())} <= workflows


def test_inventories_and_credentials_have_names_that_no_other_organization_has() -> None:
    """awx.awx.job_template finds them by their names alone, and awx.awx.schedule a template."""
    for variable in ("controller_inventories", "controller_credentials"):
        found = [one["name"] for one in made()[variable]]
        assert len(found) == len({*found})
    templates = [one["name"] for one in made()["controller_templates"]]
    for one in made()["controller_schedules"]:
        assert templates.count(one["unified_job_template"]) == 1


def test_a_workflow_is_a_way_from_the_plan_to_the_report(found: dict[str, list[dict[str, Any]]]) -> None:
    templates = names(found, "controller_templates")
    for workflow in found["controller_workflows"]:
        assert list(wrong_survey(workflow["survey_spec"])) == []
        nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
        assert len(nodes) == len(workflow["workflow_nodes"])
        after = {
            name: [(how, one["identifier"]) for how, ones in node["related"].items() for one in ones]
            for name, node in nodes.items()
        }
        way, name = ["plan"], "plan"
        while after[name]:
            ((_how, name),) = after[name]
            assert name in nodes and name not in way
            way.append(name)
        assert set(way) == set(nodes) and way[1:3] == ["approval", "prepare"] and way[-2:] == ["verify", "report"]
        assert [how for name in way[:2] for how, _next in after[name]] == ["success_nodes"] * 2, (
            "denied: nothing is done"
        )
        assert [how for name in way[2:] for how, _next in after[name]] == [
            "success_nodes",
            *["always_nodes"] * (len(way) - 4),
        ], "AWX takes a job that fails for dealt with where something always follows: the last one fails the workflow"
        own = {
            one["name"]: one for one in found["controller_templates"] if one["organization"] == workflow["organization"]
        }
        last = own[nodes["report"]["unified_job_template"]["name"]]
        assert last["extra_vars"]["vcc_as_verified"] is True and last["playbook"] == "playbooks/report_vpn.yml"
        assert not own["VPN report"]["extra_vars"].get("vcc_as_verified")
        for identifier, node in nodes.items():
            job = node["unified_job_template"]
            if identifier == "approval":
                assert job["type"] == "workflow_approval" and job["name"] and job["timeout"] > 0 and job["description"]
            else:
                assert job["type"] == "job_template" and (job["organization"]["name"], job["name"]) in templates


def test_an_organizations_report_replaces_no_other() -> None:
    found = [one for one in made()["controller_templates"] if one["playbook"] == "playbooks/report_vpn.yml"]
    paths = {one["organization"]: one["extra_vars"]["vcc_report_file"] for one in found}
    folder = "/var/lib/intercloud-vpn"
    assert paths == {"acme": f"{folder}/report-acme.html", "Umbra Corp": f"{folder}/report-umbra.html"}


def test_slices_apply_in_the_order_of_the_table() -> None:
    """docs/awx.md, and scenario slices."""
    applying = [one for one in made(slices=4)["controller_templates"] if one["playbook"].endswith("apply_vpn.yml")]
    steps = [(one["limit"], one["job_slice_count"]) for one in applying if one["organization"] == "acme"]
    assert steps == [("members:vapp_edges", 4), ("vcc_nodes:org_edges", 4), ("members:vapp_edges", 4)]
    assert {one["job_slice_count"] for one in made(slices=4)["controller_templates"] if one not in applying} == {1}


def test_who_launches_a_job_cannot_leave_the_organization(found: dict[str, list[dict[str, Any]]]) -> None:
    ours = {"Umbra Corp": "umbra", "acme": "acme"}
    for one in (*found["controller_templates"], *found["controller_workflows"]):
        assert one["ask_variables_on_launch"] is False
        assert one["extra_vars"]["vcc_organization"] == ours[one["organization"]]
    for one in found["controller_templates"]:
        owned = {name: facts["vars"].get("vcc_org") for name, facts in HOSTS.items()}
        choices = {choice for element in one["survey_spec"].get("spec", ()) for choice in element["choices"]}
        owners = {owned[choice] for choice in choices & owned.keys()}
        assert owners <= {ours[one["organization"]]}


def test_users_see_and_ask_and_approvers_change(found: dict[str, list[dict[str, Any]]]) -> None:
    changing = ("create_vpn.yml", "delete_vpn.yml", "move_member.yml", "revoke_certificate.yml", "rollback_vpn.yml")
    playbooks = {one["name"]: one["playbook"].rpartition("/")[2] for one in found["controller_templates"]}
    roles = [one for one in found["controller_roles"] if one["lookup_organization"] == "acme"]
    may = {
        team: {playbooks[name] for one in roles if team in one["teams"] for name in one.get("job_templates", ())}
        for team in ("VPN users", "VPN approvers")
    }
    assert not may["VPN users"] & {*changing} and {*changing} <= may["VPN approvers"]
    assert may["VPN users"] == {"plan_vpn.yml", "status_vpn.yml", "history_vpn.yml", "verify_vpn.yml", "report_vpn.yml"}
    assert [one["teams"] for one in roles if one["role"] == "approval"] == [["VPN approvers"]]
    # An inventory has the hosts of all organizations, with their variables.
    of_each = {"teams", "role", "lookup_organization"}
    assert {key for one in roles for key in one} == of_each | {"job_templates", "workflows"}


def test_surveys_schedules_and_the_credential_type_are_ones_that_awx_accepts() -> None:
    found = made(verify_at="23:05", renew_at="22:05")
    for one in found["controller_templates"]:
        assert one["survey_enabled"] == bool(one["survey_spec"])
        assert not one["survey_enabled"] or list(wrong_survey(one["survey_spec"])) == []
    begin = {one["name"]: one["rrule"].partition(" ")[0] for one in found["controller_schedules"]}
    assert begin == {
        "VPN verify every night": "DTSTART:20260101T230500Z",
        "VPN renew certificates every day": "DTSTART:20260101T220500Z",
    }
    assert [why for one in found["controller_schedules"] for why in wrong_rrule(one["rrule"])] == []
    surveys = {
        one["name"]: one["survey_spec"]["spec"] for one in found["controller_templates"] if one["survey_enabled"]
    }
    for one in found["controller_schedules"]:  # what has to be answered is answered
        elements = {element["variable"]: element for element in surveys.get(one["unified_job_template"], ())}
        assert {name for name, element in elements.items() if element["required"]} <= set(one["extra_data"])
        assert [why for name, said in one["extra_data"].items() for why in wrong_answer(elements[name], said)] == []
    (kind,) = found["controller_credential_types"]
    ids = {field["id"] for field in kind["inputs"]["fields"]}
    assert set(re.findall(r"{{ (\w+) }}", str(kind["injectors"]))) == ids and kind["inputs"]["fields"][0]["secret"]


def test_who_renews_every_day_signs_for_thirty() -> None:
    """Also the first certificate of an edge, which another template signs."""
    for days, found in ((30, made()), (90, made(certificate_days=90))):
        assert {one["extra_vars"]["vcc_certificate_days"] for one in found["controller_templates"]} == {days}
    kept = made(variables={"vcc_certificate_days": 60})
    assert {one["extra_vars"]["vcc_certificate_days"] for one in kept["controller_templates"]} == {60}
    renewing = [one for one in made()["controller_schedules"] if "renew" in one["name"]]
    assert [one["unified_job_template"] for one in renewing] == [
        "acme VPN renew certificates",
        "Umbra Corp VPN renew certificates",
    ]


def test_no_secret_is_given_and_none_is_overwritten() -> None:
    assert all("inputs" not in one and one["state"] == "exists" for one in made()["controller_credentials"])


def test_the_order_of_the_inventory_has_no_meaning() -> None:
    assert made(dict(reversed(HOSTS.items()))) == made()


@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ({"image": None}, "vcc_awx.image: is missing: for example registry.example/intercloud-vpn:1.0"),
        ({"imag": "x"}, "vcc_awx.imag: is not known here; did you mean image?"),
        ({"slices": 0}, "vcc_awx.slices: must be a whole number from 1 to 1000, not 0"),
        ({"report": "/"}, "vcc_awx.report: must be the path of a file, not '/'"),
        ({"slices": True}, "vcc_awx.slices: must be a whole number from 1 to 1000, not True"),
        ({"verify_at": "2:30"}, "vcc_awx.verify_at: must be a time in UTC, such as \"02:30\", not '2:30'"),
        ({"verify_at": 150}, "vcc_awx.verify_at: must be a text of at most 512 characters, not 150"),
        ({"credentials": ["ssh"]}, "vcc_awx.credentials: 'ssh' must be one of: machine, vault, ledger"),
        (
            {"organizations": {"acm": "A"}},
            "vcc_awx.organizations.acm: no host of the inventory is of this organization",
        ),
        ({"organizations": {"umbra": "acme"}}, "vcc_awx.organizations.umbra: acme is the name of acme, too"),
        ({"variables": ["x"]}, "vcc_awx.variables: must be a mapping"),
        ({"variables": {"vcc_vpns": []}}, "vcc_awx.variables.vcc_vpns: is what surveys ask for; leave it out"),
        ({"variables": {"vcc_organization": "x"}}, "vcc_awx.variables.vcc_organization: each template has its own"),
    ],
)
def test_a_mistake_in_the_settings_has_its_place(settings: dict[str, Any], mistake: str) -> None:
    problems = Problems()
    assert read_settings({**GIVEN, **settings}, tenants(HOSTS, VPNS), problems) is None
    assert str(next(iter(problems))).startswith(mistake)


def test_settings_that_are_none() -> None:
    problems = Problems()
    assert read_settings("x", [], problems) is None
    assert [*map(str, problems)] == ["vcc_awx: must be a mapping with image, inventory_project, inventory"]
