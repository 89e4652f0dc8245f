# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node knows who it is and what it runs: it refuses what is for another, and what does not follow."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import identity as _identity
from ansible_collections.intercloud.vpn.plugins.module_utils._node import slices, survey
from ansible_collections.intercloud.vpn.plugins.module_utils._node.commit import Refused, commit, revise, rollback
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_commit import EMPTY, generation, node

OURS, OTHER = "0b5ef0a4-ours", "77aa3c10-other"
__all__ = ["node"]  # the fixture: a node of one subsystem, which is a list


def lineage(number: int, ledger: str = OURS, fork: str = "") -> dict[str, Any]:
    """Of generation `number`, in a chain of which `fork` names the branch, from generation 2 on."""

    def digest(one: int) -> str:
        return f"{one:02d}{fork if one > 1 else ''}".ljust(64, "0")

    listed = {str(one): digest(one)[:16] for one in range(1, number + 1)}
    return {"ledger": ledger, "generation": number, "hash": digest(number), "ancestors": listed}


def bring(store: Store, document: dict[str, Any], number: int, *vpns: str, **options: Any) -> Generation:
    """Commit generation `number`, confirmed, as the module does."""
    ancestors = options.pop("lineage", lineage(number))
    made = generation(document, number, *(vpns or ("a",)))
    want = Generation(made.document, {**made.files, **_identity.stored(ancestors)}, made.backend)
    commit(want, store, timeout=options.pop("timeout", 0), lineage=ancestors, **options)
    return want


def identity(store: Store) -> dict[str, Any]:
    return dict(json.loads((store.state / "identity.json").read_text()))


def test_what_a_node_was_told_it_knows(store: Store, document: dict[str, Any]) -> None:
    assert _identity.is_new(store)
    bring(store, document, 1)
    assert not _identity.is_new(store)
    expected = {"node": "edge-east", "organization": "acme", "ledger": OURS, "generation": 1}
    assert identity(store) == {**expected, "chain": lineage(1)["hash"]}
    assert (store.state / "identity.json").stat().st_mode & 0o777 == 0o600
    assert commit(generation_with(document, 1), store, timeout=0, lineage=lineage(1)).changes == []


def generation_with(document: dict[str, Any], number: int) -> Generation:
    made = generation(document, number, "a")
    return Generation(made.document, {**made.files, **_identity.stored(lineage(number))}, made.backend)


def test_generations_that_were_missed_do_not_matter(store: Store, document: dict[str, Any]) -> None:
    bring(store, document, 1)
    bring(store, document, 7, "a", "b")
    assert identity(store)["generation"] == 7


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("number", [2, 3, 4])
def test_a_ledger_that_was_restored_is_refused_whatever_number_it_has_come_to(
    store: Store, document: dict[str, Any], number: int, check: bool
) -> None:
    bring(store, document, 3, lineage=lineage(3))
    was = identity(store)
    with pytest.raises(Refused, match=r"an older copy.*recover_ledger.*vcc_allow_older=true"):
        bring(store, document, number, "a", "b", lineage=lineage(number, fork="x"), check=check)
    assert identity(store) == was
    bring(store, document, number, "a", "b", lineage=lineage(number, fork="x"), allow_older=True)
    assert identity(store)["chain"] == lineage(number, fork="x")["hash"]


def test_another_ledger_is_named(store: Store, document: dict[str, Any]) -> None:
    bring(store, document, 3)
    with pytest.raises(Refused, match=f"generation 3 of the ledger {OURS}.* of the ledger {OTHER}.*recover_ledger"):
        bring(store, document, 9, lineage={**lineage(9, OTHER), "ancestors": {"9": "9" * 16}})


def test_a_ledger_that_has_recovered_lists_what_the_node_runs(store: Store, document: dict[str, Any]) -> None:
    bring(store, document, 3)
    recovered = {**lineage(5, OTHER), "ancestors": {"3": lineage(3)["hash"][:16], "5": "05".ljust(16, "0")}}
    bring(store, document, 5, "a", "b", lineage=recovered)
    assert (identity(store)["ledger"], identity(store)["generation"]) == (OTHER, 5)


def test_what_a_version_without_chains_left_is_followed_by_number(store: Store, document: dict[str, Any]) -> None:
    commit(generation(document, 3, "a"), store, timeout=0)
    with pytest.raises(Refused, match="generation is 2, and the node runs 3"):
        bring(store, document, 2)
    bring(store, document, 3)
    assert identity(store)["ledger"] == OURS


def test_two_names_for_one_machine(store: Store, document: dict[str, Any]) -> None:
    bring(store, {**document, "node": "edge-west"}, 1)
    with pytest.raises(Refused) as refused:
        bring(store, document, 2)
    for words in (
        *("this machine is edge-west (acme), and the document is for edge-east (acme)", "same ansible_host"),
        *("ansible_control_path", "vcc_adopt=edge-west"),
    ):
        assert words in str(refused.value)
    with pytest.raises(Refused, match="two inventory names"):  # not even to take away what is there
        commit(Generation({**document, **{key: [] for key in EMPTY}}), store)
    assert identity(store)["node"] == "edge-west"
    bring(store, document, 2, adopt=["edge-west"], lineage=lineage(2, fork="x"))
    assert identity(store)["node"] == "edge-east"


def test_a_machine_that_changes_hands_is_handed_over_by_name(store: Store, document: dict[str, Any]) -> None:
    bring(store, document, 4)
    other = {**document, "organization": "umbra"}
    with pytest.raises(Refused, match=r"edge-east of organization acme.*vcc_adopt=acme/edge-east"):
        bring(store, other, 1)
    bring(store, other, 1, adopt=["acme/edge-east"])
    assert identity(store)["organization"] == "umbra"


def test_who_rolls_back_is_again_who_he_was(store: Store, document: dict[str, Any]) -> None:
    bring(store, document, 1)
    was = identity(store)
    bring(store, document, 2, "a", "b", timeout=60)
    assert identity(store)["generation"] == 2
    rollback(store)
    assert identity(store) == was
    revise({"crl.pem": "x\n"}, store)
    assert identity(store) == was


def test_with_the_last_vpn_the_name_goes(store: Store, document: dict[str, Any]) -> None:
    bring(store, document, 1)
    empty = Generation({**document, "generation": 2, **{key: [] for key in EMPTY}})
    commit(empty, store, timeout=0, lineage=lineage(2))
    assert not store.state.exists()
    bring(store, {**document, "node": "edge-west", "organization": "umbra"}, 1, lineage=lineage(1, OTHER, "x"))


def test_what_took_all_away_is_remembered_until_the_next_boot(store: Store, document: dict[str, Any]) -> None:
    """Seen: a run that was overtaken by one that deletes put its VPN back on a member, and its edges had none."""
    bring(store, document, 1)
    nothing = {**document, **{key: [] for key in EMPTY}, "generation": 3}
    commit(Generation(nothing, {}, "none"), store, timeout=0, lineage=lineage(3))
    assert _identity.is_new(store)
    with pytest.raises(Refused, match="3 has taken all from the node"):
        bring(store, document, 2)
    bring(store, document, 2, allow_older=True)
    commit(Generation(nothing, {}, "none"), store, timeout=0, lineage=lineage(3))
    bring(store, document, 4)
    commit(Generation({**nothing, "generation": 5}, {}, "none"), store, timeout=0, lineage=lineage(5))
    bring(store, document, 1, lineage=lineage(1, "another"))  # a ledger that knows nothing of the other's numbers


def test_the_name_outlives_a_generation_that_cannot_be_read(store: Store, document: dict[str, Any]) -> None:
    want = bring(store, document, 1)
    (store.state / "generations" / want.name / "document.json").write_text("{")
    with pytest.raises(Refused, match="this machine is edge-east"):
        bring(store, {**document, "node": "edge-west"}, 2)


# VCC nodes


def keep(store: Store, number: int, ancestors: dict[str, Any], **options: Any) -> dict[str, Any]:
    document = {"format": 1, "node": "node-east", "role": "vcc_node", "cloud": "east", "organization": "acme"}
    document.update({key: options.pop(key) for key in ("node", "organization") if key in options})
    whole = {**document, "generation": number, "slice": {"edge-east": {}}}
    given = {"slices": [whole], "allow_older": False, "require": [], "lineage": {whole["organization"]: ancestors}}
    return slices.keep({**given, **options}, store, False)


def test_a_vcc_node_refuses_the_same(store: Store, document: dict[str, Any]) -> None:
    assert keep(store, 3, lineage(3))["changed"]
    assert not keep(store, 3, lineage(3))["changed"]
    assert "does not descend from the node's, 3" in keep(store, 3, lineage(3, fork="x"))["msg"]
    assert "is of the ledger" in keep(store, 4, {**lineage(4, OTHER, "x"), "ancestors": {}})["msg"]
    assert "two inventory names lead to one machine" in keep(store, 4, lineage(4), node="node-west")["msg"]
    assert "two inventory names" in keep(store, 4, lineage(4), node="node-west", organization="umbra")["msg"]
    assert keep(store, 4, lineage(4), organization="umbra")["changed"]
    assert keep(store, 4, lineage(4))["changed"]
    with pytest.raises(Refused, match="this machine is node-east"):
        bring(store, document, 1)


def test_a_vcc_node_that_was_renamed(store: Store) -> None:
    keep(store, 3, lineage(3))
    keep(store, 3, lineage(3), organization="umbra")
    assert keep(store, 1, lineage(1, fork="x"), node="node-1", adopt=["node-east"])["changed"]
    assert keep(store, 2, lineage(2), node="node-1")["changed"]


@pytest.mark.parametrize("other", [{"number": 4}, {"fork": "x"}, {}])
def test_the_survey_tells_whether_a_vcc_node_has_a_slice(store: Store, other: dict[str, Any]) -> None:
    """By its digest the controller knows, and need not ask again; anything else is another digest."""
    keep(store, 3, lineage(3))
    seen = survey._digests(str(store.state / slices.DIRECTORY))["acme"]
    document = json.loads((store.state / slices.DIRECTORY / "acme/document.json").read_text())
    number, fork = other.get("number", 3), other.get("fork", "")
    same = slices.digest({**document, "generation": number}, lineage(number, fork=fork)) == seen
    assert same is not bool(other)
    assert slices.digest(document, None) == ""  # what its lineage is, is not known
