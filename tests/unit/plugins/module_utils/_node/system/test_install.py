# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent that is installed is this package, whole, and runs without anything else."""

from __future__ import annotations

import ast
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import state
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import install
from ansible_collections.intercloud.vpn.tests.faults import steps
from ansible_collections.intercloud.vpn.tests.faults.world import in_a_process

OTHERS = {"_sha2", "_sha256"}  # of the standard library from Python 3.12 on, and before
HERE = Path(install.__file__).parents[1]


def test_everything_the_agent_imports_is_installed() -> None:
    for module in install.MODULES:
        path = HERE.joinpath(*module.split(".")).with_suffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                there = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
                files = [there.with_suffix(".py")] if there.with_suffix(".py").exists() else []
                files += [one for alias in node.names if (one := there / f"{alias.name}.py").exists()]
                assert files != [], (module, node.module)
                wanted = {".".join(one.relative_to(HERE).with_suffix("").parts) for one in files}
                assert wanted <= set(install.MODULES), module


def test_the_standard_library_is_enough() -> None:
    for path in HERE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [str(node.module)]
            assert {name.partition(".")[0] for name in names} <= {*sys.stdlib_module_names, *OTHERS}, path.name


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:200])])
def test_what_python_compiled_is_whole_or_made_again(store: state.Store, edge: Generation, damage: Any) -> None:
    """Seen: a power cut left some of it away, and Python does not start with half of a file."""
    agent = install.Agent(Context(edge, NOTHING, store))
    agent.build()
    (compiled,) = store.at(install.HOME).rglob("__pycache__/swanctl.*.pyc")
    before = compiled.read_bytes()
    damage(compiled)
    assert [change.action for change in agent.changes()] == [f"update {install.HOME}"]
    agent.build()
    assert (compiled.read_bytes(), agent.changes()) == (before, [])


def test_it_is_installed_runs_and_goes(store: state.Store, edge: Generation) -> None:
    agent = install.Agent(Context(edge, NOTHING, store))
    assert [change.action for change in agent.changes()] == [f"install {install.HOME}"]
    agent.build()
    assert agent.changes() == []
    launcher = store.at(install.AGENT)
    launcher.write_text(launcher.read_text().replace(install.HOME, str(store.at(install.HOME))))
    said = subprocess.run([sys.executable, str(launcher), "--help"], capture_output=True, text=True, check=True)
    assert "rollback" in said.stdout
    assert [change.action for change in agent.changes()] == [f"update {install.HOME}"]
    gone = install.Agent(Context(NOTHING, edge, store))
    gone.clear()
    assert not store.at(install.HOME).exists()
    assert gone.changes() == []


def test_an_update_that_is_killed_leaves_one_version_whole(store: state.Store, edge: Generation) -> None:
    """Modules of two versions may not go together: a machine that boots then would have no guard."""
    agent = install.Agent(Context(edge, NOTHING, store))
    agent.build()
    package = f"{install.HOME}/{install.PACKAGE}/"
    newer = {path: text for path, text in install.sources().items() if path.startswith(package)}
    older = {path: f"{text}AGE = 1\n" for path, text in newer.items() if "/metrics/" not in path}
    older[f"{package}former.py"] = ""

    def there() -> dict[str, str]:
        files = [path for path in store.at(package).rglob("*") if path.suffix == ".py"]
        return {f"/{path.relative_to(store.root)}": path.read_text() for path in files}

    seen = []
    for number in (2, 300, 480, 1_000_000):  # the last one is never reached
        shutil.rmtree(store.at(package))
        for path, text in older.items():
            store.at(path).parent.mkdir(parents=True, exist_ok=True)
            store.at(path).write_text(text)

        def update(number: int = number) -> None:
            steps.killed(store.root, number)()
            agent.build()

        outcome = in_a_process(update)
        assert (outcome.signal, outcome.error) == (signal.SIGKILL if number < 1_000_000 else 0, "")
        seen.append(there() == newer)
        assert there() in (older, newer), number
        agent.build()
        assert (there(), agent.changes()) == (newer, [])
        assert not [*store.at(install.HOME).glob(".*")]
    assert {*seen} == {False, True}
