# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VCC nodes are told about a template, and what is said of those that are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.action import template_index
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import archive
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.test_catalog import FILES, HELD, HOSTS

NODES = {"groups": {"vcc_nodes": sorted(name for name in HOSTS if "node" in name)}}


def asking(monkeypatch: pytest.MonkeyPatch, **answer: Any) -> template_index.ActionModule:
    """The action, whose VCC server gives one answer."""
    action = object.__new__(template_index.ActionModule)
    monkeypatch.setattr(action, "_ask_server", lambda *_given: {"ledger": "", **answer})
    return action


@pytest.fixture(autouse=True)
def hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_index, "read_hosts", lambda _task_vars: HOSTS)


def test_a_new_version_is_not_sent_to_a_node_of_another_organization(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = asking(monkeypatch, holders=dict.fromkeys(HELD, ""), serial=5, by="ann", at="today")
    package = str(archive(tmp_path / "web.ova", FILES))
    problems = Problems()
    given = {"package": package, "organizations": ["acme"], "clouds": ["west"]}
    found = action._publish(given, NODES, problems)
    assert found is not None and len(problems) == 0
    assert found["targets"] == ["node-east", "node-west"]
    assert found["stray"] == ["node-north", "node-umbra"]


COPY = {"version": "cd" * 32, "serial": 5, "size": 10, "damaged": [], "parts": 0}
WEB = {"organization": "acme", "template": "web", "version": "ab" * 32, "size": 10, "files": 1, "by": "ann"}


class Variables(dict[str, Any]):
    """As much of Ansible's hostvars as the action uses."""

    raw_get = dict.__getitem__


def listed(action: template_index.ActionModule, answers: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What is shown of each template, by node."""
    problems = Problems()
    planned = action._list({}, NODES, problems)
    assert planned is not None and len(problems) == 0
    said = Variables({node: {"vcc_node_template": answer} for node, answer in answers.items()})
    found = action._note("listed", {"planned": planned}, {"hostvars": said})
    return {f"{one['organization']}/{one['template']}": one["nodes"] for one in found["templates"]}


def test_a_node_is_not_believed_about_organizations_that_it_may_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    action = asking(monkeypatch, templates=[])
    acme = {"templates": {"acme": {"web": COPY, "../web": COPY, "all": COPY, "a\nb": COPY}}}
    both = {"templates": {"acme": {"evil": COPY}, "umbra": {"mail": COPY}, "stranger": {"evil": COPY}}}
    found = listed(action, {"node-east": acme, "node-north": both})
    assert sorted(found) == ["acme/web", "umbra/mail"]
    assert list(found["acme/web"]) == ["node-east"] and list(found["umbra/mail"]) == ["node-north"]


@pytest.mark.parametrize(
    "said",
    [
        "x",
        None,
        ["acme"],
        {"acme": ["web"]},
        {"acme": {"web": "x"}},
        {"acme": {"web": {}}},
        {"acme": {5: COPY}},
        {"acme": {"web": {**COPY, "version": 5}}},
        {"acme": {"web": {**COPY, "damaged": 5}}},
        {"acme": {"web": {**COPY, "damaged": [5]}}},
        {"acme": {"web": {**COPY, "version": "", "parts": "many"}}},
        {"acme": {"web": {**COPY, "version": "", "parts": 10**400}}},
        {"stranger": {"web": "x"}},
    ],
)
def test_an_answer_of_another_shape_is_none(said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    index = {**WEB, "at": "today", "holders": dict.fromkeys(("node-east", "node-west"), WEB["version"])}
    good = {"templates": {"acme": {"web": {**COPY, "version": WEB["version"]}}}}
    found = listed(asking(monkeypatch, templates=[index]), {"node-east": good, "node-west": {"templates": said}})
    assert found == {"acme/web": {"node-east": "whole", "node-west": "not asked; has it, as the index says"}}


def test_a_template_is_taken_back_where_the_organization_has_no_edge_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    action = asking(monkeypatch, holders=HELD, serials={"web": 9}, unknown={})
    problems = Problems()
    given: dict[str, Any] = {"template": "web", "organizations": ["acme"], "clouds": ["north"]}
    found = action._take_back(given, NODES, problems)
    assert found is not None and len(problems) == 0
    assert found["targets"] == ["node-north"] and found["whole"] is False
    found = action._take_back({**given, "clouds": []}, NODES, problems)
    assert found is not None and found["targets"] == NODES["groups"]["vcc_nodes"]
