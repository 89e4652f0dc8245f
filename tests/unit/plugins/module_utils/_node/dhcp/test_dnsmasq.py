# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DHCP server on an edge: what is compared, and what is done about it. tests/testinfra/dhcp has the real thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import daemon
from ansible_collections.intercloud.vpn.plugins.module_utils._node.dhcp import dnsmasq, server, units
from ansible_collections.intercloud.vpn.plugins.module_utils._node.dhcp.tend import tend
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import trial
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import CommandError

UNIT = server.UNIT
OLD, NEW = "02:00:00:00:00:11", "02:00:00:00:00:99"
WRITTEN = f"write {server.CONFIG}"


def serving(**more: Any) -> Generation:
    hosts = [
        {"name": "vm1-east", "address": "192.168.1.11", "mac": [OLD]},
        {"name": "vm2-east", "address": "192.168.1.12"},
    ]
    entry = {"network": "192.168.1.0/24", "address": "192.168.1.1", "lease": 3600, "hosts": hosts}
    return Generation({"dhcp": {**entry, **more}})


class Machine:
    """systemd and dnsmasq: a server that runs has read what its file said when it started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.store, self.running, self.done = Store(str(tmp_path)), False, list[str]()
        self.devices = {"org": ["10.10.0.11/24"], "vapp": ["192.168.1.1/24"]}
        monkeypatch.setattr(dnsmasq.systemd, "here", lambda: True)
        monkeypatch.setattr(dnsmasq.systemd, "alive", lambda _unit: self.running)
        monkeypatch.setattr(dnsmasq.systemd, "systemctl", self.systemctl)
        monkeypatch.setattr(dnsmasq.sockets, "sockets", lambda *_what: ["one"] if self.running else [])
        monkeypatch.setattr(dnsmasq.dnsmasq, "have", lambda _program: True)
        monkeypatch.setattr(trial, "have", lambda _program: True)
        monkeypatch.setattr(trial, "run", lambda *_words: "")
        monkeypatch.setattr(server.ip, "addresses", lambda: self.devices)
        monkeypatch.setattr(daemon, "STARTS", 0.0)

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
        elif words[0] in ("start", "restart") and words[1] != "--no-block":
            self.running = True
            self.write(server.LOADED, self.at(server.CONFIG).read_text(encoding="utf-8"))

    def write(self, path: str, text: str) -> None:
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).write_text(text, encoding="utf-8")

    def part(self, want: Generation, have: Generation, **rest: Any) -> dnsmasq.Dhcp:
        return dnsmasq.Dhcp(Context(want, have, self.store, **rest))

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


def test_a_server_is_made_and_goes_without_a_trace(machine: Machine) -> None:
    assert machine.bring(serving()) == [WRITTEN, f"start {UNIT}"]
    assert machine.done == [f"enable {UNIT}", f"start {UNIT}"]
    machine.write(server.LEASES, "")
    assert machine.bring(NOTHING, serving()) == [
        *(f"stop {UNIT}", f"remove {server.CONFIG}", f"remove {server.HOME}", f"remove {server.STATE}"),
    ]
    assert not machine.at(server.HOME).exists() and not machine.at(server.STATE).exists() and not machine.running


def test_it_is_on_the_device_that_has_the_edges_address(machine: Machine) -> None:
    machine.bring(serving())
    assert "\ninterface=vapp\n" in machine.at(server.CONFIG).read_text(encoding="utf-8")
    machine.devices = {"eth7": ["192.168.1.1/24"]}
    assert machine.bring(serving(), serving()) == [WRITTEN, f"restart {UNIT}"]
    assert "\ninterface=eth7\n" in machine.at(server.CONFIG).read_text(encoding="utf-8")


def test_while_no_device_has_it_what_runs_is_left(machine: Machine) -> None:
    machine.devices = {}
    assert machine.part(serving(), NOTHING).problems() == [
        "no device has the address 192.168.1.1: DHCP for 192.168.1.0/24 has nowhere to be served"
    ]
    with pytest.raises(CommandError, match="no device has the address"):
        machine.part(serving(), NOTHING).build()
    machine.devices = {"vapp": ["192.168.1.1/24"]}
    machine.bring(serving())
    machine.devices = {}
    assert machine.part(serving(), serving()).changes() == []


def test_nobody_is_served_on_lo_where_a_network_has_the_address_too(machine: Machine) -> None:
    machine.devices = {"lo": ["127.0.0.1/8", "192.168.1.1/32"], "vapp": ["192.168.1.1/24"]}
    assert server.device(serving()) == "vapp"


def test_another_configuration_restarts_it_and_keeps_its_leases(machine: Machine) -> None:
    machine.bring(serving())
    machine.write(server.LEASES, f"9 {OLD} 192.168.1.11 vm1 *\n")
    assert machine.bring(serving(lease=600), serving()) == [WRITTEN, f"restart {UNIT}"]
    assert machine.done == [f"restart {UNIT}"]
    assert machine.at(server.LEASES).read_text(encoding="utf-8") == f"9 {OLD} 192.168.1.11 vm1 *\n"


def test_the_lease_of_a_machine_that_was_built_anew_is_forgotten(machine: Machine) -> None:
    machine.bring(serving())
    machine.write(server.LEASES, f"9 {OLD} 192.168.1.11 vm1 *\n9 {OLD[:-2]}55 192.168.1.100 * *\n")
    anew = serving(hosts=[{"name": "vm1-east", "address": "192.168.1.11", "mac": [NEW]}])
    machine.bring(anew, serving())
    assert machine.done == [f"stop {UNIT}", f"start {UNIT}"]
    assert machine.at(server.LEASES).read_text(encoding="utf-8") == f"9 {OLD[:-2]}55 192.168.1.100 * *\n"


def test_octets_that_a_power_cut_left_among_the_leases_keep_nobody_from_an_address(machine: Machine) -> None:
    machine.bring(serving())
    machine.at(server.LEASES).parent.mkdir(parents=True)
    machine.at(server.LEASES).write_bytes(f"9 {OLD} 192.168.1.11 vm1 *\n".encode() + b"\xff\xfe\n")
    machine.bring(serving(hosts=[{"name": "vm1-east", "address": "192.168.1.11", "mac": [NEW]}]), serving())
    assert machine.at(server.LEASES).read_bytes() == b"\xff\xfe\n"


def test_a_link_in_its_place_leads_nowhere(machine: Machine, tmp_path: Path) -> None:
    machine.bring(serving())
    victim = tmp_path / "victim"
    victim.write_text(f"9 {NEW} 192.168.1.11 vm1 *\n", encoding="utf-8")
    machine.at(server.LEASES).parent.mkdir(parents=True, exist_ok=True)
    machine.at(server.LEASES).symlink_to(victim)
    with pytest.raises(OSError):
        machine.part(serving(lease=600), serving()).build()
    assert victim.read_text(encoding="utf-8") != ""


@pytest.mark.parametrize(
    ("harm", "repair"),
    [
        (lambda one: setattr(one, "running", False), [f"start {UNIT}"]),
        (lambda one: one.write(server.CONFIG, "junk"), [WRITTEN]),
        (lambda one: one.write(server.LOADED, "junk"), [f"restart {UNIT}"]),
        (lambda one: one.at(server.CONFIG).chmod(0o600), [WRITTEN]),
        (lambda one: one.write(f"{server.HOME}/strange", "x"), [f"remove {server.HOME}/strange"]),
        (lambda one: one.at(f"{units.WANTS}/{UNIT}").unlink(), [f"enable {UNIT}"]),
    ],
)
def test_the_agent_repairs_what_differs(machine: Machine, harm: Any, repair: list[str]) -> None:
    machine.bring(serving())
    assert tend(serving(), machine.store) == []
    harm(machine)
    assert tend(serving(), machine.store) == [f"lost: dhcp: {action}: put back" for action in repair]
    assert tend(serving(), machine.store) == []


def test_without_dhcp_nothing_is_looked_at(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_words: Any) -> bool:
        raise AssertionError

    monkeypatch.setattr(dnsmasq.systemd, "alive", never)
    plain = Generation({"node": "vapp1-east", "vpns": []})
    assert machine.part(plain, plain).changes() == [] and tend(plain, machine.store) == []


def test_at_boot_it_is_not_waited_for(machine: Machine) -> None:
    machine.bring(serving(), boot=True)
    assert machine.done == [f"enable {UNIT}", f"start --no-block {UNIT}"]


def test_what_dnsmasq_does_not_take_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_words: str) -> str:
        raise CommandError("dnsmasq: bad option at line 3")

    monkeypatch.setattr(trial, "run", refuse)
    assert machine.part(serving(), NOTHING).problems() == ["dnsmasq: bad option at line 3"]
    for module in (dnsmasq.dnsmasq, trial):
        monkeypatch.setattr(module, "have", lambda _program: False)
    (problem,) = machine.part(serving(), NOTHING).problems()
    assert problem.startswith("dnsmasq is not installed, which serves addresses (vcc_dhcp): install dnsmasq-base")
    assert machine.part(serving(), NOTHING, check=True).problems() == []


def test_who_gets_no_reservation_is_named(machine: Machine) -> None:
    assert machine.part(serving(), NOTHING).notes() == [
        "DHCP: no reservation of 192.168.1.12 for vm2-east: its link-layer address is not known; "
        "see vcc_mac (docs/dhcp.md)"
    ]
