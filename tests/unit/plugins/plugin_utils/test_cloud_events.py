# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts of what a VCC node reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible import constants as C

pytest.importorskip("ansible_runner", reason="needs ansible-runner")

from ansible_collections.intercloud.vpn.plugins.action import cloud_run
from ansible_collections.intercloud.vpn.plugins.plugin_utils._cloud_events import Events


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"event": kind, "event_data": data}


def report(*events: dict[str, Any]) -> Events:
    found = Events()
    for one in events:
        assert found.take(one) is False, "nothing of it is kept in files"
    return found


def test_results_of_looking_are_kept_and_others_are_not() -> None:
    found = report(
        event("runner_on_ok", host="vm", task_action="intercloud.vpn.node_info", res={"probes": []}),
        event("runner_on_ok", host="edge", task_action="intercloud.vpn.node_info", res={"links": []}),
        event("runner_on_ok", host="edge", task_action="intercloud.vpn.edge_psk", res={"secrets": 1}),
        event("runner_on_ok", host="other", task_action="intercloud.vpn.node_info", res={"skipped": True}),
        event("playbook_on_stats", changed={"edge": 2, "vm": 0}, artifact_data={"applied": ["edge"]}),
    )
    assert found.seen == {"vm": {"probes": []}, "edge": {"links": []}}
    assert (found.changed, found.said, found.ended) == ({"edge"}, {"applied": ["edge"]}, True)


def test_what_failed_is_said_with_its_task() -> None:
    found = report(
        event("runner_on_failed", host="edge", task="Commit", res={"msg": "refused"}),
        event("runner_on_failed", host="vm", task="Try", res={"msg": "no"}, ignore_errors=True),
        event("runner_on_unreachable", host="dead", task="Look", res={"msg": "no route", "unreachable": True}),
        {"event": "error", "stdout": "ERROR! no such playbook"},
    )
    assert found.failed == {"edge": "Commit: refused", "dead": "Look: no route"}
    assert found.seen["dead"]["unreachable"]
    assert (found.ended, found.output) == (False, ["ERROR! no such playbook"])


def test_a_cloud_speaks_for_its_own_hosts_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A VCC node that somebody took over could else report another cloud's edge as brought there, and its probes."""
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    said = {"applied": ["mine", "theirs"], "held_back": ["theirs"], "requests": {"mine": "csr", "theirs": "csr"}}
    found = report(
        event("runner_on_ok", host="theirs", task_action="intercloud.vpn.node_info", res={"links": []}),
        event("runner_on_ok", host="../mine", task_action="intercloud.vpn.node_info", res={"links": []}),
        event("runner_on_ok", host="mine", task_action="intercloud.vpn.node_info", res={"links": []}),
        event("runner_on_failed", host="theirs", task="Commit", res={"msg": "refused"}),
        event("playbook_on_stats", changed={"theirs": 1}, artifact_data=said),
    )
    result = cloud_run._result(found, frozenset(["mine"]))
    seen = Path(result.pop("seen_dir"))
    assert {path.name: json.loads(path.read_text()) for path in seen.iterdir()} == {"mine.json": {"links": []}}
    assert result == {
        "applied": ["mine"],
        "given_up": [],
        "held_back": [],
        "requests": {"mine": "csr"},
        "failures": {},
        "touched": [],
    }


def test_an_archive_is_not_unpacked(tmp_path: Path) -> None:
    """Seen: ansible-runner follows a link in it, and writes whatever it holds wherever the VCC node likes."""
    ended = json.dumps(event("playbook_on_stats", changed={}))
    lines = ["Welcome to node-east", '{"status": "starting"}', ended, '{"zipfile": 4}', "UEsDBA==", '{"eof": true}']
    assert cloud_run.processed("\n".join(lines)).ended


@pytest.mark.parametrize(
    "event_data", [{"res": "text", "host": "a"}, {"artifact_data": ["x"]}, {"artifact_data": {"applied": 5}}]
)
def test_what_cannot_be_read_is_said_in_a_sentence(event_data: dict[str, Any]) -> None:
    kind = "runner_on_failed" if "res" in event_data else "playbook_on_stats"
    line = json.dumps({"event": kind, "event_data": event_data})
    with pytest.raises((AttributeError, TypeError, ValueError)):  # which the action turns into one
        cloud_run._result(cloud_run.processed(line), frozenset())
