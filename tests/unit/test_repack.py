# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scripts/repack.py: one content gives one tarball."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Not by runpy: in ansible-test, Ansible's own finder takes the file for a directory of collections.
loader = SourceFileLoader("repack", str(ROOT / "scripts/repack.py"))
script = module_from_spec(spec_from_loader(loader.name, loader))  # type: ignore[arg-type]
loader.exec_module(script)
repack = script.repack


def tarball(path: Path, names: list[str], when: int, mode: int) -> Path:
    listed = json.dumps({"files": [{"name": name} for name in names], "format": 1}).encode()
    manifest = {"file_manifest_file": {"chksum_sha256": hashlib.sha256(listed).hexdigest()}, "format": 1}
    with tarfile.open(path, "w:gz") as tar:
        for name, content in [
            ("MANIFEST.json", json.dumps(manifest).encode()),
            ("FILES.json", listed),
            *((name, name.encode()) for name in names),
        ]:
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode, info.uname = len(content), when, mode, str(when)
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname, link.mtime = tarfile.SYMTYPE, names[0], when
        tar.addfile(link)
    return path


def test_what_is_packed_again_is_the_same_whatever_the_order(tmp_path: Path) -> None:
    one = tarball(tmp_path / "one.tar.gz", ["b", "a", "c/d"], 1, 0o600)
    other = tarball(tmp_path / "other.tar.gz", ["c/d", "b", "a"], 2, 0o644)
    with tarfile.open(other) as tar:
        link = tar.getmember("link")
    assert link.linkname == "c/d"
    for path in (one, other):
        repack(path, 1_700_000_000)
    with tarfile.open(one) as tar, tarfile.open(other) as tar_2:
        assert tar.getnames() == tar_2.getnames() == ["MANIFEST.json", "FILES.json", "a", "b", "c/d", "link"]
        listed = tar.extractfile("FILES.json").read()  # type: ignore[union-attr]
        manifest = json.load(tar.extractfile("MANIFEST.json"))  # type: ignore[arg-type]
        assert manifest["file_manifest_file"]["chksum_sha256"] == hashlib.sha256(listed).hexdigest()
        assert tar.extractfile("b").read() == b"b"  # type: ignore[union-attr]
        assert tar.getmember("link").linkname == "b"
    again = tarball(tmp_path / "again.tar.gz", ["b", "a", "c/d"], 3, 0o640)
    repack(again, 1_700_000_000)
    assert again.read_bytes() == one.read_bytes()
