# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code that comes with a question does what the installed agent does, and leaves no file."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import sent, survey
from ansible_collections.intercloud.vpn.plugins.module_utils._node.calls import CALLS
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import install
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _sent

NOTHING = {"targets": None, "count": 1, "interval": 0.2, "timeout": 1.0, "settle": 0.0}


def ask(words: str, told: bytes, where: Path) -> list[dict[str, object]]:
    done = subprocess.run(["/bin/sh", "-c", words], input=told, capture_output=True, check=True, cwd=where)
    return [json.loads(line) for line in done.stdout.splitlines() if line]


def program() -> str:
    return _sent.command(shlex.quote(sys.executable), sent)


def test_it_says_that_it_begins_and_then_the_result(tmp_path: Path) -> None:
    asked = json.dumps({"params": NOTHING, "check": False})
    assert ask(program(), _sent.asking("member_probe", asked), tmp_path) == [
        {"sent": True},
        {"result": {"changed": False, "probes": []}},
    ]


def test_files_in_the_directory_it_begins_in_are_not_its_own(tmp_path: Path) -> None:
    """Whoever logs in may find somebody else's files there."""
    for name in ("json", "base64", "zlib", "subprocess"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken over')\n")
    asked = json.dumps({"params": NOTHING, "check": False})
    assert ask(program(), _sent.asking("member_probe", asked), tmp_path)[0] == {"sent": True}
    assert {path.suffix for path in tmp_path.rglob("*")} == {".py"}, "nothing is compiled into files"


def test_the_agent_is_installed_from_what_was_sent(tmp_path: Path) -> None:
    """As from a module: the same files, whatever brought them."""
    looked = (
        "import sys, importlib\n"
        "from ansible_collections.intercloud.vpn.plugins.module_utils._node.sent import Sources\n"
        "import json, zlib, base64\n"
        "texts = json.loads(zlib.decompress(base64.b64decode(sys.stdin.buffer.readline())))\n"
        "sys.meta_path.insert(0, Sources(texts))\n"
        "install = importlib.import_module('intercloud_vpn_node.system.install')\n"
        "print(json.dumps({'version': install.code_version(install.sources())}))\n"
    )
    words = f"PYTHONPATH={shlex.quote(':'.join(sys.path))} {shlex.quote(sys.executable)} -c {shlex.quote(looked)}"
    (said,) = ask(words, _sent.asking("edge_commit", "{}"), tmp_path)
    assert said == {"version": install.code_version(install.sources())}


@pytest.mark.parametrize("name", CALLS)
def test_every_call_is_found_in_what_is_sent(name: str, tmp_path: Path) -> None:
    """Each imports what it takes when it is asked for. It answers, or misses what there is to do."""
    done = subprocess.run(
        ["/bin/sh", "-c", program()],
        input=_sent.asking(name, json.dumps({"params": {}, "check": True})),
        capture_output=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.stdout.startswith(b'\n{"sent": true}\n')
    assert b"KeyError" in done.stderr or b'{"result": ' in done.stdout, done.stderr


@pytest.mark.parametrize("module", [sent, survey])
def test_programs_are_short_enough_for_a_command_line(module: object) -> None:
    assert len(_sent.program(module)) < 8000  # type: ignore[arg-type]
