# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A commit validates before it touches, predicts what it does, and is undone when it fails or nobody confirms."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import commit as _commit
from ansible_collections.intercloud.vpn.plugins.module_utils._node import confirm
from ansible_collections.intercloud.vpn.plugins.module_utils._node.commit import Refused, RolledBack, commit, rollback
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Change, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.generation import guarded, pending
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Part
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Running, Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import CommandError

EMPTY = ("sysctls", "addresses", "routes", "vpns", "tunnels")


class Silent(Part):
    """A subsystem that does nothing."""


class Fake(Part):
    """A subsystem whose loaded state is a class variable: the names of the document's VPNs."""

    name = "fake"
    loaded: ClassVar[list[str]] = []
    wrong: ClassVar[list[str]] = []
    broken: ClassVar[set[str]] = set()
    touched: ClassVar[list[str]] = []
    stuck: ClassVar[bool] = False

    @property
    def wanted(self) -> list[str]:
        return [vpn["name"] for vpn in self.want.listed("vpns")]

    def problems(self) -> list[str]:
        return list(self.wrong)

    def changes(self) -> list[Change]:
        return (
            []
            if self.wanted == self.loaded
            else [Change("fake", f"load {self.wanted}", *map(str, (self.loaded, self.wanted)))]
        )

    def build(self) -> None:
        self.touched.append("build")
        if self.broken & set(self.wanted):
            raise CommandError("fake: refused")
        type(self).loaded = self.wanted

    def clear(self) -> None:
        if self.stuck:
            raise CommandError("fake: stuck")


@pytest.fixture(autouse=True)
def node(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    monkeypatch.setattr(_commit, "ORDER", (Fake,))
    monkeypatch.setattr(_commit, "Agent", Silent)
    monkeypatch.setattr(_commit, "Units", Silent)
    Fake.loaded, Fake.wrong, Fake.broken, Fake.touched = [], [], set(), []
    Fake.stuck = False
    return Fake


def generation(document: dict[str, Any], number: int, *vpns: str) -> Generation:
    made = [{"name": name, "number": 1} for name in vpns]
    return Generation({**document, "generation": number, "vpns": made, "tunnels": []}, {}, "none")


def test_the_second_run_changes_nothing(store: Store, document: dict[str, Any]) -> None:
    want = generation(document, 1, "a")
    assert commit(want, store).changes
    Fake.touched.clear()
    second = commit(want, store)
    assert (second.changes, second.unconfirmed, Fake.touched) == ([], True, [])


def test_check_mode_predicts_and_touches_nothing(store: Store, document: dict[str, Any]) -> None:
    want = generation(document, 1, "a")
    predicted = commit(want, store, check=True)
    assert Fake.touched == []
    assert not store.state.exists()
    assert commit(want, store).report() == predicted.report()


def test_while_the_last_of_ours_is_erased_it_does_not_look_damaged(
    store: Store, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen: the agent looked at that moment, refused every block, and its table stayed for good."""
    seen: list[Running] = []

    class Watched(Fake):
        def clear(self) -> None:
            seen.append(self.store.running())

    first = generation(document, 1, "a")
    commit(first, store, timeout=0)
    store.guarded.write(guarded.grown({}, first))
    commit(generation({**document, **{key: [] for key in EMPTY}}, 2), store, timeout=60)
    monkeypatch.setattr(_commit, "ORDER", (Watched,))
    monkeypatch.setattr(_commit, "KEPT", (Watched,))
    unlink = Path.unlink

    def watched(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok)
        seen.append(store.running())

    monkeypatch.setattr(Path, "unlink", watched)
    _commit.leave(store)
    assert len(seen) > 3
    assert [one for one in seen if one.refusing or one.damaged] == []
    assert store.traces() == []


def test_what_is_not_valid_touches_nothing(store: Store, document: dict[str, Any]) -> None:
    Fake.wrong = ["no such device"]
    with pytest.raises(Refused) as error:
        commit(generation(document, 1, "a"), store)
    assert error.value.problems == [("fake", "no such device")]
    assert Fake.touched == []
    assert not store.state.exists()


def test_what_fails_is_undone(store: Store, document: dict[str, Any]) -> None:
    good = generation(document, 1, "a")
    commit(good, store, timeout=0)
    Fake.broken = {"b"}
    with pytest.raises(RolledBack, match="refused") as error:
        commit(generation(document, 2, "a", "b"), store)
    assert error.value.clean
    assert (Fake.loaded, store.named("current"), store.fallback) == (["a"], good.name, None)


def test_whatever_fails_is_undone(store: Store, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    commit(generation(document, 1, "a"), store, timeout=0)

    def note(*_arguments: Any) -> None:
        raise ValueError("ip printed no JSON")

    monkeypatch.setattr(_commit.reauthenticate, "note", note)
    with pytest.raises(RolledBack, match="no JSON"):
        commit(generation(document, 2, "a", "b"), store)
    assert Fake.loaded == ["a"]


def test_what_could_not_be_undone_stays_known(store: Store, document: dict[str, Any]) -> None:
    store.own("addresses", [["100.64.0.1/32", "lo"]])
    Fake.broken = {"a"}
    Fake.stuck = True
    with pytest.raises(RolledBack) as error:
        commit(generation(document, 1, "a"), store)
    assert not error.value.clean
    assert store.owned("addresses") == [["100.64.0.1/32", "lo"]]


def test_the_slower_of_two_controllers_undoes_nothing(store: Store, document: dict[str, Any]) -> None:
    commit(generation(document, 6, "a", "b"), store, timeout=0)
    for older in (
        generation(document, 5, "a"),
        Generation({**document, "generation": 5, **{key: [] for key in EMPTY}}),
    ):
        for check in (True, False):
            with pytest.raises(Refused, match="runs 6"):
                commit(older, store, check=check)
    assert Fake.loaded == ["a", "b"]
    commit(generation(document, 5, "a"), store, timeout=0, allow_older=True)
    assert Fake.loaded == ["a"]


def test_what_rolled_back_meanwhile_is_not_confirmed(store: Store, document: dict[str, Any]) -> None:
    first, second = generation(document, 1, "a"), generation(document, 2, "a", "b")
    commit(first, store, timeout=0)
    done = commit(second, store)
    rollback(store)
    with pytest.raises(CommandError, match="not confirmed"):
        confirm.confirm(store, 0, expected=done.generation)
    commit(second, store)
    assert confirm.confirm(store, 0, expected=done.generation)["disarmed"]


def test_the_first_commit_that_fails_leaves_nothing(store: Store, document: dict[str, Any]) -> None:
    Fake.broken = {"a"}
    with pytest.raises(RolledBack):
        commit(generation(document, 1, "a"), store)
    assert Fake.loaded == []
    assert not store.state.exists()


def test_nobody_confirms(store: Store, document: dict[str, Any]) -> None:
    first, second, third = (generation(document, n, *"abc"[:n]) for n in (1, 2, 3))
    commit(first, store, timeout=0)
    commit(second, store)
    commit(third, store)  # before anybody confirmed the second: both go
    assert rollback(store) == first.name
    assert (Fake.loaded, store.named("current"), rollback(store)) == (["a"], first.name, None)


def test_a_lost_state_is_mended(store: Store, document: dict[str, Any]) -> None:
    want = generation(document, 1, "a")
    commit(want, store, timeout=0)
    Fake.loaded = []
    assert [change.action for change in commit(want, store).changes] == ["load ['a']"]
    assert Fake.loaded == ["a"]


def test_an_empty_document_leaves_nothing(store: Store, document: dict[str, Any]) -> None:
    empty = Generation({**document, "sysctls": {}, "addresses": [], "routes": [], "vpns": [], "tunnels": []})
    assert commit(empty, store).changes == []
    commit(generation(document, 1, "a"), store, timeout=0)
    assert commit(empty, store, timeout=0).changes
    assert Fake.loaded == []
    assert not store.state.exists()


def test_a_removal_is_confirmed_too(store: Store, document: dict[str, Any]) -> None:
    """A node that is left goes back like any other, until somebody confirms."""
    empty = Generation({**document, "generation": 2, **{key: [] for key in EMPTY}})
    first = generation(document, 1, "a")
    commit(first, store, timeout=0)
    done = commit(empty, store)
    assert (Fake.loaded, done.unconfirmed, store.named("current"), store.fallback) == ([], True, "", first.name)
    assert rollback(store) == first.name
    assert (Fake.loaded, store.named("current"), store.fallback) == (["a"], first.name, None)
    done = commit(empty, store)
    assert confirm.confirm(store, 0, expected=done.generation)["disarmed"]
    assert not store.state.exists()


def test_a_run_that_finds_the_work_of_a_killed_one_done_has_time_to_confirm(
    store: Store, document: dict[str, Any]
) -> None:
    want = generation(document, 1, "a")
    commit(want, store, timeout=60)
    pending.arm(store, want.name, "", 0)  # the deadline of the killed run is over
    assert store.pending.left == 0
    assert commit(want, store, timeout=60).changes == []
    assert store.pending.left > 50


def test_what_could_not_be_undone_is_not_confirmed(store: Store, document: dict[str, Any]) -> None:
    first, second = generation(document, 1, "a"), generation(document, 2, "a", "b")
    commit(first, store, timeout=0)
    done = commit(second, store)
    Fake.stuck = True
    with pytest.raises(CommandError, match="not all of the way back"):
        rollback(store)
    assert (store.pending.undoing, store.pending.left, store.named("current")) == (True, 0, first.name)
    with pytest.raises(CommandError, match="not confirmed"):
        confirm.confirm(store, 0, expected=done.generation)
    with pytest.raises(CommandError, match="on its way back"):
        confirm.confirm(store, 0)
    Fake.stuck = False
    assert rollback(store) == first.name
    assert store.pending is None


def test_certificates_that_are_not_given_are_kept(edge: Generation) -> None:
    have = Generation(edge.document, {**edge.files, "certificate.pem": "old\n", "authority.pem": "ca\n"}, edge.backend)
    assert _commit.completed(edge, have) == have
    given = Generation(edge.document, {**edge.files, "certificate.pem": "new\n"}, edge.backend)
    assert _commit.completed(given, have).files["certificate.pem"] == "new\n"
