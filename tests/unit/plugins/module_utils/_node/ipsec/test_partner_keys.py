# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two keys of a tunnel on an edge, while one takes the place of the other: what charon has, and which is used."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import module as _module
from ansible_collections.intercloud.vpn.plugins.module_utils._node.commit import completed
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.generation import salvage
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import (
    bridge,
    charon,
    partner_keys,
    partners,
    reauthenticate,
    secrets,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.kind import Ipsec
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.secrets import PATH, Secrets
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Running, Store

from .test_secrets import Charon
from .test_secrets import charon as charon_fixture

fake = charon_fixture  # the fixture, by a name that does not hide the module

OLD, NEW = "o" * 64, "n" * 64
TWO = {"old": f"{OLD}\nalso 2 {NEW}", "new": f"{NEW}\ngeneration 2\nalso 1 {OLD}", "alone": f"{NEW}\ngeneration 2"}
PARTNER, PEER = "edge-east--partner", "edge-east--edge-west"
PPK_LINE = "    ppk_id = {}\n"


def generation(document: dict[str, Any], psk: str = "", ppk: str = "", initiator: bool = True) -> Generation:
    """An edge with a tunnel to a partner, and one with a PPK; of a swanctl.conf, the lines that name PPKs."""
    document = copy.deepcopy(document)
    template = document["tunnels"][0]
    document["tunnels"] = []
    if psk:
        partner = copy.deepcopy(template)
        partner.update(name=PARTNER, peer="partner", remote_id="gw.example", external=True, initiator=True)
        partner["ike"].update(auth="psk", ppk=False)
        document["tunnels"].append(partner)
    if ppk:
        peer = copy.deepcopy(template)
        peer.update(name=PEER, initiator=initiator)
        peer["ike"].update(auth="pubkey", ppk=True)
        document["tunnels"].append(peer)
    files = {"swanctl.conf": PPK_LINE.format(PEER) if ppk else ""}
    keys = {name: text for name, text in ((PARTNER, psk), (PEER, ppk)) if text}
    return _module.generation({"document": document, "files": files, "backend": "libipsec", "secrets": keys})


def converge(want: Generation, have: Generation, store: Store) -> list[str]:
    want = completed(want, have)
    part = Secrets(Context(want, have, store))
    assert part.problems() == []
    said = [change.action for change in part.changes()]
    part.build()
    part.clear()
    assert Secrets(Context(want, have, store)).changes() == []
    assert Secrets(Context(want, want, store)).changes() == []
    assert OLD not in str(said) and NEW not in str(said)
    return said


def owners(fake: Charon) -> dict[str, list[str]]:
    return {name: key["owners"] for name, key in fake.keys.items()}


BOTH = ["edge-east.acme", "gw.example"]


def test_a_second_key_of_a_partner_verifies_and_is_not_used(
    document: dict[str, Any], store: Store, fake: Charon
) -> None:
    one = generation(document, psk=OLD)
    converge(one, NOTHING, store)
    fake.sas = {PARTNER: 1}
    assert converge(generation(document, psk=TWO["old"]), one, store) == [
        f"install the pre-shared key 2 of {PARTNER}",
    ]
    assert owners(fake) == {f"ike-{PARTNER}": BOTH, f"ike-{PARTNER}+2": ["gw.example"]}
    assert fake.asked == [] and fake.sas == {PARTNER: 1}
    assert store.at(PATH).stat().st_mode & 0o777 == 0o600


def test_the_generation_alone_does_not_have_the_new_one_used(
    document: dict[str, Any], store: Store, fake: Charon
) -> None:
    """The partner may not have it yet: it has to be tried."""
    two, new = generation(document, psk=TWO["old"]), generation(document, psk=TWO["new"])
    converge(generation(document, psk=OLD), NOTHING, store)
    converge(two, generation(document, psk=OLD), store)
    assert converge(new, two, store) == []
    assert owners(fake)[f"ike-{PARTNER}"] == BOTH
    assert partner_keys.pending(new, store) == {PARTNER: f"{PARTNER}+2"}
    assert partner_keys.in_use(new, store) == {PARTNER: 1}


@pytest.mark.parametrize("agrees", [True, False])
def test_it_is_used_when_the_partner_has_agreed_to_a_second_ike_sa(
    document: dict[str, Any], store: Store, fake: Charon, monkeypatch: pytest.MonkeyPatch, agrees: bool
) -> None:
    two, new = generation(document, psk=TWO["old"]), generation(document, psk=TWO["new"])
    converge(two, NOTHING, store)
    converge(new, two, store)
    tried: list[dict[str, list[str]]] = []

    def make_anew(tunnels: list[str], *_given: object) -> list[str]:
        tried.append(owners(fake))
        return tunnels if agrees else []

    monkeypatch.setattr(bridge, "make_anew", make_anew)
    monkeypatch.setattr(bridge, "standing", list)
    assert partner_keys.renew(new, store) == ([PARTNER] if agrees else [])
    (then,) = tried
    assert then == {f"ike-{PARTNER}": ["gw.example"], f"ike-{PARTNER}+2": BOTH}
    assert owners(fake)[f"ike-{PARTNER}+2"] == (BOTH if agrees else ["gw.example"])
    assert partner_keys.in_use(new, store) == {PARTNER: 2 if agrees else 1}
    assert bool(partner_keys.pending(new, store)) is not agrees
    assert converge(new, new, store) == []  # neither the agent nor a run has anything to put back
    if agrees:
        assert converge(generation(document, psk=TWO["alone"]), new, store) == [
            f"remove the pre-shared key of {PARTNER}"
        ]
        assert owners(fake) == {f"ike-{PARTNER}+2": BOTH}
        assert fake.asked == []


def test_a_tunnel_that_is_down_is_tried_with_the_other_key(
    document: dict[str, Any], store: Store, fake: Charon, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = completed(generation(document, psk=TWO["old"]), NOTHING)
    converge(two, NOTHING, store)
    store.save(two)
    store.point(two)
    kind, used = Ipsec(), []

    def initiate(_self: object, _link: object, _timeout: float) -> str:
        used.append(partner_keys.in_use(two, store)[PARTNER])
        return "" if used[-1] == 2 else "received AUTHENTICATION_FAILED notify error"

    monkeypatch.setattr(Ipsec, "_initiate", initiate)
    link = {"tunnel": PARTNER, "vpn": "payroll", "state": "DOWN"}
    assert kind.initiate(link, 1.0, store, False) == ""
    assert used == [1, 2]
    assert converge(two, two, store) == []  # it stays so
    assert '"used"' not in json.dumps(owners(fake)) and owners(fake)[f"ike-{PARTNER}+2"] == BOTH


class Power(Exception):
    """It is gone."""


@pytest.mark.parametrize("step", range(6))
def test_killed_at_any_step_of_a_trial_what_is_loaded_is_what_the_file_says(
    document: dict[str, Any], store: Store, fake: Charon, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    new = completed(generation(document, psk=TWO["new"]), NOTHING)
    converge(new, NOTHING, store)
    left = [step]

    def dying(real: Any) -> Any:
        def call(*given: Any, **options: Any) -> Any:
            if left[0] == 0:
                raise Power
            left[0] -= 1
            return real(*given, **options)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(charon, "mark", dying(charon.mark))
        patched.setattr(secrets._files, "write", dying(secrets._files.write))
        patched.setattr(fake, "request", dying(fake.request))
        try:
            secrets.prefer({PARTNER: PARTNER}, new, store)
            assert step == 5
        except Power:
            pass
    part = Secrets(Context(new, new, store))  # as the agent has it
    part.build()
    part.clear()
    in_file = secrets.preferred(store)[PARTNER]
    assert owners(fake)[f"ike-{in_file}"] == BOTH
    assert [key for key, whose in owners(fake).items() if whose == BOTH] == [f"ike-{in_file}"]


@pytest.mark.parametrize(
    ("text", "initiator", "line"),
    [
        (OLD, True, PPK_LINE.format(PEER)),
        (OLD, False, PPK_LINE.format(PEER)),
        (TWO["old"], True, PPK_LINE.format(PEER)),
        (TWO["new"], True, PPK_LINE.format(f"{PEER}+2")),
        (TWO["alone"], True, PPK_LINE.format(f"{PEER}+2")),
        (TWO["old"], False, ""),
        (TWO["new"], False, ""),
        (TWO["alone"], False, ""),
    ],
)
def test_who_initiates_names_the_ppk_and_the_other_end_takes_any_that_it_has(
    document: dict[str, Any], store: Store, text: str, initiator: bool, line: str
) -> None:
    """A connection with another name would refuse it. Of a tunnel whose key was never rotated, nothing changes."""
    want = generation(document, ppk=text, initiator=initiator)
    assert partners.filled(want.files["swanctl.conf"], want, partners.known(store)) == line


def test_both_ppks_are_there_before_and_after_the_new_one_is_used(
    document: dict[str, Any], store: Store, fake: Charon
) -> None:
    states = [generation(document, ppk=text) for text in (OLD, TWO["old"], TWO["new"], TWO["alone"])]
    seen, have = [], NOTHING
    for want in states:
        converge(want, have, store)
        seen.append(owners(fake))
        have = want
    first, second = {f"ppk-{PEER}": [PEER]}, {f"ppk-{PEER}+2": [f"{PEER}+2"]}
    assert seen == [first, {**first, **second}, {**first, **second}, second]


def test_an_ike_sa_is_made_anew_once(document: dict[str, Any], store: Store, fake: Charon) -> None:
    """charon makes it when it loads a connection that names another PPK."""
    old, new = generation(document, ppk=TWO["old"]), generation(document, ppk=TWO["new"])
    charon.mark(store, made=reauthenticate.made_with(old))
    assert reauthenticate.made_with(old) != reauthenticate.made_with(new)
    before, after = (secrets.named(one.files["swanctl.conf"], one) for one in (old, new))
    reauthenticate.note_renamed(new, before, after, store)
    assert charon.marker(store)["made"] == reauthenticate.made_with(new)
    assert reauthenticate.made_with(new) == reauthenticate.made_with(generation(document, ppk=TWO["alone"]))


def test_a_template_that_names_the_ppk_otherwise_is_told(document: dict[str, Any]) -> None:
    want = generation(document, ppk=OLD)
    assert secrets.unnamed(want) == []
    own = Generation(want.document, {**want.files, "swanctl.conf": PPK_LINE.format("mine")}, want.backend)
    assert secrets.unnamed(own) == [PEER]


@pytest.mark.parametrize("text", [OLD, TWO["alone"], TWO["old"]])
def test_keys_outlive_a_generation_that_cannot_be_read(document: dict[str, Any], store: Store, text: str) -> None:
    want = generation(document, psk=text)
    path = store.at(PATH)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(secrets.text(want), encoding="utf-8")
    found = salvage.known(Running(Generation({}, {}), "1", ["broken"], False), store)
    assert json.loads(found.files[secrets.FILE]) == {PARTNER: text}


def test_the_first_key_of_a_tunnel_is_called_as_it_always_was(document: dict[str, Any]) -> None:
    """No fleet changes by an update: neither names nor what was noted of keys."""
    want = generation(document, psk=OLD, ppk=NEW)
    assert set(secrets.entries(want)) == {PARTNER, PEER}
    assert secrets.digests(want) == {
        PARTNER: secrets.sha256("\0".join((*BOTH, OLD))),
        PEER: secrets.sha256("\0".join((PEER, NEW))),
    }
