# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what a kind of tunnel has to say for itself: names, its own part of the documents, limits.

All that follows from who reaches whom (links, selectors, routes, firewall) is compiled without knowing the kind. A kind
is one class in a file of its own beside this one, named in ``kinds.KINDS``; what the intent may say of it is in
``_intent/tunnel.py``. docs/tunnels.md holds the kinds side by side.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from ..._base.problems import Problems
from ..._intent.landscape.hosts import OrgEdge
from ..._intent.policy.policy import Policy
from ..._intent.topology.kinds import Pair
from ..._intent.vpn import Vpn

Section = dict[str, Any]


@lru_cache(maxsize=10000)
def fit(edge: str) -> str:
    """An edge's name, fit for file names and swanctl."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", edge)


class Kind(ABC):
    """A kind of tunnel. It has no state: what it is asked about is handed to it."""

    NAME: ClassVar[str]
    """Its word in the intent."""
    SUFFIX: ClassVar[str] = ""
    """What its tunnels' names end with, so that tunnels of several kinds between the same edges are told apart."""
    PORTS: ClassVar[str]
    """What a firewall or NAT in front of an edge has to let in."""
    PPK: ClassVar[bool] = False
    """Whether a PPK can be mixed into its keys; where it cannot, policies that require one are refused."""
    AGREED: ClassVar[str]
    """In words, what :meth:`agreed` compares."""

    def tunnel_name(self, pair: Pair) -> str:
        """The name of the tunnel between two edges, the same on both ends and fit for file names and swanctl."""
        low, high = sorted(pair)
        return f"{fit(low)}--{fit(high)}{self.SUFFIX}"

    @abstractmethod
    def tunnel(self, vpn: Vpn, name: str, own: OrgEdge, peer: OrgEdge, starts: bool) -> Section:
        """The kind's own part of a tunnel's entry in the document of ``own``; ``vpn`` is any of those that share it.

        ``starts``: whether it is ``own`` that initiates.
        """

    @abstractmethod
    def link(self, vpn: Vpn, own: OrgEdge, peer: OrgEdge, starts: bool) -> Section:
        """The kind's own part of a link's entry."""

    def alike(self, own: OrgEdge, peer: OrgEdge) -> Hashable:
        """What of the edges its sections depend on. None: on all of them, so that no two tunnels have the same ones."""
        return None

    def edge(self, vpn: Vpn) -> Section:
        """What the document of an edge that has tunnels of the kind says besides."""
        return {}

    def route(self, name: str) -> Section:
        """What a route of a VPN into the tunnel ``name`` says besides."""
        return {}

    def firewall(self) -> Section:
        """What a VPN's entry in ``vpns`` of an org edge says besides."""
        return {}

    @abstractmethod
    def mtu(self, vpn: Vpn, one: OrgEdge, other: OrgEdge, outer_family: int) -> int:
        """The largest inner packet of a link between two edges, in octets."""

    @abstractmethod
    def agreed(self, policy: Policy, options: Mapping[str, str]) -> tuple[object, ...]:
        """What all VPNs that share a tunnel have to agree on."""

    @abstractmethod
    def check(self, vpn: Vpn, problems: Problems) -> None:
        """Note what the VPN asks for and this kind cannot do."""

    @abstractmethod
    def check_ends(self, vpn: Vpn, one: OrgEdge, other: OrgEdge, problems: Problems) -> None:
        """Note what keeps two edges from having a tunnel of this kind."""

    @abstractmethod
    def check_together(self, vpns: Sequence[Vpn], problems: Problems) -> None:
        """Note what VPNs of one organization, all with tunnels of this kind, cannot ask for beside each other."""

    @abstractmethod
    def describe(self, end: Mapping[str, Any]) -> str:
        """A tunnel's settings in a line of the plan's difference, of its entry in a document."""

    @abstractmethod
    def describe_link(self, link: Mapping[str, Any]) -> str:
        """A link's settings, likewise."""
