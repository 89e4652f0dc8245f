# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays in which one host acts for all have every host at the same task, whatever strategy an ansible.cfg has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PLAYS = [
    pytest.param(path.parent, play, id=f"{path.relative_to(ROOT)}: {play['name']}")
    for path in sorted((ROOT / "playbooks").rglob("*.yml"))
    for play in yaml.safe_load(path.read_text(encoding="utf-8"))
    if "hosts" in play
]


def tasks_of(
    listed: list[dict[str, Any]] | None, folder: Path, within: tuple[Path, ...] = ()
) -> Iterator[dict[str, Any]]:
    """Tasks with all that they bring in. ``folder``: the role's tasks; ``within``: the files that brought these in."""
    for task in listed or []:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks_of(task.get(part), folder, within)
        for action, argument in task.items():
            _name, _dot, word = action.rpartition(".")
            if word in ("import_role", "include_role"):
                role = ROOT / "roles" / argument["name"].rpartition(".")[2] / "tasks"
                yield from tasks_in(role / f"{argument.get('tasks_from', 'main')}.yml", within)
            elif word in ("import_tasks", "include_tasks") and (folder / argument) not in within:
                yield from tasks_in(folder / argument, within)


def tasks_in(path: Path, within: tuple[Path, ...] = ()) -> Iterator[dict[str, Any]]:
    return tasks_of(yaml.safe_load(path.read_text(encoding="utf-8")), path.parent, (*within, path))


def test_tasks_of_roles_are_found() -> None:
    assert len(PLAYS) > 15
    recover = yaml.safe_load((ROOT / "playbooks" / "recover_ledger.yml").read_text(encoding="utf-8"))[0]
    found = tasks_of(recover["tasks"], ROOT / "playbooks")
    assert sum(bool(task.get("run_once")) for task in found) > 4  # packages.yml has one, and tasks/whole.yml two


@pytest.mark.parametrize(("folder", "play"), PLAYS)
def test_who_acts_once_for_all_waits_for_all(folder: Path, play: dict[str, Any]) -> None:
    """Seen: with strategy free a ledger was recovered from the nodes that had answered by then."""
    assert not {"roles", "pre_tasks", "post_tasks", "handlers"} & set(play), "this test does not look there"
    once = [task["name"] for task in tasks_of(play["tasks"], folder) if task.get("run_once")]
    if once and play["hosts"] != "localhost":
        assert play.get("strategy") == "linear", once
