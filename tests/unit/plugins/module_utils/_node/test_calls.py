# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed agent does what modules do, if it is of the version that is asked for, and nothing otherwise."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import calls
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import install

VERSION = install.code_version(install.sources())
PLUGINS = "ansible_collections.intercloud.vpn.plugins"


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """A process answers once."""
    yield
    install._kept.clear()


@pytest.fixture
def installed(store: Store, edge: Generation) -> Store:
    install.Agent(Context(edge, NOTHING, store)).build()
    return store


def call(
    name: str, version: str, store: Store, monkeypatch: pytest.MonkeyPatch, **params: Any
) -> tuple[int, list[Any]]:
    """The exit code, and the lines that were printed."""
    said = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"params": params, "check": False})))
    monkeypatch.setattr("sys.stdout", said)
    code = calls.answer(name, version, store)
    monkeypatch.undo()
    return code, [json.loads(line) for line in said.getvalue().splitlines() if line]


def test_it_answers_in_a_line_after_its_version(installed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"state": "confirmed", "timeout": 1, "generation": "4-ab", "pending": False, "behind": []}
    code, (first, second) = call("edge_confirm", VERSION, installed, monkeypatch, **given)
    assert (code, first) == (0, {"version": VERSION})
    assert "4-ab" in second["result"]["msg"]


@pytest.mark.parametrize("damage", [lambda path: path.write_text("#\n"), lambda path: path.unlink()])
def test_one_that_is_not_as_shipped_does_nothing(
    installed: Store, monkeypatch: pytest.MonkeyPatch, damage: Any
) -> None:
    damage(installed.at(f"{install.HOME}/{install.PACKAGE}/kernel/routes.py"))
    assert call("node_info", VERSION, installed, monkeypatch) == (calls.OTHER, [])


def test_one_that_is_not_there_does_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("node_info", VERSION, store, monkeypatch) == (calls.OTHER, [])


def test_what_it_does_not_know_it_does_not_do(installed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("node_recall", VERSION, installed, monkeypatch) == (calls.OTHER, [])


def test_what_another_run_installs_meanwhile_is_nothing_to_it(
    installed: Store, edge: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen: waiting for the lock, it took another version's file for one too many, and no agent started any more."""
    given = {"state": "confirmed", "timeout": 1, "generation": "4-ab", "pending": False, "behind": []}
    call("edge_confirm", VERSION, installed, monkeypatch, **given)
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda _name: None)  # the file is another one, or gone
    assert install.Agent(Context(edge, edge, installed)).changes() == []


def test_the_version_is_the_same_by_whatever_python_it_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "python3.13"
    other.write_text("")
    monkeypatch.setattr("sys.executable", str(other))
    assert install.code_version(install.sources()) == VERSION
    assert install.sources()[install.AGENT].startswith(f"#!{other}")
