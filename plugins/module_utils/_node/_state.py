# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node remembers: its generations, which of them is current, and what it found before we came."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from . import _arrivals, _files, _identity, _pending, _ssl
from ._document import NOTHING, Generation
from ._run import CommandError

STATE = "/var/lib/intercloud-vpn"
RUN = "/run/intercloud-vpn"
LOCK = "/run/intercloud-vpn.lock"
TARGET = f"{RUN}/target"


class Busy(Exception):
    """Another commit is running on this node."""


class Store:
    """The state directory. `root` is for tests."""

    def __init__(self, root: str = "/") -> None:
        self.root = Path(root)

    def at(self, path: str) -> Path:
        """An absolute path below the root."""
        return self.root / path.lstrip("/")

    @property
    def state(self) -> Path:
        """What survives a reboot."""
        return self.at(STATE)

    # --- generations ---------------------------------------------------------------------------------------------

    def load(self, name: str) -> Generation | None:
        """A generation by its name, or None if it is not (wholly) there."""
        directory = self.state / "generations" / name
        try:
            document = json.loads(_files.read(directory / "document.json"))
            backend = _files.read(directory / "backend").strip()
            files = {path.name: _files.read(path) for path in sorted((directory / "files").iterdir())}
        except (OSError, ValueError):
            return None
        return Generation(document, files, backend)

    def save(self, generation: Generation) -> None:
        """Store a generation; it becomes visible as a whole or not at all."""
        directory = self.state / "generations" / generation.name
        if self.load(generation.name) == generation:
            return
        building = directory.parent / f".{generation.name}.{os.getpid()}"
        shutil.rmtree(building, ignore_errors=True)
        for path in (directory.parent, building, building / "files"):
            _files.directory(path, 0o700)
        for name, content in generation.files.items():
            _files.write(building / "files" / name, content, 0o600)
        _files.write(building / "backend", generation.backend, 0o600)
        _files.write(building / "document.json", json.dumps(generation.document, indent=1, sort_keys=True), 0o600)
        shutil.rmtree(directory, ignore_errors=True)
        building.rename(directory)
        _files.sync(directory.parent)

    def named(self, link: str) -> str:
        """The generation that `current` or `previous` points at; empty if none."""
        try:
            return Path(os.readlink(self.state / link)).name
        except OSError:
            return ""

    def kept(self, name: str) -> Generation:
        """A generation that has to be there; "" is: nothing. CommandError when it cannot be read: it is not nothing."""
        found = self.load(name) if name else NOTHING
        if found is None:
            raise CommandError(f"{self.state / 'generations' / name}: cannot be read; run create_vpn again")
        return found

    def current(self) -> Generation | None:
        """The generation this node was last told to run."""
        name = self.named("current")
        return self.load(name) if name else None

    def point(self, generation: Generation) -> None:
        """Make a stored generation the current one, keep the one before it, and forget older ones."""
        _identity.note(generation, self)
        old = self.named("current")
        if old != generation.name:
            if old:
                _files.link(self.state / "previous", f"generations/{old}")
            _files.link(self.state / "current", f"generations/{generation.name}")
        keep = {self.named("current"), self.named("previous"), self.fallback or ""}
        for path in (self.state / "generations").iterdir():
            if path.name not in keep:
                shutil.rmtree(path, ignore_errors=True)

    def leave(self) -> None:
        """Have no current generation, and keep all of them for whoever goes back."""
        (self.state / "current").unlink(missing_ok=True)
        _files.sync(self.state)

    def erase(self, owned: bool = True) -> None:
        """Forget everything of ours. A VCC server keeps its ledger in the same directory: that stays.

        Without `owned`, what we noted of the node's own state stays, for whoever has to clean up.
        """
        for name in (
            "current",
            "previous",
            "unconfirmed",
            "usage.json",
            "identity.json",
            *(["owned.json"] if owned else []),
        ):
            (self.state / name).unlink(missing_ok=True)
        shutil.rmtree(self.state / "generations", ignore_errors=True)
        with contextlib.suppress(OSError):  # somebody else's files are in it, or it is a mount point
            self.state.rmdir()
        shutil.rmtree(self.at(RUN), ignore_errors=True)

    # --- commit-confirm ------------------------------------------------------------------------------------------

    @property
    def pending(self) -> _pending.Pending | None:
        """What waits for confirmation, if anything does."""
        return _pending.read(self)

    @property
    def fallback(self) -> str | None:
        """Where an unconfirmed node goes back to ("" is: to nothing); None when the current generation is confirmed."""
        pending = self.pending
        return None if pending is None else pending.fallback

    def confirm(self) -> None:
        """The current generation is here to stay."""
        _pending.forget(self)

    # --- while a commit is under way ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def aiming(self, name: str) -> Iterator[None]:
        """Say, while the node is brought to a generation ("" is: to nothing), which one it is. The caller has the lock.

        Whoever puts back a firewall meanwhile (_refusal.py) takes that one's.
        """
        path = self.at(TARGET)
        _files.write(path, name, 0o600)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    @property
    def target(self) -> str | None:
        """The generation that whoever holds the lock leads to; None if nobody said. Of a killed one, nothing counts."""
        path = self.at(TARGET)
        return _files.read(path) if path.exists() else None

    def leading(self) -> tuple[str, Generation]:
        """The generation, and its name, that the node is to have: during a commit, the one that it leads to."""
        target = self.target if self.busy() else None
        if target == "":
            return "", NOTHING
        found = self.load(target) if target else None
        if found is not None and target:
            return target, found
        return self.named("current"), self.current() or NOTHING

    def busy(self) -> bool:
        """Whether somebody holds the node's lock now."""
        try:
            handle = os.open(self.at(LOCK), os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(handle)
        return False

    # --- what comes and goes ------------------------------------------------------------------------------------

    @cached_property
    def arrivals(self) -> dict[str, str]:
        """The device that each peer of a server of kind ssl came by last, by identity.

        Read once: it may change at any time, and what is compared within one commit has to be the same throughout.
        """
        return _arrivals.read(self.at(_ssl.ARRIVALS))

    # --- what was there before us --------------------------------------------------------------------------------

    def owned(self, key: str) -> Any:
        """What we noted under `key` (see `own`), or None."""
        return json.loads(_files.read(self.state / "owned.json") or "{}").get(key)

    def own(self, key: str, value: Any) -> None:
        """Note, before touching it, what is ours or how we found it. None forgets."""
        noted = json.loads(_files.read(self.state / "owned.json") or "{}")
        if value is None:
            noted.pop(key, None)
        else:
            noted[key] = value
        _files.write(self.state / "owned.json", json.dumps(noted, sort_keys=True), 0o600)

    # --- one at a time -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def lock(self, patience: float = 60) -> Iterator[None]:
        """Hold the node's lock. Raises Busy after `patience` seconds. The file goes when its holder does."""
        path = self.at(LOCK)
        if not path.parent.exists():
            _files.directory(path.parent)
        deadline = time.monotonic() + patience
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.exists() and os.fstat(handle).st_ino == path.stat().st_ino:
                    break
            except OSError:
                pass
            os.close(handle)
            if time.monotonic() > deadline:
                raise Busy(f"another commit has been running on this node for {patience:g} s")
            time.sleep(0.1)
        try:
            self.at(TARGET).unlink(missing_ok=True)  # of one that was killed
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(handle)
