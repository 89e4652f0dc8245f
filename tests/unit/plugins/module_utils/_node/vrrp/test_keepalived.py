# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived on an edge of a pair: what is compared, and what is done. tests/testinfra/pair has the real thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import daemon
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import trial
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import CommandError
from ansible_collections.intercloud.vpn.plugins.module_utils._node.vrrp import config, drain, keepalived

UNIT = config.UNIT
WRITTEN = f"write {config.CONFIG}"
ROUTES = [{"prefix": "100.64.0.0/24"}]


def paired(**more: Any) -> Generation:
    pair = {
        "site": "edge-east",
        "lane": 0,
        "twin": "edge-east-2",
        "gateway": ["10.10.0.1"],
        "own": ["10.10.0.2"],
        "twin_own": ["10.10.0.3"],
        "vrrp": {"id": 51, "priority": 150},
    }
    return Generation({"node": "edge-east", "pair": {**pair, **more}, "routes": ROUTES})


ALONE = Generation({"node": "edge-east", "routes": ROUTES})


class Machine:
    """systemd and keepalived: it has read what its file said when it started, and takes the address off at its end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.store, self.running, self.done = Store(str(tmp_path)), False, list[str]()
        self.devices = {"org": ["10.10.0.2/24"]}
        self.added: list[str] = []
        monkeypatch.setattr(keepalived.systemd, "here", lambda: True)
        monkeypatch.setattr(keepalived.systemd, "alive", lambda _unit: self.running)
        monkeypatch.setattr(keepalived.systemd, "systemctl", self.systemctl)
        monkeypatch.setattr(keepalived, "have", lambda _program: True)
        monkeypatch.setattr(trial, "have", lambda _program: True)
        monkeypatch.setattr(trial, "run", lambda *_words: "")
        monkeypatch.setattr(keepalived.ip, "addresses", lambda: self.devices)
        monkeypatch.setattr(keepalived.ip, "batch", lambda _family, commands: self.added.extend(commands))
        monkeypatch.setattr(daemon, "STARTS", 0.0)

    def at(self, path: str) -> Path:
        return Path(self.store.at(path))

    def systemctl(self, *words: str) -> None:
        self.done.append(" ".join(words))
        if words[0] == "stop":
            self.running = False
            self.devices = {"org": ["10.10.0.2/24"]}
        elif words[0] in ("start", "reload-or-restart"):
            self.running = True
            loaded = self.at(config.LOADED)
            loaded.parent.mkdir(parents=True, exist_ok=True)
            loaded.write_text(self.at(config.CONFIG).read_text(encoding="utf-8"), encoding="utf-8")

    def bring(self, want: Generation, have: Generation = NOTHING) -> list[str]:
        """What was said before, and that nothing is left to do after it."""
        self.done.clear()

        def part() -> keepalived.Vrrp:
            return keepalived.Vrrp(Context(want, have, self.store))

        assert part().problems() == []
        actions = [change.action for change in part().changes()]
        part().build()
        part().clear()
        assert part().changes() == []
        return actions


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    return Machine(monkeypatch, tmp_path)


def test_it_starts_with_the_pair_and_goes_without_a_trace(machine: Machine) -> None:
    assert machine.bring(paired()) == [WRITTEN, f"start {UNIT}"]
    machine.at(config.DRAINED).parent.mkdir(parents=True, exist_ok=True)
    machine.at(config.DRAINED).write_text("-100\n", encoding="utf-8")
    machine.devices = {"org": ["10.10.0.2/24", "10.10.0.1/24"]}
    gone = [config.CONFIG, config.DRAINED, config.HOME]
    assert machine.bring(NOTHING, paired()) == [f"stop {UNIT}", *(f"remove {path}" for path in gone)]
    assert [path for path in gone if machine.at(path).exists()] == []
    assert machine.added == []


def test_another_priority_is_read_while_the_address_stays(machine: Machine) -> None:
    machine.bring(paired())
    assert machine.bring(paired(vrrp={"id": 51, "priority": 149}), paired()) == [WRITTEN, f"reload-or-restart {UNIT}"]
    assert machine.done == [f"reload-or-restart {UNIT}"]


def test_an_edge_that_is_alone_from_now_on_keeps_the_gateway_address(machine: Machine) -> None:
    machine.bring(paired())
    machine.devices = {"org": ["10.10.0.2/24", "10.10.0.1/24"]}
    machine.bring(ALONE, paired())
    assert machine.added == ["address add 10.10.0.1/24 dev org"]


def test_an_edge_without_an_address_of_its_own_is_refused_and_what_runs_is_left(machine: Machine) -> None:
    machine.bring(paired())
    machine.devices = {"org": ["10.10.0.1/24"]}
    part = keepalived.Vrrp(Context(paired(), paired(), machine.store))
    assert part.problems() == ["no device has the address 10.10.0.2 (vcc_own_org_address): VRRP has no network"]
    assert part.changes() == []
    machine.at(config.CONFIG).unlink()
    with pytest.raises(CommandError, match=r"no device has the address 10\.10\.0\.2"):
        keepalived.Vrrp(Context(paired(), NOTHING, machine.store)).build()


def test_an_edge_alone_is_not_asked_about_it(machine: Machine) -> None:
    assert machine.bring(ALONE, ALONE) == []
    assert machine.done == []


def test_who_is_master_says_so(machine: Machine) -> None:
    assert not drain.master(paired())
    machine.devices = {"org": ["10.10.0.2/24", "10.10.0.1/24"]}
    assert drain.master(paired())


def test_only_an_edge_of_a_pair_is_drained(machine: Machine) -> None:
    assert drain.drain({"drained": True}, machine.store, False) == {
        "msg": "this edge is not one of a pair (vcc_site): nothing was touched"
    }
