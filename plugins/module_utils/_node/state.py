# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node remembers: its generations, which of them is current, and what it found before we came."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from . import identity
from .document import NOTHING, Generation
from .generation import pending
from .generation.running import COPIES, STATE, Running, Stored
from .lanes import noted as _lanes
from .ssl import arrivals as _arrivals
from .ssl import processes
from .system import files, leftovers
from .system.memory import Memory

__all__ = ["COPIES", "LOCK", "REQUEST", "RUN", "STATE", "TARGET", "Busy", "Running", "Store"]

RUN = "/run/intercloud-vpn"
LOCK = "/run/intercloud-vpn.lock"
TARGET = f"{RUN}/target"
REQUEST = "certificate-request.pem"  # in the state directory: ipsec/request.py


class Busy(Exception):
    """Another commit is running on this node."""


class Store(Stored):
    """The state directory, and the node's lock."""

    lost: list[str] | None = None
    """Notes that could not be written on the way back; None at other times."""

    def point(self, generation: Generation, back: bool = False) -> None:
        """Make a stored generation the current one, and say so in `identity.json`."""
        with contextlib.suppress(*([files.Unwritable] if back else [])):  # the generation itself says it, too
            identity.note(generation, self)
        super().point(generation, back)

    def traces(self) -> list[Path]:
        """All that is stored of ours. A VCC server keeps its ledger in the same directory: that is none of it."""
        names = ("previous", "usage.json", "identity.json", REQUEST, "current", "generations", "owned.json")
        places = [*(self.state / name for name in names), *self.reserve.places, *self.owning.places]
        places += self.guarded.places  # nearly last: until then, what was guarded is refused
        places.append(self.state / pending.FILE)  # last: who is killed on the way back to nothing is to go on
        return [path for path in dict.fromkeys(places) if path.exists() or path.is_symlink()]

    def remains(self) -> list[Path]:
        """All that `erase` removes: also directories that one left behind which was killed."""
        empty = [path for path in self._directories() if files.removable(path) and not any(path.iterdir())]
        return [*self.traces(), *empty]

    def _directories(self) -> tuple[Path, ...]:
        return self.state, self.at(COPIES)

    def erase(self) -> None:
        """Forget everything of ours."""
        for path in self.traces():
            with files.named(path):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        leftovers.sweep(self.root)
        for directory in self._directories():
            with contextlib.suppress(OSError):  # somebody else's files are in it, or it is a mount point
                directory.rmdir()
        shutil.rmtree(self.at(RUN), ignore_errors=True)

    # --- while a commit is under way ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def aiming(self, name: str) -> Iterator[None]:
        """Say, while the node is brought to a generation ("" is: to nothing), which one it is. The caller has the lock.

        Whoever puts back a firewall meanwhile (resident/refusal.py) takes that one's.
        """
        path = self.at(TARGET)
        self.put(lambda: files.write(path, name, 0o600))
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # the next one that takes the lock removes it
                path.unlink(missing_ok=True)

    @property
    def target(self) -> str | None:
        """The generation that whoever holds the lock leads to; None if nobody said. Of a killed one, nothing counts."""
        path = self.at(TARGET)
        return files.read(path) if path.exists() else None

    def leading(self, otherwise: Callable[[], Running] | None = None) -> tuple[str, Generation]:
        """The name and content of the generation that the node is to have. During a commit: the commit's.

        `otherwise`: returns what the node runs at other times. Default: read it from disk.
        """
        target = self.target if self.committing() else None
        if target == "":
            return "", NOTHING
        found = self.load(target) if target else None
        if found is not None and target:
            return target, found
        running = (otherwise or self.running)()
        return running.name, running.generation

    def committing(self) -> bool:
        """Whether the node is being brought to a generation now. Who only looks and repairs holds the lock, too."""
        return self.target is not None and self.busy()

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
        return _arrivals.read(self.at(processes.ARRIVALS))

    @property
    def lanes(self) -> dict[str, int]:
        """The lane in use of each site that is a pair (docs/explanation/lanes.md). A site that is not here: lane 0."""
        return _lanes.lanes(self.at(_lanes.FILE))

    # --- what was there before us --------------------------------------------------------------------------------

    @property
    def owning(self) -> Memory:
        """What `own` notes."""
        return self.noted("owned.json")

    def owned(self, key: str) -> Any:
        """What we noted under `key` (see `own`), or None."""
        return (self.owning.read() or {}).get(key)

    def own(self, key: str, value: Any) -> None:
        """Note, before touching it, what is ours or how we found it. None forgets."""
        noted = dict(self.owning.read() or {})
        if value is None:
            noted.pop(key, None)
        else:
            noted[key] = value
        self.put(lambda: self.owning.write(noted))

    def put(self, write: Callable[[], None]) -> None:
        """Write a note. On the way back (`lost` is a list) one that cannot be written stops nothing: what is loaded
        comes first."""
        try:
            write()
        except OSError as error:
            if self.lost is None:
                raise
            self.lost.append(str(error))

    # --- one at a time -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def lock(self, patience: float = 60) -> Iterator[None]:
        """Hold the node's lock. Raises Busy after `patience` seconds. The file goes when its holder does."""
        path = self.at(LOCK)
        deadline = time.monotonic() + patience
        while True:
            with files.named(path):
                if not path.parent.exists():
                    files.directory(path.parent)
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
            with contextlib.suppress(OSError):
                self.at(TARGET).unlink(missing_ok=True)  # of one that was killed
            yield
        finally:
            with contextlib.suppress(OSError):  # held is the lock, not the file: one that stays does no harm
                path.unlink(missing_ok=True)
            os.close(handle)
