# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests: what was changed, or has none, is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import (
    DISK,
    archive,
    envelope,
    folder,
    load,
    manifest,
    refusals,
    vm,
    whole,
)

ORG = {"networks": {"lan": "org"}}
DESCRIPTOR = envelope(vm("web"), references='<File ovf:id="f" ovf:href="disk.vmdk"/>')
FILES = {"shop.ovf": DESCRIPTOR, "disk.vmdk": DISK}


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
def test_digests_that_are_right(algorithm: str, tmp_path: Path) -> None:
    assert set(load(folder(tmp_path, whole(FILES, "shop", algorithm)), **ORG).hosts) == {"web"}


def test_sha_1_alone_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    package = folder(tmp_path, whole(FILES, "shop", "SHA1"))
    (said,) = refusals(package, **ORG)
    assert "shop.mf, line 1: has only a SHA-1 digest of shop.ovf, which can be forged" in said
    assert set(load(package, **ORG, sha1=True).hosts) == {"web"}
    both = manifest(FILES, "SHA1") + manifest(FILES, "SHA256")
    (tmp_path / "shop.mf").write_bytes(both)
    assert set(load(package, **ORG).hosts) == {"web"}


@pytest.mark.parametrize("name", ["shop.ovf", "disk.vmdk"])
@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_one_octet_that_differs_is_refused(name: str, kind: str, tmp_path: Path) -> None:
    files = whole(FILES, "shop")
    files[name] = files[name].replace(b"w", b"W", 1)
    package = folder(tmp_path, files) if kind == "folder" else archive(tmp_path / "shop.ova", files)
    (said,) = refusals(package, **ORG)
    assert f"{name} is not the file that the manifest was made of: its SHA256 digest is " in said


def test_a_changed_disk_is_not_seen_where_only_the_descriptor_is_read(tmp_path: Path) -> None:
    files = {**whole(FILES, "shop"), "disk.vmdk": b"other"}
    assert load(folder(tmp_path, files), **ORG, digests="descriptor").hosts
    (tmp_path / "disk.vmdk").unlink()
    (said,) = refusals(tmp_path / "shop.ovf", **ORG, digests="descriptor")
    assert said.endswith("disk.vmdk: is named, and is not in the package")


def test_a_manifest_without_the_disk(tmp_path: Path) -> None:
    files = {"shop.ovf": DESCRIPTOR, "shop.mf": manifest({"shop.ovf": DESCRIPTOR}), "disk.vmdk": DISK}
    (said,) = refusals(folder(tmp_path, files), **ORG)
    assert "shop.mf: has no digest of disk.vmdk: whether it was changed cannot be told" in said


def test_a_file_in_an_archive_that_nothing_names(tmp_path: Path) -> None:
    (said,) = refusals(archive(tmp_path / "shop.ova", {**whole(FILES, "shop"), "extra.iso": DISK}), **ORG)
    assert "has no digest of extra.iso" in said


def test_chunks_are_files_of_their_own(tmp_path: Path) -> None:
    descriptor = envelope(vm("web"), references='<File ovf:id="f" ovf:href="disk" ovf:size="12" ovf:chunkSize="8"/>')
    files = {"shop.ovf": descriptor, "disk.000000000": DISK[:8], "disk.000000001": DISK[8:]}
    assert load(folder(tmp_path, whole(files, "shop")), **ORG).hosts
    (tmp_path / "disk.000000001").unlink()
    (said,) = refusals(tmp_path / "shop.ovf", **ORG)
    assert "disk.000000001: is named, and is not in the package" in said or "cannot be read" in said


def test_a_package_without_a_manifest(tmp_path: Path) -> None:
    package = folder(tmp_path, FILES)
    (said,) = refusals(package, **ORG)
    assert "has no manifest shop.mf: whether it was changed cannot be told" in said and "verify: if_present" in said
    assert load(package, **ORG, verify="if_present").hosts
    (tmp_path / "shop.mf").write_bytes(manifest({**FILES, "disk.vmdk": b"other"}))
    assert refusals(package, **ORG, verify="if_present")


def test_a_manifest_of_another_name_is_none(tmp_path: Path) -> None:
    files = {"shop.ovf": DESCRIPTOR, "other.mf": manifest(FILES), "disk.vmdk": DISK}
    (said,) = refusals(archive(tmp_path / "shop.ova", files), **ORG)
    assert "has no manifest shop.mf; other.mf is not named after shop.ovf" in said


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"MD5(shop.ovf)= 00", "line 1: MD5 is not known; known are SHA1, SHA256, SHA384, SHA512"),
        (b"shop.ovf 00", "line 1: is not a line of a manifest"),
        (b"\xff\xfe", "is not a manifest: it is not UTF-8"),
        (b"", "has no digest of shop.ovf"),
        (b"SHA256(../../etc/passwd)= 00\n" + manifest(FILES), "is not a name of a file in the package"),
    ],
)
def test_lines_that_are_none(line: bytes, message: str, tmp_path: Path) -> None:
    (said,) = refusals(folder(tmp_path, {"shop.ovf": DESCRIPTOR, "shop.mf": line, "disk.vmdk": DISK}), **ORG)
    assert message in said
