# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of the resident agent's workers: a thread that waits for news, looks, and repairs, whatever the others do."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod

from ..document import NOTHING, Generation
from ..part import Context
from ..state import Busy, Store
from .journal import Journal


class Worker(ABC, threading.Thread):
    """Waits for what concerns it, and has its turn. What a turn raises is said once, and the next turn comes."""

    patience: float
    """Seconds that a turn may take before the agent counts as hung."""

    def __init__(self, store: Store, journal: Journal) -> None:
        super().__init__(name=type(self).__name__, daemon=True)
        self.root, self.journal = str(store.root), journal
        self._ended = threading.Event()
        self._since = 0.0
        self.current: str | None = None  # the generation's name, and what it says
        self._generation = NOTHING
        self.refusing = False  # no generation can be read: nothing but the refusal is to be held

    @property
    def store(self) -> Store:
        """The node's memory as it is now."""
        return Store(self.root)

    @property
    def hung(self) -> bool:
        """Whether a turn has taken too long."""
        return bool(self._since) and time.monotonic() - self._since > self.patience

    def end(self) -> None:
        """Have no further turn."""
        self._ended.set()

    def generation(self) -> Generation:
        """The node's generation; read again only when it is another one."""
        store = self.store
        name = store.named("current")
        if name != self.current:
            running = store.running()
            self._generation, self.refusing = running.generation, running.refusing
            # One that is repaired has the same name.
            self.current = None if running.damaged else name
            if running.damaged:
                self.journal.failed("state", running.trouble())
            else:
                self.journal.works("state")
        return self._generation

    def context(self, generation: Generation) -> Context:
        """What a subsystem is given to hold the node to its generation."""
        return Context(generation, generation, self.store)

    def run(self) -> None:
        """Wait and look until told to end."""
        while not self._ended.is_set():
            self._since = time.monotonic()
            try:
                self.turn()
                self.journal.works(self.name)
            except Busy:
                pass
            except Exception as error:  # whatever it is, the worker goes on
                self.journal.failed(self.name, str(error) or repr(error))
            self._since = 0.0
            try:
                self.wait()
            except Exception as error:
                self.journal.failed(f"{self.name}: waiting", str(error) or repr(error))
                self._ended.wait(1.0)

    @abstractmethod
    def wait(self) -> None:
        """Return when there may be something to do."""

    @abstractmethod
    def turn(self) -> None:
        """Look, and repair."""
