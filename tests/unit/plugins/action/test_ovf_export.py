# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package is written again without its signature only where the signature still fits."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.action import ovf_export
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import lab

NAME = "vapp1-west"


def export(folder: Path, monkeypatch: pytest.MonkeyPatch, **given: Any) -> dict[str, Any]:
    monkeypatch.setattr(ovf_export, "load_plan", lambda _path: ({"vpns": []},))
    monkeypatch.setattr(ovf_export, "read_hosts", lambda _variables: lab())
    action = ovf_export.ActionModule.__new__(ovf_export.ActionModule)
    action._task = types.SimpleNamespace(check_mode=False)
    defaults = {name: option.get("default") for name, option in ovf_export.ActionModule.ARGUMENTS.items()}
    return action.work({**defaults, "plan": "", "vapps": [NAME], "dest": str(folder), **given}, {"groups": {}})


def test_a_signature_that_would_not_fit_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert export(tmp_path, monkeypatch)["changed"]
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / f"{NAME}.cert").write_bytes(b"a signature")
    assert not export(tmp_path, monkeypatch)["changed"]
    with pytest.raises(VccError, match=rf"{NAME}\.cert: signs what was written before"):
        export(tmp_path, monkeypatch, memory=4096)
    assert {path: path.read_bytes() for path in before} == before
