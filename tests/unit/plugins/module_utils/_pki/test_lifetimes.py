# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that no run can make as new as is asked for are told of before each run renews them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("cryptography")

from ansible_collections.intercloud.vpn.plugins.module_utils._pki import ca
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.lifetimes import always_due


def test_what_new_certificates_cannot_have(tmp_path: Path) -> None:
    ca.ensure_authority(tmp_path, "acme")
    assert always_due(tmp_path, ["acme"], 200, 397) == always_due(tmp_path, ["acme", "new"], 396, 397) == []
    (said,) = always_due(tmp_path, ["acme"], 30, 30)
    assert said.startswith("org_edge_certificate_days: 30 is not less than vcc_certificate_days (30): ")
    assert said.endswith("Write at most 15")


def test_what_the_authority_cannot_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ca, "AUTHORITY_DAYS", 100)
    ca.ensure_authority(tmp_path, "old")
    monkeypatch.undo()
    ca.ensure_authority(tmp_path, "acme")
    (said,) = always_due(tmp_path, ["acme", "old"], 120, 397)
    expected = r"old: org_edge_certificate_days: 120 is not less than the (99|100) days that its authority has left"
    assert re.match(expected, said)
    assert always_due(tmp_path, ["acme", "old"], 60, 397) == []
