# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of the resident agent's workers: it hears news, thinks of what is due, and has its turns in steps (step.py)."""

from __future__ import annotations

import select
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from ..document import Generation
from ..generation.running import Running
from ..part import Context
from ..state import Busy, Store
from .held import Held
from .journal import Journal
from .step import Step

T = TypeVar("T")


class Worker(ABC):
    """What `hear` and `think` do happens in the agent itself, and waits for nothing. `turn` happens in a step.

    Attributes named in KEPT are plain data that a turn changes: it hands them back. All others are the agent's.
    """

    KEPT: ClassVar[tuple[str, ...]] = ()
    patience: ClassVar[float]
    """Seconds that a turn may take before it counts as hung."""

    def __init__(self, store: Store, journal: Journal, held: Held | None = None) -> None:
        self.root, self.journal, self.held = str(store.root), journal, held or Held()
        self.deaf_until = 0.0  # when to listen again: news comes in bunches
        self.steps: dict[str, Step] = {}

    @property
    def name(self) -> str:
        """What the journal calls it."""
        return type(self).__name__

    @property
    def store(self) -> Store:
        """The node's memory as it is now."""
        return Store(self.root)

    # --- in the agent ------------------------------------------------------------------------------------------------

    def sources(self) -> Iterable[Any]:
        """What to listen to, for select(2)."""
        return ()

    def hear(self) -> None:  # noqa: B027 (a worker without sources has no news)
        """Take the news from whichever source has some."""

    @abstractmethod
    def think(self, now: float) -> float:
        """Begin what is due; returns when to think again, unless news comes before that."""

    def missed(self, busy: bool) -> None:  # noqa: B027 (most think again anyway)
        """React to a turn that failed. `busy`: because another process holds the node's lock."""

    def collect(self) -> None:
        """Take what steps have said, and end those that hang."""
        ready = select.select([*self.steps.values()], [], [], 0)[0] if self.steps else []
        for step in [*self.steps.values()]:
            late = step.check()
            if late:
                self.journal.warn(f"{step.name}: {late}")
            if step in ready and step.ended():
                del self.steps[step.name]
                self._collected(step)

    def begin_turn(self) -> bool:
        """Have a turn; False if one is under way."""
        return self.begin(self.name, self.turn, self.patience)

    def begin(
        self, name: str, do: Callable[[], Any], patience: float, then: Callable[[Any], None] | None = None
    ) -> bool:
        """Do something in a step; whether it has begun. `then` is given what it returned.

        It does not begin while one of that name is under way, or when there is no memory for it.
        """
        if name in self.steps:
            return False
        try:
            step = Step(name, lambda: self._reported(name, do), patience, then)
        except OSError as error:
            self.journal.failed(f"{name}: beginning", str(error))
            return False
        self.journal.works(f"{name}: beginning")
        self.steps[name] = step
        return True

    def _collected(self, step: Step) -> None:
        report = step.result()
        if report is None:
            self.journal.failed(step.name, "ended early")
            if step.name == self.name:
                self.missed(False)
            return
        self.held.take(report["held"])
        if self.held.trouble:
            self.journal.failed("state", self.held.trouble)
        else:
            self.journal.works("state")
        self.journal.take(report["journal"])
        vars(self).update(report["kept"])
        if report["failed"] and step.name == self.name:
            self.missed(report["busy"])
        elif step.then is not None and not report["failed"]:
            step.then(report["result"])

    # --- in a step ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def turn(self) -> Any:
        """Look, and repair. Returns plain data."""

    def _reported(self, name: str, do: Callable[[], Any]) -> dict[str, Any]:
        """What a step hands back. What it raises is said once."""
        for source in self.sources():  # charon is to notice when the agent has hung up
            source.close()
        since, known = time.monotonic(), self.journal.failing()
        result, failed, busy = None, True, False
        try:
            result = do()
            failed = False
            self.journal.works(name)
        except Busy:
            busy = True
        except Exception as error:  # whatever it is, the agent goes on
            self.journal.failed(name, str(error) or repr(error))
        return {
            "result": result,
            "failed": failed,
            "busy": busy,
            "held": self.held.given(since),
            "journal": self.journal.given(known),
            "kept": {key: getattr(self, key) for key in self.KEPT} if name == self.name else {},
        }

    def tried(self, what: str, do: Callable[[], T]) -> T | None:
        """Return what `do` returns. Return None if it fails: the journal says so, and the turn goes on."""
        try:
            found = do()
        except Exception as error:
            self.journal.failed(what, str(error) or repr(error))
            return None
        self.journal.works(what)
        return found

    def running(self) -> Running:
        """What the node has to run."""
        return self.held.running(self.store)

    def generation(self) -> Generation:
        """The generation that the node has to run."""
        return self.running().generation

    def context(self, generation: Generation) -> Context:
        """What a subsystem is given to hold the node to its generation."""
        return Context(generation, generation, self.store)
