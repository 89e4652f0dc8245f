# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes need Python 3.9. An older one is refused by its name, by whatever module comes first."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils import _node
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import install
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _sent

PACKAGE = Path(_node.__file__).parent
MODULES = Path(__file__).resolve().parents[4] / "plugins/modules"
# These run on the VCC server or on the controller.
SERVER = ("cloud_", "edge_certificate", "edge_psk", "edge_revocation", "external_", "ledger_", "template_", "vpn_")
OURS = "ansible_collections.intercloud.vpn.plugins.module_utils"
NODE_MODULES = sorted(path.stem for path in MODULES.glob("*.py") if not path.stem.startswith(SERVER))


def pretend(version: tuple[int, ...]) -> subprocess.CompletedProcess[str]:
    """Import the package's __init__ as that Python would."""
    program = f"import sys; sys.version_info = {(*version, 'final', 0)!r}; exec(open(sys.argv[1]).read())"
    return subprocess.run(
        [sys.executable, "-c", program, PACKAGE / "__init__.py"], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 8), (3, 7, 3), (3, 8, 20)])
def test_an_old_python_is_refused_by_its_name(version: tuple[int, ...]) -> None:
    done = pretend(version)
    assert done.returncode == 1
    name = ".".join(map(str, version))
    assert json.loads(done.stdout) == {
        "failed": True,
        "msg": f"Python {name} at {sys.executable}; intercloud.vpn needs 3.9 or later on nodes: "
        "set ansible_python_interpreter",
    }


def old_pythons() -> list[str]:
    """Those that this machine happens to have."""
    versions = ("2.7", "3.6", "3.7", "3.8")
    kept = Path.home() / ".pyenv/versions"
    found = [str(path) for version in versions for path in kept.glob(f"{version}.*/bin/python")]
    return [*found, *filter(None, (shutil.which(f"python{version}", path="/usr/bin") for version in versions))]


@pytest.mark.parametrize("python", old_pythons())
def test_a_real_one_says_so_itself(python: str) -> None:
    done = subprocess.run([python, PACKAGE / "__init__.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["msg"].startswith("Python ")


@pytest.mark.parametrize("version", [(3, 9, 0), (3, 14, 0)])
def test_others_are_not(version: tuple[int, ...]) -> None:
    done = pretend(version)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_is_said_in_words_that_old_pythons_understand() -> None:
    """No annotations, no f-strings, nothing of __future__ but what Python 2.7 has."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    kinds = {type(node) for node in ast.walk(tree)}
    assert not kinds & {ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.ImportFrom, ast.FunctionDef}


@pytest.mark.parametrize("name", NODE_MODULES)
def test_every_module_on_a_node_asks_before_anything_else_of_ours(name: str) -> None:
    """Other packages have words that an old Python refuses in its own way."""
    tree = ast.parse((MODULES / f"{name}.py").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and str(node.module).startswith(OURS)]
    if not imports and len(tree.body) < 6:
        pytest.skip("documentation of an action plugin")
    first = f"{imports[0].module}.{imports[0].names[0].name}"
    assert first.startswith(f"{OURS}._node"), first


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_rest_is_python_3_9(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))


def test_the_agent_runs_by_the_python_that_installed_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A node whose own Python is too old has another one, which ansible_python_interpreter names."""
    other = tmp_path / "python3.11"
    other.write_text("")
    monkeypatch.setattr(sys, "executable", str(other))
    assert install.sources()[install.AGENT].startswith(f"#!{other} -IS\n")
    monkeypatch.setattr("shutil.which", lambda *_words, **_options: str(other))
    assert install.sources()[install.AGENT].startswith("#!/usr/bin/env -S python3 -IS\n")


@pytest.mark.parametrize(
    ("named", "there", "expected"),
    [
        ("auto_silent", ["python3", "python3.11"], "python3.11"),
        ("auto", ["python3", "python3.8", "python3.9"], "python3.9"),
        ("auto", ["python3"], "python3"),
        ("python3.9", ["python3", "python3.9", "python3.11"], "python3.9"),
    ],
)
def test_the_survey_asks_the_python_that_modules_will_run_by(
    tmp_path: Path, named: str, there: list[str], expected: str
) -> None:
    """A machine whose python3 is too old may have another one, which Ansible finds; it must not be refused then."""
    for name in there:
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name}\n")
        (tmp_path / name).chmod(0o755)
    word = _sent.interpreter(named, ["python3.11", "python3.9", "python3.8", "/nowhere/python3"])
    said = subprocess.run(
        ["/bin/sh", "-c", f"{word} -c x"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == expected


def test_the_resident_agent_imports_nothing_large() -> None:
    """OpenSSL is 4 MB, and the agent is to take 20 at most."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import _node.agent; "
        "print(sorted({'hashlib', 'ssl', 'asyncio', 'multiprocessing', '_node.probe'} & {*sys.modules}))"
    )
    words = [sys.executable, "-IS", "-c", program, str(PACKAGE.parent)]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip() == "[]"
