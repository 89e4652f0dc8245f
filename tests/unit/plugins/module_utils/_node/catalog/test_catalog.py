# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VCC node's catalog: transfers that are cut anywhere go on, and what is seen is one version, all of it."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import TEMPLATES
from ansible_collections.intercloud.vpn.plugins.module_utils._node.catalog import contents, places, receive, versions
from ansible_collections.intercloud.vpn.plugins.module_utils._node.catalog.module import templates
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.uninstall import uninstall
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf import transfer as _transfer
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.package import open_package
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.publication import version_of
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.transfer import Transfer

PIECE = 4096
DISK = bytes(range(256)) * 40  # 10,240 octets: two pieces and a half
OTHER = bytes(reversed(DISK))


class Killed(Exception):
    """The connection is gone."""


class Cut(io.BytesIO):
    """What comes over a connection that ends after so many octets."""

    def __init__(self, content: bytes, after: int) -> None:
        super().__init__(content[:after])


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces and chunks of a few octets, so that a small disk has many."""
    monkeypatch.setattr(_transfer, "PIECE", PIECE)
    monkeypatch.setattr(receive, "CHUNK", 1000)
    monkeypatch.setattr(contents, "CHUNK", 1000)
    monkeypatch.setattr(receive, "SPARE", 0)


class Publisher:
    """A controller with a package in a folder."""

    def __init__(self, folder: Path, serial: int = 5, by: str = "ann", **files: bytes) -> None:
        folder.mkdir(parents=True)
        self.folder, self.serial, self.by = folder, serial, by
        everything = {"payroll.ovf": b"<Envelope/>", "payroll.mf": b"", **{f"{k}.vmdk": v for k, v in files.items()}}
        for name, content in everything.items():
            (folder / name).write_bytes(content)
        self.files = [
            {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            for name, content in everything.items()
        ]

    @property
    def publication(self) -> dict[str, Any]:
        version = version_of(self.files)
        return {"version": version, "serial": self.serial, "files": self.files, "by": self.by, "at": "today"}

    def look(self, store: Store, **more: Any) -> dict[str, Any]:
        return ask(store, state="look", publication=self.publication, **more)

    def run(self, store: Store, cut: int | None = None, meanwhile: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """A whole run, as the action plugin does it. ``cut``: after so many octets the connection ends for good."""
        answer = self.look(store)
        if "msg" in answer or not answer["changed"]:
            return {**answer, "sent": 0}
        going = Transfer(open_package(str(self.folder / "payroll.ovf")), self.files, answer["missing"])
        left = cut
        while pieces := going.pieces():
            data = going.data(pieces)
            stream = io.BytesIO(data) if left is None or left >= len(data) else Cut(data, left)
            said = ask(store, state="receive", pieces=pieces, source=stream)
            if "msg" in said:
                if isinstance(stream, Cut):
                    raise Killed
                return {**said, "sent": going.sent}
            left = None if left is None else left - len(data)
            going.note(pieces, said["have"])
            meanwhile()
        done = ask(store, state="present", publication=self.publication)
        return {**done, "sent": going.sent, "resumed": going.resumed}


def ask(store: Store, source: Any = None, check: bool = False, **more: Any) -> dict[str, Any]:
    given = {name: option.get("default") for name, option in TEMPLATES.items()}
    given |= {"organization": "acme", "template": "payroll", "ledger": "one", **more}
    return templates(given, store, check, source)


def seen(store: Store, organization: str = "acme") -> dict[str, bytes]:
    """What is in the package that is seen."""
    home = store.state / f"catalog/{organization}/payroll/current/package"
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def tidy(store: Store) -> bool:
    """Whether there is the version that is seen, and nothing else."""
    here = store.state / "catalog/acme/payroll"
    return set(os.listdir(here)) == {"current", os.readlink(here / "current")}


def package(publisher: Publisher) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in publisher.folder.iterdir()}


@pytest.fixture
def one(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path / "one", disk=DISK)


def test_a_package_arrives_for_root_only_and_a_second_run_changes_nothing(store: Store, one: Publisher) -> None:
    assert one.run(store)["changed"] is True
    assert seen(store) == package(one)
    home = store.state / "catalog"
    modes = {oct(path.lstat().st_mode & 0o777) for path in (home, *home.rglob("*")) if not path.is_symlink()}
    assert modes == {"0o700", "0o600"}
    assert tidy(store)  # nothing of the transfer stays
    assert one.look(store) == {"changed": False, "missing": []}


CUTS = sorted({0, 1, 11, 12, *range(PIECE, 10251, PIECE), *range(PIECE - 1, 10251, PIECE), 5000, 7777, 10250})


@pytest.mark.parametrize("cut", CUTS)
def test_a_transfer_that_was_cut_goes_on_where_it_ended(store: Store, one: Publisher, cut: int) -> None:
    with pytest.raises(Killed):
        one.run(store, cut=cut)
    assert seen(store) == {}
    answer = one.look(store)
    there = sum(each["have"] for each in answer["missing"])
    again = one.run(store)
    assert seen(store) == package(one)
    # A content that is whole is not missing; of the others, what is there is not sent again.
    whole = 10251 - sum(each["size"] for each in answer["missing"])
    assert whole + there == again["resumed"] + whole == min(cut, 10251)
    assert again["sent"] + min(cut, 10251) == 10251


@pytest.mark.parametrize("at", [0, 4096, 6999])
def test_what_is_there_is_not_believed(store: Store, one: Publisher, at: int) -> None:
    with pytest.raises(Killed):
        one.run(store, cut=7011)
    (part,) = [path for path in (store.state / "catalog/acme/payroll/parts").iterdir() if path.stat().st_size > 11]
    damaged = bytearray(part.read_bytes())
    damaged[at] ^= 1
    part.write_bytes(damaged)
    again = one.run(store)
    assert (again["resumed"], again["sent"]) == (0, 10240)
    assert seen(store) == package(one)


def test_a_part_that_is_too_long_begins_again(store: Store, one: Publisher) -> None:
    with pytest.raises(Killed):
        one.run(store, cut=7011)
    part = store.state / f"catalog/acme/payroll/parts/{hashlib.sha256(DISK).hexdigest()}"
    part.write_bytes(DISK + b"more")
    assert one.run(store)["sent"] == 10240
    assert seen(store) == package(one)


def test_a_damaged_copy_is_noticed_and_sent_again(store: Store, one: Publisher) -> None:
    one.run(store)
    path = store.state / "catalog/acme/payroll/current/package/disk.vmdk"
    path.write_bytes(OTHER)  # the size is the same
    assert ask(store, state="listed", organizations=["acme"])["templates"]["acme"]["payroll"]["damaged"] == [
        "disk.vmdk"
    ]
    assert one.look(store)["changed"] is True
    assert one.run(store)["sent"] == 10240  # and nothing else
    assert seen(store) == package(one)
    path = store.state / "catalog/acme/payroll/current/package/payroll.mf"
    path.unlink()
    assert one.run(store)["changed"] is True
    assert seen(store) == package(one) and one.look(store)["changed"] is False


def test_the_next_version_is_seen_when_all_of_it_is_there(store: Store, one: Publisher, tmp_path: Path) -> None:
    one.run(store)
    was = seen(store)
    two = Publisher(tmp_path / "two", serial=6, disk=DISK, data=OTHER)
    with pytest.raises(Killed):
        two.run(store, cut=9000)
    assert seen(store) == was and one.look(store)["changed"] is False
    again = two.run(store)
    assert seen(store) == package(two)
    assert again["sent"] + again["resumed"] == 10240  # what the first version had is not sent again
    assert tidy(store)


@pytest.mark.parametrize("step", range(1, 41, 3))
def test_a_node_that_dies_while_it_activates_has_one_version_or_the_other(
    store: Store, one: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """After each call that changes something; a second run repairs what is left."""
    one.run(store)
    two = Publisher(tmp_path / "two", serial=6, disk=OTHER)
    was, count = seen(store), [0]

    def dying(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            count[0] += 1
            if count[0] == step and armed:
                raise KeyboardInterrupt(name)
            return work(*given, **more)

        return call

    armed: list[int] = []
    for name in ("link", "mkdir", "rename", "replace", "symlink", "unlink", "rmdir", "fsync"):
        monkeypatch.setattr(os, name, dying(name, getattr(os, name)))
    monkeypatch.setattr(shutil, "rmtree", dying("rmtree", shutil.rmtree))
    answer = two.look(store)
    going = Transfer(open_package(str(two.folder / "payroll.ovf")), two.files, answer["missing"])
    while pieces := going.pieces():
        going.note(pieces, ask(store, state="receive", pieces=pieces, source=io.BytesIO(going.data(pieces)))["have"])
    armed.append(1)
    count[0] = 0
    try:
        ask(store, state="present", publication=two.publication)
    except KeyboardInterrupt:
        assert seen(store) in (was, package(two))
    armed.clear()
    two.run(store)
    assert seen(store) == package(two)
    assert tidy(store)


def test_two_publishers_of_the_same_package_help_each_other(store: Store, one: Publisher, tmp_path: Path) -> None:
    two = Publisher(tmp_path / "two", disk=DISK)
    sent: list[int] = []

    def meanwhile() -> None:
        if not sent:
            sent.append(two.run(store)["sent"])

    mine = one.run(store, meanwhile=meanwhile)
    assert seen(store) == package(one)
    assert mine["sent"] + sent[0] < 2 * 10251


def test_the_later_of_two_publishers_is_seen_on_every_node(store: Store, one: Publisher, tmp_path: Path) -> None:
    """Whoever was given a serial first and ends last, loses: so that all nodes have the same."""
    two = Publisher(tmp_path / "two", serial=6, by="bob", disk=OTHER)
    done: list[dict[str, Any]] = []

    def meanwhile() -> None:
        if not done:
            done.append(two.run(store))

    said = one.run(store, meanwhile=meanwhile)
    assert "bob" in said["msg"] and "another run published it meanwhile" in said["msg"]
    assert seen(store) == package(two)
    assert "another run" in one.look(store)["msg"]
    assert "changed" in one.look(store, allow_older=True)


def test_what_another_run_removes_between_reading_and_linking_is_asked_for_again(
    store: Store, one: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two, real = Publisher(tmp_path / "two", disk=OTHER), versions.held
    done: list[dict[str, Any]] = []

    def held(*given: Any) -> contents.Held:
        found = real(*given)
        if not done:
            done.append({})
            done[0] = two.run(store)
        return found

    look = one.look(store)
    going = Transfer(open_package(str(one.folder / "payroll.ovf")), one.files, look["missing"])
    while pieces := going.pieces():
        going.note(pieces, ask(store, state="receive", pieces=pieces, source=io.BytesIO(going.data(pieces)))["have"])
    monkeypatch.setattr(versions, "held", held)
    said = ask(store, state="present", publication=one.publication)
    assert said["lacking"] is True and "another run removed it here" in said["msg"]
    assert seen(store) == package(two)
    assert one.run(store)["changed"] is True and seen(store) == package(one)


def test_a_package_that_is_changed_while_it_is_sent_is_not_seen(store: Store, one: Publisher) -> None:
    (one.folder / "disk.vmdk").write_bytes(OTHER)  # after it was verified
    assert "what arrived is not what was checked" in one.run(store)["msg"]
    assert seen(store) == {}
    (one.folder / "disk.vmdk").write_bytes(DISK)
    assert one.run(store)["changed"] is True
    assert seen(store) == package(one)


def test_a_full_disk_is_found_before_the_transfer(
    store: Store, one: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = namedtuple("full", "f_bavail f_frsize f_files f_favail")
    monkeypatch.setattr(os, "statvfs", lambda _path: full(10, 1000, 1000, 900))
    assert "10251 octets are missing, and 10000 can be used" in one.look(store)["msg"]
    assert not (store.state / "catalog").exists()
    monkeypatch.setattr(os, "statvfs", lambda _path: full(11, 1000, 1000, 900))
    assert one.look(store)["changed"] is True
    monkeypatch.setattr(os, "statvfs", lambda _path: full(11, 1000, 1000, 3))
    assert "no inodes left" in one.look(store)["msg"]


def test_a_run_that_sends_nothing_does_not_fail_on_a_full_disk(
    store: Store, one: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.run(store)
    full = namedtuple("full", "f_bavail f_frsize f_files f_favail")
    monkeypatch.setattr(receive, "SPARE", 16 << 20)
    monkeypatch.setattr(os, "statvfs", lambda _path: full(1, 1000, 1000, 0))
    assert one.look(store) == {"changed": False, "missing": []}


def test_two_transfers_leave_free_what_stays_free(
    store: Store, one: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each was told that there is room for it alone: a node commits VPNs on the same disk."""
    full = namedtuple("full", "f_bavail f_frsize f_files f_favail")
    monkeypatch.setattr(os, "fstatvfs", lambda _handle: full(3, 1000, 1000, 900))
    monkeypatch.setattr(receive, "SPARE", 2500)
    said = one.run(store)["msg"]
    assert "no space left on device (2500 octets stay free); free some space" in said
    assert seen(store) == {}
    monkeypatch.setattr(receive, "SPARE", 2000)
    assert one.run(store)["changed"] is True


def test_a_disk_that_fills_up_meanwhile_keeps_what_was_sent(
    store: Store, one: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = os.pwrite, [6000]

    def pwrite(handle: int, content: bytes, at: int) -> int:
        if len(content) > left[0]:
            raise OSError(28, "No space left on device")
        left[0] -= len(content)
        return real(handle, content, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    assert "No space left on device; free some space" in one.run(store)["msg"]
    left[0] = 10**6
    again = one.run(store)
    assert again["resumed"] > 4000 and again["sent"] + again["resumed"] == 10240
    assert seen(store) == package(one)


NAMES = ["", ".", "..", "../umbra", "a/b", "/etc", ".ledger", "a..b", "x" * 129, "a\nb", "-rf", "a\0"]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leads_elsewhere(store: Store, one: Publisher, name: str) -> None:
    for what in ("template", "organization"):
        for state in ("look", "present", "receive"):
            said = ask(store, **{"state": state, "publication": one.publication, what: name})  # type: ignore[arg-type]
            assert "is not a name of" in said["msg"]
    assert "is not a name of" in ask(store, state="absent", serials={name: 9})["msg"]
    assert not (store.state / "catalog").exists()


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/passwd", "a/../b", "a//b", "./a", "", "a\nb", "payroll.ovf/x", "y" * 300]
)
def test_no_file_of_a_package_leads_elsewhere(store: Store, one: Publisher, name: str) -> None:
    one.files[2]["name"] = name
    for state in ("look", "present"):
        assert "msg" in ask(store, state=state, publication=one.publication)
    assert not (store.state / "catalog").exists()


@pytest.mark.parametrize("sha256", ["../../../x", "A" * 64, "", "0" * 63])
def test_no_digest_leads_elsewhere(store: Store, sha256: str) -> None:
    piece = {"sha256": sha256, "offset": 0, "octets": 1, "size": 1}
    assert "is not a SHA-256" in ask(store, state="receive", pieces=[piece], source=io.BytesIO(b"x"))["msg"]


@pytest.mark.parametrize("where", ["catalog", "catalog/acme", "catalog/acme/payroll", "catalog/acme/payroll/parts"])
def test_a_link_in_the_way_is_not_followed(store: Store, one: Publisher, tmp_path: Path, where: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (store.state / where).parent.mkdir(parents=True)
    (store.state / where).symlink_to(tmp_path / "elsewhere")
    assert "is a symbolic link" in one.run(store)["msg"]
    assert "is a symbolic link" in ask(store, state="absent", serials={"payroll": 9})["msg"]
    assert os.listdir(tmp_path / "elsewhere") == []


def test_links_in_the_place_of_files_are_not_followed(store: Store, one: Publisher, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    parts = store.state / "catalog/acme/payroll/parts"
    places.make(parts, store)
    (parts / hashlib.sha256(DISK).hexdigest()).symlink_to(victim)
    assert "msg" in one.run(store)
    assert victim.read_bytes() == b"precious"
    (parts / hashlib.sha256(DISK).hexdigest()).unlink()
    one.run(store)
    here = store.state / "catalog/acme/payroll"
    (here / "current/package/disk.vmdk").unlink()
    (here / "current/package/disk.vmdk").symlink_to(one.folder / "disk.vmdk")  # right, and not the node's own
    assert one.run(store)["sent"] == 10240
    target = os.readlink(here / "current")
    (here / "current").unlink()
    (here / "current").symlink_to(f"../payroll/{target}")
    assert one.look(store)["changed"] is True


def test_a_directory_that_others_can_write_into_is_refused(store: Store, one: Publisher) -> None:
    one.run(store)
    (store.state / "catalog/acme").chmod(0o777)
    assert "not a directory that only root can write into" in one.look(store)["msg"]


def test_organizations_do_not_see_each_other(store: Store, one: Publisher, tmp_path: Path) -> None:
    one.run(store)
    was = seen(store)
    assert ask(store, state="listed", organizations=["umbra"])["templates"] == {"umbra": {}}
    assert ask(store, state="absent", organization="umbra", serials={"payroll": 9})["changed"] is False
    two = Publisher(tmp_path / "two", serial=9, disk=OTHER)
    answer = two.look(store, organization="umbra")
    assert [each["have"] for each in answer["missing"]] == [0, 0, 0]  # not even that acme has the same content
    assert seen(store) == was


def test_an_organization_of_another_ledger_is_another(store: Store, one: Publisher) -> None:
    one.run(store)
    for state in ("look", "absent"):
        said = ask(store, state=state, publication=one.publication, ledger="two", serials={"payroll": 9})
        assert "another VCC server has an organization of this name" in said["msg"]
    for state in ("look", "receive", "present", "absent"):  # nor of one that has no ledger yet, or no more
        said = ask(store, state=state, publication=one.publication, ledger="", serials={"payroll": 9})
        assert "this run's VCC server has no ledger" in said["msg"]
    assert "payroll" in ask(store, state="listed", organizations=["acme"], ledger="")["templates"]["acme"]
    assert one.look(store, ledger="", allow_older=True)["changed"] is False
    assert seen(store) == package(one)


def test_taking_it_back_leaves_nothing(store: Store, one: Publisher, tmp_path: Path) -> None:
    other = Publisher(tmp_path / "other", disk=OTHER)
    one.run(store)
    with pytest.raises(Killed):
        Publisher(tmp_path / "next", serial=6, disk=OTHER).run(store, cut=5000)
    assert ask(store, state="absent", serials={"payroll": 9}, check=True) == {"changed": True, "removed": ["payroll"]}
    assert seen(store) == package(one)
    assert "another run published it" in ask(store, state="absent", serials={"payroll": 4})["msg"]
    assert ask(store, state="absent", serials={"payroll": 9})["changed"] is True
    assert not store.state.exists()
    assert ask(store, state="absent", serials={"payroll": 9})["changed"] is False
    with pytest.raises(Killed):  # of a transfer that never ended, too
        other.run(store, cut=5000)
    assert ask(store, state="absent", serials={"payroll": 9})["changed"] is True
    assert not store.state.exists()


def test_uninstall_removes_the_catalog_of_its_own_ledger(store: Store, one: Publisher) -> None:
    one.run(store)
    given: dict[str, Any] = {"ledger": "two", "vpns": {}, "generations": None, "packages": [], "allow_older": False}
    said = uninstall(given, store, False)
    assert "keeps templates that others published: acme (ledger one)" in said["msg"]
    given["ledger"] = "one"
    would = uninstall(given, store, True)
    assert would["subsystems"]["catalog"]["actions"] == ["remove acme/payroll"]
    assert seen(store) == package(one)
    did = uninstall(given, store, False)
    assert did["subsystems"] == would["subsystems"]
    assert not store.state.exists()
    assert uninstall(given, store, False)["changed"] is False
