# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what a VPN has its org edges do to reach each other: tunnels, links and the routes into them."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..._base.prefix import Prefix, collapse, parse_address
from ..._intent.landscape.bgp import Bgp, Inside, Second
from ..._intent.landscape.hosts import OrgEdge
from ..tunnel.kind import Section
from ..tunnel.kinds import KINDS
from .documents import ANY_ADDRESS, Compiled, Document
from .lanes import lane_of, of_tunnel
from .leased_vpn import texts
from .reach import Link, Links, Reach, second_name

HOLD = 30
"""Seconds after which a BGP session without a word is dead. Where there is BFD, that is noticed long before."""


def compile_links(
    links: Links, entries: Mapping[str, dict[str, Any]], compiled: Compiled, only: Collection[str] | None = None
) -> None:
    """Add a VPN's tunnels to the documents of its org edges; ``entries`` are those that the VPN has there, by edge.

    ``only``: the sites whose tunnels are compiled, None for all.
    """
    for edge, entry in entries.items():
        if only is None or links.leased.home(edge) in only:
            _EdgeLinks(links, edge, entry, compiled).compile()


def size_links(links: Links, entries: Mapping[str, dict[str, Any]]) -> None:
    """Say in a VPN's entries how large packets may be, as compile_links does."""
    for edge, entry in entries.items():
        for link in links.of(edge):
            _size(entry, link)


def _size(entry: dict[str, Any], link: Link) -> None:
    entry["mtu"] = min(link.mtu, entry.get("mtu", link.mtu))
    entry["mss"] = min(link.mss, entry.get("mss", link.mss))


class _EdgeLinks:
    """Adds the links of one VPN that end at one org edge to its document."""

    def __init__(self, links: Links, edge: str, entry: dict[str, Any], compiled: Compiled) -> None:
        self.links, self.leased, self.vpn, self.entry = links, links.leased, links.vpn, entry
        self.kind = KINDS[self.vpn.tunnel]
        self.own: OrgEdge = self.leased.edge(edge)
        self.document: Document = compiled.documents[edge]
        self.source = self.leased.edge_address(self.leased.home(edge))
        self.tunnels = compiled.tunnels.setdefault(edge, {})
        self.remote: list[Prefix] = []
        self.anchored: set[tuple[str, ...]] = set()
        there = [Prefix.parse(entry["address"]) for entry in self.document["addresses"] if "backend" in entry]
        own = parse_address(self.source)
        self.held = sorted({own.first, *(one.first for one in there if one.family == own.family)})

    def compile(self) -> None:
        """All of them."""
        for link in self.links.of(self.own.name):
            self._link(link)
        self.entry["remote"] = texts(collapse(self.remote))

    def _link(self, link: Link) -> None:
        own, entry = self.own, self.entry
        here = 0 if link.ends[0] is own else 1
        peer, local, remote = link.ends[1 - here], link.behind[here], link.behind[1 - here]
        of_tunnel, of_link = self.links.sections(link, own, peer)
        tunnel = self.tunnels.get(link.tunnel)
        if tunnel is None:
            tunnel = self.tunnels[link.tunnel] = self._tunnel(link, peer, of_tunnel)
            self.document["tunnels"].append(tunnel)
            self.document.update(self.kind.edge(self.vpn))
        whole = {
            "vpn": self.vpn.name,
            "number": self.leased.number,
            "mtu": link.mtu,
            "mss": link.mss,
            **of_link,
        }
        if peer.bgp:
            self._route_based(tunnel, whole, peer.bgp, peer.bgp.inside, local, remote)
            if peer.bgp.second:
                self._second(link, tunnel, whole, peer.bgp, peer.bgp.second)
        else:
            self._policy_based(tunnel, whole, peer, link, here)
        _size(entry, link)
        if self.leased.twins and lane_of(self.leased, peer.name):  # that to the home edge says where routes lead
            return
        if not peer.bgp:
            into = {"tunnel": self.vpn.name, "source": self.source, **self.kind.route(link.tunnel)}
            into |= {"site": peer.name} if peer.name in self.leased.twins else {}
            self.document["routes"] += [{"prefix": prefix, **into} for prefix in (*remote.texts, *texts(remote.moved))]
        self.remote += [*remote.blocks, *remote.moved]
        if self.links.passes_on(*(link.sites if here == 0 else link.sites[::-1])):
            entry["through"] = True

    def _policy_based(
        self, tunnel: dict[str, Any], whole: dict[str, Any], peer: OrgEdge, link: Link, here: int
    ) -> None:
        """CHILD_SAs with what is behind both ends as selectors."""
        local, remote = link.behind[here], link.behind[1 - here]
        split = peer.profile is not None and peer.profile.one_pair
        tunnel["links"] += _children(whole, None, local.texts, remote.texts, split)
        for name, ts in link.for_moved(self.vpn.name):
            tunnel["links"] += _children(whole, name, ts[here], ts[1 - here], split)
        self._anchor(local)

    def _route_based(
        self, tunnel: dict[str, Any], whole: dict[str, Any], bgp: Bgp, inside: Inside, local: Reach, remote: Reach
    ) -> None:
        """One CHILD_SA for everything, with a device of its own. The document has as selectors what BGP may say.

        They are what the firewall lets through, too: the gateway holds neither end to them.
        """
        number, profile = self.leased.number, self.leased.edges[tunnel["peer"]].profile
        device = f"vcc{number}p{inside.lane:04x}"
        tunnel["bgp"] = {
            "device": device,
            "if_id": number | inside.lane << 16,
            "local": inside.ours,
            "peer": inside.theirs,
            "length": inside.length,
            "local_asn": bgp.our_asn,
            "peer_asn": bgp.asn,
            "bfd": bgp.bfd,
            "md5": bgp.md5,
            "maximum": bgp.maximum,
            "hold": HOLD if profile is None or profile.bgp is None else profile.bgp.hold or HOLD,
            "source": self.source,
        }
        here, there = ([*one.texts, *texts(one.moved)] for one in (local, remote))
        tunnel["links"] += _children(whole, None, here, there, False)
        self.entry.setdefault("partner_devices", []).append(device)

    def _second(self, link: Link, first: dict[str, Any], whole: dict[str, Any], bgp: Bgp, second: Second) -> None:
        """The tunnel to a partner's other endpoint: like the first one, and both are up. BGP chooses."""
        here = 0 if link.ends[0] is self.own else 1
        tunnel = {
            **{key: value for key, value in first.items() if key != "by_name"},
            "name": second_name(link.tunnel),
            "remote_address": second.public,
            "remote_id": second.identity,
            "links": [],
        }
        self._route_based(tunnel, whole, bgp, second.inside, link.behind[here], link.behind[1 - here])
        for one, other in ((first, tunnel), (tunnel, first)):
            one["bgp"]["twin"] = other["name"]
        self.document["tunnels"].append(tunnel)

    def _tunnel(self, link: Link, peer: OrgEdge, section: Section) -> dict[str, Any]:
        """The tunnel in the document, still without links."""
        own, external = self.own, peer.external
        # A gateway that is known by its address knows us by ours, too; ours stays what our certificate says.
        by_address = peer.profile is not None and peer.profile.by_address
        return {
            "name": link.tunnel,
            "peer": peer.name,
            **(of_tunnel(self.leased, peer.name) if self.leased.twins else {}),
            **({"external": True, "public_address": own.public[link.outer]} if external else {}),
            **({"gateway": external.gateway} if external and external.gateway else {}),
            "initiator": link.starts == own.name,
            # Behind a NAT it is the route that tells which of the edge's own addresses is meant.
            "local_address": ANY_ADDRESS if own.behind_nat else own.public[link.outer],
            "remote_address": peer.public[link.outer],
            **({"by_name": True} if peer.host else {}),
            "local_id": own.public[link.outer] if by_address else own.identity,
            **({"identity": own.identity} if by_address else {}),
            "remote_id": peer.identity,
            **section,
            "links": [],
            **({} if peer.reachable else {"peer_behind_nat": True}),
            **({"peer_forwarded": True} if external and peer.behind_nat else {}),
        }

    def _anchor(self, local: Reach) -> None:
        """Have the edge hold an address in each of its links' local selectors, where it has none.

        strongSwan's userspace backend refuses selectors without one (before 5.9.12). Nobody else has such an address:
        usually it is the first of a block, and the firewall lets nothing to it.
        """
        if local.sites in self.anchored:
            return
        self.anchored.add(local.sites)
        taken = self.links.taken
        for prefix in local.prefixes:
            at = bisect_left(self.held, prefix.first)
            if at == len(self.held) or self.held[at] > prefix.last:
                free = next((offset for offset in range(prefix.size) if prefix.first + offset not in taken), None)
                if free is None:  # full to the last address; only that backend, and only before 5.9.12, minds
                    continue
                address = self.leased.host(prefix.address(free))
                self.document["addresses"].append({"address": address, "device": "lo", "backend": "libipsec"})
                self.held.insert(at, prefix.first + free)


def _digest(local: Sequence[str], remote: Sequence[str]) -> str:
    """What tells a pair of selectors from others in a name. A VPN has few pairs: 32 bits do."""
    return hashlib.sha256(f"{local[0]} {remote[0]}".encode()).hexdigest()[:8]


def _children(
    whole: dict[str, Any], name: str | None, local: Sequence[str], remote: Sequence[str], split: bool
) -> list[dict[str, Any]]:
    """The CHILD_SAs for some selectors: one, or one per pair. The first has the VPN's name if ``name`` is None.

    The names of the others follow from their selectors: a pair that comes or goes leaves all others up, and as the
    partner's administrator knows them.
    """
    pairs = [([one], [other]) for one in local for other in remote] if split else [(local, remote)]
    names = [name, *(f"{name or whole['vpn']}++{_digest(one, other)}" for one, other in pairs[1:])]
    return [
        {**whole, **({} if own is None else {"name": own}), "local_ts": one, "remote_ts": other}
        for own, (one, other) in zip(names, pairs)
    ]
