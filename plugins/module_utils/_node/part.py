# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface that every subsystem of a node has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .document import Change, Generation
from .metrics import repairs
from .state import Store

RESIDENT = False  # whether this process is the resident agent: then no subsystem starts, stops or removes the agent


@dataclass(frozen=True)
class Context:
    """What a subsystem is given: the generation wanted, the one the node had, and the node's memory."""

    want: Generation
    have: Generation
    store: Store
    check: bool = False  # check mode: tools that the real run would have installed may be missing
    boot: bool = False  # before strongSwan starts: whoever waited for it would wait for ever


class Part:
    """One subsystem: it compares what is loaded with what is wanted, and converges the one to the other.

    Undoing is converging to the previous generation: there is no second code path for it.
    """

    name = ""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.want = context.want
        self.have = context.have
        self.store = context.store
        self.check = context.check
        self.boot = context.boot

    def problems(self) -> list[str]:
        """What is wrong with the wanted state, found out without touching the node."""
        return []

    def changes(self) -> list[Change]:
        """What `build` and `clear` would do."""
        return []

    def notes(self) -> list[str]:
        """What the administrator may want to know of the wanted state, and what hinders nothing."""
        return []

    def prepare(self) -> None:
        """Find out what `build` needs to know. Called before the first of all `build`, where that takes time."""

    def build(self) -> None:
        """Make what is missing, and change what differs. Called in the order that fails closed."""

    def clear(self) -> None:
        """Remove what is no longer wanted. Called in reverse order, after every `build`."""


def put_back(kinds: Iterable[type[Part]], generation: Generation, store: Store) -> list[str]:
    """Repair what differs of some subsystems; what was done, in words. The caller holds the store's lock."""
    done = []
    for kind in kinds:
        part = kind(Context(generation, generation, store))
        lost = [change.action for change in part.changes()]
        if lost:
            part.build()
            part.clear()
            repairs.note(store, part.name)
        done += [f"lost: {part.name}: {action}: put back" for action in lost]
    return done
