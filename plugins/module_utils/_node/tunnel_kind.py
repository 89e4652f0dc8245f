# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind of tunnel does on a node, beside the parts of a commit that are its own.

A kind is one class in a file of its own, named in ``_kinds.KINDS``. Nothing else on the node knows how a tunnel of it
is brought up, looked at and kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import ClassVar, NamedTuple

from .document import Document, Generation
from .state import Store

# A link works while it is being rekeyed; to initiate it then would make a second one that nobody asked for.
UP = ("INSTALLED", "REKEYING", "UPDATING")
UNKNOWN = "UNKNOWN"
"""The daemon runs and does not answer."""


class Tended(NamedTuple):
    """What was done, in words, and the `states` of all links afterwards."""

    done: list[str]
    links: list[Document]


class NodeKind(ABC):
    """A kind of tunnel on a node."""

    NAME: ClassVar[str]

    def __init__(self) -> None:
        self.remembered: dict[str, float] = {}  # what `initiate` has to know the next time; plain data

    @abstractmethod
    def states(self, generation: Generation, store: Store) -> list[Document]:
        """Every link of a generation: vpn, tunnel, whether this end is its `initiator`, and its state (`UP` or not).

        `NARROWED` is one that carries other addresses than the document's (the peer has another generation), `DOWN`
        one that is not there.
        """

    @abstractmethod
    def initiate(self, link: Document, timeout: float, store: Store, patient: bool) -> str:
        """Bring one link up. Returns why it does not come up; empty if it does.

        `patient`: the peer may not have its generation yet, so whatever else the tunnel carries is left alone if it
        refuses.
        """

    def unmet(self, names: Collection[str], generation: Generation, store: Store) -> list[str]:
        """Those of some tunnels of which this node has nothing at all. Empty where the node cannot tell."""
        return []

    def given_up(self, lost: Mapping[str, float], generation: Generation, store: Store, check: bool) -> list[str]:
        """End what this node takes for up although its peer has lost it; returns the tunnels.

        `lost`: tunnels that this node initiates, and how many seconds ago the peer had nothing of each. What came up
        since then stays. With `check`, nothing is ended.
        """
        return []

    @abstractmethod
    def settle(self, generation: Generation, timeout: float, store: Store) -> None:
        """When all ends of a run are where they shall be and links are up: make what came up by a detour straight."""

    @abstractmethod
    def tend(self, generation: Generation, store: Store) -> Tended:
        """Mend, every few seconds, what does not mend itself, and see how links are then.

        The caller holds the store's lock, so nothing here may wait for long.
        """

    @abstractmethod
    def observe(self, generation: Generation, store: Store) -> Document:
        """What there is to see, as node_info returns it. Every kind has keys of its own."""

    @abstractmethod
    def reasons(self, tunnels: Iterable[Document]) -> dict[str, list[Document]]:
        """{tunnel: [{text, time (ISO 8601, UTC)} ...]}, oldest first: why they are down."""
