# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup has all of the VCC server in it, and comes back where it does no harm."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import ca, crl, rotation
from ansible_collections.intercloud.vpn.plugins.module_utils._recovery.backup import content_of
from ansible_collections.intercloud.vpn.plugins.module_utils._recovery.restore import restore
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._pki.test_crl import EAST, WEST, request
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World

FILES = {
    "ca/acme/ca.key": 0o600,
    "ca/acme/ca.pem": 0o644,
    "ca/acme/crl.pem": 0o644,
    "ca/acme/issued/1f.pem": 0o644,
    "psk/acme/edge-east--partner": 0o600,
    "ppk/acme/edge-east--edge-west": 0o600,
}
# Locks, half-written files, what the server was told as a node, a lab.
NOT_OURS = ("ca/acme/lock", "psk/acme/.lock", "ca/acme/.ca.pem-x7", "generations/3-x/document.json", "identity.json")
NOT_OURS += ("machines/vm1-east/upper/etc/shadow", "organizations/acme/document.json")


class Server:
    """A VCC server: a state directory with the ledger in it."""

    def __init__(self, state: Path) -> None:
        self.state, self.url = state, f"sqlite:///{state}/ledger.sqlite"
        self.world = World(ledger=self.url)

    def backup(self) -> Any:
        ledger = Ledger(self.url)
        # Through JSON, as the real one goes.
        return json.loads(json.dumps(content_of(ledger.run(lambda t: t.dump()), self.state, "2026")))

    def restore(self, backup: Any, **options: Any) -> Any:
        return restore(backup, self.url, str(self.state), **options)

    def files(self) -> dict[str, tuple[int, bytes]]:
        return {
            str(path.relative_to(self.state)): (path.stat().st_mode & 0o777, path.read_bytes())
            for path in self.state.rglob("*")
            if path.is_file() and not path.name.startswith("ledger.sqlite")
        }


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Server:
    server = Server(tmp_path / "state")
    server.world.plan(PAYROLL)
    for name, mode in {**FILES, **dict.fromkeys(NOT_OURS, 0o600)}.items():
        path = server.state / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"content of {name}\n".encode() + b"\xff\x00")
        path.chmod(mode)
    return server


def test_all_of_it_comes_back_into_an_empty_place(server: Server, tmp_path: Path) -> None:
    backup = server.backup()
    assert set(backup["files"]) == set(FILES)
    other = Server(tmp_path / "other" / "state")
    assert other.restore(backup, check=True).changed
    assert not other.state.exists()
    done = other.restore(backup)
    assert (done.changed, set(done.files)) == (True, set(FILES))
    assert other.files() == {name: server.files()[name] for name in FILES}
    assert other.state.stat().st_mode & 0o777 == 0o700
    assert (other.state / "ledger.sqlite").stat().st_mode & 0o777 == 0o600
    identity = server.world.ledger.run(lambda t: t.ledger_id())
    assert other.world.ledger.run(lambda t: t.ledger_id()) == identity
    assert {k: v for k, v in other.world.dump().items() if k != "events"} == {
        k: v for k, v in server.world.dump().items() if k != "events"
    }
    assert not other.world.plan(PAYROLL).changed
    assert not other.restore(backup).changed


def test_events_go_on_after_a_restore(server: Server, tmp_path: Path) -> None:
    other = Server(tmp_path / "other")
    other.restore(server.backup(), who="alice")
    newest, *rest = other.world.ledger.run(lambda t: t.events("acme", 1000))
    assert (newest.what, newest.who) == ("ledger restored", "alice")
    assert newest.id > max(event.id for event in rest)


def test_a_ledger_that_is_ahead_stays_unless_it_is_forced(server: Server) -> None:
    backup = server.backup()
    server.world.plan({**PAYROLL, "members": [*PAYROLL["members"], "vm3-east"]})
    for check in (True, False):
        with pytest.raises(VccError, match=r"ahead of the backup: generation 2 of acme.*vcc_restore_force=true"):
            server.restore(backup, check=check)
    assert server.restore(backup, force=True).changed
    assert server.world.ledger.run(lambda t: t.generation("acme")) == 1


def test_a_ledger_that_is_behind_is_brought_forward(server: Server, tmp_path: Path) -> None:
    shutil.copy(server.state / "ledger.sqlite", tmp_path / "old")
    server.world.plan({**PAYROLL, "members": [*PAYROLL["members"], "vm3-east"]})
    backup = server.backup()
    shutil.copy(tmp_path / "old", server.state / "ledger.sqlite")
    assert server.restore(backup).changed
    assert server.world.ledger.run(lambda t: t.generation("acme")) == 2


def test_another_ledger_and_other_keys_are_not_replaced_by_accident(server: Server, tmp_path: Path) -> None:
    backup = server.backup()
    other = Server(tmp_path / "other")
    other.world.plan(PAYROLL)
    (other.state / "ca/acme").mkdir(parents=True)
    (other.state / "ca/acme/ca.key").write_text("another authority's")
    (other.state / "ca/acme/crl.pem").write_text("newer")
    before = other.files()
    with pytest.raises(VccError, match=r"ca/acme/ca\.key in .* differ from the backup; .*it is another ledger"):
        other.restore(backup)
    assert other.files() == before
    other.restore(backup, force=True)
    assert other.files()["ca/acme/ca.key"] == server.files()["ca/acme/ca.key"]
    assert other.files()["ca/acme/crl.pem"][1] == b"newer"  # what was revoked stays revoked


@pytest.mark.parametrize("with_list", [False, True])
def test_an_authority_from_before_a_rotation_comes_back_with_its_own_list(
    server: Server, tmp_path: Path, with_list: bool
) -> None:
    """Beside it, the new one's list was left: no run could read the two, and what it had refused is not forgotten."""
    state = server.state
    shutil.rmtree(state / "ca/acme")
    old = ca.ensure_authority(state, "acme")
    ca.sign(old, request(WEST), WEST)
    if with_list:
        crl.revoke(old, WEST)
    backup = server.backup()
    begun = rotation.begin(state, "acme", rotation.planned(state, "acme", ["authority"], {EAST}, at_once=True))
    rotation.advance(state, "acme", begun)
    new = ca.ensure_authority(state, "acme")
    south = "edge-south.acme"
    ca.sign(new, request(south), south)
    crl.revoke(new, south)
    refused = crl.refused_keys(new)
    server.restore(backup, force=True)
    again = ca.ensure_authority(state, "acme")
    assert again.sha256 == old.sha256 and crl.refused_keys(again) - {""} >= refused - {""}
    found = crl.revocation_list(again)
    assert {entry.identity for entry in found.revoked} == {WEST} if with_list and found else found is None


def test_a_damaged_ledger_is_set_aside(server: Server) -> None:
    backup = server.backup()
    path = server.state / "ledger.sqlite"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(VccError, match=r"is damaged.*vcc_restore_force=true"):
        server.restore(backup)
    done = server.restore(backup, force=True)
    assert Path(done.set_aside).stat().st_size == 5000
    assert not server.world.plan(PAYROLL).changed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "else"}, "not a backup of a ledger"),
        ({"format": 9}, "format 9, not 1: update"),
        ({"files": {"../../etc/cron.d/x": {"mode": "0600", "content": ""}}}, "outside of the state directory"),
        ({"files": {"/etc/cron.d/x": {"mode": "0600", "content": ""}}}, "outside of the state directory"),
        ({"files": {"generations/x": {"mode": "0600", "content": ""}}}, "outside of the state directory"),
        ({"ledger": None}, "damaged: it has no ledger"),
        ({"files": {"ca/x": {"mode": "0600", "content": "?"}}}, "damaged: ca/x cannot be read"),
    ],
)
def test_what_is_no_backup_is_refused(server: Server, tmp_path: Path, change: dict[str, Any], words: str) -> None:
    other = Server(tmp_path / "other")
    with pytest.raises(VccError, match=words):
        other.restore({**server.backup(), **change})
    assert not (other.state / "ledger.sqlite").exists()
