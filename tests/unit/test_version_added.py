# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plugins and roles say of the version that they came with is a version that users can have."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
loader = SourceFileLoader("version_added", str(ROOT / "scripts/version_added.py"))
script = module_from_spec(spec_from_loader(loader.name, loader))  # type: ignore[arg-type]
loader.exec_module(script)


def test_every_version_is_released_or_is_cut() -> None:
    """If not: scripts/cut.sh with the version of galaxy.yml."""
    known = script.released(ROOT) | {yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]}
    wrong = {str(file.relative_to(ROOT)): script.said(file.read_text()) - known for file in script.documented(ROOT)}
    assert {file: versions for file, versions in wrong.items() if versions} == {}


def test_every_plugin_and_role_says_one() -> None:
    listed = [file for file in script.documented(ROOT) if file.parent.name != "doc_fragments"]
    plugins = [file for file in listed if "DOCUMENTATION =" in file.read_text(encoding="utf-8")]
    roles = list((ROOT / "roles").glob("*/meta/argument_specs.yml"))
    assert len(plugins) > 30 and len(roles) == 6
    assert [file for file in (*plugins, *roles) if not script.said(file.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("version_added: 0.1.0\n", "version_added: 1.1.0\n"),
        ('version_added: "0.1.0"\n', 'version_added: "1.1.0"\n'),
        ("    version_added: 1.0.0\n", "    version_added: 1.0.0\n"),
        ("version_added: historical\n", "version_added: historical\n"),
    ],
)
def test_a_guess_becomes_the_version_that_is_cut(text: str, corrected: str) -> None:
    assert script.corrected(text, {"1.0.0", "1.1.0"}, "1.1.0") == corrected
