# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a member asks for names: what systemd-resolved is told, and when it is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import ip
from ansible_collections.intercloud.vpn.plugins.module_utils._node.names import networkd, resolved
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import CommandError

DOCUMENT: dict[str, Any] = {
    "role": "member",
    "addresses": [{"address": "100.64.0.17/32", "beside": "192.168.1.11"}],
    "routes": [{"prefix": "100.64.0.0/24", "via": "192.168.1.1", "source": "100.64.0.17"}],
    "names": [{"domain": "payroll.vpn.internal", "servers": ["100.64.0.1"], "blocks": ["100.64.0.0/24"]}],
}
NAMED = Generation(DOCUMENT)
DOMAINS = ["~0.64.100.in-addr.arpa", "~payroll.vpn.internal"]
OURS = {"dns": ["100.64.0.1"], "domain": DOMAINS, "default-route": ["no"]}
EMPTY: dict[str, list[str]] = {"dns": [], "domain": [], "default-route": ["no"]}


class Machine:
    """A machine with one device, whose resolved is told things."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.link, self.asked, self.running = dict(EMPTY), list[str](), True
        self.store = Store(str(tmp_path))
        monkeypatch.setattr(resolved, "run", self.run)
        monkeypatch.setattr(resolved, "have", lambda _program: True)
        monkeypatch.setattr(resolved.systemd, "active", lambda _unit: self.running)
        self.leases = tmp_path / "netif"
        monkeypatch.setattr(networkd, "RUN", self.leases)
        monkeypatch.setattr(networkd.socket, "if_nametoindex", lambda _device: 2)
        monkeypatch.setattr(ip, "device_to", lambda gateway: "eth0" if gateway == "192.168.1.1" else "")

    def run(self, *words: str) -> str:
        self.asked.append(" ".join(words[1:]))
        _program, what, device, *values = words
        if device != "eth0":
            raise CommandError("no such device")
        if what == "revert":
            self.link = dict(EMPTY)
        elif values:
            self.link[what] = values
        return f"Link 2 (eth0): {' '.join(self.link[what])}\n" if what in self.link else ""

    def networkd(self, folder: str, text: str) -> None:
        """What networkd says of the device."""
        (self.leases / folder).mkdir(parents=True, exist_ok=True)
        (self.leases / folder / "2").write_text(text)

    def part(self, want: Generation, have: Generation = NAMED) -> resolved.Resolver:
        return resolved.Resolver(Context(want, have, self.store))

    def actions(self, want: Generation) -> list[str]:
        return [change.action for change in self.part(want).changes()]

    def bring(self, want: Generation) -> None:
        self.part(want).build()
        self.part(want).clear()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    return Machine(monkeypatch, tmp_path)


def test_the_device_that_leads_there_is_set_once(machine: Machine) -> None:
    assert machine.actions(NAMED) == ["set DNS of eth0"]
    assert machine.link == EMPTY
    machine.bring(NAMED)
    assert machine.link == OURS
    assert machine.actions(NAMED) == []
    machine.asked.clear()
    machine.bring(NAMED)
    assert not [words for words in machine.asked if len(words.split()) > 2]


@pytest.mark.parametrize("lost", [EMPTY, {**OURS, "domain": DOMAINS[:1]}, {**OURS, "default-route": ["yes"]}])
def test_what_is_lost_is_set_again(machine: Machine, lost: dict[str, list[str]]) -> None:
    machine.bring(NAMED)
    machine.link = dict(lost)
    assert machine.actions(NAMED) == ["set DNS of eth0"]
    machine.bring(NAMED)
    assert machine.link == OURS


@pytest.mark.parametrize("want", [NOTHING, Generation({**DOCUMENT, "names": []})])
def test_it_goes_with_the_names(machine: Machine, want: Generation) -> None:
    machine.bring(NAMED)
    assert machine.actions(want) == ["revert DNS of eth0"]
    machine.bring(want)
    assert machine.link == EMPTY
    assert machine.actions(want) == []
    assert machine.store.owned(resolved.NOTE) is None


def test_another_address_of_the_edge_takes_the_place_of_the_old_one(machine: Machine) -> None:
    machine.bring(NAMED)
    entry = {**DOCUMENT["names"][0], "servers": ["100.64.0.9"]}
    other = Generation({**DOCUMENT, "names": [entry]})
    assert machine.actions(other) == ["set DNS of eth0"]
    machine.bring(other)
    assert machine.link == {**OURS, "dns": ["100.64.0.9"]}
    assert machine.actions(other) == []


def test_servers_of_others_are_left_alone_and_told_of(machine: Machine) -> None:
    machine.link = theirs = {"dns": ["192.0.2.53"], "domain": ["corp.example"], "default-route": ["yes"]}
    assert machine.actions(NAMED) == []
    machine.bring(NAMED)
    assert machine.link == theirs
    (note,) = machine.part(NAMED).notes()
    assert "eth0 has DNS servers of its own (192.0.2.53)" in note and "payroll.vpn.internal" in note


def test_servers_that_others_set_later_stay_when_names_go(machine: Machine) -> None:
    machine.bring(NAMED)
    machine.link = theirs = {"dns": ["192.0.2.53"], "domain": [], "default-route": ["yes"]}
    assert machine.actions(NAMED) == []
    assert machine.actions(NOTHING) == []
    machine.bring(NOTHING)
    assert machine.link == theirs


ADDED = {**OURS, "dns": ["100.64.0.1", "192.0.2.53"], "domain": [*DOMAINS, "corp.example"]}


@pytest.mark.parametrize(
    ("set_later", "left"),
    [
        ({**OURS, "dns": ["192.0.2.53"]}, {"dns": ["192.0.2.53"], "domain": [""], "default-route": ["yes"]}),
        (ADDED, {"dns": ["192.0.2.53"], "domain": ["corp.example"], "default-route": ["yes"]}),
        ({**OURS, "domain": [*DOMAINS, "corp"]}, {"dns": [""], "domain": ["corp"], "default-route": ["yes"]}),
        (
            {"dns": ["192.0.2.53"], "domain": ["corp"], "default-route": ["no"]},
            {"dns": ["192.0.2.53"], "domain": ["corp"], "default-route": ["yes"]},
        ),
    ],
    ids=["servers", "more of both", "a domain", "both"],
)
@pytest.mark.parametrize("want", [NAMED, NOTHING])
def test_a_device_that_others_set_later_is_given_back_to_them(
    machine: Machine, set_later: dict[str, list[str]], left: dict[str, list[str]], want: Generation
) -> None:
    """With what is ours left on it, it would be asked for nothing but the VPN's names."""
    machine.bring(NAMED)
    machine.link = dict(set_later)
    assert machine.actions(want) == ["revert DNS of eth0"]
    machine.bring(want)
    assert machine.link == left
    machine.link["dns"], machine.link["domain"] = ([w for w in machine.link[k] if w] for k in ("dns", "domain"))
    assert machine.actions(want) == []
    assert machine.store.owned(resolved.NOTE) is None
    assert len(machine.part(want).notes()) == (want is NAMED)
    machine.link = dict(EMPTY)
    assert machine.actions(NAMED) == ["set DNS of eth0"]


def test_search_domains_of_others_are_left_alone_and_told_of(machine: Machine) -> None:
    machine.link = theirs = {"dns": [], "domain": ["corp.example"], "default-route": ["no"]}
    assert machine.actions(NAMED) == []
    machine.bring(NAMED)
    assert machine.link == theirs
    (note,) = machine.part(NAMED).notes()
    assert "eth0 has DNS domains of its own (corp.example)" in note


def test_domains_of_the_generation_before_are_ours(machine: Machine) -> None:
    machine.bring(NAMED)
    entry = {**DOCUMENT["names"][0], "domain": "other.vpn.internal"}
    other = Generation({**DOCUMENT, "names": [entry]})
    assert machine.actions(other) == ["set DNS of eth0"]
    machine.bring(other)
    assert machine.link["domain"] == [DOMAINS[0], "~other.vpn.internal"]


def test_a_note_of_an_earlier_release_names_servers_only(machine: Machine) -> None:
    machine.store.own(resolved.NOTE, {"eth0": ["100.64.0.1"]})
    machine.link = {**OURS, "domain": ["~before.vpn.internal"]}
    assert machine.actions(NAMED) == ["set DNS of eth0"]
    assert machine.actions(NOTHING) == ["revert DNS of eth0"]


def test_networkd_has_a_device_first(machine: Machine) -> None:
    """What is set while it waits for DHCP would hide the lease's servers."""
    machine.networkd("links", "ADMIN_STATE=configuring\n")
    assert machine.actions(NAMED) == []
    machine.bring(NAMED)
    assert machine.link == EMPTY
    machine.networkd("links", "# private\nADMIN_STATE=configured\n")
    assert machine.actions(NAMED) == ["set DNS of eth0"]


def test_servers_of_a_later_lease_are_let_through(machine: Machine) -> None:
    machine.bring(NAMED)
    machine.networkd("leases", "ADDRESS=192.168.1.11\nDNS=192.0.2.53 192.0.2.54\n")
    assert machine.actions(NAMED) == ["revert DNS of eth0"]
    machine.bring(NAMED)
    assert machine.link == EMPTY  # until networkd sets what it has


def test_servers_of_a_lease_that_networkd_does_not_use_change_nothing(machine: Machine) -> None:
    machine.networkd("leases", "DNS=192.0.2.53\n")  # UseDNS=no
    assert machine.actions(NAMED) == ["set DNS of eth0"]
    machine.bring(NAMED)
    assert machine.link == OURS
    assert machine.actions(NAMED) == []


def test_where_resolved_does_not_run_nothing_is_touched(machine: Machine) -> None:
    machine.running = False
    assert machine.actions(NAMED) == []
    machine.bring(NAMED)
    assert machine.asked == [] and machine.part(NAMED).notes() == []


def test_without_names_nothing_is_asked(machine: Machine) -> None:
    machine.running = True
    assert machine.actions(Generation({**DOCUMENT, "names": []})) == []
    assert machine.asked == []


def test_a_device_that_is_not_there_yet_waits(machine: Machine) -> None:
    routes = [{**DOCUMENT["routes"][0], "via": "192.168.9.1"}]
    assert machine.actions(Generation({**DOCUMENT, "routes": routes})) == []
