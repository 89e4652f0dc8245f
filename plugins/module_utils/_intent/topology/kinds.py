# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: which sites a VPN joins by tunnels.

A topology turns a VPN's sites into pairs of sites. All that follows (ways, links, selectors, routes, firewall) is
compiled from the pairs and does not know which topology they came from. What the intent may say of one is in
``parser.py``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

Pair = tuple[str, str]
"""Two sites, sorted by name."""


def pair(one: str, other: str) -> Pair:
    """Two sites as a pair."""
    return (one, other) if one < other else (other, one)


class Topology(ABC):
    """A resolved topology: whatever was left to us in the intent is decided in it, and so it stays."""

    kind: ClassVar[str]

    @property
    def named(self) -> tuple[str, ...]:
        """The sites it names, with or without members."""
        return ()

    @abstractmethod
    def pairs(self, sites: Sequence[str]) -> list[Pair]:
        """The pairs of these sites that have a tunnel, sorted. ``sites`` are sorted, and hold all that are named."""

    def record(self) -> dict[str, Any]:
        """As plain data, as the ledger keeps it."""
        return {"kind": self.kind}

    def __str__(self) -> str:
        return self.kind


@dataclass(frozen=True)
class Mesh(Topology):
    """Every site with every other: n·(n-1)/2 tunnels, one hop between any two members."""

    kind = "mesh"

    def pairs(self, sites: Sequence[str]) -> list[Pair]:
        """All pairs."""
        return list(combinations(sites, 2))


@dataclass(frozen=True)
class Star(Topology):
    """Every site with every hub, and the hubs with each other."""

    hubs: tuple[str, ...]
    kind = "star"

    @property
    def named(self) -> tuple[str, ...]:
        """The hubs."""
        return self.hubs

    def pairs(self, sites: Sequence[str]) -> list[Pair]:
        """Those with a hub in them."""
        return sorted({pair(hub, site) for hub in self.hubs for site in sites if site != hub})

    def record(self) -> dict[str, Any]:
        """With its hubs."""
        return {"kind": self.kind, "hubs": list(self.hubs)}

    def __str__(self) -> str:
        return f"star around {' and '.join(self.hubs)}"


@dataclass(frozen=True)
class Chain(Topology):
    """Every site with the next one."""

    order: tuple[str, ...]
    kind = "chain"

    @property
    def named(self) -> tuple[str, ...]:
        """All sites."""
        return self.order

    def pairs(self, sites: Sequence[str]) -> list[Pair]:
        """Neighbours in the order given."""
        return sorted(pair(one, other) for one, other in zip(self.order, self.order[1:]))

    def record(self) -> dict[str, Any]:
        """With its order."""
        return {"kind": self.kind, "order": list(self.order)}

    def __str__(self) -> str:
        return f"chain {' -- '.join(self.order)}"


@dataclass(frozen=True)
class Tree(Topology):
    """Every site with its parent; one has none, the root. ``parents`` are (site, parent), sorted."""

    parents: tuple[tuple[str, str], ...]
    kind = "tree"

    @property
    def named(self) -> tuple[str, ...]:
        """All sites."""
        return tuple(sorted({site for entry in self.parents for site in entry}))

    def pairs(self, sites: Sequence[str]) -> list[Pair]:
        """Sites and their parents."""
        return sorted(pair(site, parent) for site, parent in self.parents)

    def record(self) -> dict[str, Any]:
        """With everybody's parent."""
        return {"kind": self.kind, "parents": dict(self.parents)}

    def __str__(self) -> str:
        roots = {parent for _site, parent in self.parents} - {site for site, _parent in self.parents}
        return f"tree below {' and '.join(sorted(roots))}"


@dataclass(frozen=True)
class Graph(Topology):
    """The pairs given."""

    links: tuple[Pair, ...]
    kind = "graph"

    @property
    def named(self) -> tuple[str, ...]:
        """The sites that have a link."""
        return tuple(sorted({site for link in self.links for site in link}))

    def pairs(self, sites: Sequence[str]) -> list[Pair]:
        """The pairs given."""
        return sorted(self.links)

    def record(self) -> dict[str, Any]:
        """With its links."""
        return {"kind": self.kind, "links": [list(link) for link in self.links]}

    def __str__(self) -> str:
        return f"graph of {len(self.links)} links"


KINDS = tuple(topology.kind for topology in (Mesh, Star, Chain, Tree, Graph))


def topology_from_record(record: Mapping[str, Any]) -> Topology:
    """The inverse of :meth:`Topology.record`."""
    kind = record["kind"]
    if kind == Star.kind:
        return Star(tuple(record["hubs"]))
    if kind == Chain.kind:
        return Chain(tuple(record["order"]))
    if kind == Tree.kind:
        return Tree(tuple(sorted(record["parents"].items())))
    if kind == Graph.kind:
        return Graph(tuple(sorted(pair(one, other) for one, other in record["links"])))
    return Mesh()


def initiator(ends: Pair, unreachable: Collection[str] = ()) -> str:
    """The end that starts the tunnel. Exactly one does: two leave duplicate SAs behind (strongSwan issue 1801).

    An end that is among the ``unreachable`` (behind a NAT) has to. Elsewhere it is decided by a checksum of the pair
    rather than by name order, so that in a large mesh the work of initiating is spread over the edges.
    """
    low, high = sorted(ends)
    if (low in unreachable) != (high in unreachable):
        return low if low in unreachable else high
    return low if sum(f"{low} {high}".encode()) % 2 == 0 else high
