# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan is written where it belongs, and for its owner alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible.errors import AnsibleError

from ansible_collections.intercloud.vpn.plugins.action import vpn_plan
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _run_directory


@pytest.mark.parametrize("name", ["../evil", "a/b/c", "/etc/x", "acme/../x", ""])
def test_the_plan_is_written_nowhere_but_where_it_belongs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_run_directory.C, "DEFAULT_LOCAL_TMP", str(tmp_path / "run"))
    with pytest.raises(AnsibleError, match="no name of a host"):
        vpn_plan._write({"documents": {name: {}}, "lineage": {}, "losing": {}, "vpns": [], "members": []}, {})
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == set()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_reads_a_plan(umask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run_directory.C, "DEFAULT_LOCAL_TMP", str(tmp_path / "run"))
    before = os.umask(umask)
    try:
        for _again in range(2):
            documents = {"edge-east": {}, "acme/node-east": {}}
            vpn_plan._write({"documents": documents, "lineage": {}, "losing": {}, "vpns": [], "members": []}, {})
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "run").rglob("*")}
    assert modes == {
        "intercloud-vpn": 0o700,
        "documents": 0o700,
        "acme": 0o700,
        "edge-east.json": 0o600,
        "node-east.json": 0o600,
        "lineage": 0o700,
        "losing": 0o700,
        "observed.json": 0o600,
        "plan.json": 0o600,
        "slices.json": 0o600,
    }
