# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PPK or settings that change: loaded at once, used by the IKE_SA when both ends have them, and not before."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import module as _module
from ansible_collections.intercloud.vpn.plugins.module_utils._node.commit import completed
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import (
    charon as _charon,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import (
    connections,
    reauthenticate,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import (
    secrets as _secrets,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.secrets import PATH, Secrets
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident import setups
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import files
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.ipsec.test_secrets import Charon

TUNNEL = "edge-east--edge-west"
ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
def charon(monkeypatch: pytest.MonkeyPatch, store: Store) -> Charon:
    """A charon that runs, with the tunnel up."""
    fake = Charon()
    fake.sas = {TUNNEL: 1}
    for module in (_secrets, connections):
        monkeypatch.setattr(module, "Vici", fake)
    monkeypatch.setattr(connections, "security_associations", fake.security_associations)
    monkeypatch.setattr(_charon, "identity", lambda: (7, "1"))
    monkeypatch.setattr(connections, "PATIENCE", 0.3)
    _charon.mark(store)
    return fake


def generation(document: dict[str, Any], key: str | None, **rest: Any) -> Generation:
    """The edge with a PPK, if one is given."""
    document = {**copy.deepcopy(document), **rest}
    if key:
        document["tunnels"][0]["ike"]["ppk"] = True
    secrets = {TUNNEL: key} if key else {}
    return _module.generation({"document": document, "files": {}, "backend": "libipsec", "secrets": secrets})


def commit(want: Generation, have: Generation, store: Store) -> list[str]:
    """As a commit does it, of what concerns keys; what was said of it."""
    want = completed(want, have)
    reauthenticate.note(want, have, store)
    part = Secrets(Context(want, have, store))
    assert part.problems() == []
    said = [change.action for change in part.changes()]
    part.build()
    part.clear()
    assert Secrets(Context(want, have, store)).changes() == []
    return said


def test_a_ppk_is_on_disk_and_in_charon_under_its_own_name(
    document: dict[str, Any], store: Store, charon: Charon
) -> None:
    assert commit(generation(document, ONE), NOTHING, store) == [f"install the PPK of {TUNNEL}"]
    path = store.at(PATH)
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines[2:5] == [f"ppk-{TUNNEL} {{", f"id-1 = {TUNNEL}", f"secret = 0x{ONE.encode().hex()}"]
    assert path.stat().st_mode & 0o777 == 0o600
    expected = {"id": f"ppk-{TUNNEL}", "type": "PPK", "data": ONE, "owners": [TUNNEL]}
    assert charon.keys == {f"ppk-{TUNNEL}": expected}


def test_a_new_ppk_waits_for_the_other_end(document: dict[str, Any], store: Store, charon: Charon) -> None:
    have, want = generation(document, ONE), generation(document, TWO)
    commit(have, NOTHING, store)
    reauthenticate.renew(have, store)
    charon.asked.clear()
    assert commit(want, have, store) == [f"change the PPK of {TUNNEL}"]
    assert (charon.asked, charon.sas) == ([], {TUNNEL: 1})  # loaded, and the tunnel is as it was
    assert reauthenticate.pending(want, store) == {TUNNEL: True}
    assert reauthenticate.renew(want, store) == [TUNNEL]
    assert (charon.asked, charon.sas) == ([f"rekey {TUNNEL}"], {TUNNEL: 2})
    assert reauthenticate.pending(want, store) == {}
    assert reauthenticate.renew(want, store) == []


def test_a_peer_without_the_new_ppk_keeps_its_tunnel_and_stays_pending(
    document: dict[str, Any], store: Store, charon: Charon
) -> None:
    have, want = generation(document, ONE), generation(document, TWO)
    commit(have, NOTHING, store)
    reauthenticate.renew(have, store)
    commit(want, have, store)
    charon.reauthenticates = False
    assert reauthenticate.renew(want, store) == [TUNNEL]
    assert charon.sas == {TUNNEL: 1}
    assert reauthenticate.pending(want, store) == {TUNNEL: True}


def test_a_run_that_died_after_the_commit_is_finished_by_the_next(
    document: dict[str, Any], store: Store, charon: Charon
) -> None:
    have, want = generation(document, ONE), generation(document, TWO)
    commit(have, NOTHING, store)  # and nobody confirmed: nothing is noted but what the commit noted
    commit(want, have, store)
    assert commit(want, want, store) == []
    assert reauthenticate.pending(want, store) == {TUNNEL: True}


def test_a_node_that_went_back_has_nothing_to_make_again(
    document: dict[str, Any], store: Store, charon: Charon
) -> None:
    first, second = generation(document, ONE), generation(document, TWO)
    commit(first, NOTHING, store)
    commit(second, first, store)
    commit(first, second, store)
    assert reauthenticate.pending(first, store) == {}


def test_the_end_that_waits_makes_nothing_again(document: dict[str, Any], store: Store, charon: Charon) -> None:
    document["tunnels"][0]["initiator"] = False
    have, want = generation(document, ONE), generation(document, TWO)
    commit(have, NOTHING, store)
    commit(want, have, store)
    assert reauthenticate.pending(want, store) == {}


def test_a_key_that_somebody_changed_on_disk_is_loaded_again(
    document: dict[str, Any], store: Store, charon: Charon
) -> None:
    """charon may have it by now, under the name of ours."""
    want = generation(document, ONE)
    commit(want, NOTHING, store)
    path = store.at(PATH)
    files.write(path, path.read_text(encoding="utf-8").replace(ONE.encode().hex(), TWO.encode().hex()), 0o600)
    charon.keys[f"ppk-{TUNNEL}"]["data"] = TWO
    assert commit(want, want, store) == [f"change the PPK of {TUNNEL}"]
    assert charon.keys[f"ppk-{TUNNEL}"]["data"] == ONE


def test_a_policy_without_a_ppk_takes_it_away(document: dict[str, Any], store: Store, charon: Charon) -> None:
    have = generation(document, ONE)
    commit(have, NOTHING, store)
    assert commit(generation(document, None), have, store) == [f"remove the PPK of {TUNNEL}"]
    assert (charon.keys, store.at(PATH).exists()) == ({}, False)


# Settings


def test_another_pace_is_a_new_key_exchange_and_no_restart(
    document: dict[str, Any], store: Store, charon: Charon
) -> None:
    have = generation(document, None)
    want = generation(document, None, retransmission={"timeout": 2.0, "base": 1.0, "tries": 2})
    reauthenticate.note(have, NOTHING, store)
    reauthenticate.note(want, have, store)
    assert reauthenticate.pending(want, store) == {TUNNEL: False}
    one, other = _charon.settings(have), _charon.settings(want)
    assert _charon.lasting(one) == _charon.lasting(other) != one
    assert "given up after 2 + 2 + 2 = 6 s." in other
    assert "given up after 1 + 1.4 + 1.96 + 2.74 + 3.84 = 10.9 s." in one
    assert "  retransmit_timeout = 1.0\n  retransmit_base = 1.4\n  retransmit_tries = 4\n" in one


# How often the agent tries


def test_what_is_down_is_set_up_as_often_as_its_policy_says(
    document: dict[str, Any], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = copy.deepcopy(document["tunnels"][0])
    rare["name"], rare["ike"]["setup_delay"] = "rare", 60
    document["tunnels"].append(rare)
    edge = Generation(document, {}, "libipsec")
    clock = iter([1000.0, 1020.0, 1040.0, 1060.0, 5.0])
    monkeypatch.setattr(setups.time, "monotonic", lambda: next(clock))
    tries = [setups.due(edge, store) for _turn in range(5)]
    assert tries == [{TUNNEL, "rare"}, {TUNNEL}, {TUNNEL}, {TUNNEL, "rare"}, {TUNNEL, "rare"}]
    assert setups.interval(edge) == 20
    rare["ike"]["setup_delay"] = 5
    assert setups.interval(edge) == 5
