# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs a collection's tarball anew, so that the same commit gives the same bytes on every machine.

    repack.py TARBALL SECONDS_SINCE_1970

`ansible-galaxy collection build` takes files in the order of the file system, and writes the time of day into the
tarball.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any


def as_json(value: Any) -> bytes:
    """Written as ansible-galaxy does."""
    return json.dumps(value, indent=1).encode()


def sorted_manifests(members: dict[str, tuple[tarfile.TarInfo, bytes]]) -> None:
    """Files in the order of their names; MANIFEST.json has the digest of that list."""
    files = json.loads(members["FILES.json"][1])
    files["files"].sort(key=lambda entry: entry["name"])
    listed = as_json(files)
    manifest = json.loads(members["MANIFEST.json"][1])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(listed).hexdigest()
    for name, content in (("FILES.json", listed), ("MANIFEST.json", as_json(manifest))):
        members[name] = (members[name][0], content)


def repack(path: Path, when: int) -> None:
    """Replace the tarball at ``path``; ``when``: the time that every file in it gets, in seconds since 1970."""
    with tarfile.open(path) as tar:
        members = {
            info.name: (info, file.read() if (file := tar.extractfile(info) if info.isfile() else None) else b"")
            for info in tar.getmembers()
        }
    sorted_manifests(members)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        # ansible-galaxy reads MANIFEST.json first.
        for name in sorted(members, key=lambda name: (name != "MANIFEST.json", name != "FILES.json", name)):
            info, content = members[name]
            info.mtime, info.uid, info.gid, info.uname, info.gname = when, 0, 0, "", ""
            info.pax_headers = {}
            info.size = len(content)
            if not info.issym():
                info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
            tar.addfile(info, io.BytesIO(content) if info.isfile() else None)
    with path.open("wb") as file, gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=when) as zipped:
        zipped.write(packed.getvalue())


if __name__ == "__main__":
    repack(Path(sys.argv[1]), int(sys.argv[2]))
