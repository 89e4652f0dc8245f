# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the links of a VPN, as both ends see them: who starts, what fits, what lies behind each end."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from ..._base.prefix import Prefix, collapse, without
from ..._intent.landscape.external import External
from ..._intent.landscape.hosts import OrgEdge
from ..._intent.topology.kinds import Pair, initiator
from ..topology.ways import next_hops
from ..tunnel.kind import Section, fit
from ..tunnel.kinds import KINDS
from .inputs import is_mesh
from .leased_vpn import LeasedVpn, texts
from .mtu import link_mss

AUTH = {"psk": "pre-shared key", "pubkey": "certificate"}


class Reach(NamedTuple):
    """What lies behind one end of a link: the ``blocks`` of ``sites``; ``prefixes``: those, and the networks there that
    are destinations. A thousand links of a mesh share one.

    ``astray``: the addresses of members that came from other sites, in whose blocks they still are; ``moved``: those
    that are in none of the ``blocks``.
    """

    sites: tuple[str, ...]
    blocks: list[Prefix]
    prefixes: list[Prefix]
    texts: list[str]
    astray: list[Prefix]
    moved: list[Prefix]


class Link(NamedTuple):
    """``tunnel`` is its name; ``ends`` are its edges and ``behind`` what lies behind each, in the order of their names.

    ``starts``: the end that initiates. ``outer``: the IP version outside. ``mtu`` and ``mss`` are octets. ``sites`` are
    those of the ends: where one has two edges, there are as many links, and the same lies behind all of them.
    """

    tunnel: str
    ends: tuple[OrgEdge, OrgEdge]
    behind: tuple[Reach, Reach]
    starts: str
    outer: int
    mtu: int
    mss: int
    sites: tuple[str, str]

    def for_moved(self, vpn: str) -> Iterator[tuple[str, tuple[list[str], list[str]]]]:
        """Further links beside it, for the members that moved to either end: name, and the selectors of both ends.

        They are more specific than those of where the members were, and so they win. The links that are there stay as
        they are, and nobody else notices. Two who both moved have one that names both exactly: else that to the home
        of the one would be as good as that to the other.
        """
        one, other = self.behind
        here, there = map(fit, self.sites)
        if one.moved:
            yield f"{vpn}+{here}", (texts(one.moved), other.texts)
        if other.moved:
            yield f"{vpn}+{there}", (one.texts, texts(other.moved))
        if (one.moved or other.moved) and one.astray and other.astray:
            yield f"{vpn}+{here}+{there}", (texts(one.astray), texts(other.astray))


class Links:
    """All links of a VPN. Each is worked out when it is asked for first: most runs ask for few."""

    def __init__(self, leased: LeasedVpn) -> None:
        self.leased, self.vpn = leased, leased.vpn
        self._kind = KINDS[self.vpn.tunnel]
        self._mesh = is_mesh(self.vpn)
        self._links: dict[Pair, Link] = {}
        self._reaches: dict[tuple[str, ...], Reach] = {}
        self._fits: dict[tuple[object, ...], tuple[int, int]] = {}
        self._words: dict[int, tuple[str, str, str]] = {}  # of sections that are kept
        self._sections: dict[Any, tuple[Section, Section]] = {}
        self._pairs: dict[str, list[Pair]] | None = None
        self._beyond: dict[Pair, list[str]] | None = None

    @cached_property
    def tunnels(self) -> list[str]:
        """The names of the tunnels, in the order of the VPN's pairs of edges."""
        return [self._kind.tunnel_name(pair) for pair in self.leased.edge_pairs]

    @cached_property
    def seconds(self) -> list[str]:
        """The names of the tunnels to partners' second endpoints."""
        twice = {site for site, edge in self.leased.edges.items() if edge.bgp and edge.bgp.second}
        return [second_name(link.tunnel) for link in self.touching(twice)] if twice else []

    @cached_property
    def taken(self) -> set[int]:
        """The leased addresses, as numbers."""
        return {lease.prefix.first for lease in self.leased.leases.values() if lease.kind == "address"}

    def sections(self, link: Link, own: OrgEdge, peer: OrgEdge) -> tuple[Section, Section]:
        """What the kind of tunnel says of a tunnel, and of a link in it, at the end ``own``. Nobody changes these:
        a thousand tunnels of a mesh share a few."""
        starts = link.starts == own.name
        alike = self._kind.alike(own, peer)
        key = None if alike is None else (alike, starts)
        found = self._sections.get(key)
        if found is None:
            kind, vpn = self._kind, self.vpn
            found = kind.tunnel(vpn, link.tunnel, own, peer, starts), kind.link(vpn, own, peer, starts)
            if key is not None:
                self._sections[key] = found
        return found

    def at(self, site: str) -> list[Link]:
        """Those that end at a site, in the order of the VPN's pairs of edges."""
        if self._pairs is None:
            self._pairs = {}
            homes = self.leased.homes
            for pair in self.leased.edge_pairs:
                for end in pair:
                    self._pairs.setdefault(homes.get(end, end), []).append(pair)
        return [self.link(pair) for pair in self._pairs.get(site, ())]

    def of(self, edge: str) -> list[Link]:
        """Those that end at an edge: of its site's, its own."""
        every = self.at(self.leased.home(edge))
        if not self.leased.twins:
            return every
        return [link for link in every if edge in (link.ends[0].name, link.ends[1].name)]

    def link(self, pair: Pair) -> Link:
        """The one between two edges."""
        found = self._links.get(pair)
        if found is None:
            found = self._links[pair] = self._made(pair)
        return found

    def touching(self, sites: Collection[str]) -> Iterator[Link]:
        """Those that end at one of some sites, each once."""
        edges = {*sites, *(twin.name for site, twin in self.leased.twins.items() if site in sites)}
        return (self.link(pair) for pair in self.leased.edge_pairs if pair[0] in edges or pair[1] in edges)

    def described(self, link: Link) -> tuple[str, str, str]:
        """The kind of a link's tunnel, the tunnel's settings and the link's, in words."""
        one, other = link.ends if link.starts == link.ends[0].name else link.ends[::-1]
        section, of_link = self.sections(link, one, other)
        found = self._words.get(id(section))
        if found is None:
            external = one.external or other.external
            kind = self.vpn.tunnel + (_of_external(external) if external else "")
            found = kind, self._kind.describe(section), self._kind.describe_link(of_link)
            if self._kind.alike(one, other) is not None:
                self._words[id(section)] = found
        return found

    def passes_on(self, site: str, peer: str) -> bool:
        """Whether a site is more than the end of the way for the peer of one of its links."""
        return not self._mesh and len(self.beyond.get((peer, site), ())) > 1

    @property
    def beyond(self) -> dict[Pair, list[str]]:
        """(site, neighbour) -> the sites that the one reaches over the other. Empty for a mesh: it is that one."""
        if self._beyond is None:
            self._beyond = {}
            for site, hops in {} if self._mesh else next_hops(self.vpn.sites, self.vpn.pairs).items():
                for other, hop in hops.items():
                    self._beyond.setdefault((site, hop), []).append(other)
        return self._beyond

    def _made(self, pair: Pair) -> Link:
        low, high = pair if pair[0] < pair[1] else (pair[1], pair[0])
        one, other = self.leased.edge(low), self.leased.edge(high)
        # A large mesh has many: the pair itself, where that says it.
        sites = pair if pair[0] == low and not self.leased.twins else (self.leased.home(low), self.leased.home(high))
        outer = 4 if 4 in one.public and 4 in other.public else min(set(one.public) & set(other.public))
        behind = self._reach(sites[0], seen_from=sites[1]), self._reach(sites[1], seen_from=sites[0])
        mtu, mss = self._fitting(one, other, outer)
        tunnel = self._kind.tunnel_name((low, high))
        return Link(tunnel, (one, other), behind, self._initiator((low, high), one, other), outer, mtu, mss, sites)

    def _fitting(self, one: OrgEdge, other: OrgEdge, outer: int) -> tuple[int, int]:
        """The largest packet and segment. A thousand links of a mesh share a few."""
        profile = one.profile or other.profile
        key = (one.underlay_mtu, other.underlay_mtu, one.mlkem, other.mlkem, outer, profile and profile.name)
        found = self._fits.get(key)
        if found is None:
            mtu = self._kind.mtu(self.vpn, one, other, outer)
            found = self._fits[key] = (mtu, link_mss(mtu, self.leased.family))
        return found

    def _reach(self, site: str, seen_from: str) -> Reach:
        """A site and all whom the way leads to over it.

        Of the sites that a link may carry to one end, each takes that link and no other from there: so the selectors of
        an edge's links never overlap, and as ways are the same in both directions, both ends have the same ones.
        """
        sites = (site,) if self._mesh else tuple(self.beyond.get((seen_from, site), (site,)))
        found = self._reaches.get(sites)
        if found is None:
            blocks = self._blocks(sites)
            behind = sites if self.vpn.destinations.networks else ()
            networks = sorted(prefix for other in behind for prefix in self.vpn.destinations.networks_of(other))
            every, moved = [*blocks, *networks], self.leased.moved
            astray = collapse(prefix for one in sites for prefix in moved.get(one, ())) if moved else []
            out = [one for one in astray if not any(block.contains(one) for block in blocks)]
            found = self._reaches[sites] = Reach(sites, blocks, every, texts(every), astray, out)
        return found

    def _blocks(self, sites: tuple[str, ...]) -> list[Prefix]:
        """The blocks of some sites. A leaf of a star reaches all sites but one: these are left out of what all have."""
        every = self._site_blocks
        if 2 * len(sites) < len(every):
            return collapse(block for site in sites for block in every.get(site, ()))
        others = every.keys() - set(sites)
        return without(self._every_block, [block for site in others for block in every[site]])

    @cached_property
    def _site_blocks(self) -> dict[str, list[Prefix]]:
        """Without those of partners that have no member: nobody has an address there."""
        bare = self.vpn.networks_only
        return {site: blocks for site, blocks in self.leased.site_blocks.items() if site not in bare}

    @cached_property
    def _every_block(self) -> list[Prefix]:
        return collapse(block for blocks in self._site_blocks.values() for block in blocks)

    @staticmethod
    def _initiator(pair: Pair, one: OrgEdge, other: OrgEdge) -> str:
        """The end that starts; of a tunnel to an external edge always ours, whose part it is to say that it is up."""
        if one.external or other.external:
            return other.name if one.external else one.name
        return initiator(pair, [edge.name for edge in (one, other) if not edge.reachable])


def second_name(tunnel: str) -> str:
    """The name of the tunnel to a partner's second endpoint, of the first one's."""
    return f"{tunnel}--2"


def _of_external(external: External) -> str:
    """An external edge's part of the kind of a tunnel."""
    said, bgp = f", external, {f'{external.gateway}, ' if external.gateway else ''}{AUTH[external.auth]}", external.bgp
    if bgp is None:
        return said
    also = f", and to {bgp.second.public} over {bgp.second.inside.theirs}" if bgp.second else ""
    return f"{said}, BGP with AS {bgp.asn} over {bgp.inside.theirs}{also}"
