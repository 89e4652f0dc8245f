# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of strangers: an archive that leads elsewhere, or is damaged, is refused; nothing outside of it is read."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.load import load_packages
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import (
    DISK,
    TODAY,
    archive,
    envelope,
    folder,
    load,
    load_all,
    refusals,
    vm,
    whole,
)

ORG = {"networks": {"lan": "org"}}
FILES = whole({"shop.ovf": envelope(vm("web"))}, "shop")


def with_member(path: Path, name: str, **changes: Any) -> Path:
    """The archive, and one more member of any kind."""
    archive(path, FILES)
    with tarfile.open(path, "a") as tar:
        entry = tarfile.TarInfo(name)
        for key, value in changes.items():
            setattr(entry, key, value)
        tar.addfile(entry, io.BytesIO(b"x" * entry.size))
    return path


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archives_of_all_formats_are_read(form: int, tmp_path: Path) -> None:
    long = f"{'d' * 90}/{'e' * 90}.vmdk"  # ustar: in two fields; GNU and pax: in a header of its own
    reference = f'<File ovf:id="f" ovf:href="{long}"/>'
    files = whole({"shop.ovf": envelope(vm("web"), references=reference), long: DISK}, "shop")
    assert set(load(archive(tmp_path / "shop.ova", files, form=form), **ORG).hosts) == {"web"}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"comment": "of git archive"}, None),
        ({"path": "other.ovf"}, "has a pax header for all files that says the path of all files: each"),
        ({"size": "1"}, "has a pax header for all files that says the size of all files"),
    ],
)
def test_a_header_for_all_files_must_not_say_what_each_file_says(
    said: dict[str, str], message: str | None, tmp_path: Path
) -> None:
    """Programs differ in what they make of it: one would verify other files than the next one unpacks."""
    with tarfile.open(tmp_path / "shop.ova", "w", format=tarfile.PAX_FORMAT, pax_headers=said) as tar:
        for name, content in FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    found = refusals(tmp_path / "shop.ova", **ORG)
    assert found == [] if message is None else message in found[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../evil.mf", "'../evil.mf' is not a name of a file in the package: it leads elsewhere"),
        ("a/../../evil", "leads elsewhere"),
        ("/etc/evil", "'/etc/evil' is an absolute name"),
        ("C:evil", "is an absolute name"),
        ("a\\evil", "is an absolute name"),
        ("a\nb", "is not a name of a file: it is too long, or cannot be printed"),
        ("shop.mf", "shop.mf is in the archive twice"),
        ("other.ovf", "has 2 descriptors: shop.ovf, other.ovf"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(name: str, message: str, tmp_path: Path) -> None:
    (said,) = refusals(with_member(tmp_path / "shop.ova", name), **ORG)
    assert message in said and said.startswith(str(tmp_path / "shop.ova"))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (tarfile.SYMTYPE, "is a symbolic link"),
        (tarfile.LNKTYPE, "is a hard link"),
        (tarfile.CHRTYPE, "is a device"),
        (tarfile.FIFOTYPE, "is a pipe"),
        (tarfile.DIRTYPE, "is a directory"),
    ],
)
def test_members_that_are_no_files_are_refused(kind: bytes, message: str, tmp_path: Path) -> None:
    (said,) = refusals(with_member(tmp_path / "shop.ova", "disk", type=kind, linkname="/etc/passwd"), **ORG)
    assert f"{message}: an OVA has files only" in said


def test_a_truncated_archive_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "shop.ova"
    content = archive(path, {**FILES, "disk": DISK * 100}).read_bytes()
    end = len(content.rstrip(b"\0"))
    for size in (0, 1, 511, 512, 700, 1024, end - 100, end):
        path.write_bytes(content[:size])
        (said,) = refusals(path, **ORG)
        assert "is truncated" in said or "is not an OVA: it has no header" in said


def test_the_descriptor_comes_first(tmp_path: Path) -> None:
    (said,) = refusals(archive(tmp_path / "shop.ova", dict(reversed(FILES.items()))), **ORG)
    assert "begins with shop.mf: the first file of an OVA is its descriptor" in said


def test_a_compressed_archive_is_named(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "shop.ova", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("shop.ovf"))
    (said,) = refusals(tmp_path / "shop.ova", **ORG)
    assert said.endswith("is compressed, and an OVA is a plain tar archive")


@pytest.mark.parametrize(
    "size", [b"-0000001000\0", b"0x000000100\0", b"0000000_10 \0", b"\xff" * 12, b"\x80" + b"\xff" * 11]
)
def test_sizes_that_lead_backwards_or_too_far_are_refused(size: bytes, tmp_path: Path) -> None:
    path = archive(tmp_path / "shop.ova", FILES)
    content = bytearray(path.read_bytes())
    content[124:136] = size
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    path.write_bytes(content)
    (said,) = refusals(path, **ORG)
    assert "is damaged" in said or "is truncated" in said


def test_a_header_of_any_size_is_not_read(tmp_path: Path) -> None:
    path = archive(tmp_path / "shop.ova", {"shop.ovf": b"", "big": b"a" * (1 << 17)})
    content = path.read_bytes()
    big = bytearray(content[512:])
    big[156:157] = b"L"
    big[148:156] = b" " * 8
    big[148:156] = b"%06o\0 " % sum(big[:512])
    path.write_bytes(content[:512] + big)
    (said,) = refusals(path, **ORG)
    assert "has a header of 131072 octets at 512: it may have 65536" in said


def test_a_link_beside_a_descriptor_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(DISK)
    reference = '<File ovf:id="f" ovf:href="disk.vmdk"/>'
    files = whole({"shop.ovf": envelope(vm("web"), references=reference), "disk.vmdk": DISK}, "shop")
    descriptor = folder(tmp_path / "shop", files)
    (tmp_path / "shop/disk.vmdk").unlink()
    (tmp_path / "shop/disk.vmdk").symlink_to(secret)
    assert refusals(descriptor, **ORG) == [f"{tmp_path}/shop/disk.vmdk: is a symbolic link"]


def test_a_linked_folder_below_the_package_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/disk.vmdk").write_bytes(DISK)
    reference = '<File ovf:id="f" ovf:href="disks/disk.vmdk"/>'
    files = whole({"shop.ovf": envelope(vm("web"), references=reference), "disks/disk.vmdk": DISK}, "shop")
    descriptor = folder(tmp_path / "shop", files)
    (tmp_path / "shop/disks/disk.vmdk").unlink()
    (tmp_path / "shop/disks").rmdir()
    (tmp_path / "shop/disks").symlink_to(tmp_path / "secrets")
    assert refusals(descriptor, **ORG) == [
        f"{tmp_path}/shop/disks/disk.vmdk: is reached over a symbolic link: a package has files only"
    ]


def test_a_pipe_does_not_stop_the_run(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "shop.ova")
    assert refusals(tmp_path / "shop.ova", **ORG) == [f"{tmp_path}/shop.ova: is not a file"]


@pytest.mark.parametrize(
    ("href", "message"),
    [
        ("../../etc/shadow", "leads elsewhere"),
        ("/etc/shadow", "is an absolute name"),
        ("http://198.51.100.7/disk", "is elsewhere, and is not fetched"),
        ("", "leads elsewhere"),
    ],
)
def test_references_to_files_elsewhere_are_refused(href: str, message: str, tmp_path: Path) -> None:
    references = f'<File ovf:id="f" ovf:href="{href}"/>'
    files = whole({"shop.ovf": envelope(vm("web"), references=references)}, "shop")
    (said,) = refusals(folder(tmp_path, files), **ORG)
    assert message in said and "shop.ovf, line 3, Envelope/References/File[f]: " in said


def test_paths_are_files_folders_and_patterns(tmp_path: Path) -> None:
    for name in ("one", "two"):
        archive(tmp_path / f"{name}.ova", whole({f"{name}.ovf": envelope(vm(name))}, name))
    folder(tmp_path / "three", whole({"three.ovf": envelope(vm("three"))}, "three"))
    (tmp_path / "README").touch()
    assert set(load_all([str(tmp_path)], **ORG).hosts) == {"one", "two"}
    assert set(load_all([f"{tmp_path}/*.ova", f"{tmp_path}/three"], **ORG).hosts) == {"one", "two", "three"}
    assert refusals([f"{tmp_path}/four.ova", f"{tmp_path}/README"], **ORG) == [
        f"packages[0].path: {tmp_path}/four.ova: there is no such file or folder",
        f"packages[1].path: {tmp_path}/README is not a package: its name ends neither in .ovf nor in .ova",
    ]


def test_a_pattern_begins_in_a_folder_of_any_name(tmp_path: Path) -> None:
    beside = tmp_path / "fleet [1]*"
    beside.mkdir()
    archive(beside / "one.ova", FILES)
    problems = Problems()
    found = load_packages(["*.ova"], {"cloud": "east", **ORG}, str(beside), TODAY, problems)
    assert (set(found.hosts), len(problems)) == ({"web"}, 0)
