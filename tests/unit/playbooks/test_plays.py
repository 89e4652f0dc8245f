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
from jinja2 import ChainableUndefined, Environment

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


def test_a_template_is_noted_also_if_all_vcc_nodes_fail() -> None:
    """Ansible ends a run when all hosts of a play have failed."""
    plays = yaml.safe_load((ROOT / "playbooks" / "publish_template.yml").read_text(encoding="utf-8"))
    assert len({play["hosts"] for play in plays}) == 1 and "members" in plays[0]["hosts"]
    (bring,) = plays[1]["tasks"]
    assert bring["when"] == "inventory_hostname in vcc_server_template.targets"


def values(part: Any, key: str) -> Iterator[str]:
    """All values of a key, those of a list joined as Ansible joins conditions."""
    pairs = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for name, value in pairs:
        if name == key:
            yield " and ".join(f"({one})" for one in value) if isinstance(value, list) else str(value)
        yield from values(value, key)


def expressions(path: str, key: str) -> list[Any]:
    """All values of a key in a file of tasks or plays, compiled, without the braces of a template."""
    content = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    bare = [value.removeprefix("{{").removesuffix("}}") for value in values(content, key)]
    return [Environment(undefined=ChainableUndefined).compile_expression(value) for value in bare]


HELD_BACK = [
    *expressions("playbooks/part_apply.yml", "__held_back"),
    *expressions("roles/vcc_server/tasks/settle.yml", "__vcc_server_held_back"),
]


def test_who_was_held_back_by_an_earlier_playbook_of_a_run_is_so_no_more() -> None:
    """A site.yml may import several of ours; came_up.yml registers nothing where nothing is to come up."""
    told = expressions("playbooks/stages/apply.yml", "when")
    assert (len(told), len(HELD_BACK)) == (2, 2)
    host = {"ansible_check_mode": False, "inventory_hostname": "vm1", "vcc_server_came_up": {"held_back": ["vm1"]}}
    for coming, awaiting in ((["payroll"], {}), ([], {"edge-east": ["vm1"]}), ([], {})):
        known = {**host, "vcc_server_plan": {"coming": coming, "awaiting": awaiting}}
        held = bool(coming or awaiting)
        assert [one(**known) for one in told] == [not held] * 2
        assert [one(**known) for one in HELD_BACK] == [["vm1"] if held else []] * 2
    nobody = {"vcc_server_plan": {"coming": ["payroll"], "awaiting": {}}}
    assert [one(**nobody) for one in HELD_BACK] == [[], []]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("probing", [["vm1"], []])
@pytest.mark.parametrize("earlier", [{}, {"vcc_probed": {"generation": 3}}])
def test_what_a_vm_probed_in_an_earlier_playbook_of_a_run_is_not_judged_again(
    check: bool, probing: list[str], earlier: dict[str, Any]
) -> None:
    """Judge takes what was probed before what was looked at."""
    leaves, probes, *_look = expressions("playbooks/stages/verify.yml", "when")
    known = {"ansible_check_mode": check, "inventory_hostname": "vm1", "vcc_probing": {"hosts": probing}, **earlier}
    to_probe = not check and bool(probing)
    assert bool(probes(**known)) == to_probe
    # A task that is skipped registers that.
    assert bool(leaves(**known)) == (not to_probe and not earlier)
