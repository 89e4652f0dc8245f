# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook begins with what refuses a run of some of its tasks (tests/integration/test_tags.py runs one)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "playbooks").glob("*.yml"))


def first_play(path: Path) -> tuple[Path, dict[str, Any]]:
    play = yaml.safe_load(path.read_text(encoding="utf-8"))[0]
    imported = play.get("ansible.builtin.import_playbook")
    return first_play(path.parent / imported) if imported else (path, play)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_it_begins_with_the_check(path: Path) -> None:
    where, play = first_play(path)
    file = (where.parent / play["tasks"][0]["ansible.builtin.import_tasks"]).resolve()
    assert file == ROOT / "playbooks/tasks/whole.yml"


def test_no_other_task_has_a_tag() -> None:
    files = [path for folder in ("roles", "playbooks") for path in (ROOT / folder).rglob("*.yml")]
    tagged = [path.name for path in files if "\n  tags:" in path.read_text() or "\n      tags:" in path.read_text()]
    assert tagged == ["whole.yml"]
