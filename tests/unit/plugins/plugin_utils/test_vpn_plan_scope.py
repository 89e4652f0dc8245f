# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a run concerns, before anybody is asked: without a ledger, a run about VPNs that are there ends at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.modules import vpn_plan
from ansible_collections.intercloud.vpn.plugins.plugin_utils._server_action import _Done, _Here
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, POOLS, lab


def scope(ledger: str, tmp_path: Path, **given: Any) -> dict[str, Any]:
    params = {name: option.get("default") for name, option in vpn_plan.ARGUMENTS.items()}
    params.update(ledger=ledger, state_dir=str(tmp_path), hosts=lab(), scope_only=True, **given)
    with pytest.raises(_Done) as caught:
        vpn_plan.run(_Here(params, False))
    return caught.value.result


@pytest.mark.parametrize(
    "given",
    [{"absent": ["payroll"]}, {"absent_of": {"vpns": [PAYROLL], "networks": []}}, {"generation": 3}, {"move": ["vm1"]}],
)
def test_without_a_ledger_nobody_is_asked_about_a_vpn_that_is_to_go(given: dict[str, Any], tmp_path: Path) -> None:
    said = scope(f"sqlite:///{tmp_path}/ledger.sqlite", tmp_path, **given)
    assert said["failed"] and "there is no ledger, so there is no VPN to change, and no host was touched" in said["msg"]
    assert not (tmp_path / "ledger.sqlite").exists()


def test_a_first_vpn_is_made_without_one(tmp_path: Path) -> None:
    """Everybody is asked then: the machines may know of a ledger that was lost."""
    said = scope(f"sqlite:///{tmp_path}/ledger.sqlite", tmp_path, vpns=[PAYROLL], pools=POOLS)
    assert said == {"changed": False, "hosts": None}


def test_a_ledger_that_does_not_answer_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    assert "there is no ledger" not in str(scope(f"sqlite:///{tmp_path}/ledger.sqlite", tmp_path, absent=["payroll"]))
