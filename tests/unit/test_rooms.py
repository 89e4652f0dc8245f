# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rooms of the core: which folder imports which, as CONTRIBUTING.md has it on its map."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "plugins/module_utils"
TESTS = ROOT / "tests/unit/plugins/module_utils"
KNOWS = {
    "_base": set(),
    "_intent": {"_base"},
    "_ledger": {"_base"},
    "_plan": {"_base", "_intent", "_ledger", "_node"},
    "_node": set(),
    "_verify": {"_base", "_intent", "_plan", "_partner"},
    "_pki": {"_base"},
    "_partner": {"_base", "_intent"},
    "_recovery": {"_base", "_ledger", "_pki", "_plan"},
    "_ovf": {"_base", "_intent"},
    "_page": {"_base", "_intent", "_status", "_verify"},
    "_status": {"_base", "_intent", "_ledger", "_plan", "_verify"},
}
# What others may know of the ledger: nothing of its tables.
LEDGER = {"ledger", "records", "rows", "chain", "packing"}


def imported(path: Path) -> list[tuple[str, ...]]:
    """What a file of the core imports of the core, as paths below it."""
    here = path.relative_to(CORE).parts
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            found.append((*here[: len(here) - node.level], *(node.module.split(".") if node.module else ())))
    return found


def test_every_folder_is_a_room() -> None:
    assert {path.name for path in CORE.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(KNOWS)
    assert [path.name for path in CORE.glob("*.py")] == ["_server.py"]


@pytest.mark.parametrize("room", KNOWS)
def test_a_room_knows_those_below_it_only(room: str) -> None:
    wrong = {
        f"{path.relative_to(CORE)} imports {'/'.join(target)}"
        for path in (CORE / room).rglob("*.py")
        for target in imported(path)
        if target[0] != room and target[0] not in KNOWS[room]
    }
    assert wrong == set()


def test_nobody_else_knows_the_ledgers_tables() -> None:
    others = [path for path in CORE.rglob("*.py") if path.relative_to(CORE).parts[0] != "_ledger"]
    assert {target[1] for path in others for target in imported(path) if target[0] == "_ledger"} <= LEDGER


def test_the_map_says_the_same() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(_\w+)` \|.*\|([^|]*)\|$", text, re.MULTILINE)
    assert {room: set(re.findall(r"`(_\w+)`", known)) for room, known in rows} == KNOWS


def test_tests_have_the_same_rooms() -> None:
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    assert {str(one) for one in folders if not (CORE / one).is_dir()} == set()
