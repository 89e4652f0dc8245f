# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BIRD on an edge: what is compared, what is done about it, and what BIRD itself takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import daemon
from ansible_collections.intercloud.vpn.plugins.module_utils._node.bgp import bird, inside, observe, sessions, units
from ansible_collections.intercloud.vpn.plugins.module_utils._node.bgp.tend import tend
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import partner_keys, secrets
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.links import Links
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.secrets import FILE
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import trial
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import CommandError
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.forms.common import bgp_key
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.test_bgp import BGP, ORDERS, world

UNIT, TUNNEL, KEY = sessions.UNIT, "edge-east--partner", "1" + 63 * "a"
WRITTEN = f"write {sessions.CONFIG}"


def speaking(backend: str = "xfrm", psk: str = KEY, **more: Any) -> Generation:
    document = world(bgp={**BGP, **more}).plan(ORDERS).documents["edge-east"]
    return Generation(document, {FILE: json.dumps({TUNNEL: psk})}, backend)


class Machine:
    """systemd, the kernel and BIRD: a daemon that runs has read what its file said when it was started or reloaded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.store, self.running, self.done = Store(str(tmp_path)), False, list[str]()
        self.devices: dict[str, list[str]] = {}
        self.rules: list[dict[str, Any]] = []
        monkeypatch.setattr(bird.systemd, "here", lambda: True)
        monkeypatch.setattr(bird.systemd, "alive", lambda _unit: self.running)
        monkeypatch.setattr(bird.systemd, "systemctl", self.systemctl)
        monkeypatch.setattr(bird, "have", lambda _program: True)
        monkeypatch.setattr(trial, "have", lambda _program: True)
        monkeypatch.setattr(trial, "run", lambda *_words: "")
        monkeypatch.setattr(daemon, "STARTS", 0.0)
        monkeypatch.setattr(bird.control, "ask", self.answer)

    def answer(self, _path: Path, _command: str) -> list[str]:
        if not self.running:
            raise OSError("no BIRD")
        return ["Daemon is up and running"]

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
            self.running = False
        elif words[0] in ("start", "restart", "reload") and words[1] != "--no-block":
            self.running = True
            self.at(sessions.LOADED).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.at(sessions.CONFIG), self.at(sessions.LOADED))

    def part(self, want: Generation, have: Generation, **rest: Any) -> bird.Bgp:
        return bird.Bgp(Context(want, have, self.store, **rest))

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


def test_a_daemon_is_made_and_goes_without_a_trace(machine: Machine) -> None:
    assert machine.bring(speaking()) == [WRITTEN, f"start {UNIT}"]
    assert machine.at(sessions.CONFIG).stat().st_mode & 0o777 == 0o600
    assert machine.bring(NOTHING, speaking()) == [f"stop {UNIT}", f"remove {sessions.HOME}"]
    assert machine.done == [f"disable {UNIT}", f"stop {UNIT}", f"reset-failed {UNIT}"]


def test_another_configuration_is_reloaded_and_sessions_stay(machine: Machine) -> None:
    machine.bring(speaking())
    assert machine.bring(speaking(maximum=7), speaking()) == [WRITTEN, f"reload {UNIT}"]


def test_no_key_is_in_a_change(machine: Machine) -> None:
    machine.bring(speaking())
    other = speaking(psk="2" + 63 * "b")
    (written, _reload) = machine.part(other, speaking()).changes()
    for text in (written.before, written.after):
        assert 'password "(hidden)";' in text
        assert sessions.md5(KEY) not in text and KEY not in text


def test_the_sessions_key_follows_the_key_in_use_through_a_rotation(machine: Machine) -> None:
    """The other side computes it from the key alone, with which it authenticates (forms/common.py)."""
    new = "2" + 63 * "b"
    for text, used, key in (
        (f"{KEY}\nalso 2 {new}", "", KEY),
        (f"{new}\ngeneration 2\nalso 1 {KEY}", "", new),
        (f"{new}\ngeneration 2\nalso 1 {KEY}", TUNNEL, KEY),  # the partner does not have it yet
        (f"{new}\ngeneration 2", "", new),
    ):
        both = speaking(psk=text)
        machine.at(secrets.PATH).parent.mkdir(parents=True, exist_ok=True)
        machine.at(secrets.PATH).write_text(secrets.text(both, {TUNNEL: used} if used else {}), encoding="utf-8")
        machine.bring(both)
        (line,) = [one for one in machine.at(sessions.CONFIG).read_text().splitlines() if "password" in one]
        assert line == f'  password "{bgp_key(key)}";'


def test_a_tunnel_that_tries_its_other_key_takes_the_session_along(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = "2" + 63 * "b"
    both = speaking(psk=f"{KEY}\nalso 2 {new}")
    machine.at(secrets.PATH).parent.mkdir(parents=True, exist_ok=True)
    machine.at(secrets.PATH).write_text(secrets.text(both), encoding="utf-8")
    machine.bring(both)
    monkeypatch.setattr(secrets, "load", lambda _entries: None)  # charon
    machine.done.clear()
    assert partner_keys.other(TUNNEL, both, machine.store)
    assert machine.done == [f"reload {UNIT}"]
    assert bgp_key(new) in machine.at(sessions.LOADED).read_text()


def test_what_was_taken_away_is_put_back(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside.ip, "addresses", lambda: {sessions.sessions(speaking())[0].device: ["169.254.21.2/30"]})
    monkeypatch.setattr(inside.ip, "has_rule", lambda *_which: True)
    machine.bring(speaking())
    assert tend(speaking(), machine.store) == []
    machine.running = False
    assert tend(speaking(), machine.store) == [f"lost: bgp: start {UNIT}: put back"]


def test_an_edge_that_cannot_says_what_to_do(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.part(speaking(), NOTHING).problems() == []
    monkeypatch.setattr(bird, "have", lambda _program: False)
    (lacking,) = machine.part(speaking(), NOTHING).problems()
    assert lacking == f"BIRD is not installed, which speaks BGP for {TUNNEL}: install bird2, or leave vcc_bgp out"
    assert machine.part(speaking(), NOTHING, check=True).problems() == []  # the real run would install it


def test_esp_in_user_space_is_refused(machine: Machine) -> None:
    def problems(generation: Generation) -> list[str]:
        return inside.Inside(Context(generation, NOTHING, machine.store)).problems()

    assert problems(speaking()) == []
    (reason,) = problems(speaking("libipsec"))
    assert reason.startswith(f"tunnel {TUNNEL}: vcc_bgp needs a kernel with ESP and XFRM interfaces")


def test_a_daemon_that_does_not_start_is_said(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bird.systemd, "last_words", lambda _unit: ": it fell over")
    monkeypatch.setattr(bird.systemd, "systemctl", lambda *_words: None)
    with pytest.raises(CommandError, match=r"BIRD does not run with .*: it fell over"):
        machine.part(speaking(), NOTHING).build()


def test_the_tunnel_has_a_device_beside_the_vpns(machine: Machine) -> None:
    wanted = Links(Context(speaking(), NOTHING, machine.store))._wanted()
    (one,) = sessions.sessions(speaking())
    assert {one.if_id, one.mtu} <= {*wanted[one.device].values()}
    assert len(wanted) == 2


@pytest.mark.skipif(not shutil.which("bird"), reason="needs BIRD")
@pytest.mark.parametrize("more", [{}, {"bfd": False, "md5": False}])
def test_bird_takes_it(more: dict[str, Any]) -> None:
    text = sessions.config(speaking(**more))
    assert bird.refused(text) == ""
    assert "syntax error" in bird.refused(text.replace("export filter", "export filtre"))


PROTOCOL = """\
vcc1p1602  BGP        ---        up     16:58:04.542  Established
  BGP state:          Established
    Neighbor address: 169.254.21.1%vcc1p1602
""".splitlines()
ROUTES = """\
Table master4:
172.20.0.0/22        unicast [vcc1p1602 16:58:05.642] * (100) [AS64512i]
	via 169.254.21.1 on vcc1p1602
""".splitlines()
FILTERED = ["Table master4:", "10.99.0.0/16         unicast [vcc1p1602 16:58:05.642] * (100) [AS64512i]"]
BFD = ["bfd1:", "IP address   Interface  State      Since", "169.254.21.1    vcc1p1602  Up         16:58:05.901"]


def test_what_bird_says_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"show protocols": PROTOCOL, "show route protocol": ROUTES, "show route filtered": FILTERED, "show bfd": BFD}

    def ask(_path: Path, command: str) -> list[str]:
        return next(lines for asked, lines in said.items() if command.startswith(asked))

    monkeypatch.setattr(observe.control, "ask", ask)
    (found,) = observe.observed(speaking(), machine.store, 0)
    assert (found["tunnel"], found["state"], found["bfd"]) == (TUNNEL, "Established", "Up")
    assert found["accepted"] == ["172.20.0.0/22"] and "172.21.4.9/32" in found["missing"]
    assert (found["refused"], found["refused_count"]) == (["10.99.0.0/16"], 1)


def test_a_bird_that_is_silent_is_no_failure(machine: Machine) -> None:
    (found,) = observe.observed(speaking(), machine.store, 0)
    assert found["state"] == "unknown"
