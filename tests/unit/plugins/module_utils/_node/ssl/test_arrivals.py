# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenVPN's user leaves in its directory stops nothing, and leads root nowhere."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl import (
    arrivals,
    management,
    processes,
    sessions,
    units,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.install import HOOK, sources

GOOD = {"edge-west.acme": "vcs-tcp"}


@pytest.fixture
def place(store: Store) -> Path:
    """The directory, with the note of a peer."""
    found = store.at(processes.ARRIVALS)
    found.mkdir(parents=True)
    (found / "edge-west.acme").write_text("vcs-tcp\n", encoding="utf-8")
    return found


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Who waits is stopped."""
    signal.alarm(10)
    yield
    signal.alarm(0)


def secret(place: Path) -> Path:
    found = place.parent / "secret"
    found.write_text("vcs-udp\n", encoding="utf-8")
    return found


ODD: dict[str, Callable[[Path], Any]] = {
    "a FIFO": lambda place: os.mkfifo(place / "edge-a.acme"),
    "a directory": lambda place: (place / "edge-a.acme").mkdir(),
    "a link": lambda place: (place / "edge-a.acme").symlink_to(secret(place)),
    "a link to itself": lambda place: (place / "edge-a.acme").symlink_to("edge-a.acme"),
    "a device": lambda place: (place / "edge-a.acme").symlink_to("/dev/zero"),
    "a large file": lambda place: (place / "edge-a.acme").write_bytes(b"vcs-udp\n" + bytes(1 << 20)),
    "octets that are no text": lambda place: (place / "edge-a.acme").write_bytes(b"\xff\xfe\n"),
    "another device's name": lambda place: (place / "edge-a.acme").write_text("eth0\n", encoding="utf-8"),
    "a name that is not a text": lambda place: Path(os.fsdecode(bytes(place) + b"/edge-\xff")).write_text("vcs-udp\n"),
    "a name with a line's end": lambda place: (place / "edge\n").write_text("vcs-udp\n", encoding="utf-8"),
    "a socket's worth of odd names": lambda place: [(place / f"-{n}").touch() for n in range(50)],
    "nothing to read": lambda place: (place / "edge-a.acme").touch(),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_odd_is_left_out_and_the_rest_is_read(odd: str, place: Path, store: Store) -> None:
    ODD[odd](place)
    assert store.arrivals == GOOD


def test_a_link_in_place_of_the_directory_leads_nowhere(place: Path, store: Store) -> None:
    place.rename(place.with_name("elsewhere"))
    place.symlink_to("elsewhere")
    assert store.arrivals == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_another_users_directory_is_not_read(place: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(place, 65534, 65534)
    assert Store(str(store.root)).arrivals == {}
    monkeypatch.setattr(arrivals, "owner", lambda: 65534)
    assert Store(str(store.root)).arrivals == GOOD


def test_no_directory_that_root_makes_is_in_one_of_the_users() -> None:
    """`install -d` follows links: root's own directories changed hands so."""
    assert not processes.NEWS.startswith(f"{processes.ARRIVALS}/")
    made = [line for line in units.OWN[f"{units.DIRECTORY}/{units.PROCESS}"].splitlines() if "install -d" in line]
    assert [line for line in made if "nobody" in line] == []
    for path in (processes.ARRIVALS, processes.NEWS):
        assert str(Path(path).parent) == "/run/intercloud-vpn"


def test_where_revocations_cannot_be_read_no_peer_is_let_in() -> None:
    """OpenVPN itself takes a serial number for good whose file it may not open."""
    assert f"[ -r {processes.REVOKED} ] && [ -x {processes.REVOKED} ] || " in sources()[HOOK].partition("\ncd ")[0]


@pytest.mark.parametrize("said", [
    ["CLIENT_LIST\ta\tb"],  # before its header
    ["HEADER\tCLIENT_LIST\tCommon Name", "CLIENT_LIST\tedge-a.acme"],
    ["HEADER\tROUTING_TABLE", "ROUTING_TABLE\t100.64.0.0/24\tx"],
    ["HEADER"],
])  # fmt: skip
def test_an_answer_that_makes_no_sense_is_none(said: list[str], monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.setattr(sessions, "ask", lambda *_arguments: [said, []])
    with pytest.raises(management.Silent, match="makes no sense"):
        sessions.of(processes.Process("server-udp", "vcs-udp", (), "udp"), store)


def test_an_answer_without_an_end_is_none() -> None:
    class Endless:
        def readline(self, _size: int) -> str:
            return "x\n"

    with pytest.raises(OSError, match="says too much"):
        management._answer(Endless())
