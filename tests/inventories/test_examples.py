# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each inventory of inventories/examples makes the same plan of the same fleet, whichever cloud it is in.

The example itself is read, with constructed and group_vars, by Ansible's own inventory manager. Only what the cloud
says comes from a file (replay.py). To renew the plan: UPDATE_GOLDEN=1.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.intercloud.vpn.tests.inventories.conftest import EXAMPLES, HERE, ROOT, read, recorded
from ansible_collections.intercloud.vpn.tests.inventories.fleet import CLOUDS, Fleet, fleet
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World

GOLDEN = HERE / "golden/plan.json"
OLDEST = "2.17"


TAGGED = ("aws_ec2", "azure_rm", "gcp_compute")
"""Where the name is a tag; elsewhere it is the machine's."""


def in_cloud(cloud: str, machines: Fleet) -> Fleet:
    """The fleet, and where names are tags, a machine that web-oslo replaced, and that is still being deleted."""
    old = machines.machine("web-oslo")
    gone = replace(old, addresses=[["192.168.1.97"]], state="deleting", serial=7)
    return machines.with_more(gone) if cloud in TAGGED else machines


def replaced() -> Fleet:
    """The same fleet; web-oslo was replaced once more, and has another address."""
    return fleet().changed("web-oslo", lambda vm: replace(vm, addresses=[["192.168.1.99"]], serial=1))


def twice() -> Fleet:
    """Two machines run under one name."""
    one = fleet().machine("web-oslo")
    return Fleet([one, replace(one, addresses=[["192.168.1.98"]], serial=1)])


def halves() -> dict[str, Fleet]:
    """Berlin in AWS, Oslo in Azure."""
    whole = fleet().machines
    return {
        "aws_ec2": Fleet([one for one in whole if one.name.endswith("berlin")]),
        "azure_rm": Fleet([one for one in whole if one.name.endswith("oslo")]),
    }


NAMELESS = "node-berlin"
WRONG: dict[str, tuple[str, dict[str, str | None], str]] = {
    "misspelt": (
        "edge-oslo",
        {"vcc_underlay_mtu": None, "vcc_underlay_mut": "1450"},
        "tag vcc-underlay-mut is not known; did you mean vcc-underlay-mtu?",
    ),
    "role misspelt": (
        "web-oslo",
        {"vcc_role": "membr"},
        "tag vcc-role is 'membr', which is none of vcc_node, org_edge, vapp_edge, member; did you mean member?",
    ),
    "role missing": (
        "web-berlin",
        {"vcc_role": None},
        "tag vcc-role is missing: what the host is, one of vcc_node, org_edge, vapp_edge, member",
    ),
    "cloud missing": (
        "db-oslo",
        {"vcc_cloud": None},
        "tag vcc-cloud is missing: the name of the cloud that the host is in",
    ),
    "network missing": (
        "shop-oslo",
        {"vcc_vapp_network": None},
        "tag vcc-vapp-network is missing: the vApp's network, such as 192.168.1.0/24",
    ),
    "empty": ("shop-berlin", {"vcc_names": " "}, "tag vcc-names has no value"),
    "not read": (
        "edge-berlin",
        {"vcc_identity": "gw.example"},
        "tag vcc-identity is not read: the inventory makes no vcc_identity of it on this host",
    ),
    "secret": (
        "node-oslo",
        {"vcc_psk": "hunter2"},
        "tag vcc-psk is not a place for a secret: many can read tags; put vcc_psk into a vault",
    ),
}
"""A mistake of each kind, of a host each: its tags, and what is told."""


def wrong(cloud: str) -> Fleet:
    """All mistakes at once; and a host without a name, where names are tags."""
    found = fleet()
    for host, tags, _text in WRONG.values():
        found = found.changed(host, lambda machine, tags=tags: machine.but(**tags))  # type: ignore[misc]
    return found.changed(NAMELESS, lambda node: node.but(vcc_name=None)) if cloud in TAGGED else found


def short_cases() -> dict[str, dict[str, Fleet]]:
    cases: dict[str, dict[str, Fleet]] = {cloud: {cloud: in_cloud(cloud, fleet())} for cloud in CLOUDS}
    cases.update((f"{cloud}: wrong", {cloud: wrong(cloud)}) for cloud in ("aws_ec2", "vmware"))
    cases.update((f"{cloud}: twice", {cloud: twice()}) for cloud in CLOUDS)
    cases["aws_ec2: replaced"] = {"aws_ec2": in_cloud("aws_ec2", replaced())}
    return cases


def more_cases() -> dict[str, dict[str, Fleet]]:
    cases: dict[str, dict[str, Fleet]] = {"two clouds": halves()}
    for cloud in ("azure_rm", "gcp_compute"):
        cases[cloud] = {cloud: in_cloud(cloud, fleet())}
        cases[f"{cloud}: replaced"] = {cloud: in_cloud(cloud, replaced())}
    for cloud in ("azure_rm", "gcp_compute", "openstack"):
        cases[f"{cloud}: wrong"] = {cloud: wrong(cloud)}
    return cases


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return read(tmp_path_factory.mktemp("examples"), short_cases())


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return read(tmp_path_factory.mktemp("more"), more_cases())


def planned(answer: Mapping[str, Any]) -> dict[str, Any]:
    assert answer.get("problems") == [], answer
    plan = vars(World(answer["hosts"]).ask(answer["intent"]))
    plan["documents"] = dict(plan["documents"])
    return dict(json.loads(json.dumps(plan, sort_keys=True)))


def same(answer: Mapping[str, Any]) -> None:
    plan = planned(answer)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(json.dumps(plan, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    assert plan == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_every_example_is_tested(examples: list[str]) -> None:
    assert examples == sorted(CLOUDS)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_fleet_makes_the_same_plan_in_every_cloud(answers: dict[str, Any], cloud: str) -> None:
    same(answers[cloud])


@pytest.mark.parametrize("cloud", CLOUDS)
def test_hosts_are_reached_through_the_node_of_their_cloud(answers: dict[str, Any], cloud: str) -> None:
    reached = answers[cloud]["connections"]
    node = "198.51.100.10" if cloud != "vmware" else "10.10.0.9"
    assert reached["node-oslo"][0] == node and "ProxyCommand" not in reached["node-oslo"][1]
    assert reached["web-oslo"][0] == "192.168.1.20"
    assert f"HostKeyAlias=node-oslo {node}" in reached["web-oslo"][1]


def keeps_its_leases(answers: Mapping[str, Any], cloud: str) -> None:
    world = World(answers[cloud]["hosts"])
    world.plan(*answers[cloud]["intent"]["vpns"])
    before, after = world.leases(), answers[f"{cloud}: replaced"]
    assert after["problems"] == [] and after["hosts"]["web-oslo"]["vars"]["vcc_address"] == ["192.168.1.99"]
    world.hosts = after["hosts"]
    world.plan(*after["intent"]["vpns"])
    assert world.leases() == before and any("web-oslo" in key for key in before)


def test_a_replaced_instance_keeps_its_leases(answers: dict[str, Any]) -> None:
    keeps_its_leases(answers, "aws_ec2")


@pytest.mark.parametrize("cloud", TAGGED)
def test_two_instances_with_one_name_are_refused(answers: dict[str, Any], cloud: str) -> None:
    (told,) = answers[f"{cloud}: twice"]["problems"]
    assert told.startswith("hosts.web-oslo.vcc_instances: 2 instances have this name: instance_")
    assert told.count("instance_") == 2


@pytest.mark.thorough("test_a_replaced_instance_keeps_its_leases, in another cloud")
@pytest.mark.parametrize("cloud", ["azure_rm", "gcp_compute"])
def test_a_replaced_instance_keeps_its_leases_there_too(more: dict[str, Any], cloud: str) -> None:
    keeps_its_leases(more, cloud)


def test_servers_that_openstack_calls_by_their_ids_are_refused(answers: dict[str, Any]) -> None:
    """The plugin does so with servers of one name."""
    answer = answers["openstack: twice"]
    ids = [name for name in answer["hosts"] if name.endswith("-0000-4000-8000-000000000000")]
    told = [
        f"hosts.{each}.vcc_tags: tag vcc-name is web-oslo, but the inventory calls the host {each};" for each in ids
    ]
    assert len(ids) == 2
    assert all(any(problem.startswith(text) for problem in answer["problems"]) for text in told)


def test_vms_with_one_name_are_an_error_of_the_vmware_plugin(answers: dict[str, Any]) -> None:
    assert answers["vmware: twice"]["failed"].endswith("vmware_vms.yml")


def tells_every_wrong_tag(answers: Mapping[str, Any], cloud: str) -> None:
    told = answers[f"{cloud}: wrong"]["problems"]
    expected = {f"hosts.{host}.vcc_tags: {text}" for host, _tags, text in WRONG.values()}
    nameless = [problem for problem in told if "tag vcc-name " in problem]
    assert {*told} - {*nameless} == expected
    # No host is called by what is not permanent.
    assert len(nameless) == (cloud in TAGGED)
    assert all("tag vcc-name is missing: the permanent name, which addresses" in problem for problem in nameless)


@pytest.mark.parametrize("cloud", ["aws_ec2", "vmware"])
def test_every_wrong_tag_is_told_with_its_host(answers: dict[str, Any], cloud: str) -> None:
    tells_every_wrong_tag(answers, cloud)


def test_the_page_quotes_the_messages(answers: dict[str, Any]) -> None:
    page = (ROOT / "docs/clouds.md").read_text(encoding="utf-8")
    quoted = [text for text in re.findall(r"`(hosts\.[^`]+)`", page) if "…" not in text]
    assert len(quoted) >= 4 and set(quoted) - set(answers["aws_ec2: wrong"]["problems"]) == set()


@pytest.mark.thorough("test_every_wrong_tag_is_told_with_its_host, in another cloud")
@pytest.mark.parametrize("cloud", ["azure_rm", "gcp_compute", "openstack"])
def test_every_wrong_tag_is_told_there_too(more: dict[str, Any], cloud: str) -> None:
    tells_every_wrong_tag(more, cloud)


@pytest.mark.thorough("test_a_fleet_makes_the_same_plan_in_every_cloud, one cloud at a time")
def test_one_inventory_can_be_of_several_clouds(more: dict[str, Any]) -> None:
    same(more["two clouds"])


@pytest.mark.parametrize("cloud", CLOUDS)
def test_options_are_those_of_the_real_plugin(cloud: str) -> None:
    """An inventory plugin ignores an option that it does not know."""
    plugin, _shape = CLOUDS[cloud]
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (EXAMPLES / cloud).glob("*.yml")]
    (said,) = (content for content in files if content.get("plugin") == plugin)
    assert set(said) - {"plugin"} - set(recorded()[plugin]["options"]) == set()


def test_what_is_the_same_in_every_cloud_is_the_same_file() -> None:
    for name in ("zz_constructed.yml", "groups.yml", "group_vars/all.yml", "group_vars/behind_a_node.yml"):
        assert len({(EXAMPLES / cloud / name).read_text(encoding="utf-8") for cloud in CLOUDS}) == 1, name


@pytest.mark.thorough("test_a_fleet_makes_the_same_plan_in_every_cloud, on the newest ansible-core")
def test_the_oldest_core_makes_the_same_plans(tmp_path: Path) -> None:
    python = tmp_path / "venv/bin/python"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    needed = [f"ansible-core=={OLDEST}.*", "-r", str(ROOT / "requirements.txt")]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *needed], check=True, timeout=500)
    answers = read(tmp_path, short_cases(), str(python))
    assert answers.pop("core").startswith(f"{OLDEST}.")
    for cloud in CLOUDS:
        same(answers[cloud])
    tells_every_wrong_tag(answers, "aws_ec2")
    keeps_its_leases(answers, "aws_ec2")
