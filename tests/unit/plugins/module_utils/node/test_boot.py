# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At boot, and while strongSwan restarts, what fails keeps nothing else away."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import (
    _agent,
    _charon,
    _commit,
    _files,
    _ip,
    _pending,
    _resident,
    _routes,
    _units,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node._document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node._journal import Journal
from ansible_collections.intercloud.vpn.plugins.module_utils._node._run import CommandError
from ansible_collections.intercloud.vpn.plugins.module_utils._node._state import Store


def test_every_step_has_its_turn() -> None:
    done = []

    def broken() -> None:
        raise CommandError("no such device")

    assert _commit.attempt([broken, lambda: done.append("guards"), broken, lambda: done.append("routes")]) == [
        "no such device",
        "no such device",
    ]
    assert done == ["guards", "routes"]


def test_a_route_that_fails_keeps_none_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(_ip, "run", lambda *argv, stdin: called.append(argv))
    _ip.batch(4, ["route add 10.0.0.0/8 via 192.0.2.1"])
    assert "-force" in called[0]


def test_a_route_that_fails_does_not_stop_the_daemon() -> None:
    hook = next(text for path, text in _units.OWN.items() if "strongswan.service.d" in path)
    assert "\nExecStartPost=-/" in hook


def test_the_guard_comes_before_the_network(edge: Generation, store: Store) -> None:
    names = {path.rsplit("/", 1)[-1]: text for path, text in _units.OWN.items()}
    assert "Before=network-pre.target" in names[_units.GUARD]
    assert "DefaultDependencies=no" in names[_units.GUARD]
    wanted = _units.Units(_commit.Context(edge, edge, store))._wanted()
    assert f"{_units.DIRECTORY}/sysinit.target.wants/{_units.GUARD}" in wanted


def test_a_member_has_nothing_to_guard(document: dict[str, Any], store: Store) -> None:
    member = Generation({**document, "role": "member", "vpns": [], "tunnels": []})
    wanted = _units.Units(_commit.Context(member, member, store))._wanted()
    assert not [path for path in wanted if _units.GUARD in path]


def test_a_daemon_that_starts_gets_back_what_went_with_its_device(
    edge: Generation, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else: a commit may run, and have removed it."""
    store.save(edge)
    store.point(edge)
    _files.write(store.at(_charon.SETTINGS), "charon-systemd {}\n")
    done: list[str] = []
    monkeypatch.setattr(_charon, "wait_until_ready", lambda: None)
    monkeypatch.setattr(_charon, "mark", lambda *_arguments, **_known: None)
    monkeypatch.setattr(_ip, "exists", lambda _device: True)
    monkeypatch.setattr(_ip, "batch", lambda _family, lines: done.extend(lines))
    monkeypatch.setattr(_routes, "loaded", list)
    _agent.started(store)
    assert done == ["route replace 100.64.0.64/26 dev ipsec0 src 100.64.0.1 proto 155"]


def test_a_generation_that_cannot_be_read_is_not_nothing(
    edge: Generation, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(edge)
    store.point(edge)
    (store.state / "generations" / edge.name / "document.json").write_text("{")
    monkeypatch.setattr(_charon, "identity", lambda: (0, ""))
    with pytest.raises(CommandError, match="does not match its checksum"):
        _resident.restore(store, Journal())
    _pending.arm(store, edge.name, edge.name, 0)
    with pytest.raises(CommandError, match="does not match its checksum"):
        _commit.rollback(store)
    assert store.named("current") == edge.name


def test_the_key_goes_after_all_that_could_fail() -> None:
    names = [part.name for part in reversed(_commit.ORDER)]
    assert names.index("certificates") > max(names.index(name) for name in ("swanctl", "routes", "nftables", "units"))
