# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre-shared keys on an edge: on disk for strongSwan's start, in charon, and never in what is said of them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import module as _module
from ansible_collections.intercloud.vpn.plugins.module_utils._node.commit import completed, describe
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import (
    charon as _charon,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import (
    connections,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import (
    secrets as _secrets,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.secrets import PATH, Secrets
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

ONE, TWO = "edge-east--one", "edge-east--two"
KEY, OTHER = "correct horse # battery } staple", "another secret of some length"


class Charon:
    """A charon that only knows shared keys, and has an IKE_SA per tunnel."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {}
        self.sas: dict[str, int] = {}
        self.asked: list[str] = []
        self.reauthenticates = True

    def __call__(self, *_arguments: object, **_options: object) -> Charon:
        return self

    def __enter__(self) -> Charon:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def request(self, command: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        given = arguments or {}
        if command == "load-shared":
            self.keys[given["id"]] = given
        elif command == "unload-shared":
            del self.keys[given["id"]]
        return {"keys": list(self.keys)}

    def ask(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        tunnel = arguments.get("ike") or arguments["ike-id"].partition("#")[0]
        self.asked.append(f"{command} {tunnel}")
        if command == "rekey" and self.reauthenticates:
            self.sas[tunnel] += 1
        elif command == "terminate":
            del self.sas[tunnel]
        return {}

    def security_associations(self, names: list[str], **_given: object) -> list[tuple[str, dict[str, Any]]]:
        there = {name: self.sas[name] for name in names if name in self.sas}
        return [
            (name, {"state": "ESTABLISHED", "uniqueid": f"{name}#{number}", "initiator-spi": number})
            for name, number in there.items()
        ]


@pytest.fixture
def charon(monkeypatch: pytest.MonkeyPatch) -> Charon:
    fake = Charon()
    for module in (_secrets, connections):
        monkeypatch.setattr(module, "Vici", fake)
    monkeypatch.setattr(connections, "security_associations", fake.security_associations)
    monkeypatch.setattr(_charon, "identity", lambda: (7, "1"))
    monkeypatch.setattr(connections, "PATIENCE", 0.3)
    return fake


def generation(document: dict[str, Any], **keys: str | None) -> Generation:
    """An edge with the tunnels `one` and `two`, as far as keys are given, and a third one with certificates."""
    document = copy.deepcopy(document)
    for name in keys:
        tunnel = copy.deepcopy(document["tunnels"][0])
        tunnel.update(name=f"edge-east--{name}", peer=name, remote_id=f"{name}.example", external=True)
        tunnel["ike"]["auth"] = "psk"
        document["tunnels"].append(tunnel)
    secrets = {f"edge-east--{name}": key for name, key in keys.items() if key != "keep"}
    return _module.generation({"document": document, "files": {}, "backend": "libipsec", "secrets": secrets})


def converge(want: Generation, have: Generation, store: Store) -> list[str]:
    """Bring the keys to a generation; what was said of it."""
    want = completed(want, have)
    part = Secrets(Context(want, have, store))
    assert part.problems() == []
    changes = part.changes()
    part.build()
    part.clear()
    assert Secrets(Context(want, have, store)).changes() == []
    assert KEY not in json.dumps(describe(changes))
    return [change.action for change in changes]


def test_a_key_is_on_disk_for_the_next_start_and_in_charon(
    document: dict[str, Any], store: Store, charon: Charon
) -> None:
    want = generation(document, one=KEY)
    assert converge(want, NOTHING, store) == [f"install the pre-shared key of {ONE}"]
    path = store.at(PATH)
    assert path.stat().st_mode & 0o777 == 0o600
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    assert f"secret = 0x{KEY.encode().hex()}" in lines
    assert lines[3:5] == ["id-1 = edge-east.acme", "id-2 = one.example"]
    assert charon.keys == {
        f"ike-{ONE}": {
            "id": f"ike-{ONE}",
            "type": "IKE",
            "data": KEY,
            "owners": ["edge-east.acme", "one.example"],
        }
    }


def test_a_tunnel_that_is_up_authenticates_again_with_a_key_that_changed_and_no_other_does(
    document: dict[str, Any], store: Store, charon: Charon
) -> None:
    have = generation(document, one=OTHER, two=OTHER)
    converge(have, NOTHING, store)
    charon.sas = {ONE: 1, TWO: 1}
    assert converge(generation(document, one=KEY, two=OTHER), have, store) == [f"change the pre-shared key of {ONE}"]
    assert charon.asked == [f"rekey {ONE}"]
    assert charon.sas == {ONE: 2, TWO: 1}


def test_a_tunnel_whose_peer_does_not_know_the_new_key_goes_down_now(
    document: dict[str, Any], store: Store, charon: Charon
) -> None:
    have = generation(document, one=OTHER)
    converge(have, NOTHING, store)
    charon.sas, charon.reauthenticates = {ONE: 1}, False
    converge(generation(document, one=KEY), have, store)
    assert charon.sas == {}


def test_a_peer_that_is_called_something_else_keeps_its_key(
    document: dict[str, Any], store: Store, charon: Charon
) -> None:
    have = generation(document, one=KEY)
    converge(have, NOTHING, store)
    have.document["tunnels"][1]["remote_id"] = "192.0.2.1"
    want = Generation(have.document, have.files, have.backend)
    assert converge(want, want, store) == [f"write {PATH}", f"load the pre-shared key of {ONE}"]
    assert charon.keys[f"ike-{ONE}"]["owners"] == ["edge-east.acme", "192.0.2.1"]


def test_a_run_that_died_before_it_loaded_the_key_is_mended(
    document: dict[str, Any], store: Store, charon: Charon
) -> None:
    have, want = generation(document, one=OTHER), generation(document, one=KEY)
    converge(have, NOTHING, store)
    charon.sas = {ONE: 1}
    Secrets(Context(want, have, store)).build()  # and no more
    assert converge(want, want, store) == [f"load the pre-shared key of {ONE}"]
    assert charon.asked == [f"rekey {ONE}"]


def test_a_key_that_somebody_flushed_is_put_back(document: dict[str, Any], store: Store, charon: Charon) -> None:
    want = generation(document, one=KEY)
    converge(want, NOTHING, store)
    charon.keys.clear()
    assert converge(want, want, store) == [f"load the pre-shared key of {ONE}"]
    store.at(PATH).chmod(0o644)
    assert converge(want, want, store) == [f"write {PATH}"]


def test_what_is_no_longer_wanted_goes_from_disk_and_from_charon(
    document: dict[str, Any], store: Store, charon: Charon
) -> None:
    both, one = generation(document, one=KEY, two=OTHER), generation(document, one=KEY)
    converge(both, NOTHING, store)
    assert converge(one, both, store) == [f"remove the pre-shared key of {TWO}"]
    assert (list(charon.keys), OTHER.encode().hex() in store.at(PATH).read_text(encoding="utf-8")) == (
        [f"ike-{ONE}"],
        False,
    )
    assert converge(generation(document), one, store) == [f"remove the pre-shared key of {ONE}"]
    assert (charon.keys, store.at(PATH).exists()) == ({}, False)


def test_a_key_that_is_not_given_is_kept(document: dict[str, Any], store: Store, charon: Charon) -> None:
    have = generation(document, one=KEY)
    converge(have, NOTHING, store)
    assert converge(generation(document, one="keep"), have, store) == []
    nothing = Secrets(Context(completed(generation(document, one="keep"), NOTHING), NOTHING, store))
    assert nothing.problems() == [f"tunnel {ONE}: no pre-shared key was given, and this node has none"]


@pytest.mark.parametrize("had", [None, OTHER])
def test_check_mode_predicts_a_key_that_is_not_made_yet(
    document: dict[str, Any], store: Store, charon: Charon, had: str | None
) -> None:
    have = generation(document, one=had) if had else NOTHING
    if had:
        converge(have, NOTHING, store)
    awaited = completed(generation(document, one=None), have)
    predicted = Secrets(Context(awaited, have, store, check=True))
    assert (predicted.problems(), awaited.name != have.name) == ([], True)
    actions = [change.action for change in predicted.changes()]
    assert actions == converge(generation(document, one=KEY), have, store)


def test_a_generation_is_stored_with_its_keys(document: dict[str, Any], store: Store) -> None:
    want = completed(generation(document, one=KEY), NOTHING)
    store.save(want)
    assert store.load(want.name) == want
    for path in Path(store.state).rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.name == "generations"
    assert want.name != completed(generation(document, one=OTHER), NOTHING).name
