# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks of inventories/examples/prepare_cloud give the clouds' modules arguments that they have.

modules.json has what the modules of the versions in it take, by their documentation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.intercloud.vpn.tests.inventories.conftest import EXAMPLES, HERE
from ansible_collections.intercloud.vpn.tests.inventories.fleet import CLOUDS

PLAYBOOKS = sorted((EXAMPLES / "prepare_cloud").glob("*.yml"))
MODULES: dict[str, Any] = json.loads((HERE / "modules.json").read_text(encoding="utf-8"))


def tasks(playbook: Path) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The name, module and arguments of each task that is not Ansible's own."""
    for play in yaml.safe_load(playbook.read_text(encoding="utf-8")):
        for task in play["tasks"]:
            (module,) = (key for key in task if "." in key)
            if not module.startswith("ansible.builtin."):
                yield task["name"], module, task[module]


def wrong(where: str, arguments: Any, options: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with arguments, as far as they are no templates."""
    if isinstance(arguments, list):
        for each in arguments:
            yield from wrong(where, each, options)
        return
    if not isinstance(arguments, Mapping):
        return
    given = set()
    for said, value in arguments.items():
        if said not in options:
            yield f"{where}: no argument {said}"
            continue
        name = options[said].get("alias", said)
        given.add(name)
        choices = options[name].get("choices")
        if choices and "{{" not in str(value) and value not in choices:
            yield f"{where}: {said} is none of {choices}"
        if "options" in options[name]:
            yield from wrong(f"{where}: {said}", value, options[name]["options"])
    for name, option in options.items():
        if option.get("required") and name not in given:
            yield f"{where}: {name} is missing"


def test_there_is_a_playbook_for_each_cloud() -> None:
    assert {path.stem for path in PLAYBOOKS} == set(CLOUDS)
    assert {module for path in PLAYBOOKS for _name, module, _arguments in tasks(path)} == set(MODULES)


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_modules_have_the_arguments(playbook: Path) -> None:
    found = []
    for name, module, arguments in tasks(playbook):
        options = {**{key: {} for key in MODULES[module]["plain"]}, **MODULES[module]["options"]}
        found += wrong(name, arguments, options)
    assert found == []


def rules(cloud: str, module: str) -> list[dict[str, Any]]:
    plays = yaml.safe_load((EXAMPLES / f"prepare_cloud/{cloud}.yml").read_text(encoding="utf-8"))
    return [task for play in plays for task in play["tasks"] if module in task]


def test_a_rule_of_google_cloud_is_for_few_and_from_few() -> None:
    """Its module leaves an empty list out. Without sources, such as where all pools are IPv6, a rule lets everybody in;
    without tags it is for every instance of the network."""
    module = "google.cloud.gcp_compute_firewall"
    found = rules("gcp_compute", module)
    assert [rule[module]["target_tags"] for rule in found] == [["vcc"], ["vcc-edge"]]
    for rule in found:
        assert (rule[module]["source_ranges"], rule["when"]) == ("{{ sources }}", "sources | length > 0")
        assert "sources" in rule["vars"]
    refusing = [task["ansible.builtin.assert"]["that"] for task in rules("gcp_compute", "ansible.builtin.assert")]
    assert [tag for tag in ("vcc", "vcc-edge") if any(said.startswith(f"'{tag}' in") for said in refusing)] == [
        "vcc",
        "vcc-edge",
    ]


def test_rules_of_a_shared_group_of_azure_are_the_same_for_all_who_share_it() -> None:
    """Else an edge takes away what the one before it let in. What others have in the group stays."""
    module = "azure.azcollection.azure_rm_securitygroup"
    found = rules("azure_rm", module)
    names, priorities = [], []
    for task in found:
        assert task[module]["purge_rules"] is False and task["throttle"] == 1
        assert "inventory_hostname" not in str(task)
        assert "sources | length > 0" in task["when"]  # without any, Azure takes "*"
        names += [rule["name"] for rule in task[module]["rules"]]
        priorities += [rule["priority"] for rule in task[module]["rules"]]
    assert len(names) == len({*names}) == 3 == len({*priorities})


def test_a_rule_of_ec2_without_sources_is_none() -> None:
    module = "amazon.aws.ec2_security_group"
    assert [task[module]["rules"].endswith("if sources else [] }}") for task in rules("aws_ec2", module)] == [True] * 2


@pytest.mark.parametrize("cloud", ["azure_rm", "gcp_compute"])
def test_an_ipv6_pool_is_not_led_to_an_ipv4_address(cloud: str) -> None:
    plays = yaml.safe_load((EXAMPLES / f"prepare_cloud/{cloud}.yml").read_text(encoding="utf-8"))
    (loop,) = (task["loop"] for play in plays for task in play["tasks"] if task["name"].startswith("Lead the pools"))
    assert loop == "{{ vcc_pools | dict2items | rejectattr('value', 'search', ':') }}"
