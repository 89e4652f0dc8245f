# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name servers on an edge: what is compared, and what is done about it. tests/testinfra/names has the real thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.names import dnsmasq, query, units
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import trial
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import CommandError

HOME = "/etc/intercloud-vpn-names"
UNIT = "intercloud-vpn-names@payroll.service"
WRITTEN = [f"write {HOME}/payroll.conf", f"write {HOME}/payroll/hosts"]


class Machine:
    """systemd and dnsmasq: a server that runs has loaded what its files said when it started; hosts it follows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.store, self.running, self.done = Store(str(tmp_path)), dict[str, str](), list[str]()
        self.follows, self.hosts = True, ""
        monkeypatch.setattr(dnsmasq.systemd, "here", lambda: True)
        monkeypatch.setattr(dnsmasq.systemd, "alive", lambda unit: unit in self.running)
        monkeypatch.setattr(dnsmasq.systemd, "systemctl", self.systemctl)
        monkeypatch.setattr(dnsmasq, "have", lambda _program: True)
        monkeypatch.setattr(dnsmasq.dnsmasq, "have", lambda _program: True)
        monkeypatch.setattr(trial, "have", lambda _program: True)
        monkeypatch.setattr(trial, "run", lambda *_words: "")
        monkeypatch.setattr(query, "ask", self.ask)
        for name in ("PATIENCE", "NOTICES", "STARTS"):
            monkeypatch.setattr(dnsmasq, name, 0.0)

    def at(self, path: str) -> Path:
        return Path(self.store.at(path))

    def systemctl(self, *words: str) -> None:
        self.done.append(" ".join(words))
        link = self.at(f"{units.WANTS}/{UNIT}")
        if words[0] == "enable":
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to("x")
        elif words[0] == "disable":
            link.unlink(missing_ok=True)
        elif words[0] == "stop":
            self.running.pop(words[-1], None)
        elif words[0] in ("start", "restart") and words[1] != "--no-block":
            self.running[words[-1]] = self.at(f"{HOME}/payroll.conf").read_text(encoding="utf-8")
            self.hosts = self.at(f"{HOME}/payroll/hosts").read_text(encoding="utf-8")
        elif words[0] == "kill":
            self.hosts = self.at(f"{HOME}/payroll/hosts").read_text(encoding="utf-8")

    def ask(self, _server: str, name: str, _kind: int, *_rest: Any) -> query.Answer | None:
        if not self.running:
            return None
        if self.follows and self.at(f"{HOME}/payroll/hosts").exists():
            self.hosts = self.at(f"{HOME}/payroll/hosts").read_text(encoding="utf-8")
        known = name in self.running.get(UNIT, "") or name in self.hosts
        return query.Answer(0, ["0.0.0.0"]) if known else query.Answer(3, [])

    def part(self, want: Generation, have: Generation, **rest: Any) -> dnsmasq.Names:
        return dnsmasq.Names(Context(want, have, self.store, **rest))

    def bring(self, want: Generation, have: Generation = NOTHING, **rest: Any) -> list[str]:
        """What was said before, and that nothing is left to do after it."""
        self.done.clear()
        actions = [change.action for change in self.part(want, have, **rest).changes()]
        self.part(want, have, **rest).build()
        self.part(want, have, **rest).clear()
        if not rest:
            assert self.part(want, have).changes() == []
        return actions


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    return Machine(monkeypatch, tmp_path)


@pytest.fixture
def named(document: dict[str, Any]) -> Generation:
    return with_hosts(document, {"vm1-east": "100.64.0.17"})


def with_hosts(document: dict[str, Any], hosts: dict[str, str]) -> Generation:
    vpn = {**document["vpns"][0], "names": {"domain": "payroll.vpn.internal", "hosts": hosts}}
    return Generation({**document, "vpns": [vpn, *document["vpns"][1:]]})


def test_a_server_is_made_and_goes_without_a_trace(machine: Machine, named: Generation) -> None:
    assert machine.bring(named) == [*WRITTEN, "start payroll"]
    assert machine.done == [f"enable {UNIT}", f"start {UNIT}"]
    removed = [f"remove {HOME}/payroll/hosts", f"remove {HOME}/payroll.conf", "stop payroll"]
    assert machine.bring(NOTHING, named) == removed
    assert not machine.at(HOME).exists() and not machine.running


def test_a_directory_that_somebody_made_in_it_goes_with_the_server(machine: Machine, named: Generation) -> None:
    machine.bring(named)
    machine.at(f"{HOME}/payroll/more").mkdir()
    machine.bring(NOTHING, named)
    assert not machine.at(HOME).exists()


def test_a_member_that_comes_restarts_nothing(machine: Machine, document: dict[str, Any], named: Generation) -> None:
    machine.bring(named)
    more = with_hosts(document, {"vm1-east": "100.64.0.17", "vm2-east": "100.64.0.18"})
    assert machine.bring(more, named) == WRITTEN[1:]
    assert machine.done == []


def test_one_that_overlooked_a_change_is_told_to_read_again(
    machine: Machine, document: dict[str, Any], named: Generation
) -> None:
    machine.bring(named)
    machine.follows = False
    machine.bring(with_hosts(document, {}), named)
    assert machine.done == [f"kill --kill-who=main --signal=HUP {UNIT}"]


def test_another_configuration_needs_a_restart(machine: Machine, document: dict[str, Any], named: Generation) -> None:
    machine.bring(named)
    document["vpns"][0]["blocks"] = ["100.64.0.0/24", "100.64.9.0/24"]
    assert machine.bring(with_hosts(document, {"vm1-east": "100.64.0.17"}), named) == [WRITTEN[0], "restart payroll"]
    assert machine.done == [f"restart {UNIT}"]


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda machine: machine.running.clear(), ["start payroll"]),
        (lambda machine: machine.running.update({UNIT: "another configuration"}), ["restart payroll"]),
        (lambda machine: machine.at(f"{HOME}/payroll/hosts").write_text("", encoding="utf-8"), WRITTEN[1:]),
        (lambda machine: machine.at(f"{HOME}/payroll/hosts").chmod(0o600), WRITTEN[1:]),
        (lambda machine: machine.at(f"{HOME}/payroll/more").write_text("1.2.3.4 a\n"), [f"remove {HOME}/payroll/more"]),
        (lambda machine: machine.at(f"{units.WANTS}/{UNIT}").unlink(), ["enable payroll"]),
    ],
)
def test_what_is_lost_is_put_back(machine: Machine, named: Generation, damage: Any, expected: list[str]) -> None:
    machine.bring(named)
    damage(machine)
    assert machine.bring(named, named) == expected


def test_one_that_does_not_answer_fails_and_says_so(
    machine: Machine, named: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "ask", lambda *_asked: None)
    with pytest.raises(CommandError, match=r"the name server of payroll does not answer at 100\.64\.0\.1"):
        machine.part(named, NOTHING).build()


def test_at_boot_it_waits_for_nothing(machine: Machine, named: Generation) -> None:
    machine.bring(named, named, boot=True)
    assert machine.done == [f"enable {UNIT}", f"start --no-block {UNIT}"]


def test_without_names_nothing_is_looked_at(machine: Machine, document: dict[str, Any]) -> None:
    assert machine.bring(Generation(document), Generation(document)) == []
    assert machine.done == []


def test_an_edge_without_dnsmasq_is_refused(
    machine: Machine, named: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dnsmasq.dnsmasq, "have", lambda _program: False)
    (problem,) = machine.part(named, NOTHING).problems()
    assert problem.startswith("dnsmasq is not installed, which serves the names of payroll: install dnsmasq-base")
    assert machine.part(named, NOTHING, check=True).problems() == []


def test_a_configuration_that_dnsmasq_does_not_take_is_refused(
    machine: Machine, named: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_words: str) -> str:
        raise CommandError("dnsmasq: bad option at line 3")

    monkeypatch.setattr(trial, "run", refuse)
    assert machine.part(named, NOTHING).problems() == ["payroll: dnsmasq: bad option at line 3"]


def test_of_a_vpn_with_another_name_the_old_server_gives_up_its_address_first(
    machine: Machine, document: dict[str, Any], named: Generation
) -> None:
    document["vpns"][0]["name"] = "wages"
    have = with_hosts(document, {"vm1-east": "100.64.0.17"})
    machine.running[UNIT.replace("payroll", "wages")] = ""
    machine.part(named, have).build()
    assert machine.done.index(f"stop {UNIT.replace('payroll', 'wages')}") < machine.done.index(f"start {UNIT}")
