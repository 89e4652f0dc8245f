# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package is written again without its signature only where the signature still fits."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from ansible_collections.intercloud.vpn.plugins.action import ovf_export
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import Signer
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import lab

NAME = "vapp1-west"


def export(folder: Path, monkeypatch: pytest.MonkeyPatch, **given: Any) -> dict[str, Any]:
    monkeypatch.setattr(ovf_export, "load_plan", lambda _path: ({"vpns": []},))
    monkeypatch.setattr(ovf_export, "read_hosts", lambda _variables: lab())
    action = ovf_export.ActionModule.__new__(ovf_export.ActionModule)
    action._task = types.SimpleNamespace(check_mode=False)
    defaults = {name: option.get("default") for name, option in ovf_export.ActionModule.ARGUMENTS.items()}
    return action.work({**defaults, "plan": "", "vapps": [NAME], "dest": str(folder), **given}, {"groups": {}})


def test_a_certificate_that_has_expired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could use the package, and each run would sign it again."""
    signer = Signer("vendor", days=(-60, -30))  # of the day that packages of tests are read on
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (tmp_path / "key").write_bytes(signer.key.private_bytes(encoding, form, serialization.NoEncryption()))
    (tmp_path / "certificate").write_bytes(signer.pem)
    given = {name: str(tmp_path / name) for name in ("key", "certificate")}
    with pytest.raises(VccError, match="certificate: the certificate of 'CN=vendor' expired at"):
        export(tmp_path / "there", monkeypatch, **given)
    assert not (tmp_path / "there").exists()


def test_a_signature_that_would_not_fit_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert export(tmp_path, monkeypatch)["changed"]
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / f"{NAME}.cert").write_bytes(b"a signature")
    assert not export(tmp_path, monkeypatch)["changed"]
    with pytest.raises(VccError, match=rf"{NAME}\.cert: signs what was written before"):
        export(tmp_path, monkeypatch, memory=4096)
    assert {path: path.read_bytes() for path in before} == before
