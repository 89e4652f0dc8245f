# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IKE_SAs that the peer started, and that were made with a certificate which this edge has no more."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation, sha256
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import charon as _charon
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import (
    connections,
    former,
    outdated,
    swanctl,
    x509,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

TUNNEL = "edge-east--edge-west"


class Charon:
    """A charon that rekeys what it is asked to."""

    def __init__(self) -> None:
        self.sas: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[dict[str, str]] = []

    def __call__(self, *_arguments: object, **_options: object) -> Charon:
        return self

    def __enter__(self) -> Charon:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def ask(self, _command: str, arguments: dict[str, str]) -> dict[str, Any]:
        self.asked.append(arguments)
        return {"success": "yes"}

    def answered(self, names: Any, *_patiently: bool, **_given: object) -> list[tuple[str, dict[str, Any]]]:
        return [one for one in self.sas if one[0] in {*names}]


def sa(
    unique: int, *children: int, age: int = 10, older: int = 0, ours: bool = False, state: str = "ESTABLISHED"
) -> tuple[str, dict[str, Any]]:
    return TUNNEL, {
        "uniqueid": str(unique),
        "state": state,
        "established": str(age),
        **({"initiator": "yes"} if ours else {}),
        "child-sas": {str(one): {"uniqueid": str(one), "install-time": str(age + older)} for one in children},
    }


@pytest.fixture
def charon(monkeypatch: pytest.MonkeyPatch, store: Store) -> Charon:
    fake = Charon()
    monkeypatch.setattr(outdated, "Vici", fake)
    monkeypatch.setattr(connections, "answered", fake.answered)
    monkeypatch.setattr(_charon, "identity", lambda: (7, "1"))
    monkeypatch.setattr(x509, "serial", lambda pem: pem)
    _charon.mark(store)
    return fake


def generation(document: dict[str, Any], certificate: str, **how: Any) -> Generation:
    """The edge, at the end that does not initiate, with a certificate that is its serial number."""
    document = copy.deepcopy(document)
    document["tunnels"][0].update({"initiator": False, **how})
    return Generation(document, {"certificate.pem": certificate}, "libipsec")


@pytest.fixture
def noted(document: dict[str, Any], store: Store, charon: Charon) -> Charon:
    """A certificate was renewed while the IKE_SA 1 was up, with the CHILD_SA 1."""
    charon.sas = [sa(1, 1)]
    outdated.note(generation(document, "bb"), generation(document, "aa"), store)
    return charon


def test_what_was_there_before_still_uses_the_old_one(store: Store, noted: Charon) -> None:
    assert outdated.pending(store) == {TUNNEL: "aa"}


def test_what_the_peer_makes_anew_does_not(store: Store, noted: Charon) -> None:
    noted.sas = [sa(2, 2)]
    assert outdated.pending(store) == {}


def test_while_both_are_there_one_of_them_does(store: Store, noted: Charon) -> None:
    noted.sas = [sa(1, 1), sa(2, 2)]
    assert outdated.pending(store) == {TUNNEL: "aa"}
    noted.sas = [sa(1, 1, state="DELETING"), sa(2, 2)]
    assert outdated.pending(store) == {}


def test_a_rekeying_changes_nothing(store: Store, noted: Charon) -> None:
    """First of the IKE_SA, then of the CHILD_SA: no id is as it was."""
    noted.sas = [sa(2, 1)]
    assert outdated.ask(store) == [TUNNEL]  # which notes what it sees
    noted.sas = [sa(2, 2)]
    assert outdated.pending(store) == {TUNNEL: "aa"}


def test_the_note_does_not_grow_with_them(store: Store, noted: Charon) -> None:
    """A peer whose agent is away may be away for months."""
    for unique in range(20, 60):
        noted.sas = [sa(unique, 1)] if unique % 2 else [sa(unique - 1, 1)]
        outdated.ask(store)
    (entry,) = _charon.marker(store)["outdated"].values()
    assert len(entry["ikes"]) == len(entry["children"]) == 1


def test_nor_do_two_that_nobody_saw(store: Store, noted: Charon) -> None:
    """Both have other ids since the last look. What the peer makes anew has a CHILD_SA of its own age."""
    noted.sas = [sa(5, 5, age=40, older=-30)]
    assert outdated.pending(store) == {TUNNEL: "aa"}
    noted.sas = [sa(5, 5, age=10, older=30)]
    assert outdated.pending(store) == {TUNNEL: "aa"}
    noted.sas = [sa(6, 6, age=40, older=1)]
    assert outdated.pending(store) == {}


def test_what_the_peer_made_until_the_connections_were_loaded_uses_the_old_one(
    document: dict[str, Any], store: Store, noted: Charon
) -> None:
    """It renews its own certificate in the same run, while this edge is busy with bridges of its own."""
    noted.sas = [sa(2, 2)]
    outdated.note(generation(document, "bb"), generation(document, "aa"), store)
    assert outdated.pending(store) == {TUNNEL: "aa"}


def loading(document: dict[str, Any], store: Store, **files: str) -> swanctl.Swanctl:
    """What brings the edge from the certificate aa to bb."""
    want, have = generation(document, "bb"), generation(document, "aa")
    return swanctl.Swanctl(Context(Generation(want.document, {**want.files, **files}, "libipsec"), have, store))


def test_also_while_they_are_loaded(
    document: dict[str, Any], store: Store, charon: Charon, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swanctl_loads(*_words: str, **_how: object) -> str:
        charon.sas = [sa(2, 2)]
        return ""

    monkeypatch.setattr(swanctl, "run", swanctl_loads)
    loading(document, store)._load("")
    assert outdated.pending(store) == {TUNNEL: "aa"}


def test_what_was_revoked_is_no_other_certificate(document: dict[str, Any], store: Store, charon: Charon) -> None:
    """Nothing is made anew when a list comes, or comes back."""
    assert loading(document, store)._others()
    _charon.mark(store, credentials="of before", proofs=loading(document, store)._proofs)
    assert not loading(document, store)._others()
    assert not loading(document, store, **{"crl.pem": "number: 1\n"})._others()
    _charon.mark(store, proofs="another")
    assert loading(document, store)._others()


@pytest.mark.parametrize(
    ("certificate", "charon_has", "asked"),
    [("aa", "aaold", False), ("bb", "aaold", True), ("aa", "00old", True)],
    ids=["an authority comes", "with a certificate", "charon has an earlier one"],
)
def test_no_peer_is_asked_where_only_the_authorities_differ(
    document: dict[str, Any],
    store: Store,
    charon: Charon,
    monkeypatch: pytest.MonkeyPatch,
    certificate: str,
    charon_has: str,
    asked: bool,
) -> None:
    """What an edge proves itself by is what its peers have seen."""
    charon.sas = [sa(1, 1)]
    _charon.mark(store, proofs=sha256(charon_has))
    have, want = (
        Generation(it.document, {**it.files, "authority.pem": authority}, "libipsec")
        for it, authority in ((generation(document, "aa"), "old"), (generation(document, certificate), "oldnew"))
    )
    monkeypatch.setattr(swanctl, "run", lambda *_words, **_how: "")
    swanctl.Swanctl(Context(want, have, store))._load("")
    assert bool(outdated.pending(store)) == asked


def test_who_would_not_understand_yet_is_asked_later(
    store: Store, noted: Charon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The peer tells a rekeyed IKE_SA by CHILD_SAs that are some seconds older."""
    noted.sas = [sa(1, 1, age=outdated.OLDER)]
    assert outdated.ask(store) == []
    clock = iter(range(outdated.OLDER, 100))

    def sleep(_seconds: float) -> None:
        noted.sas = [sa(2, 2, age=0)] if noted.asked else [sa(1, 1, age=next(clock))]

    monkeypatch.setattr(outdated.time, "sleep", sleep)
    assert outdated.persuade(store) == [TUNNEL]
    assert noted.asked == [{"ike-id": "1"}]
    assert outdated.pending(store) == {}


def test_a_peer_that_does_not_answer_is_not_waited_for_long(
    store: Store, noted: Charon, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(outdated, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    assert outdated.persuade(store) == [TUNNEL]
    assert now[0] - 1000 < outdated.PATIENCE + 1
    noted.sas = [sa(3, 1, age=0)]  # never old enough
    outdated.persuade(store)
    assert now[0] - 1000 < 2 * outdated.PATIENCE + outdated.OLDER + 5


def test_another_daemon_has_read_the_new_one(store: Store, noted: Charon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_charon, "identity", lambda: (8, "2"))
    assert outdated.pending(store) == {}


def test_the_serial_stays_that_of_the_certificate_in_use(document: dict[str, Any], store: Store, noted: Charon) -> None:
    """Renewed once more before the peer has authenticated anew."""
    noted.sas = [sa(1, 1), sa(3, 3)]
    outdated.note(generation(document, "cc"), generation(document, "bb"), store)
    assert outdated.pending(store) == {TUNNEL: "aa"}
    noted.sas = [sa(3, 3)]
    assert TUNNEL in outdated.pending(store)


@pytest.mark.parametrize("how", [{"initiator": True}, {"external": True}, {"ike": {"auth": "psk"}}])
def test_tunnels_that_have_none_of_that(
    document: dict[str, Any], store: Store, charon: Charon, how: dict[str, Any]
) -> None:
    charon.sas = [sa(1, 1)]
    outdated.note(generation(document, "bb", **how), generation(document, "aa", **how), store)
    assert outdated.pending(store) == {}


def test_the_peer_is_asked_now_and_then(store: Store, noted: Charon, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(outdated, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert outdated.ask(store) == [TUNNEL]
    assert noted.asked == [{"ike-id": "1"}]  # rekeyed, by its id
    noted.sas = [sa(2, 1)]
    now[0] += outdated.AGAIN - 1
    assert outdated.ask(store) == []
    now[0] += 1
    assert outdated.ask(store) == [TUNNEL]
    assert noted.asked[1:] == [{"ike-id": "2"}]
    now[0] += 2 * outdated.AGAIN - 1  # less and less often
    assert outdated.ask(store) == []
    now[0] += 1
    assert outdated.ask(store) == [TUNNEL]
    noted.sas = [sa(3, 3)]
    now[0] += outdated.RARELY
    assert outdated.ask(store) == []
    assert _charon.marker(store)["outdated"] == {}


@pytest.mark.parametrize(
    ("there", "asks"),
    [
        ([sa(2, 1, age=1, older=100)], True),
        ([sa(2, 1, age=1, older=100, ours=True)], False),  # this end has rekeyed it
        ([sa(2, 2, age=100)], False),  # the peer made it, as after an outage
        ([sa(2, 1, age=1, older=100), sa(3, age=0, ours=True, state="CONNECTING")], False),  # this end is about it
        ([sa(2, 1, age=1, older=100, state="REKEYING")], False),
    ],
)
def test_the_end_that_initiates_authenticates_anew(
    document: dict[str, Any], there: list[tuple[str, dict[str, Any]]], asks: bool
) -> None:
    found = outdated.asked(generation(document, "bb", initiator=True), there)
    assert found == ([(TUNNEL, "2")] if asks else [])


def test_the_other_end_does_not(document: dict[str, Any]) -> None:
    assert outdated.asked(generation(document, "bb"), [sa(2, 1, age=1, older=100)]) == []
    assert outdated.asked(generation(document, "bb", initiator=True, external=True), [sa(2, 1, older=100)]) == []


def test_peers_that_ask_and_do_not_agree_do_not_take_the_turn_of_others(
    document: dict[str, Any], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more tunnels than are made anew at once, those that were not tried yet come first."""
    names = [f"edge-east--edge-{number}" for number in range(outdated.AT_ONCE + 1)]
    rekeyed = [(name, {**sa(number, number)[1], "initiator": "no"}) for number, name in enumerate(names)]
    tunnel = {**document["tunnels"][0], "initiator": True}
    edge = Generation({**document, "tunnels": [{**tunnel, "name": name} for name in names]}, {}, "libipsec")
    monkeypatch.setattr(outdated, "asked", lambda _generation, sas: [(name, "1") for name, _sa in sas])
    monkeypatch.setattr(outdated.bridge, "sections", lambda _store: dict.fromkeys(names, ""))
    monkeypatch.setattr(
        outdated.bridge, "make_anew", lambda found, *_more: [name for name in found if name == names[-1]]
    )
    remembered: dict[str, float] = {}
    assert outdated.answer(edge, store, rekeyed, remembered) == []
    (said,) = outdated.answer(edge, store, rekeyed, remembered)
    assert said.startswith(names[-1])


def test_also_what_the_peer_made_while_connections_waited_for_the_confirmation(
    document: dict[str, Any], store: Store, noted: Charon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A VPN got another name in the run that renewed the certificate: charon has the old one until confirm."""
    noted.sas = [sa(2, 2)]
    want = generation(document, "bb")
    store.at(former.CONFIG).parent.mkdir(parents=True)
    store.at(former.CONFIG).write_text("# []\n")
    monkeypatch.setattr(former, "run", lambda *_words, **_how: "")
    monkeypatch.setattr(former.Former, "waits", lambda _self, _text: True)
    former.load(want, store)
    assert outdated.pending(store) == {TUNNEL: "aa"}
    _charon.mark(store, outdated={})
    former.load(want, store)
    assert outdated.pending(store) == {}, "another name alone outdates nothing"
