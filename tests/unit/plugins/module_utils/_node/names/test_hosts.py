# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that a member is given are lines of /etc/hosts; all other lines stay."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.names.hosts import Hosts
from ansible_collections.intercloud.vpn.plugins.module_utils._node.names.resolved import Resolver
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import files, leftovers

THEIRS = b"127.0.0.1 localhost\n# caf\xe9: an old comment\n10.0.0.9 db # mine\n"
OURS = (
    b"fd64::9 vm9.audit.example # intercloud.vpn\n"
    b"100.64.0.17 vm1-east.payroll.vpn.internal # intercloud.vpn\n"
    b"100.64.0.81 vm1-west.payroll.vpn.internal # intercloud.vpn\n"
)


def named(hosts: dict[str, str]) -> Generation:
    entries: list[dict[str, Any]] = [
        {"domain": "payroll.vpn.internal", "hosts": hosts},
        {"domain": "audit.example", "hosts": {"vm9": "fd64::9"}},
        {"domain": "asked.example", "servers": ["100.64.1.1"], "blocks": ["100.64.1.0/24"]},
    ]
    return Generation({"role": "member", "addresses": [{"address": "100.64.0.17/32"}], "names": entries})


NAMED = named({"vm1-west": "100.64.0.81", "vm1-east": "100.64.0.17"})


class Machine:
    """A machine with an /etc/hosts."""

    def __init__(self, root: Path) -> None:
        self.store, self.path = Store(str(root)), root / "etc" / "hosts"
        self.path.parent.mkdir()
        self.path.write_bytes(THEIRS)

    def part(self, want: Generation) -> Hosts:
        return Hosts(Context(want, NOTHING, self.store))

    def bring(self, want: Generation) -> list[str]:
        """What was said to be done, once it is done."""
        said = [change.action for change in self.part(want).changes()]
        self.part(want).build()
        self.part(want).clear()
        assert self.part(want).changes() == []
        return said


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_they_come_change_and_go(machine: Machine) -> None:
    assert machine.bring(NAMED) == ["write names in /etc/hosts"]
    assert machine.path.read_bytes() == THEIRS + OURS
    assert machine.bring(named({"vm1-east": "100.64.0.17"})) == ["change names in /etc/hosts"]
    assert b"vm1-west" not in machine.path.read_bytes()
    assert machine.bring(NOTHING) == ["remove names in /etc/hosts"]
    assert machine.path.read_bytes() == THEIRS


def test_who_is_given_none_has_its_file_left_alone(machine: Machine) -> None:
    asked = Generation({**NAMED.document, "names": NAMED.document["names"][2:]})
    assert machine.bring(asked) == []
    machine.path.unlink()
    assert machine.bring(asked) == []
    assert not machine.path.exists()


def test_what_others_write_among_them_stays_and_what_they_take_away_comes_back(machine: Machine) -> None:
    machine.bring(NAMED)
    lines = machine.path.read_bytes().splitlines(keepends=True)
    machine.path.write_bytes(b"".join([*lines[:-1], b"10.0.0.10 new\n"]))
    assert machine.bring(NAMED) == ["change names in /etc/hosts"]
    assert machine.path.read_bytes() == THEIRS + b"10.0.0.10 new\n" + OURS


def test_a_last_line_without_an_end_is_not_continued(machine: Machine) -> None:
    machine.path.write_bytes(THEIRS.removesuffix(b"\n"))
    machine.bring(NAMED)
    assert machine.path.read_bytes() == THEIRS + OURS


@pytest.mark.parametrize(
    "theirs",
    [
        b"10.0.0.9 db # the next lines are made by # intercloud.vpn\n",
        b"# the next lines are made by # intercloud.vpn\n",
        b"  # intercloud.vpn\n",
        b"10.0.0.9 db # a form feed\x0c10.0.0.9 db # intercloud.vpn\n",
        "10.0.0.9 db # a next line\u00851.1.1.1 db # intercloud.vpn\n".encode(),
        b"127.0.0.1 localhost\r\n",
    ],
)
def test_what_only_looks_like_ours_stays(machine: Machine, theirs: bytes) -> None:
    machine.path.write_bytes(theirs)
    machine.bring(NAMED)
    assert machine.path.read_bytes() == theirs + OURS
    machine.bring(NOTHING)
    assert machine.path.read_bytes() == theirs


@pytest.mark.parametrize("edited", [b"6.6.6.6\tvm1-east.payroll.vpn.internal other # intercloud.vpn\r\n", OURS + OURS])
def test_lines_of_ours_that_were_edited_go(machine: Machine, edited: bytes) -> None:
    machine.path.write_bytes(edited + THEIRS)
    assert machine.bring(NAMED) == ["change names in /etc/hosts"]
    assert machine.path.read_bytes() == THEIRS + OURS


@pytest.mark.parametrize("what", ["a directory", "a link to itself", "a pipe"])
def test_what_is_no_file_is_refused_where_names_are_wanted(machine: Machine, what: str) -> None:
    machine.path.unlink()
    if what == "a directory":
        machine.path.mkdir()
    elif what == "a pipe":
        os.mkfifo(machine.path)
    else:
        machine.path.symlink_to("hosts")
    (problem,) = machine.part(NAMED).problems()
    assert problem.startswith("/etc/hosts cannot be read: ") and "vcc_names: resolver" in problem
    assert machine.part(NOTHING).problems() == [] and machine.bring(NOTHING) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_it_stays_whose_it_is(machine: Machine) -> None:
    os.chown(machine.path, 1234, 4321)
    machine.bring(NAMED)
    found = machine.path.stat()
    assert (found.st_uid, found.st_gid) == (1234, 4321)


def test_what_a_killed_step_left_is_removed(machine: Machine) -> None:
    left = machine.path.with_name(".intercloud-vpn-4194305-hosts")  # no process has that number
    left.write_bytes(OURS)
    assert leftovers.found(machine.store.root) == [left]


def test_a_link_stays_one_and_the_mode_what_it_is(machine: Machine) -> None:
    real = machine.path.rename(machine.path.with_name("hosts.real"))
    real.chmod(0o664)
    machine.path.symlink_to("hosts.real")
    machine.bring(NAMED)
    assert machine.path.is_symlink() and real.read_bytes() == THEIRS + OURS
    assert real.stat().st_mode & 0o7777 == 0o664


def test_without_a_file_one_is_made(machine: Machine) -> None:
    machine.path.unlink()
    machine.bring(NAMED)
    assert machine.path.read_bytes() == OURS


def test_one_that_is_mounted_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "mounted", lambda path: path == machine.path)
    (problem,) = machine.part(NAMED).problems()
    assert problem.startswith("/etc/hosts is mounted from elsewhere") and "vcc_names: resolver" in problem
    assert machine.part(NOTHING).problems() == []


def test_a_resolver_is_told_of_the_others_only(machine: Machine) -> None:
    part = Resolver(Context(NAMED, NOTHING, machine.store))
    assert [entry["domain"] for entry in part._entries] == ["asked.example"]
