# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generations that a node keeps, which of them it has to run, and what it does when one cannot be read."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..document import NOTHING, Generation
from ..ipsec import credential_files
from ..system import files
from ..system.memory import Memory
from ..system.room import Reserve
from ..system.run import CommandError
from . import generations
from . import guarded as _guarded
from . import pending as _pending

STATE = "/var/lib/intercloud-vpn"
COPIES = "/etc/intercloud-vpn"  # of what must not be lost with the directory above
REFUSING = "refusing"  # in place of a generation's name: none can be read, and every block is refused
_NAME = re.compile(r"\d+-[0-9a-f]{12}")


@dataclass(frozen=True)
class Running:
    """What a node has to run, as far as it can be read.

    `damaged`: what could not be read, and why; empty if all is as it was stored. With `refusing`, `generation` holds
    nothing but firewall and blackhole routes for every block ever guarded (see guarded.py): only those two may be
    brought, and nothing may be taken away for its sake.
    """

    generation: Generation
    name: str = ""
    damaged: tuple[str, ...] = ()
    refusing: bool = False

    def trouble(self) -> str:
        """What to say about it; empty if all is as it was stored."""
        if not self.damaged:
            return ""
        does = "all traffic of its VPNs is refused" if self.refusing else f"{self.name} is used instead"
        return f"{'; '.join(self.damaged)}: {does}; run create_vpn again"


class Stored:
    """The part of the state directory that holds generations. `root` is for tests."""

    def __init__(self, root: str = "/") -> None:
        self.root = Path(root)

    def at(self, path: str) -> Path:
        """An absolute path below the root."""
        return self.root / path.lstrip("/")

    @property
    def state(self) -> Path:
        """What survives a reboot."""
        return self.at(STATE)

    def noted(self, name: str) -> Memory:
        """A note in two places."""
        return Memory(self.state / name, self.at(COPIES) / name)

    @property
    def guarded(self) -> Memory:
        """Every block that this node has ever guarded (guarded.py). Only `erase` forgets one."""
        return self.noted("guarded.json")

    @property
    def reserve(self) -> Reserve:
        """Room on disk for the way back."""
        return Reserve(self.state, self.at(COPIES))

    # --- generations ---------------------------------------------------------------------------------------------

    def _directory(self, name: str) -> Path:
        return self.state / "generations" / name

    def load(self, name: str) -> Generation | None:
        """A generation by its name, or None if it is not there as it was stored."""
        with contextlib.suppress(generations.Damaged):
            return generations.load(self._directory(name))
        return None

    def whole(self, name: str) -> bool:
        """Whether a generation is there as it was stored, with its checksums."""
        return self.load(name) is not None and generations.complete(self._directory(name))

    def save(self, generation: Generation) -> None:
        """Store a generation; it becomes visible as a whole or not at all. Raises Unwritable."""
        if not self.whole(generation.name):
            generations.save(self._directory(generation.name), generation)

    def named(self, link: str) -> str:
        """The generation that `current` or `previous` points at; empty if none."""
        try:
            return Path(os.readlink(self.state / link)).name
        except OSError:
            return ""

    def kept(self, name: str) -> Generation:
        """A generation that has to be there; "" is: nothing. CommandError when it cannot be read: it is not nothing."""
        found = self.resolve(name)
        if found.damaged:
            raise CommandError(found.trouble())
        return found.generation

    def current(self) -> Generation | None:
        """The generation this node was last told to run, if it can be read. What to run else: `running`."""
        name = self.named("current")
        return self.load(name) if name else None

    def running(self) -> Running:
        """What this node has to run: the current generation; else the last confirmed one or the one before; else none,
        and it refuses all that it ever guarded."""
        name, pending = self.named("current"), self.pending
        if not name and pending is not None and not (pending.generation and pending.fallback):
            return Running(NOTHING)  # it is on its way to nothing, or back there
        if name or not (self.guarded.exists() or self.named("previous")):
            return self.resolve(name)
        return self._instead((f"{self.state / 'current'}: is missing",))

    def resolve(self, name: str) -> Running:
        """What a node runs that has to run the generation of that name ("" is: nothing)."""
        if not name:
            return Running(NOTHING)
        if name == REFUSING:
            return Running(_guarded.refusing(self.guarded.read() or {}), name, ("no generation can be read",), True)
        try:
            return Running(generations.load(self._directory(name)), name)
        except generations.Damaged as error:
            return self._instead((str(error),), name)

    def _instead(self, damaged: tuple[str, ...], name: str = "") -> Running:
        for other in dict.fromkeys((self.fallback or "", self.named("previous"))):
            if _NAME.fullmatch(other) and other != name:
                try:
                    found = generations.load(self._directory(other))
                    found = self._with_credentials(_guarded.beside(found, self.guarded.read() or {}))
                    return Running(found, other, damaged)
                except generations.Damaged as error:
                    damaged += (str(error),)
        return Running(_guarded.refusing(self.guarded.read() or {}), REFUSING, damaged, True)

    def _with_credentials(self, before: Generation) -> Generation:
        """An earlier generation, with the certificate and authorities that the node has by now.

        Those of the generation may be of before a rotation: an authority that is gone would be trusted again, and no
        peer takes its certificates.
        """
        texts = {name: files.read(self.at(path)) for name, path in credential_files.FILES.items()}
        if not {*texts} <= {*before.files} or not all(text.startswith("-----BEGIN") for text in texts.values()):
            return before
        return Generation(before.document, {**before.files, **texts}, before.backend)

    def point(self, generation: Generation, back: bool = False) -> None:
        """Make a stored generation the current one, and keep the one before it, unless the node goes `back` from it."""
        old = self.named("current")
        if old != generation.name:
            if old and not back and self.load(old):
                files.link(self.state / "previous", f"generations/{old}")
            files.link(self.state / "current", f"generations/{generation.name}")
        self.tidy()

    def tidy(self) -> None:
        """Forget older generations, and damaged ones."""
        for path in self.surplus():
            if path.is_symlink():
                files.remove(path)
            else:
                shutil.rmtree(path, ignore_errors=True)

    def leave(self) -> None:
        """Have no current generation, and keep all of them for whoever goes back."""
        files.remove(self.state / "current")
        if self.state.is_dir():
            files.sync(self.state)

    def forget_previous(self) -> None:
        """Forget the generation before the current one."""
        files.remove(self.state / "previous")
        self.tidy()

    def surplus(self) -> list[Path]:
        """Stored generations that nothing leads to, and what leads to one that cannot be read."""
        previous = self.named("previous")
        lost = previous and (previous == self.named("current") or not self.load(previous))
        keep = {self.named("current"), "" if lost else previous, self.fallback or ""}
        home = self.state / "generations"
        found = [path for path in sorted(home.iterdir()) if path.name not in keep] if home.is_dir() else []
        return [path for path in found if not path.name.startswith(files.TEMPORARY)] + (
            [self.state / "previous"] if lost else []
        )

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

    def unread(self) -> list[str]:
        """What is stored beside generations and cannot be read. There is another copy, or it is no longer known."""
        path = self.state / _pending.FILE
        lost = [f"{path}: is damaged"] if path.exists() and self.pending is None else []
        return [*lost, *self.guarded.damaged(), *self.noted("owned.json").damaged()]

    def confirm(self) -> None:
        """The current generation is here to stay."""
        self.reserve.release()
        _pending.forget(self)
        self.tidy()
