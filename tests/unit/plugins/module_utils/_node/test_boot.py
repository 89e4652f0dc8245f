# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At boot, and while strongSwan restarts, what fails keeps nothing else away."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import agent, commit
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.generation import pending
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import charon
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import ip, routes
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Part
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident import resident
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.journal import Journal
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Running, Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import files, units
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import CommandError


def test_every_step_has_its_turn() -> None:
    done = []

    def broken() -> None:
        raise CommandError("no such device")

    assert commit.attempt([broken, lambda: done.append("guards"), broken, lambda: done.append("routes")]) == [
        "no such device",
        "no such device",
    ]
    assert done == ["guards", "routes"]


def test_what_cannot_be_found_out_keeps_nothing_away(
    edge: Generation, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Least of all the firewall, at boot and on the way back."""
    done = []

    class Firewall(Part):
        def build(self) -> None:
            done.append("firewall")

    class Blind(Part):
        def prepare(self) -> None:
            raise CommandError("no routes to be seen")

    monkeypatch.setattr(commit, "ORDER", (Firewall, Blind))
    with pytest.raises(CommandError, match="no routes"):
        commit.activate(edge, edge, store, boot=True)
    assert not commit._back(edge, Running(edge), store)
    assert done == ["firewall", "firewall"]


def test_a_route_that_fails_keeps_none_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(ip, "run", lambda *argv, stdin: called.append(argv))
    ip.batch(4, ["route add 10.0.0.0/8 via 192.0.2.1"])
    assert "-force" in called[0]


def test_a_route_that_fails_does_not_stop_the_daemon() -> None:
    hook = next(text for path, text in units.OWN.items() if "strongswan.service.d" in path)
    assert "\nExecStartPost=-/" in hook


def test_the_guard_comes_before_the_network(edge: Generation, store: Store) -> None:
    names = {path.rsplit("/", 1)[-1]: text for path, text in units.OWN.items()}
    assert "Before=network-pre.target" in names[units.GUARD]
    assert "DefaultDependencies=no" in names[units.GUARD]
    wanted = units.Units(commit.Context(edge, edge, store))._wanted()
    assert f"{units.DIRECTORY}/sysinit.target.wants/{units.GUARD}" in wanted


def test_a_member_has_nothing_to_guard(document: dict[str, Any], store: Store) -> None:
    member = Generation({**document, "role": "member", "vpns": [], "tunnels": []})
    wanted = units.Units(commit.Context(member, member, store))._wanted()
    assert not [path for path in wanted if units.GUARD in path]


def test_a_daemon_that_starts_gets_back_what_went_with_its_device(
    edge: Generation, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else: a commit may run, and have removed it."""
    store.save(edge)
    store.point(edge)
    files.write(store.at(charon.SETTINGS), "charon-systemd {}\n")
    done: list[str] = []
    monkeypatch.setattr(charon, "wait_until_ready", lambda: None)
    monkeypatch.setattr(charon, "mark", lambda *_arguments, **_known: None)
    monkeypatch.setattr(ip, "exists", lambda _device: True)
    monkeypatch.setattr(ip, "batch", lambda _family, lines: done.extend(lines))
    monkeypatch.setattr(routes, "loaded", list)
    agent.started(store)
    assert done == ["route replace 100.64.0.64/26 dev ipsec0 src 100.64.0.1 proto 155"]


def test_a_generation_that_cannot_be_read_is_not_nothing(
    edge: Generation, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(edge)
    store.point(edge)
    (store.state / "generations" / edge.name / "document.json").write_text("{")
    monkeypatch.setattr(charon, "identity", lambda: (0, ""))
    with pytest.raises(CommandError, match="does not match its checksum"):
        resident.restore(store, Journal())
    pending.arm(store, edge.name, edge.name, 0)
    with pytest.raises(CommandError, match="does not match its checksum"):
        commit.rollback(store)
    assert store.named("current") == edge.name


def test_the_key_goes_after_all_that_could_fail() -> None:
    names = [part.name for part in reversed(commit.ORDER)]
    assert names.index("certificates") > max(names.index(name) for name in ("swanctl", "routes", "nftables", "units"))
