# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The index of the catalog on the VCC server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.shown import catalog_lines, listing
from ansible_collections.intercloud.vpn.plugins.modules import template_index
from ansible_collections.intercloud.vpn.tests.unit.plugins.modules.test_cloud_part import Done, Module

PUBLISH = {"organization": "acme", "template": "web", "version": "ab" * 32, "nodes": ["node-east"]}


def plan(state_dir: Path, state: str, asked: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = {"state_dir": str(state_dir), "step": "plan", "state": state, "asked": asked}
    given["ledger"] = f"sqlite:///{state_dir}/ledger.sqlite"
    with pytest.raises(Done) as done:
        template_index.run(Module(False, **{**given, **more}))  # type: ignore[arg-type]
    return dict(done.value.args[0])


def test_the_ledgers_id_is_told_if_there_is_one(tmp_path: Path) -> None:
    assert plan(tmp_path, "present", PUBLISH)["ledger"] == ""
    made = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite").run(lambda ledger: ledger.ledger_id())
    assert plan(tmp_path, "present", PUBLISH)["ledger"] == made


@pytest.mark.parametrize("ledger", ["postgresql://127.0.0.1:1/ledger", "nonsense"])
def test_a_ledger_that_does_not_answer_is_not_taken_for_none(tmp_path: Path, ledger: str) -> None:
    """Nodes would not ask whose the organization is."""
    answer = plan(tmp_path, "present", PUBLISH, ledger=ledger)
    assert "ledger" in answer["msg"] and "targets" not in answer
    assert not (tmp_path / "published").exists()


def test_an_entry_that_cannot_be_read_is_listed_with_what_to_do(tmp_path: Path) -> None:
    plan(tmp_path, "present", PUBLISH)
    path = tmp_path / "published/acme/bad.json"
    path.write_text("{")
    templates = plan(tmp_path, "listed", {"organizations": ["acme"]})["templates"]
    assert catalog_lines(listing(templates, {}, [], "all")) == [
        f"acme/bad: {path}: is not an entry of the catalog, or was changed; remove the file, and publish bad again",
        "acme/web: not published: it is being published or taken back; run that again",
        "  node-east: not asked; may have a part of it, as the index says",
    ]


def test_a_template_that_the_index_does_not_have_is_said_with_what_was_meant(tmp_path: Path) -> None:
    asked = {"organization": "acme", "template": "wep"}
    assert plan(tmp_path, "absent", asked)["unknown"] == {"wep": ""}
    plan(tmp_path, "present", PUBLISH)
    assert plan(tmp_path, "absent", asked)["unknown"] == {"wep": "; did you mean web?"}
    for template in ("web", "all"):
        answer = plan(tmp_path, "absent", {**asked, "template": template})
        assert answer["unknown"] == {} and list(answer["serials"]) == ["web"]
