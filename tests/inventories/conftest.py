# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads all inventories of the tests at once: ansible-core takes longer to start than to read them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.tests.inventories.fleet import CLOUDS, Fleet

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "inventories/examples"

STUB = """\
DOCUMENTATION = r'''
{documentation}
'''
import sys
sys.path.insert(0, {here!r})
from replay import PLUGINS
class InventoryModule(PLUGINS[{plugin!r}]):  # Ansible goes by this name
    pass
"""


def recorded() -> dict[str, Any]:
    """The options of the clouds' real plugins, by plugin."""
    return dict(json.loads((HERE / "plugins.json").read_text(encoding="utf-8")))


def collections(where: Path) -> Path:
    """A tree with this collection and, under the names of the clouds' plugins, those that replay."""
    for plugin, said in recorded().items():
        namespace, collection, name = plugin.split(".")
        file = where / "ansible_collections" / namespace / collection / "plugins/inventory" / f"{name}.py"
        file.parent.mkdir(parents=True)
        options = {key: {**option, "description": key} for key, option in said["options"].items()}
        text = json.dumps({"name": name, "short_description": name, "description": name, "options": options}, indent=1)
        file.write_text(STUB.format(documentation=text, here=str(HERE), plugin=plugin), encoding="utf-8")
    ours = where / "ansible_collections/intercloud"
    ours.mkdir()
    (ours / "vpn").symlink_to(ROOT, target_is_directory=True)
    return where


def read(where: Path, cases: Mapping[str, Mapping[str, Fleet]], python: str = sys.executable) -> dict[str, Any]:
    """Read the examples of some clouds together, for each case, with the fleet that each of these clouds has."""
    asked: dict[str, Any] = {}
    for number, (case, fleets) in enumerate(cases.items()):
        replay = where / f"replay-{number}"
        replay.mkdir()
        for cloud, fleet in fleets.items():
            plugin, shape = CLOUDS[cloud]
            content = json.dumps([shape(machine) for machine in fleet.machines])
            (replay / f"{plugin}.json").write_text(content, encoding="utf-8")
        asked[case] = {"inventory": [str(EXAMPLES / cloud) for cloud in fleets], "replay": str(replay)}
    run = subprocess.run(
        [python, "-B", str(HERE / "read.py"), str(collections(where / "collections"))],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
    )
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


@pytest.fixture(scope="session")
def examples() -> list[str]:
    return sorted(path.name for path in EXAMPLES.iterdir() if path.name != "prepare_cloud")
