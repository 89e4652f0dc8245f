# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's memory as a subsystem: notes that are missing or damaged, and files that killed steps left behind."""

from __future__ import annotations

from . import identity
from .document import Change
from .generation import guarded
from .kernel.addresses import Addresses
from .kernel.sysctl import Sysctls
from .part import Part
from .system import leftovers


class Notes(Part):
    """What has to be on disk before anything is brought to the node: first of all, the blocks that it will guard."""

    name = "state"

    def _guarding(self) -> guarded.Noted:
        return guarded.grown(self.store.guarded.read() or {}, self.want)

    def changes(self) -> list[Change]:
        """Notes to write, and leftovers to remove."""
        found = [Change(self.name, f"remove {path}") for path in leftovers.found(self.store.root)]
        if self.want.empty:  # what is noted is needed until all is gone, and is forgotten then
            return found
        guarding = self._guarding()
        if guarding != (self.store.guarded.read() or {}):
            found.append(Change(self.name, "note the blocks to guard", "", "\n".join(guarding["blocks"])))
        else:
            found += [Change(self.name, f"write {path}") for path in self.store.guarded.stale()]
        if self._unnamed():
            found.append(Change(self.name, f"write {self.store.state / identity.IDENTITY}"))
        found += [Change(self.name, f"write {path}") for path in self.store.owning.stale()]
        # While the generation is not confirmed, who goes back needs them.
        return found if self.store.pending else found + self._to_forget()

    def _to_forget(self) -> list[Change]:
        return [*Addresses(self.context).to_forget(), *Sysctls(self.context).to_forget()]

    def _unnamed(self) -> bool:
        """Whether `identity.json` is missing or damaged. That of a new generation is written when it is pointed at."""
        return self.store.named("current") == self.want.name and identity.stale(self.want, self.store)

    def build(self) -> None:
        """Sweep, and write."""
        leftovers.sweep(self.store.root)
        if self.want.empty:
            return
        guarding = self._guarding()
        if guarding:
            self.store.guarded.write(guarding)
        elif self.store.guarded.exists():
            self.store.guarded.forget()
        if self._unnamed():
            identity.note(self.want, self.store)
        owned = self.store.owning.read()
        if owned is not None:
            self.store.owning.write(owned)
        elif self.store.owning.exists():  # damaged in both places
            self.store.owning.forget()

    def shrink(self) -> None:
        """Notes grow before anything is touched, and shrink when nothing leads back any more: when all of a generation
        is there, and it is confirmed. Whatever fails before, the way back needs no new ones. Where the last one of
        them cannot be written, the next run does it."""
        if not self.want.empty:  # else all of them go at once
            Addresses(self.context).forget()
            Sysctls(self.context).forget()
