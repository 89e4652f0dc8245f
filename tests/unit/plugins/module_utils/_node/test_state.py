# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node remembers its generations, and what it found before us; and only one commit runs at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.generation import pending
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Busy, Store


def numbered(document: dict[str, Any], number: int) -> Generation:
    return Generation({**document, "generation": number}, {"a.conf": f"{number}\n"}, "libipsec")


def test_a_stored_generation_comes_back_as_it_was(store: Store, edge: Generation) -> None:
    store.save(edge)
    store.point(edge)
    assert store.current() == edge
    assert store.named("current") == edge.name


def test_half_a_generation_is_none(store: Store, edge: Generation) -> None:
    store.save(edge)
    (store.state / "generations" / edge.name / "document.json").unlink()
    assert store.load(edge.name) is None
    store.save(edge)
    assert store.load(edge.name) == edge


def test_only_this_one_the_one_before_and_the_fallback_are_kept(store: Store, document: dict[str, Any]) -> None:
    made = [numbered(document, number) for number in range(1, 6)]
    for generation in made:
        store.save(generation)
        store.point(generation)
        if generation is made[0]:
            pending.arm(store, generation.name, generation.name, 60)
    kept = {path.name for path in (store.state / "generations").iterdir()}
    assert kept == {made[0].name, made[3].name, made[4].name}


def test_documents_are_nobody_elses_to_read(store: Store, edge: Generation) -> None:
    store.save(edge)
    directory = store.state / "generations"
    assert all(path.stat().st_mode & 0o077 == 0 for path in (directory, *directory.rglob("*")))


def test_forgetting_leaves_other_peoples_files(store: Store, edge: Generation) -> None:
    store.save(edge)
    store.point(edge)
    (store.state / "ledger.sqlite").write_text("the VCC server's", encoding="utf-8")
    store.erase()
    assert [path.name for path in store.state.iterdir()] == ["ledger.sqlite"]


def test_forgetting_leaves_nothing_of_ours(store: Store, edge: Generation) -> None:
    store.save(edge)
    store.point(edge)
    store.own("sysctls", {"a": "0"})
    pending.arm(store, "1-a", "", 60)
    store.erase()
    assert not store.state.exists()


def test_the_fallback_may_be_nothing(store: Store) -> None:
    assert store.fallback is None
    pending.arm(store, "1-a", "", 60)
    assert store.fallback == ""
    store.confirm()
    assert store.fallback is None


def test_a_second_commit_waits_and_then_gives_up(store: Store) -> None:
    with store.lock(), pytest.raises(Busy), store.lock(patience=0.2):
        pass
    with store.lock(patience=0.2):
        pass


@pytest.mark.parametrize("key", ["addresses", "routes", "vpns", "tunnels"])
def test_a_document_is_empty_when_nothing_is_in_it(document: dict[str, Any], key: str) -> None:
    bare = {**document, "sysctls": {}, "addresses": [], "routes": [], "vpns": [], "tunnels": []}
    assert Generation(bare).empty
    assert not Generation({**bare, key: document[key]}).empty


def test_what_is_not_ours_to_remove_does_not_remain_of_us(store: Store, tmp_path: Path) -> None:
    """Seen: a removal found the directory behind a link empty, and each removal after it again."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store.state.parent.mkdir(parents=True)
    store.state.symlink_to(elsewhere)
    assert store.remains() == []
    store.state.unlink()
    store.state.mkdir()
    assert store.remains() == [store.state]
    store.erase()
    assert store.remains() == []
