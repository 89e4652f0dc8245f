# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: the catalog's index on the VCC server: what each organization published, and which nodes may hold it.

One file per template, ``published/ORGANIZATION/TEMPLATE.json`` in the state directory, written whole. It has the
descriptor, the manifest and the certificate as they were published: what reads packages verifies them again.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .._base.errors import VccError
from .._base.names import ORGANIZATION, ORGANIZATION_RULE, required
from .._base.whole_files import locked, make_directory, write_whole
from .names import TEMPLATE_RULE, is_template

PUBLISHED = "published"
SUFFIX = ".json"
FORMAT = 1
LARGEST = 256 << 20  # octets; a descriptor has up to 16 MiB, and a list of files may be as long
_LOCK = ".lock"
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Seen:
    """What is published: its version and files, who published it and when (UTC), and the small files' contents."""

    version: str
    serial: int
    by: str
    at: str
    files: list[dict[str, Any]]
    texts: dict[str, bytes]

    @property
    def size(self) -> int:
        """Octets, all files together."""
        return sum(int(file["size"]) for file in self.files)


@dataclass(frozen=True)
class Entry:
    """A template. ``seen``: None before it was published, and while it is taken back. ``holders``: the version that
    each node has, empty where it may have a part of one. ``reserved``: the highest serial that a run was given.
    """

    seen: Seen | None = None
    holders: Mapping[str, str] = field(default_factory=dict)
    reserved: int = 0


class Catalog:
    """The index in a state directory."""

    def __init__(self, state_dir: str) -> None:
        self.home = Path(state_dir) / PUBLISHED

    def organizations(self) -> list[str]:
        """Those that have a template."""
        return [name for name in _names(self.home) if ORGANIZATION.fullmatch(name)]

    def templates(self, organization: str) -> list[str]:
        """The names of an organization's templates, sorted."""
        names = [name[: -len(SUFFIX)] for name in _names(self._folder(organization)) if name.endswith(SUFFIX)]
        return [name for name in names if is_template(name)]

    def read(self, organization: str, template: str) -> Entry:
        """A template's entry; an empty one where there is none. VccError where it cannot be read."""
        path = self.path(organization, template)
        content = _content(path)
        return Entry() if content is None else _read(content, organization, template, path)

    def path(self, organization: str, template: str) -> Path:
        """The file of a template's entry. VccError for names that may not be part of a path."""
        if not is_template(template):
            raise VccError(f"vcc_template {template!r}: must be {TEMPLATE_RULE}")
        return self._folder(organization) / f"{template}{SUFFIX}"

    def change(self, organization: str, template: str, work: Callable[[Entry], Entry], check: bool = False) -> bool:
        """Write what ``work`` makes of an entry, alone; returns whether it is another. An empty one goes."""
        path = self.path(organization, template)
        with contextlib.nullcontext() if check else self._alone():
            old = self.read(organization, template)
            new = work(old)
            if new == old:
                return False
            if not check:
                self._write(path, new, organization, template)
            return True

    def _folder(self, organization: str) -> Path:
        return self.home / required("vcc_organization", organization, ORGANIZATION, ORGANIZATION_RULE)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        make_directory(self.home, 0o700)
        with locked(self.home / _LOCK):
            yield

    def _write(self, path: Path, entry: Entry, organization: str, template: str) -> None:
        if entry.seen is None and not entry.holders:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # of other templates
                path.parent.rmdir()
            return
        make_directory(path.parent, 0o700)
        _require_folder(path.parent)
        said: dict[str, Any] = {"format": FORMAT, "organization": organization, "template": template, **asdict(entry)}
        if entry.seen is not None:
            said["seen"]["texts"] = {
                name: base64.b64encode(text).decode() for name, text in sorted(entry.seen.texts.items())
            }
        write_whole(path, (json.dumps(said, indent=1, sort_keys=True) + "\n").encode(), 0o600)


def reserve(entry: Entry, version: str, nodes: Sequence[str], now: float | None = None) -> Entry:
    """Before nodes are told: which of them may hold something from now on, and the serial of this publication.

    The serial of what is published stays while that is the same, and no other run was given a later one: one that died
    may have left its version on a node. It grows with time: what a lost index gave, a new one does not give again.
    """
    holders = {**dict.fromkeys(nodes, ""), **entry.holders}
    if kept(entry, version):
        return replace(entry, holders=holders)
    return replace(entry, holders=holders, reserved=next_serial(entry, now))


def kept(entry: Entry, version: str) -> Seen | None:
    """What is published, if a run that publishes this version leaves it as it is."""
    seen = entry.seen
    return seen if seen is not None and seen.version == version and entry.reserved <= seen.serial else None


def next_serial(entry: Entry, now: float | None = None) -> int:
    """A serial that is higher than all before it."""
    last = max(entry.reserved, entry.seen.serial if entry.seen else 0)
    return max(last + 1, int(time.time() if now is None else now))


def forget(entry: Entry, nodes: Sequence[str]) -> Entry:
    """Without nodes that will never come back."""
    gone = entry.holders.keys() & set(nodes)
    if not gone:
        return entry
    holders = {node: version for node, version in entry.holders.items() if node not in gone}
    return replace(entry, holders=holders, seen=entry.seen if holders else None)


def serial_of(entry: Entry, version: str) -> int:
    """The serial that a run publishes with."""
    same = kept(entry, version)
    return same.serial if same else entry.reserved


def publish(entry: Entry, seen: Seen, done: Sequence[str]) -> Entry:
    """After nodes were told, those that have it now. VccError where another run published a later one meanwhile."""
    if entry.seen is not None and entry.seen.serial > seen.serial:
        raise VccError(
            f"{entry.seen.by} published another version at {entry.seen.at}, while this run was sending its own: run "
            "this again if yours is to be seen"
        )
    if not done and seen.version not in entry.holders.values():  # nobody could take it from anywhere
        return entry
    same = entry.seen is not None and (entry.seen.version, entry.seen.serial) == (seen.version, seen.serial)
    holders = {**entry.holders, **dict.fromkeys(done, seen.version)}
    return replace(entry, seen=entry.seen if same else seen, holders=holders)


def withdraw(entry: Entry, serial: int, done: Sequence[str], whole: bool) -> Entry:
    """After nodes removed it. ``whole``: it is to be nowhere, so nothing is seen of it any more. VccError likewise."""
    if entry.seen is not None and entry.seen.serial > serial:
        raise VccError(f"{entry.seen.by} published it again at {entry.seen.at}: run this again")
    holders = {node: version for node, version in entry.holders.items() if node not in done}
    return replace(entry, seen=None if whole or not holders else entry.seen, holders=holders)


def _names(folder: Path) -> list[str]:
    """The names in a folder; none where it is missing. VccError for a link: what is behind it is not ours."""
    _require_folder(folder)
    try:
        return sorted(entry.name for entry in os.scandir(folder) if not entry.is_symlink())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise VccError(f"{folder}: cannot be read: {error.strerror}") from None


def _require_folder(folder: Path) -> None:
    for one in (folder.parent, folder):
        if PUBLISHED in (one.name, one.parent.name) and (one.is_symlink() or (one.exists() and not one.is_dir())):
            raise VccError(f"{one}: is a symbolic link, or no folder: the catalog is read from folders of its own only")


def _content(path: Path) -> bytes | None:
    _require_folder(path.parent)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VccError(f"{path}: cannot be read: {error.strerror}") from None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise VccError(f"{path}: is not a file")
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise VccError(f"{path}: has more than {LARGEST} octets")
    return content


def _read(content: bytes, organization: str, template: str, path: Path) -> Entry:
    wrong = VccError(
        f"{path}: is not an entry of the catalog, or was changed; remove the file, and publish {template} again"
    )
    try:
        said = json.loads(content)
        if (said["format"], said["organization"], said["template"]) != (FORMAT, organization, template):
            raise wrong
        holders = {str(node): str(version) for node, version in said["holders"].items()}
        return Entry(_read_seen(said["seen"]), holders, int(said["reserved"]))
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error, RecursionError):
        raise wrong from None


def _read_seen(said: Mapping[str, Any] | None) -> Seen | None:
    if said is None:
        return None
    files: list[dict[str, Any]] = [
        {"name": str(one["name"]), "sha256": str(one["sha256"]), "size": int(one["size"])} for one in said["files"]
    ]
    if not files or not all(_DIGEST.fullmatch(file["sha256"]) for file in files):
        raise ValueError("no files")
    texts = {str(name): base64.b64decode(text, validate=True) for name, text in said["texts"].items()}
    return Seen(str(said["version"]), int(said["serial"]), str(said["by"]), str(said["at"]), files, texts)
