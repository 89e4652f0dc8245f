# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generations on disk: a directory for each, whose checksums tell whether it is as it was stored."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from ..document import Generation, sha256_of
from ..system import files as _files

SUMS = "sha256sums"  # as sha256sum(1) writes them: `sha256sum -c sha256sums` checks by hand
_DOCUMENT, _BACKEND, _FILES = "document.json", "backend", "files"


class Damaged(Exception):
    """A generation is not what was stored. The message names the file and what is wrong with it."""


def load(directory: Path) -> Generation:
    """A generation as it was stored. Raises Damaged, also when there is none."""
    try:
        return _read(directory)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else ""
        raise Damaged(f"{getattr(error, 'filename', None) or directory}: {reason or 'is damaged'}") from error


def _read(directory: Path) -> Generation:
    content = {path: (directory / path).read_bytes() for path in sorted(_listed(directory))}
    # Older versions stored no sums: the directory's name has a digest of all of it, too.
    if complete(directory) and (directory / SUMS).read_bytes() != _sums(content):
        raise Damaged(_culprit(directory, content))
    text = {path: octets.decode() for path, octets in content.items()}
    files = {path[len(_FILES) + 1 :]: text[path] for path in text if path.startswith(f"{_FILES}/")}
    found = Generation(json.loads(text[_DOCUMENT]), files, text[_BACKEND])
    if found.name != directory.name:  # a whole directory in another's place
        raise Damaged(f"{directory}: holds generation {found.name}")
    return found


def complete(directory: Path) -> bool:
    """Whether a generation has its checksums."""
    return (directory / SUMS).exists()


def _listed(directory: Path) -> list[str]:
    return [_DOCUMENT, _BACKEND, *(f"{_FILES}/{path.name}" for path in (directory / _FILES).iterdir())]


def _sums(content: dict[str, bytes]) -> bytes:
    lines = [f"{sha256_of(octets)}  {path}\n" for path, octets in sorted(content.items())]
    return "".join(lines).encode()


def _culprit(directory: Path, content: dict[str, bytes]) -> str:
    """The first file that is not as it was stored."""
    lines = (directory / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    stored = dict(line.split("  ", 1)[::-1] for line in lines if "  " in line)
    for path in sorted({*stored, *content}):
        if path not in content:
            return f"{directory / path}: is missing"
        if stored.get(path) != sha256_of(content[path]):
            return f"{directory / path}: does not match its checksum"
    return f"{directory / SUMS}: is damaged"


def save(directory: Path, generation: Generation) -> None:
    """Store a generation; it becomes visible as a whole or not at all. Raises Unwritable."""
    building = _files.temporary(directory)
    with _files.named(directory):
        shutil.rmtree(building, ignore_errors=True)
        try:
            for path in (directory.parent, building, building / _FILES):
                _files.directory(path, 0o700)
            content = {f"{_FILES}/{name}": text for name, text in generation.files.items()}
            content[_BACKEND] = generation.backend
            content[_DOCUMENT] = json.dumps(generation.document, indent=1, sort_keys=True)
            octets = {path: text.encode() for path, text in content.items()}
            for name, text in {**content, SUMS: _sums(octets).decode()}.items():
                _files.write(building / name, text, 0o600)
            _replace(building, directory)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        _files.sync(directory.parent)


def _replace(building: Path, directory: Path) -> None:
    """One that is there is damaged. It is moved away first: a directory that is not empty cannot be replaced."""
    if directory.exists():
        damaged = _files.temporary(Path(f"{directory}.damaged"))
        shutil.rmtree(damaged, ignore_errors=True)
        os.rename(directory, damaged)
        os.rename(building, directory)
        shutil.rmtree(damaged, ignore_errors=True)
    else:
        os.rename(building, directory)
