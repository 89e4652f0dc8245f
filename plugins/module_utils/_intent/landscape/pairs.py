# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: pairs: two org edges that serve one site (docs/pairs.md), and what both of them must agree on.

A site has the name of its *home edge*: the edge that addresses are leased to, else the first of the two by name. So an
edge that gets a second one beside it renumbers no member.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..._base.prefix import parse_address
from ..._base.problems import Problems
from ..paths import of_host
from .external import is_external
from .facts import organization_of
from .hosts import OrgEdge

VARIABLE, OWN, VRRP = "vcc_site", "vcc_own_org_address", "vcc_vrrp_id"
VRRP_IDS = range(1, 256)
"""RFC 9568, 5.2.3."""
SIZE = 2
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")

Leased = Callable[[str], Collection[str]]
"""The sites of an organization that addresses are leased to, by its name."""


def no_site(_organization: str) -> Collection[str]:
    """Of an organization that has leased nothing."""
    return ()


class Pairs:
    """Which org edges serve which site. ``current``: the hosts of this run's inventory.

    Where this inventory has two edges of a site, these are all. Else the remembered ones count, too: an inventory that
    lacks one ends no pair, as long as the other one names the site.
    """

    def __init__(self, hosts: Mapping[str, Mapping[str, Any]], current: Collection[str], leased: Leased) -> None:
        self._hosts, self._leased = hosts, leased
        every: dict[tuple[str, str], list[str]] = {}
        for name, facts in sorted(hosts.items()):
            if "org_edges" in facts["kinds"] and facts["vars"].get(VARIABLE):
                every.setdefault((organization_of(facts), str(facts["vars"][VARIABLE])), []).append(name)
        self._sites: dict[tuple[str, str], list[str]] = {}
        self._homes: dict[str, str] = {}
        self._twins: dict[str, str] = {}
        for place, names in every.items():
            there = [name for name in names if name in current]
            edges = there if len(there) >= SIZE else names
            self._sites[place] = edges
            if not self._wrong(place, edges) and len(edges) == SIZE:
                held = leased(place[0])
                edges.sort(key=lambda name: (name not in held, name))
                self._homes.update(dict.fromkeys(edges, edges[0]))
                self._twins[edges[0]] = edges[1]

    def home(self, edge: str) -> str:
        """The home edge of an edge's site: the site's name."""
        return self._homes.get(edge, edge)

    def twin(self, site: str) -> str | None:
        """The second edge of a site, by its home edge."""
        return self._twins.get(site)

    def site(self, organization: str, name: str) -> str | None:
        """The site that an organization calls by this name (``vcc_site``)."""
        edges = self._sites.get((organization, name))
        return self.home(edges[0]) if edges and not self._wrong((organization, name), edges) else None

    def wrong(self, edge: str) -> str | None:
        """Why an edge cannot serve the site that it names, if that is so."""
        facts = self._hosts[edge]
        said, organization = facts["vars"].get(VARIABLE), organization_of(facts)
        name = str(said)
        if said is not None and (not isinstance(said, str) or not _NAME.fullmatch(said)):
            return f"must be a name of letters, digits, dots, hyphens and underscores, not {said!r}"
        edges = self._sites.get((organization, name), [])
        if edge not in edges:
            return None
        wrong = self._wrong((organization, name), edges)
        if wrong is None and len(edges) == SIZE and {*edges} <= {*self._leased(organization)}:
            wrong = (
                f"{' and '.join(edges)} both have addresses leased, each as a site of its own, and a pair is one site: "
                f"delete the VPNs of one of the two first, or take {VARIABLE} away"
            )
        return wrong

    def _wrong(self, site: tuple[str, str], edges: list[str]) -> str | None:
        organization, name = site
        if len(edges) > SIZE:
            return f"{name} is the site of {', '.join(edges)}; a site has one org edge or two"
        clouds = {edge: ", ".join(self._hosts[edge]["clouds"]) for edge in edges}
        if len({*clouds.values()}) > 1:
            there = " and ".join(f"{edge} is in {cloud or 'none'}" for edge, cloud in clouds.items())
            return f"both edges of the site {name} must be in one cloud, and {there}"
        if name in self._hosts and name not in edges and organization_of(self._hosts[name]) == organization:
            return f"{name} is the name of a host, too; give the site another name"
        external = [edge for edge in edges if is_external(self._hosts[edge]["vars"])]
        if external and len(edges) == SIZE:
            return f"{external[0]} is external, and a pair is of two edges of ours; take {VARIABLE} away"
        return None


def check_alone(edge: OrgEdge, problems: Problems) -> None:
    """Note what an edge says that is only for pairs, where it names no site."""
    for variable, said in ((OWN, edge.own), (VRRP, edge.vrrp)):
        if said and edge.site is None:
            problems.add(
                of_host(edge.name, variable),
                "is for edges of a pair; name the site of both in vcc_site, or leave it out",
            )


def check_pair(home: OrgEdge, twin: OrgEdge, problems: Problems) -> None:
    """Note what two edges of a site do not agree on, or lack."""
    for variable, one, other in (
        ("vcc_org_address", home.inside, twin.inside),
        ("vcc_org_network", sorted(home.networks), sorted(twin.networks)),
        (VRRP, home.vrrp, twin.vrrp),
    ):
        if one != other:
            problems.add(
                of_host(twin.name, variable),
                f"is another than that of {home.name}: both edges of the site {home.site} have the same {variable}",
            )
    for edge in (home, twin):
        path = of_host(edge.name, OWN)
        for family, gateway in sorted(edge.inside.items()):
            own = edge.own.get(family)
            if own is None:
                problems.add(
                    path,
                    f"is missing for IPv{family}: the address that {edge.name} has itself on the org network; "
                    f"{gateway} (vcc_org_address) is that of the edge of the pair that is in use",
                )
            elif parse_address(own) == parse_address(gateway):
                problems.add(
                    path, f"{own} is the gateway address of both edges (vcc_org_address); give the edge one of its own"
                )
        if edge.dhcp is not None:
            problems.add(of_host(edge.name, "vcc_dhcp"), f"is not yet for edges of a pair ({home.site}); leave it out")


def vrrp_id(edge: OrgEdge) -> int:
    """The number of a pair's virtual router, the same on both edges."""
    digest = hashlib.sha256(f"{edge.organization}/{edge.site}".encode()).digest()
    return edge.vrrp or VRRP_IDS[int.from_bytes(digest[:4], "big") % len(VRRP_IDS)]
